"""A QuakeML document is parsed once, and no more of it than is asked for."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import obspy
import pytest
from obspy.core.event import (
    Catalog,
    Comment,
    Event,
    Magnitude,
    Origin,
    QuantityError,
    ResourceIdentifier,
)

from asdf_pipeline.errors import InputError
from asdf_pipeline.metadata.events import (
    EventDocument,
    check_quakeml,
    count_events,
    parse_events,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def document() -> bytes:
    """Return three events with origins and magnitudes."""
    events = [
        Event(
            resource_id=ResourceIdentifier(f"smi:local/{number}"),
            origins=[
                Origin(
                    time=obspy.UTCDateTime(2020, 1, 1 + number),
                    latitude=10.0 * number,
                    longitude=5.0,
                    time_errors=QuantityError(uncertainty=0.5),
                )
            ],
            magnitudes=[Magnitude(mag=4.0 + number)],
        )
        for number in range(3)
    ]
    with io.BytesIO() as file:
        Catalog(events).write(file, format="QUAKEML")
        return file.getvalue()


def same(one: Catalog | Event, other: Catalog | Event) -> bool:
    """Return whether events agree in all that is written of them."""
    if isinstance(one, Catalog):
        return bool(one.events == other.events)
    return bool(one == other)


def test_they_are_counted_without_being_parsed(document: bytes) -> None:
    assert count_events(document) == 3
    assert count_events(document.replace(b"<event ", b"<x:event ")) == 3
    assert count_events(b"") == count_events(None) == 0


def test_all_calls_share_the_events_while_nobody_changes_them(document: bytes) -> None:
    events = EventDocument(document, "here")
    first = events.lend()
    assert [str(event.resource_id) for event in first.filter("magnitude > 0")]
    assert first[0].preferred_origin() or first[0].origins[0]
    str(first)
    first.copy().events.clear()
    events.take_back()
    assert events.lend() is first


CHANGES: list[Callable[[Catalog], object]] = [
    lambda catalog: catalog.events.pop(),
    lambda catalog: catalog.append(Event()),
    lambda catalog: catalog[0].origins.clear(),
    lambda catalog: catalog[1].magnitudes.append(Magnitude(mag=1.0)),
    lambda catalog: catalog[2].comments.append(Comment(text="seen")),
    lambda catalog: setattr(catalog[0].origins[0], "latitude", 1.0),
    lambda catalog: setattr(catalog[0].origins[0], "time", obspy.UTCDateTime(0)),
    lambda catalog: setattr(catalog[0].origins[0].time_errors, "uncertainty", 9.0),
    lambda catalog: catalog[0].magnitudes.__setitem__(0, Magnitude(mag=1.0)),
    lambda catalog: setattr(catalog[0], "origins", [Origin()]),
    lambda catalog: setattr(catalog, "events", []),
    lambda catalog: setattr(catalog, "description", "mine"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_one_call_changes_no_other_sees(
    document: bytes, change: Callable[[Catalog], object]
) -> None:
    pristine = parse_events(document, "here")
    events = EventDocument(document, "here")
    for _ in range(3):
        lent = events.lend()
        assert same(lent, pristine)
        assert lent.description == pristine.description
        change(lent)
        events.take_back()


def test_one_event_is_parsed_alone(document: bytes) -> None:
    events = EventDocument(document, "here")
    for event in parse_events(document, "here"):
        identifier = str(event.resource_id)
        found = events.event([identifier, "smi:local/none"])
        assert found is not None
        assert str(found.resource_id) == identifier
        assert same(found, event)
        again = events.event([identifier])
        assert again is not None
        assert again is not found
    assert "shared" not in vars(events)
    assert events.event(["smi:local/none"]) is None
    assert EventDocument(b"", "here").event(["smi:local/none"]) is None


def test_of_several_the_first_of_the_document_is_returned(document: bytes) -> None:
    first, *_, last = parse_events(document, "here")
    events = EventDocument(document, "here")
    found = events.event([str(last.resource_id), str(first.resource_id)])
    assert found is not None
    assert found.resource_id == first.resource_id


def test_an_event_is_found_by_its_id_whatever_stands_around_it() -> None:
    document = """<?xml version="1.0" encoding="{0}"?>
    <q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2"
        xmlns="http://quakeml.org/xmlns/bed/1.2"><eventParameters publicID="smi:a/all">
      <comment><text>übrig <![CDATA[<event publicID="smi:a/none">]]></text></comment>
      <event publicID="smi:a/1"><description><text>Zürich &gt; 1</text></description>
        <origin publicID="smi:a/o1"><time><value>2020-01-01T00:00:00</value></time>
        <latitude><value>1</value></latitude><longitude><value>2</value></longitude>
        </origin></event>
      <event publicID="smi:a/2"/>
    </eventParameters></q:quakeml>"""
    for encoding in ("UTF-8", "ISO-8859-1"):
        events = EventDocument(document.format(encoding).encode(encoding), "here")
        first, second = events.event(["smi:a/1"]), events.event(["smi:a/2"])
        assert first is not None
        assert second is not None
        assert first.event_descriptions[0].text == "Zürich > 1"
        assert not second.origins
        assert events.event(["smi:a/none"]) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda document: document[: len(document) // 2],
        lambda document: document.replace(b"</event>", b"</efent>", 1),
        lambda document: (
            b"<?xml version='1.0'?><!DOCTYPE q [<!ENTITY a 'b'>]>"
            + document.partition(b"?>")[2]
        ),
        lambda document: document.replace(b"<event ", b"<even\x00 ", 1),
    ],
    ids=["truncated", "tag", "entity", "null"],
)
def test_a_damaged_document_is_refused_by_all(
    document: bytes, damage: Callable[[bytes], bytes]
) -> None:
    damaged = damage(document)
    identifier = str(parse_events(document, "here")[0].resource_id)
    events = EventDocument(damaged, "here.h5")
    for attempt in (
        lambda: check_quakeml(damaged, "here.h5"),
        lambda: events.event([identifier]),
        events.lend,
    ):
        with pytest.raises(InputError, match=r"here\.h5: the QuakeML document cannot"):
            attempt()
