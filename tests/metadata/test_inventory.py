"""Inventories that wait, StationXML that is refused, split and merged."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pytest
from obspy import Inventory

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import StationXMLError
from asdf_pipeline.metadata.inventory import LazyInventory, Source, parse
from asdf_pipeline.metadata.response import MemoisingResponse
from asdf_pipeline.metadata.stationxml import check_wellformed, survey
from tests.container.made import trace, write

STATION = "BW.RJOB"
BOMB = (
    b"<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
    b"<FDSNStationXML>&b;</FDSNStationXML>"
)
OUTSIDE = (
    b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>"
    b"<FDSNStationXML>&a;</FDSNStationXML>"
)


@pytest.fixture
def lazy(rjob_xml: bytes) -> LazyInventory:
    return LazyInventory(Source(rjob_xml, "file.h5: station BW.RJOB", True))


@pytest.fixture(scope="session")
def expected(rjob_xml: bytes) -> Inventory:
    return parse(rjob_xml, "the expected", cache_responses=False)


def is_parsed(inventory: Inventory) -> bool:
    return type(inventory) is Inventory


def test_it_waits_until_it_is_touched(lazy: LazyInventory) -> None:
    assert isinstance(lazy, Inventory)
    assert not isinstance(lazy, obspy.Stream)
    assert lazy is not None
    assert not is_parsed(lazy)
    assert lazy.networks[0].code == "BW"
    assert is_parsed(lazy)


@pytest.mark.parametrize(
    "touch",
    [
        len,
        list,
        str,
        bool,
        vars,
        lambda inventory: inventory[0],
        lambda inventory: inventory.select(station="RJOB"),
        lambda inventory: inventory.get_contents(),
        lambda inventory: inventory.networks,
        lambda inventory: inventory.source,
        lambda inventory: inventory == obspy.read_inventory(),
        lambda inventory: obspy.read_inventory() == inventory,
        lambda inventory: setattr(inventory, "networks", []),
    ],
)
def test_any_touch_parses_it(
    lazy: LazyInventory, touch: Callable[[Inventory], Any]
) -> None:
    touch(lazy)
    assert is_parsed(lazy)


@pytest.mark.parametrize(
    "again",
    [
        copy.copy,
        copy.deepcopy,
        lambda inventory: pickle.loads(pickle.dumps(inventory)),
        lambda inventory: inventory.copy(),
    ],
)
@pytest.mark.parametrize("touched", [False, True])
def test_copies(
    lazy: LazyInventory,
    expected: Inventory,
    again: Callable[[Inventory], Inventory],
    touched: bool,
) -> None:
    if touched:
        assert len(lazy) == 1
    assert again(lazy) == expected
    assert lazy == expected


def test_equality_both_ways(lazy: LazyInventory, expected: Inventory) -> None:
    assert expected == copy.copy(lazy)
    assert copy.copy(lazy) == copy.copy(lazy)
    assert copy.copy(lazy) != obspy.read_inventory()
    assert copy.copy(lazy) != "an inventory"


def test_adding(lazy: LazyInventory) -> None:
    assert [one.code for one in lazy + obspy.read_inventory()] == ["BW", "GR", "BW"]
    lazy += obspy.read_inventory()
    assert [one.code for one in lazy] == ["BW", "GR", "BW"]


def test_setting_before_reading_is_kept(lazy: LazyInventory) -> None:
    lazy.source = "me"
    assert lazy.source == "me"
    assert len(lazy) == 1


def test_it_removes_responses_like_obspys(lazy: LazyInventory) -> None:
    one, other = obspy.read(), obspy.read()
    one.remove_response(inventory=lazy)
    other.remove_response(inventory=obspy.read_inventory())
    for ours, theirs in zip(one, other, strict=True):
        peak = np.abs(theirs.data).max()
        assert np.abs(ours.data - theirs.data).max() <= 1e-10 * peak
    attached = obspy.read()
    attached.attach_response(lazy)
    assert attached[0].stats.response is not None


def test_responses_are_memoising_unless_cache_responses_is_false(
    our_file: Path,
) -> None:
    for cache_responses in (True, False):
        with Reader(our_file, cache_responses=cache_responses) as reader:
            inventory = reader.inventory(STATION)
        assert inventory is not None
        response = inventory[0][0][0].response
        assert isinstance(response, MemoisingResponse) == cache_responses


def test_one_units_changes_never_reach_another(our_file: Path) -> None:
    with Reader(our_file) as reader:
        first, second = reader.inventory(STATION), reader.inventory(STATION)
        assert first is not None
        assert second is not None
        first[0].code = "changed"
        first[0][0].channels.clear()
        third = reader.inventory(STATION)
        assert third is not None
        for untouched in (second, third):
            assert untouched[0].code == "BW"
            assert len(untouched[0][0]) == 3


def test_a_station_without_stationxml_has_none(tmp_path: Path) -> None:
    with Reader(write(tmp_path / "file.h5", trace())) as reader:
        assert reader.inventory("XX.ABC") is None
        assert reader.coordinates("XX.ABC") is None


def test_coordinates(our_file: Path) -> None:
    with Reader(our_file) as reader:
        assert reader.coordinates(STATION) == (47.737167, 12.795714, 860.0)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "not well-formed"),
        (b"\0\0", "not well-formed"),
        (b"no XML", "not well-formed"),
        (b"<FDSNStationXML><Network code='BW'>", "not well-formed"),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "not well-formed"),
        (b"\xff\xfe<\0a\0", "not well-formed"),
        (BOMB, "never resolved"),
        (OUTSIDE, "never resolved"),
        (b"<!DOCTYPE x SYSTEM 'http://localhost/x.dtd'><x/>", "never resolved"),
        (b"<FDSNStationXML/>", "does not hold that station"),
        (
            b"<F><Network code='BW'><Station code='OTHER'/></Network></F>",
            "does not hold that station",
        ),
    ],
)
def test_damaged_documents_fail_at_once(
    our_file: Path, document: bytes, message: str
) -> None:
    with Writer.reopen(our_file) as writer:
        writer.write_stationxml(STATION, document)
    with Reader(our_file) as reader:
        with pytest.raises(StationXMLError, match=message) as caught:
            reader.inventory(STATION)
        assert str(our_file) in str(caught.value)
        assert STATION in str(caught.value)
        assert len(reader.stream(STATION, "raw_recording")) == 3


def test_what_only_obspy_rejects_fails_when_touched(our_file: Path) -> None:
    odd = b"<F><Network code='BW'><Station code='RJOB'/></Network></F>"
    with Writer.reopen(our_file) as writer:
        writer.write_stationxml(STATION, odd)
    with Reader(our_file) as reader:
        inventory = reader.inventory(STATION)
        assert inventory is not None
        assert reader.coordinates(STATION) is None
    for _ in range(2):
        with pytest.raises(StationXMLError, match=r"BW\.RJOB: the StationXML cannot"):
            len(inventory)


def test_stationxml_that_is_no_document(our_file: Path) -> None:
    import h5py

    with h5py.File(our_file, "r+") as file:
        group = file["Waveforms/BW.RJOB"]
        del group["StationXML"]
        group["StationXML"] = np.zeros((3, 3), "i1")
        file["Waveforms/XX.ABC/StationXML"] = np.zeros(5, "<f8")
    with Reader(our_file) as reader:
        for station in (STATION, "XX.ABC"):
            with pytest.raises(
                StationXMLError, match=f"StationXML of station {station}"
            ):
                reader.stationxml(station)


def test_namespaces_prefixes_and_encodings_do_not_matter(rjob_xml: bytes) -> None:
    expected = survey(rjob_xml, STATION)
    text = rjob_xml.decode()
    prefixed = (
        text.replace("<", "<s:")
        .replace("<s:/", "</s:")
        .replace("<s:?", "<?")
        .replace("xmlns=", "xmlns:s=")
    )
    bare = text.replace('xmlns="http://www.fdsn.org/xml/station/1"', "")
    wide = text.replace("UTF-8", "UTF-16").replace("utf-8", "UTF-16").encode("utf-16")
    for document in (
        prefixed.encode(),
        bare.encode(),
        wide,
        b"\xef\xbb\xbf" + rjob_xml,
    ):
        assert survey(document, STATION) == expected


def test_wellformedness_alone() -> None:
    check_wellformed(b"<a>&lt;&#65;</a>\n\0")
    with pytest.raises(StationXMLError):
        check_wellformed(BOMB)
