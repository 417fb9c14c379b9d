"""Steps that look at events: where they cut, and which way they rotate."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import obspy
import pytest
from obspy.core.event import Catalog, Event, Origin, ResourceIdentifier
from obspy.geodetics import locations2degrees
from obspy.signal.rotate import rotate_lqt_zne
from obspy.taup import TauPyModel

from asdf_pipeline import steps
from asdf_pipeline.function.load import load_function

START = obspy.UTCDateTime(2020, 5, 1)
NAMES = ("first", "second")
SOURCES = {"first": (10.0, 60.0, 33e3), "second": (-20.0, -10.0, 0.0)}
"""Latitude and longitude in degrees, depth in m."""


def time_of(name: str) -> obspy.UTCDateTime:
    """Return an event's origin time."""
    return START + (600, 4200)[NAMES.index(name)] + 0.004


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Return two events, within sight of Bavaria."""
    events = []
    for name, (latitude, longitude, depth) in SOURCES.items():
        origin = Origin(time=time_of(name), latitude=latitude, longitude=longitude)
        origin.depth = depth
        identifier = ResourceIdentifier(f"smi:local/{name}")
        events.append(Event(resource_id=identifier, origins=[origin]))
    return Catalog(events)


@pytest.fixture(scope="module")
def inventory() -> obspy.Inventory:
    return obspy.read_inventory().select(station="RJOB")


def recording(hours: float = 3.0) -> obspy.Stream:
    """Return three components at 20 Hz whose samples count from the start."""
    header = {"network": "BW", "station": "RJOB", "sampling_rate": 20.0}
    data = np.arange(int(hours * 3600 * 20), dtype=np.int32)
    return obspy.Stream(
        obspy.Trace(data.copy(), {**header, "channel": channel, "starttime": START})
        for channel in ("BHZ", "BHN", "BHE")
    )


def arrival(inventory: obspy.Inventory, name: str) -> Any:
    """Return the first P, worked out here."""
    latitude, longitude, depth = SOURCES[name]
    station = inventory[0][0]
    degrees = locations2degrees(
        latitude, longitude, station.latitude, station.longitude
    )
    return TauPyModel("iasp91").get_travel_times(depth / 1000, degrees, ["P"])[0]


def towards(inventory: obspy.Inventory, name: str) -> float:
    """Return the direction of an event in degrees, on a sphere."""
    station = inventory[0][0]
    here, there = np.radians([station.latitude, SOURCES[name][0]])
    east = np.radians(SOURCES[name][1] - station.longitude)
    north = np.cos(here) * np.sin(there) - np.sin(here) * np.cos(there) * np.cos(east)
    return float(np.degrees(np.arctan2(np.sin(east) * np.cos(there), north)) % 360)


def test_pieces_around_the_origin_times(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    st = recording()
    result = steps.cut(st, inventory, before=10, after=20, events=catalog)
    assert result is st
    assert len(st) == 6
    for trace, name in zip(st, np.repeat(NAMES, 3), strict=True):
        assert trace.stats.asdf.event_ids == [f"smi:local/{name}"]
        assert abs(trace.stats.starttime - (time_of(name) - 10)) <= 0.025
        assert trace.stats.npts == pytest.approx(30 * 20, abs=1)
        assert trace.data[0] == round((trace.stats.starttime - START) * 20)
        assert "inclination" not in trace.stats
    for trace, name in zip(st[::3], NAMES, strict=True):
        expected = towards(inventory, name)
        assert trace.stats.back_azimuth == pytest.approx(expected, abs=0.3)


def test_pieces_around_arrivals(catalog: Catalog, inventory: obspy.Inventory) -> None:
    st = steps.cut(recording(), inventory, before=5, after=5, phase="P", events=catalog)
    assert [trace.stats.channel for trace in st] == ["BHZ", "BHN", "BHE"] * 2
    for trace, name in zip(st[::3], NAMES, strict=True):
        expected = arrival(inventory, name)
        wanted = time_of(name) + expected.time - 5
        assert abs(trace.stats.starttime - wanted) <= 0.025
        assert trace.stats.inclination == pytest.approx(expected.incident_angle)


def test_a_trace_is_cut_around_its_own_event(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    st = recording()
    st[0].stats.asdf = {"event_ids": ["smi:local/second"], "labels": ["a"]}
    st = steps.cut(st, inventory, before=1, after=1, events=catalog)
    found = [(t.stats.channel, t.stats.asdf.event_ids[0][-6:]) for t in st]
    assert found == [
        *(("BHN", "/first"), ("BHE", "/first")),
        *(("BHZ", "second"), ("BHN", "second"), ("BHE", "second")),
    ]
    assert st[2].stats.asdf.labels == ["a"]


def test_pieces_have_samples_of_their_own(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    st = recording()
    (whole,) = (trace.data for trace in st.select(component="Z"))
    st = steps.cut(st, inventory, before=4000, after=4000, events=catalog)
    st[0].data[:] = -1
    assert (st[3].data >= 0).all()
    assert (whole >= 0).all()


@pytest.mark.parametrize("phase", [None, "P"])
def test_no_event_no_pieces(
    phase: str | None, catalog: Catalog, inventory: obspy.Inventory
) -> None:
    for events in (None, Catalog()):
        assert len(steps.cut(recording(), inventory, 1, 1, phase, events=events)) == 0
    early = recording(hours=0.1)
    assert len(steps.cut(early, inventory, 1, 1, phase, events=catalog)) == 0


def test_without_inventory_there_is_an_origin_time_and_no_arrival(
    catalog: Catalog,
) -> None:
    st = steps.cut(recording(), None, before=1, after=1, events=catalog)
    assert len(st) == 6
    assert "back_azimuth" not in st[0].stats
    st = steps.cut(recording(), None, before=1, after=1, phase="P", events=catalog)
    assert len(st) == 0


def test_a_phase_that_does_not_arrive(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    st = steps.cut(recording(), inventory, 1, 1, phase="PKIKP", events=catalog)
    assert len(st) == 0


def test_an_origin_that_says_too_little(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    unplaced = catalog.copy()
    unplaced[0].origins[0].latitude = None
    unplaced[1].origins[0].time = None
    st = steps.cut(recording(), inventory, 1, 1, events=unplaced)
    assert len(st) == 3
    assert "back_azimuth" not in st[0].stats
    st = steps.cut(recording(), inventory, 1, 1, phase="P", events=unplaced)
    assert len(st) == 0


def test_the_chain_gives_it_the_events(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    wanted = [{"cut": {"before": 1, "after": 1}}, "detrend"]
    assert load_function(steps.chain, {"steps": wanted}).asks == ("events",)
    st = steps.chain(recording(), inventory, wanted, events=catalog)
    assert isinstance(st, obspy.Stream)
    assert len(st) == 6


def test_rotates_by_what_cut_found(
    catalog: Catalog, inventory: obspy.Inventory
) -> None:
    """What is put in along L comes out along L, for each event by its own angles."""
    st = steps.cut(recording(), inventory, 5, 5, phase="P", events=catalog)
    pulse = np.hanning(st[0].stats.npts)
    nothing = np.zeros_like(pulse)
    for group in (st[:3], st[3:]):
        stats = group[0].stats
        angles = stats.back_azimuth, stats.inclination
        components = rotate_lqt_zne(pulse, nothing, nothing, *angles)
        for trace, data in zip(group, components, strict=True):
            trace.data = data
    radial = steps.rotate(st.copy(), inventory, "NE->RT")
    assert radial is not None
    assert [t.stats.channel for t in radial] == ["BHZ", "BHR", "BHT"] * 2
    assert all(abs(t.data).max() < 1e-12 for t in radial.select(component="T"))
    # The first event lacks a component: the second's are right all the same.
    del st[1]
    rays = steps.rotate(st, inventory, "ZNE->LQT")
    assert rays is st
    assert [t.stats.channel for t in st] == ["BHZ", "BHE", "BHL", "BHQ", "BHT"]
    np.testing.assert_allclose(st[2].data, pulse, atol=1e-12)
    assert all(abs(trace.data).max() < 1e-12 for trace in st[3:])


def test_rotates_by_given_angles_as_obspy_does(inventory: obspy.Inventory) -> None:
    expected = recording(0.01).rotate("ZNE->LQT", 33.0, 20.0)
    found = steps.rotate(recording(0.01), inventory, "ZNE->LQT", 33.0, 20.0)
    assert found == expected
    with pytest.raises(TypeError, match="No back-azimuth"):
        steps.rotate(recording(0.01), inventory, "NE->RT")
    with pytest.raises(ValueError, match="Method has to be one of"):
        steps.rotate(recording(0.01), inventory, "->RTZ")


def oriented(
    inventory: obspy.Inventory, names: str, **angles: float | None
) -> obspy.Inventory:
    """Return an inventory of BH channels of other names, with azimuths set."""
    own = inventory.copy()
    for epoch in own[0]:
        for channel in epoch:
            name = names["ZNE".index(channel.code[-1])]
            channel.code = f"BH{name}"
            if name in angles:
                channel.azimuth = angles[name]
    return own


def named(names: str, hours: float = 0.01) -> obspy.Stream:
    st = recording(hours)
    for trace, name in zip(st, names, strict=True):
        trace.stats.channel = f"BH{name}"
        trace.data = np.random.default_rng(ord(name)).normal(size=trace.stats.npts)
    return st


def test_rotates_to_north_by_the_inventory(inventory: obspy.Inventory) -> None:
    angles = {"1": 30.0, "2": 120.0}
    own = oriented(inventory, "Z12", **angles)
    st = named("Z12")
    expected = st.copy().rotate("->ZNE", inventory=own)
    assert steps.rotate(st, own, "->ZNE") is st
    assert [trace.stats.channel for trace in st] == ["BHZ", "BHN", "BHE"]
    for trace in st:
        (theirs,) = expected.select(id=trace.id)
        assert trace.stats.starttime == theirs.stats.starttime
        np.testing.assert_allclose(trace.data, theirs.data, atol=1e-12)
    assert steps.rotate(recording(0.01), None, "->ZNE") is None


def test_channels_named_n_and_e_are_turned_as_the_stationxml_says(
    inventory: obspy.Inventory,
) -> None:
    own = oriented(inventory, "ZNE", N=238.0, E=328.0)
    st = named("ZNE")
    up, one, two = (trace.data.copy() for trace in st)
    turned = steps.rotate(st.copy(), own, "->ZNE")
    assert turned is not None
    assert [trace.stats.channel for trace in turned] == ["BHZ", "BHN", "BHE"]
    angle = np.radians(238.0)
    north = one * np.cos(angle) - two * np.sin(angle)
    east = one * np.sin(angle) + two * np.cos(angle)
    for trace, data in zip(turned, (up, north, east), strict=True):
        np.testing.assert_allclose(trace.data, data, atol=1e-12)
    # Where they point where they should, or that is not known, nothing is done.
    unknown = oriented(inventory, "ZNE", N=None, E=None)
    for right in (inventory, oriented(inventory, "ZNE"), unknown):
        assert steps.rotate(st.copy(), right, "->ZNE") == st


def test_what_cannot_be_turned_is_refused(inventory: obspy.Inventory) -> None:
    half = oriented(inventory, "ZNE", N=238.0, E=None)
    with pytest.raises(ValueError, match=r"BHE at 2\S+: the StationXML does not say"):
        steps.rotate(named("ZNE"), half, "->ZNE")
    flat = oriented(inventory, "Z12", **{"1": 30.0, "2": 30.0})
    with pytest.raises(ValueError, match=r"BHZ, .*BH2 at 2\S+: .* not linearly indep"):
        steps.rotate(named("Z12"), flat, "->ZNE")
    with pytest.raises(ValueError, match="components 1, 2, E, N, Z: leave out"):
        steps.rotate(named("Z12") + named("ZNE")[1:], flat, "->ZNE")
    st = named("Z12")[:2] + named("ABC")
    assert steps.rotate(st.copy(), flat, "->ZNE") == st


@pytest.mark.parametrize("method", ["->ZNE", "NE->RT"])
def test_components_a_fraction_of_a_sample_apart_are_aligned_or_refused(
    inventory: obspy.Inventory, method: str
) -> None:
    own = oriented(inventory, "ZNE", N=90.0, E=180.0)
    st = named("ZNE")
    for trace, late in zip(st, (0, 0, 0.003), strict=True):
        trace.stats.sampling_rate = 100.0
        trace.stats.starttime = obspy.UTCDateTime(2024, 1, 1) + late
        trace.data = np.sin(2 * np.pi * 5 * (trace.times() + late))
    said = r"BW\.RJOB\.\.BHE \+3 ms.*align: true"
    with pytest.raises(ValueError, match=said):
        steps.rotate(st.copy(), own, method, back_azimuth=0)
    turned = steps.rotate(st.copy(), own, method, back_azimuth=0, align=True)
    assert turned is not None
    assert len({(t.stats.starttime.ns, t.stats.npts) for t in turned[-2:]}) == 1
    for trace in turned:
        seconds = trace.times() + (trace.stats.starttime - st[0].stats.starttime)
        inner = slice(30, -30)
        wanted = np.sin(2 * np.pi * 5 * seconds)
        got = np.abs(trace.data)
        np.testing.assert_allclose(got[inner], np.abs(wanted)[inner], atol=1e-3)
    # A few hundred ns are no fraction of a sample.
    st[2].stats.starttime = st[0].stats.starttime + 3e-7
    st[2].data = st[1].data.copy()
    assert len(steps.rotate(st, own, method, back_azimuth=0) or ()) == 3


def test_what_lacks_a_component_is_left_out_and_said(
    inventory: obspy.Inventory, caplog: pytest.LogCaptureFixture
) -> None:
    own = oriented(inventory, "Z12", **{"1": 0.0, "2": 90.0})
    st = named("Z12")
    before = st.copy()
    st[1] = st[1].slice(START + 5, START + 20)
    late = st[2].slice(START + 15)
    st[2].trim(endtime=START + 10)
    st += late
    turned = steps.rotate(st, own, "->ZNE")
    assert turned is not None
    assert [(t.id, t.stats.starttime, t.stats.endtime) for t in turned] == [
        (f"BW.RJOB..BH{name}", START + first, START + last)
        for first, last in ((5, 10), (15, 20))
        for name in "ZNE"
    ]
    for old, new in zip(before, turned, strict=False):
        expected = old.slice(START + 5, START + 10).data
        np.testing.assert_allclose(new.data, expected, atol=1e-12)
    assert "BW.RJOB..BH?: " in caplog.text
    assert "left out by rotate" in caplog.text


def test_a_sensor_that_was_turned_is_rotated_by_each_epochs_angles(
    inventory: obspy.Inventory,
) -> None:
    own = oriented(inventory, "Z12", **{"1": 0.0, "2": 90.0})
    turned_at = START + 10.025
    del own[0].stations[1:]
    own[0][0].start_date = own[0][0].end_date = None
    later = copy.deepcopy(own[0][0])
    for epoch in (own[0][0], later):
        for channel in epoch:
            channel.start_date = channel.end_date = None
    for before, after in zip(own[0][0], later, strict=True):
        before.end_date = after.start_date = turned_at
        after.azimuth = (after.azimuth + 90) % 360
    own[0].stations.append(later)
    st = named("Z12")
    one, two = st[1].data.copy(), st[2].data.copy()
    turned = steps.rotate(st, own, "->ZNE")
    assert turned is not None
    assert [t.stats.channel for t in turned] == ["BHZ", "BHN", "BHE"] * 2
    assert turned[0].stats.endtime == START + 10
    assert turned[3].stats.starttime == START + 10.05
    np.testing.assert_allclose(turned[1].data, one[:201], atol=1e-12)
    np.testing.assert_allclose(turned[4].data, -two[201:], atol=1e-12)
