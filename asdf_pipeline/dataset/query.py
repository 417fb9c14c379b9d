"""Queries: ``ds.ifilter(ds.q.network == "B?", ds.q.starttime >= "2012-01-01")``.

A term such as ``ds.q.network`` compared with a value gives a `Condition`; all
conditions of one call must hold. Names and meaning are those of pyasdf:

=====================================  ======  ======================================
terms                                  absent  compare
=====================================  ======  ======================================
network, station, location, channel,   never   ``==``, ``!=``; one string or several
tag                                            (list, or one with commas), wildcards
labels                                 None    the same; holds if any label matches
latitude, longitude, elevation_in_m    None    all six; in degrees and metres
starttime, endtime                     never   all six; whatever UTCDateTime takes
sampling_rate, npts                    never   all six; in Hz and samples
event, origin, magnitude,              None    ``==``, ``!=``; object, resource
focal_mechanism                                identifier or string
=====================================  ======  ======================================

``== None`` asks for what is absent: stations without coordinates, traces without
labels or without an event.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from asdf_pipeline.errors import QueryTypeError, UnknownTermError
from asdf_pipeline.times import utc

if TYPE_CHECKING:
    from asdf_pipeline.container.names import TraceName
    from asdf_pipeline.container.traces import TraceHeader

CODES = ("network", "station", "location", "channel", "tag")
COORDINATES = ("latitude", "longitude", "elevation_in_m")
IDS = ("event", "origin", "magnitude", "focal_mechanism")
FROM_HEADER = ("starttime", "endtime", "sampling_rate", "npts", "labels", *IDS)


class Condition(NamedTuple):
    """One comparison: the term's name and the test that its value must pass."""

    term: str
    holds: Callable[[Any], bool]


def _utc(value: Any) -> Any:
    from obspy import UTCDateTime

    return value if isinstance(value, UTCDateTime) else UTCDateTime(value)


def _patterns(value: Any) -> tuple[str, ...]:
    """Return the patterns of a string with commas, or of several strings."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, Iterable):
        raise TypeError
    patterns = tuple(value)
    if None in patterns:
        raise TypeError
    return tuple(str(pattern).strip() for pattern in patterns)


def resource_id(value: Any) -> str:
    """Return the resource identifier of an ObsPy object, or of one itself."""
    identifier = getattr(value, "resource_id", value)
    text = getattr(identifier, "id", identifier)
    if not isinstance(text, str):
        raise TypeError
    return text


class _Term:
    """What can be asked about; each comparison gives a `Condition`."""

    __slots__ = ("_name", "_optional", "_parse")
    __hash__ = object.__hash__

    def __init__(
        self, name: str, parse: Callable[[Any], Any], optional: bool = False
    ) -> None:
        self._name = name
        self._parse = parse
        self._optional = optional

    def _wanted(self, value: Any) -> Any:
        """Return what the term is compared with, in the term's type."""
        if value is None and self._optional:
            return None
        try:
            return self._parse(value)
        except (TypeError, ValueError) as error:
            msg = f"ds.q.{self._name} cannot be compared with {value!r}"
            raise QueryTypeError(msg) from error

    def _same(self, wanted: Any) -> Callable[[Any], bool]:
        return lambda there: bool(self._wanted(there) == wanted)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]
        return Condition(self._name, self._same(self._wanted(value)))

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]
        same = self._same(self._wanted(value))
        return Condition(self._name, lambda there: not same(there))


class _Text(_Term):
    """Codes, tags and labels: any of several patterns."""

    __slots__ = ()

    def _same(self, wanted: Any) -> Callable[[Any], bool]:
        def matches(there: str | tuple[str, ...] | None) -> bool:
            if wanted is None or there is None:
                return wanted is there
            several = (there,) if isinstance(there, str) else there
            return any(
                fnmatchcase(text, pattern) for text in several for pattern in wanted
            )

        return matches


class _Number(_Term):
    """Numbers and times: they have an order, too."""

    __slots__ = ()

    def _ordered(self, compare: Callable[[Any, Any], Any], value: object) -> Condition:
        if value is None:
            msg = f"ds.q.{self._name} has no order with None: use == None or != None"
            raise QueryTypeError(msg)
        wanted = self._wanted(value)
        return Condition(
            self._name,
            lambda there: (
                not (there is None and self._optional) and bool(compare(there, wanted))
            ),
        )

    def __lt__(self, value: object) -> Condition:
        return self._ordered(operator.lt, value)

    def __le__(self, value: object) -> Condition:
        return self._ordered(operator.le, value)

    def __gt__(self, value: object) -> Condition:
        return self._ordered(operator.gt, value)

    def __ge__(self, value: object) -> Condition:
        return self._ordered(operator.ge, value)


_TERMS: dict[str, _Term] = {
    **{name: _Text(name, _patterns) for name in CODES},
    "labels": _Text("labels", _patterns, optional=True),
    **{name: _Number(name, float, optional=True) for name in COORDINATES},
    "starttime": _Number("starttime", _utc),
    "endtime": _Number("endtime", _utc),
    "sampling_rate": _Number("sampling_rate", float),
    "npts": _Number("npts", float),
    **{name: _Term(name, resource_id, optional=True) for name in IDS},
}


class Query:
    """The terms that `ASDFDataSet.ifilter` understands, as attributes."""

    def __getattr__(self, name: str) -> Any:
        """Return a term.

        Raises
        ------
        UnknownTermError
            If there is no such term.
        """
        if name not in _TERMS:
            msg = f"ds.q.{name}: no such term; there are {', '.join(sorted(_TERMS))}"
            raise UnknownTermError(msg)
        return _TERMS[name]

    def __dir__(self) -> list[str]:
        """Return the terms, for tab completion."""
        return sorted(_TERMS)


class QueryFilter:
    """All conditions of one query, asked cheapest first.

    Parameters
    ----------
    conditions : iterable of Condition
        From comparisons of `Query`'s terms; all must hold.

    Raises
    ------
    QueryTypeError
        If one of them is no condition.
    """

    def __init__(self, conditions: Iterable[Condition]) -> None:
        self._tests: dict[str, list[Callable[[Any], bool]]] = {}
        for condition in conditions:
            if not isinstance(condition, Condition):
                msg = f"{condition!r} is no condition: write ds.q.TERM == VALUE"
                raise QueryTypeError(msg)
            self._tests.setdefault(condition.term, []).append(condition.holds)

    def asks(self, terms: Iterable[str]) -> bool:
        """Return whether any of the terms is asked about."""
        return any(term in self._tests for term in terms)

    def _holds(self, term: str, value: Any) -> bool:
        return all(test(value) for test in self._tests.get(term, ()))

    def takes_station(self, station: str) -> bool:
        """Return whether a station's codes pass."""
        network, _, code = station.partition(".")
        return self._holds("network", network) and self._holds("station", code)

    def takes_coordinates(self, place: tuple[float, float, float] | None) -> bool:
        """Return whether latitude, longitude and elevation pass."""
        values = place or (None, None, None)
        return all(
            self._holds(term, value)
            for term, value in zip(COORDINATES, values, strict=True)
        )

    def takes_tag(self, tag: str) -> bool:
        """Return whether a trace's tag passes."""
        return self._holds("tag", tag)

    def takes_codes(self, name: TraceName) -> bool:
        """Return whether a trace's location and channel pass.

        A location of blanks, as SEED pads it, is the empty one.
        """
        return self._holds("location", name.location.strip()) and self._holds(
            "channel", name.channel
        )

    def takes_header(self, header: TraceHeader) -> bool:
        """Return whether what stands in a trace's attributes passes."""
        if self.asks(("starttime", "endtime")) and not (
            self._holds("starttime", utc(header.starttime))
            and self._holds("endtime", utc(header.endtime))
        ):
            return False
        return (
            self._holds("sampling_rate", header.sampling_rate)
            and self._holds("npts", header.npts)
            and self._holds("labels", header.labels or None)
            and all(self._takes_ids(term, header) for term in IDS)
        )

    def _takes_ids(self, term: str, header: TraceHeader) -> bool:
        """Return whether any of a trace's ids of one kind passes all that is asked."""
        ids: tuple[str | None, ...] = getattr(header, f"{term}_ids") or (None,)
        return any(self._holds(term, one) for one in ids)
