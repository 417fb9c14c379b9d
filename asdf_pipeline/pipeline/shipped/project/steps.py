"""What is applied to every station: config/config.yaml names the function in here.

To try it on one station, with nothing written, once the data set is staged:

    asdf-pipeline try results/DATASET/staged.h5 --function steps.py:process
"""


def process(st, inv, *, output="VEL", water_level=60):
    """Return the stream that is written for a station, or None for nothing.

    `st` is the station's obspy.Stream, free to be changed; `inv` its obspy.Inventory,
    None where the station has no StationXML. Keyword arguments are the `parameters` of
    the configuration. An exception fails this station; the others go on.
    """
    if inv is None:
        return None
    st.detrend("linear")
    st.taper(max_percentage=0.05)
    st.remove_response(inventory=inv, output=output, water_level=water_level)
    return st
