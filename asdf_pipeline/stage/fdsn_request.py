"""What to ask of FDSN web services, as a small YAML file says it.

In the terms of the services themselves::

    url: http://service.example.org
    network: BW
    station: "*"
    channel: EH?
    starttime: 2024-01-01
    endtime: 2024-01-31T12:00:00
    domain: {latitude: 48, longitude: 11, maxradius: 2}
    events: {minmagnitude: 6}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asdf_pipeline.errors import CallError
from asdf_pipeline.stage.fdsn_access import ROUTINGS, Access
from asdf_pipeline.times import SECOND, utc_ns

_CODES = ("network", "station", "location", "channel")
_KEYS = frozenset(
    {"url", "routing", *_CODES, "starttime", "endtime", "domain", "events", "windows"}
    | {"channel_priorities", "location_priorities", "credentials", "eida_token"}
)
_NEEDED = ("starttime", "endtime")
_DOMAIN = frozenset(
    {"minlatitude", "maxlatitude", "minlongitude", "maxlongitude"}
    | {"latitude", "longitude", "minradius", "maxradius"}
)
_WINDOWS = frozenset({"before", "after"})
_SECRET = ("user", "password", "token")


@dataclass(frozen=True)
class Request:
    """What is asked of the web services of data centres.

    Attributes
    ----------
    urls : tuple of str
        Where they are, without ``/fdsnws``; or names that ObsPy knows. With `routing`
        at most one: where that service is.
    start, end : int
        In ns since 1970; the end is not included.
    codes, domain : mapping of str to object
        Parameters of the station service.
    events : mapping of str to object, or None
        Parameters of the event service, and perhaps its ``url``; None: no events.
    routing : str
        The service that says which data centres are asked; empty: those of `urls`.
    windows : (int, int) or None
        Ns before and after each event's origin that are wanted; None: whole days.
    channel_priorities, location_priorities : tuple of str, or None
        Patterns, of which the first counts that a channel of the station fits, as in
        ObsPy's mass downloader; None: all.
    access : Access
        Where credentials are kept; no part of what is asked.
    """

    urls: tuple[str, ...]
    start: int
    end: int
    codes: Mapping[str, Any] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)
    events: Mapping[str, Any] | None = None
    routing: str = ""
    windows: tuple[int, int] | None = None
    channel_priorities: tuple[str, ...] | None = None
    location_priorities: tuple[str, ...] | None = None
    access: Access = field(default_factory=Access, repr=False, compare=False)

    @property
    def name(self) -> str:
        """How errors and log lines name who is asked."""
        return ", ".join(self.urls) or self.routing

    @classmethod
    def read(cls, content: Mapping[str, Any], source_name: str) -> Request:
        """Return the request that a YAML file spells.

        Parameters
        ----------
        content : mapping
            What the file holds.
        source_name : str
            Its name, for errors.

        Raises
        ------
        CallError
            If a key is unknown, missing, or not what it should be.
        """
        if found := [key for key in _SECRET if key in content]:
            msg = (
                f"{source_name}: {', '.join(found)}: requests are recorded: name a "
                "file of credentials (netrc's form) or eida_token, see docs/staging.md"
            )
            raise CallError(msg)
        _refuse_unknown(content, _KEYS, source_name)
        domain = content.get("domain") or {}
        _refuse_unknown(domain, _DOMAIN, f"{source_name}: domain")
        missing = [key for key in _NEEDED if not content.get(key)]
        if not content.get("url") and not content.get("routing"):
            missing.insert(0, "url")
        if missing:
            msg = f"{source_name}: {', '.join(missing)}: missing"
            raise CallError(msg)
        start, end = _times(content, source_name)
        urls = _texts(content, "url", source_name) or ()
        routing = str(content.get("routing") or "")
        if routing and (routing not in ROUTINGS or len(urls) > 1):
            msg = (
                f"{source_name}: routing: {' or '.join(ROUTINGS)}, with the address of "
                f"the service as url, or none; not {routing!r}"
            )
            raise CallError(msg)
        access = Access(
            str(content.get("credentials") or ""), str(content.get("eida_token") or "")
        )
        access.check(source_name)
        return cls(
            urls,
            start,
            end,
            {key: str(content[key]) for key in _among(content, _CODES)},
            domain,
            content.get("events"),
            routing,
            _windows(content.get("windows"), source_name),
            _texts(content, "channel_priorities", source_name),
            _texts(content, "location_priorities", source_name),
            access,
        )


def _among(content: Mapping[str, Any], keys: tuple[str, ...]) -> list[str]:
    """Return those of the keys that have a value."""
    return [key for key in keys if content.get(key) is not None]


def _times(content: Mapping[str, Any], source_name: str) -> tuple[int, int]:
    try:
        start, end = (utc_ns(str(content[key])) for key in _NEEDED)
    except (TypeError, ValueError) as error:
        msg = f"{source_name}: starttime, endtime: {error}"
        raise CallError(msg) from None
    if start >= end:
        msg = f"{source_name}: the endtime is not after the starttime"
        raise CallError(msg)
    return start, end


def _texts(
    content: Mapping[str, Any], key: str, source_name: str
) -> tuple[str, ...] | None:
    """Return the texts of a key, one or a list of them; None where it is not there."""
    found = content.get(key)
    if found is None:
        return None
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        msg = f"{source_name}: {key}: expected texts, a list of them: {found!r}"
        raise CallError(msg)
    return tuple(found)


def _windows(windows: Any, source_name: str) -> tuple[int, int] | None:
    if windows is None:
        return None
    where = f"{source_name}: windows"
    _refuse_unknown(windows, _WINDOWS, where)
    before, after = (windows.get(key, 0) for key in ("before", "after"))
    numbers = (isinstance(one, int | float) for one in (before, after))
    if not all(numbers) or before + after <= 0:
        msg = (
            f"{where}: seconds before and after the origin: {{before: 60, after: 900}}"
        )
        raise CallError(msg)
    return round(before * SECOND), round(after * SECOND)


def _refuse_unknown(content: Any, known: frozenset[str], source_name: str) -> None:
    if not isinstance(content, Mapping):
        msg = f"{source_name}: expected a mapping, not a {type(content).__name__}"
        raise CallError(msg)
    unknown = sorted(set(content) - known)
    if unknown:
        keys = ", ".join(sorted(known))
        msg = f"{source_name}: unknown key {unknown[0]!r}; known: {keys}"
        raise CallError(msg)
