"""Real recordings that ObsPy's wheel brings, and files made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import obspy

if TYPE_CHECKING:
    from types import ModuleType

_FOLDER = Path(obspy.__file__).parent
ULN_WAVEFORMS = _FOLDER / "core/tests/data/IU_ULN_00_LH1_2015-07-18T02.mseed"
ULN_STATION = _FOLDER / "core/tests/data/IU_ULN_00_LH1.xml"
BARE_WAVEFORMS = (
    _FOLDER / "io/mseed/tests/data/BW.BGLD.__.EHE.D.2008.001.first_10_records"
)
"""BW.BGLD, for which there is no StationXML."""


def fill(library: ModuleType, path: Path) -> None:
    """Write the recordings into a file, with pyasdf or with asdf_pipeline."""
    with library.ASDFDataSet(str(path)) as ds:
        ds.add_quakeml(obspy.read_events())
        event = ds.events[0]
        ds.add_waveforms(
            obspy.read(),
            tag="raw_recording",
            event_id=event,
            origin_id=event.origins[0],
            labels=["jochberg", "example"],
        )
        ds.add_waveforms(obspy.read(), tag="other", provenance_id="{http://a.org/}b")
        ds.add_waveforms(str(ULN_WAVEFORMS), tag="raw_recording")
        ds.add_waveforms(str(BARE_WAVEFORMS), tag="raw_recording")
        ds.add_stationxml(obspy.read_inventory().select(station="RJOB"))
        ds.add_stationxml(str(ULN_STATION))


def told(stream: obspy.Stream) -> list[tuple[Any, ...]]:
    """Return all that a stream says, for comparison; times in microseconds.

    pyasdf's times make a detour by floats, so that their last digits differ.
    """
    traces = []
    for trace in stream:
        asdf = trace.stats.get("asdf", {})
        ids = tuple(
            tuple(str(one) for one in asdf.get(f"{kind}_ids", ()))
            for kind in ("event", "origin", "magnitude", "focal_mechanism")
        )
        traces.append(
            (
                trace.id,
                round(trace.stats.starttime.ns / 1000),
                trace.stats.sampling_rate,
                trace.data.dtype.str,
                trace.data.tobytes(),
                asdf.get("tag"),
                ids,
                tuple(asdf.get("labels", ())),
                asdf.get("provenance_id"),
            )
        )
    return sorted(traces)
