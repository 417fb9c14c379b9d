"""One script, two imports: what runs with pyasdf gives the same here.

Every function below is such a script; it gets the imported module and a file, and
returns what it saw. It runs with pyasdf and with asdf_pipeline, on a file written by
either.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import obspy
import pyasdf
import pytest

import asdf_pipeline
from tests.dataset.recordings import fill, told

Script = Callable[[ModuleType, Path], Any]


def listing(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        seen = [
            Path(ds.filename).name,
            ds.waveforms.list(),
            len(ds.waveforms),
            sorted(ds.waveform_tags),
            "BW.RJOB" in ds.waveforms,
            "XX.NONE" in ds.waveforms,
            [name for name in dir(ds.waveforms) if "_" in name and name[0] != "_"],
            ds.asdf_format_version,
            ds.asdf_format_version_in_file,
            ds.filesize == path.stat().st_size,
            ds.pretty_filesize.split()[1].upper(),
        ]
        for station in ds.waveforms:
            seen += [
                station._station_name,
                station.list(),
                station.get_waveform_tags(),
                "StationXML" in station,
                "raw_recording" in station,
                "nothing" in station,
                {"StationXML", *station.get_waveform_tags()} & set(dir(station)),
            ]
    return seen


def waveforms(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        station = ds.waveforms["BW.RJOB"]
        one = station.list()[0]
        return [
            told(ds.waveforms.BW_RJOB.raw_recording),
            told(ds.waveforms["BW.RJOB"]["other"]),
            told(ds.waveforms.IU_ULN.raw_recording),
            told(ds.waveforms.BW_BGLD["raw_recording"]),
            told(station[one]),
            told(getattr(station, one)),
            told(ds.get_data_for_tag("BW.RJOB", "raw_recording")[0]),
            ds.get_data_for_tag("BW.BGLD", "raw_recording")[1],
            station.raw_recording[0].stats._format,
            station.raw_recording[0].stats.asdf.format_version,
        ]


def stations(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        inventory = ds.waveforms.BW_RJOB.StationXML
        response = inventory.get_response(
            "BW.RJOB..EHZ", obspy.UTCDateTime(2009, 8, 24)
        )
        channels = ds.waveforms.BW_RJOB.channel_coordinates
        return [
            inventory.get_contents(),
            response.instrument_sensitivity.value,
            ds.waveforms["IU.ULN"].StationXML.get_contents(),
            ds.waveforms.BW_RJOB.coordinates,
            {key: len(epochs) for key, epochs in channels.items()},
            [
                (epoch["latitude"], epoch["local_depth_in_m"], epoch["starttime"])
                for epoch in channels["BW.RJOB..EHZ"]
            ],
            ds.get_all_coordinates(),
            ds.get_data_for_tag("BW.RJOB", "raw_recording")[1].get_contents(),
        ]


def missing(library: ModuleType, path: Path) -> Any:
    seen = []

    def kind(ask: Callable[[], object]) -> None:
        try:
            ask()
        except (KeyError, AttributeError) as error:
            seen.append(type(error).__mro__)

    with library.ASDFDataSet(str(path), mode="r") as ds:
        bare = ds.waveforms.BW_BGLD
        kind(lambda: ds.waveforms["XX.NONE"])
        kind(lambda: ds.waveforms.XX_NONE)
        kind(lambda: bare["nothing"])
        kind(lambda: bare["StationXML"])
        kind(lambda: bare.StationXML)
        kind(lambda: bare["BW.BGLD..EHE__a__b__c"])
        caught = [len(seen), hasattr(bare, "StationXML"), hasattr(ds, "nothing")]
        with pytest.raises(library.WaveformNotInFileException):
            _ = bare.nothing
        with pytest.raises(library.ASDFException):
            _ = bare.coordinates
    return caught


def attributes(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        return [
            {
                name: {
                    # pyasdf's writing of times makes a detour by floats.
                    key: round(int(value) / 1000) if key == "starttime" else value
                    for key, value in here.items()
                }
                for name, here in station.get_waveform_attributes().items()
            }
            for station in ds.waveforms
        ]


def events(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        return [
            [str(event.resource_id) for event in ds.events],
            ds.events[0].origins[0].time,
            ds.events == obspy.read_events(),
        ]


def windows(library: ModuleType, path: Path) -> Any:
    start = obspy.UTCDateTime(2009, 8, 24, 0, 20, 3)
    with library.ASDFDataSet(str(path), mode="r") as ds:
        read = ds.get_waveforms
        return [
            # From between two samples to between two samples.
            told(read("BW", "RJOB", "", "EHZ", start + 1.005, start + 2.005, "other")),
            told(read("BW", "*", "*", "EH?", start - 9, start + 0.994, "raw*")),
            told(read("BW", "RJOB", "*", "*", start + 29.005, start + 99, "other")),
            told(read("B?,IU", "*", "*", "EHE,EHN", start, start + 99, "*")),
            told(read("*", "*", "*", "*", start + 99, start + 100, "other")),
            told(read("BW", "RJOB", "", "EHZ", start, start + 1.005, "other", False)),
            told(
                ds.waveforms.BW_RJOB.get_item(
                    "other", starttime=start + 20.005, endtime=start + 25.005
                )
            ),
        ]


def queries(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        q = ds.q
        event = ds.events[0]
        time = obspy.UTCDateTime(2009, 1, 1)
        asked = [
            [],
            [q.network == "B?"],
            [q.network != "B?"],
            [q.station == "RJOB,ULN"],
            [q.station == ["R*", "X"], q.channel == "*Z"],
            [q.location == "", q.tag == "other"],
            [q.location == "00"],
            [q.starttime >= time],
            [q.starttime > "2009-08-24T00:20:03"],
            [q.endtime < time, q.endtime > "2000-01-01"],
            [q.sampling_rate == 100.0],
            [q.sampling_rate < 10, q.npts >= 100],
            [q.npts != 3000],
            [q.npts <= 3000, q.npts > 100.5],
            [q.labels == "joch*"],
            [q.labels == ["nothing", "example"]],
            [q.labels != "joch*"],
            [q.labels == None],  # noqa: E711
            [q.event == event],
            [q.event == event.resource_id],
            [q.event == str(event.resource_id)],
            [q.event != event],
            [q.event == None],  # noqa: E711
            [q.origin == event.origins[0], q.channel == "EHE"],
            [q.magnitude == "smi:nothing"],
            [q.focal_mechanism == None],  # noqa: E711
            [q.latitude > 47, q.longitude < 13, q.elevation_in_m >= 860],
            [q.latitude < 47.8],
            [q.latitude == None],  # noqa: E711
            [q.latitude != None],  # noqa: E711
            [q.network == "XX"],
        ]
        return [
            [(one._station_name, one.list()) for one in ds.ifilter(*conditions)]
            for conditions in asked
        ] + [
            told(one.raw_recording)
            for one in ds.ifilter(q.channel == "EHZ", q.tag == "raw_recording")
        ]


def misuse_of_queries(library: ModuleType, path: Path) -> Any:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        for ask in (
            lambda: ds.q.network == None,  # noqa: E711
            lambda: ds.q.npts < None,
            lambda: ds.q.latitude >= None,
            lambda: ds.q.event == 3,
        ):
            with pytest.raises(TypeError):
                ask()
        with pytest.raises(ValueError):  # noqa: PT011 - pyasdf says nothing
            _ = ds.q.colour
    return True


def added_events(library: ModuleType, path: Path) -> Any:
    catalog = obspy.read_events()
    other = path.with_name(f"{library.__name__}.h5")
    with library.ASDFDataSet(str(other)) as ds:
        ds.events = catalog[0]
        ds.add_quakeml(catalog[1:])
        with pytest.raises(ValueError, match=r"20120404_0000041"):
            ds.add_quakeml(catalog[0])
        with pytest.raises(TypeError):
            ds.events = "no event"
        return [str(event.resource_id) for event in ds.events]


SCRIPTS: tuple[Script, ...] = (
    listing,
    waveforms,
    stations,
    missing,
    attributes,
    events,
    windows,
    queries,
    misuse_of_queries,
    added_events,
)


@pytest.fixture(
    scope="module", params=[pyasdf, asdf_pipeline], ids=lambda m: m.__name__
)
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a file of the recordings, written by one of the two."""
    path = tmp_path_factory.mktemp(request.param.__name__) / "example.h5"
    fill(request.param, path)
    return path


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_same_with_either_import(script: Script, written: Path) -> None:
    expected = script(pyasdf, written)
    assert expected
    assert script(asdf_pipeline, written) == expected


def test_both_write_the_same_content(tmp_path: Path) -> None:
    paths = [tmp_path / "peer.h5", tmp_path / "ours.h5"]
    fill(pyasdf, paths[0])
    fill(asdf_pipeline, paths[1])
    for reader in (pyasdf, asdf_pipeline):
        seen = [
            [script(reader, path) for script in (waveforms, attributes, events)]
            for path in paths
        ]
        assert seen[0] == seen[1]
        contents = [
            {
                name: contents["channels"]
                for name, contents in _inventories(reader, path).items()
            }
            for path in paths
        ]
        assert contents[0] == contents[1]


def _inventories(library: ModuleType, path: Path) -> dict[str, Any]:
    with library.ASDFDataSet(str(path), mode="r") as ds:
        return {
            station._station_name: station.StationXML.get_contents()
            for station in ds.waveforms
            if "StationXML" in station
        }
