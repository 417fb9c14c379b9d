"""Where a station is: of one that moved, where it was in the times of its waveforms."""

from __future__ import annotations

from pathlib import Path

import obspy
import pytest

from asdf_pipeline import ASDFDataSet, ASDFWarning
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.metadata.stationxml import coordinates_at, survey
from asdf_pipeline.plan.selection import Selection
from tests.container.made import trace, write

YEAR = 365 * 86400 * 10**9


def moved(*years: tuple[int | None, int | None], code: str = "ABC") -> bytes:
    """Return the StationXML of a station that was at latitude 0, 1, 2... in turn."""
    epochs = []
    for latitude, (start, end) in enumerate(years):
        dates = "" if start is None else f' startDate="{start}-01-01T00:00:00"'
        dates += "" if end is None else f' endDate="{end}-01-01T00:00:00Z"'
        epochs.append(
            f'<Station code="{code}"{dates}><Latitude>{latitude}</Latitude>'
            "<Longitude>20</Longitude><Elevation>30</Elevation>"
            "<Site><Name>here</Name></Site></Station>"
        )
    return (
        '<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.2">'
        "<Source>test</Source><Created>2020-01-01T00:00:00</Created>"
        f'<Network code="XX"><Station code="OTHER"/>{"".join(epochs)}</Network>'
        "</FDSNStationXML>"
    ).encode()


THREE = ((1990, 2000), (2000, 2010), (2010, None))


def at(year: int) -> int:
    return int(obspy.UTCDateTime(year, 6, 1).ns)


@pytest.mark.parametrize(
    ("first", "last", "latitude"),
    [
        (1995, 1996, 0.0),
        (1995, 2005, 1.0),
        (2005, 2006, 1.0),
        (2024, 2024, 2.0),
        (1980, 1981, 2.0),  # of no epoch: the newest
    ],
)
def test_the_epoch_of_the_waveforms_counts(
    first: int, last: int, latitude: float
) -> None:
    epochs = survey(moved(*THREE), "XX.ABC")
    assert len(epochs) == 3
    assert coordinates_at(epochs, (at(first), at(last))) == (latitude, 20.0, 30.0)
    assert coordinates_at(reversed(epochs)) == (2.0, 20.0, 30.0)


def test_epochs_without_dates_or_coordinates() -> None:
    epochs = survey(moved((None, None)), "XX.ABC")
    assert coordinates_at(epochs, (at(2000), at(2001))) == (0.0, 20.0, 30.0)
    document = moved(*THREE).replace(b"<Latitude>2<", b"<Latitude>****<")
    epochs = survey(document, "XX.ABC")
    assert coordinates_at(epochs) == (1.0, 20.0, 30.0)
    assert coordinates_at(epochs, (at(2020), at(2021))) == (1.0, 20.0, 30.0)


def test_a_station_that_moved_in_library_and_outcomes(tmp_path: Path) -> None:
    early, late = trace(start=at(1995)), trace(start=at(2005))
    path = write(tmp_path / "file.h5", early, late, stationxml=moved(*THREE))
    only = write(tmp_path / "early.h5", early, stationxml=moved(*THREE))
    for file, latitude in ((path, 1.0), (only, 0.0)):
        with Reader(file) as reader:
            assert reader.coordinates("XX.ABC") == (latitude, 20.0, 30.0)
            later = reader.coordinates("XX.ABC", (at(2020), at(2021)))
            assert later == (2.0, 20.0, 30.0)
        with ASDFDataSet(file, mode="r") as ds:
            assert ds.waveforms.XX_ABC.coordinates["latitude"] == latitude
            assert ds.get_all_coordinates()["XX.ABC"]["latitude"] == latitude
    with ASDFDataSet(path, mode="r") as ds:
        report = ds.process(
            process_function=lambda st, inv: st,
            output_filename=tmp_path / "out.h5",
            tag_map={"raw_recording": "processed"},
            selection=Selection(endtime=at(2000)),
            cpu_count=1,
        )
    (outcome,) = report.outcomes
    assert outcome.latitude == 0.0


def test_one_bad_station_is_left_out_of_all_coordinates(tmp_path: Path) -> None:
    path = write(tmp_path / "file.h5", trace(), stationxml=moved(*THREE))
    silent = moved((2000, None), code="DEF").replace(b"<Latitude>0</Latitude>", b"")
    write(path, trace(station="DEF"), stationxml=silent)
    with Writer.reopen(path) as writer:
        writer.write_stationxml("XX.GHI", b"<cut")
    with ASDFDataSet(path, mode="r") as ds, pytest.warns(ASDFWarning) as caught:
        assert set(ds.get_all_coordinates()) == {"XX.ABC"}
    said = sorted(str(one.message) for one in caught)
    assert len(said) == 2
    assert {one.filename for one in caught} == {__file__}
    write(path, trace(station="GHI"))
    with ASDFDataSet(path, mode="r") as ds:
        match = r"XX\.GHI .*without coordinates"
        with pytest.warns(ASDFWarning, match=match) as caught:
            near = [*ds.ifilter(ds.q.latitude > -1)]
        assert caught[0].filename == __file__
        assert [one._station_name for one in near] == ["XX.ABC"]
    assert "XX.DEF does not say where it is: left out" in said[0]
    assert "station XX.GHI cannot be used: not well-formed" in said[1]
