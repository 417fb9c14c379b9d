"""Every inventory file of ObsPy's packages, through staging and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import obspy
import pytest

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import InputError
from asdf_pipeline.stage.formats import find_format
from asdf_pipeline.stage.metadata import read_stations

DATA = Path(obspy.__file__).parent
PACKAGES = sorted(
    {
        str(path.relative_to(DATA).parent)
        for path in DATA.rglob("*")
        if path.is_file() and "data" in path.parts and "__pycache__" not in path.parts
    }
)

Epochs = dict[tuple[str, ...], list[Any]]

NO_STATION = {
    "io/seiscomp/tests/data/version0.*": "an empty SC3ML inventory",
    "io/stationtxt/tests/data/network_level_*": "networks alone",
    "io/stationxml/tests/data/full_network_field_station.xml": "a network alone",
    "io/stationxml/tests/data/minimal_*station*.xml": "a network alone",
    "io/stationxml/tests/data/no_default_namespace.xml": "a network alone",
    "io/stationxml/tests/data/version20.xml": "a network alone",
    "io/xseed/tests/data/dataless.seed.newline_between_blockettes": "none that is read",
}
"""What ObsPy reads and staging refuses, for it holds no station; and what it holds."""

FILLED = {"input_units", "output_units"}
FILLED |= {f"{name}_description" for name in FILLED} | {"number"}
"""What ObsPy's writer and reader of StationXML fill in where it is None: units, from
the stages beside; the numbers of poles and coefficients, by their order."""

NO_RATIO = {"sample_rate_ratio_number_samples", "sample_rate_ratio_number_seconds"}
"""Not written by ObsPy where SC3ML has 0 samples in 0 s, which is no ratio."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", PACKAGES)
def test_channels_epochs_and_responses_come_back(package: str, tmp_path: Path) -> None:
    for path in sorted((DATA / package).iterdir()):
        if path.is_file() and (name := find_format("inventory", path)):
            compare(path, name, tmp_path / "file.h5")


def compare(path: Path, format_name: str, output: Path) -> None:
    relative = path.relative_to(DATA)
    try:
        known = obspy.read_inventory(str(path), format=format_name)
    except Exception:  # noqa: BLE001 - whatever ObsPy raises for what it cannot read
        with pytest.raises(InputError, match=path.name):
            list(read_stations([path]))
        return
    if not any(len(network) for network in known):
        assert any(relative.match(form) for form in NO_STATION), relative
        with pytest.raises(InputError, match="holds no station"):
            list(read_stations([path]))
        return
    with Writer.create(output) as writer:
        names = []
        for station, document in read_stations([path]):
            writer.write_stationxml(station, document)
            names.append(station)
    expected, found = epochs_of(known), {}
    with Reader(output) as reader:
        for station in names:
            inventory = reader.inventory(station, lazy=False)
            assert inventory is not None
            found |= epochs_of(inventory)
    output.unlink()
    assert found.keys() == expected.keys(), relative
    for key, channels in expected.items():
        # The same twice is kept once.
        assert len(found[key]) == 1, (relative, key)
        assert not differences(channels[0], found[key][0]), (relative, key)


def epochs_of(inventory: obspy.Inventory) -> Epochs:
    """Return the channels of an inventory by codes and epochs."""
    epochs: Epochs = {}
    for network in inventory:
        for station in network:
            for channel in station:
                key = (
                    *(network.code, station.code, str(station.start_date)),
                    *(channel.location_code, channel.code),
                    *(str(channel.start_date), str(channel.end_date)),
                )
                epochs.setdefault(key, []).append(channel)
    return epochs


def differences(one: Any, other: Any, where: str = "channel") -> list[str]:
    """Return where two objects of an inventory differ."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return [f"{where}: {len(one)} and {len(other)}"]
        return [
            line
            for number, (a, b) in enumerate(zip(one, other, strict=True))
            for line in differences(a, b, f"{where}[{number}]")
        ]
    found = []
    if isinstance(one, obspy.UTCDateTime | str | int | float | complex | None):
        # "None": a unit or extra that ObsPy's readers of other formats made a text.
        same = one == other or {str(one), str(other)} <= {"nan", "None"}
        found += [] if same else [f"{where}: {one!r} and {other!r}"]
    if isinstance(one, obspy.UTCDateTime) or not hasattr(one, "__dict__"):
        return found
    mine, theirs = attributes(one), attributes(other)
    for name in sorted(mine.keys() | theirs.keys()):
        if (name in FILLED and mine.get(name) is None) or (
            name in NO_RATIO and mine.get(name) == 0
        ):
            continue
        found += differences(mine.get(name), theirs.get(name), f"{where}.{name}")
    return found


def attributes(one: Any) -> dict[str, Any]:
    """Return an object's attributes, without an ``extra`` that is empty."""
    own = one if isinstance(one, dict | obspy.core.AttribDict) else vars(one)
    return {key: value for key, value in own.items() if key != "extra" or value}
