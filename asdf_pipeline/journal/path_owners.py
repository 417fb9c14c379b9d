"""Who writes what: no path of auxiliary data and no trace belongs to two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.errors import AuxiliaryError, TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asdf_pipeline.plan.outcome import Outcome


class PathOwners:
    """The paths of auxiliary data of one output, each with its owner.

    Parameters
    ----------
    taken : iterable of str
        Paths that are taken from the start.
    owner : str
        By whom.
    """

    def __init__(self, taken: Iterable[str] = (), owner: str = "") -> None:
        self._owners: dict[str, str] = {}
        self._groups: dict[str, str] = {}  # each with one of those who write below it
        for path in taken:
            self.take(path, owner)

    def take(self, path: str, owner: str) -> None:
        """Note that a unit writes a path.

        Raises
        ------
        AuxiliaryError
            If someone else writes it, or something above or below it.
        """
        parts = path.split("/")
        above = ["/".join(parts[:end]) for end in range(1, len(parts))]
        others = {
            self._owners.get(path, owner),
            self._groups.get(path, owner),
            *(self._owners.get(group, owner) for group in above),
        } - {owner}
        if others:
            names = " and ".join(sorted({owner, min(others)}))
            msg = (
                f"auxiliary data {path!r} is written by both {names}: the function "
                "must give each station, tag and window a path of its own"
            )
            raise AuxiliaryError(msg)
        self._owners[path] = owner
        for group in above:
            self._groups.setdefault(group, owner)

    def give_back(self, path: str) -> None:
        """Note that what was written is lost, and will be written again."""
        self._owners.pop(path, None)


class TraceOwners:
    """The traces that units of events or channels wrote, each with its unit.

    Units of stations and of windows cannot write the same trace, as each has its
    times or codes. Of two events that share a trace, or overlap, the function may
    return the same; of two channels it may return traces of the same codes.
    """

    def __init__(self) -> None:
        self._owners: dict[tuple[str, str], str] = {}

    def take(self, outcome: Outcome) -> None:
        """Note what a unit wrote.

        Raises
        ------
        TraceError
            If another unit wrote a trace of the same channel and times.
        """
        unit = outcome.unit_id
        for name in outcome.traces:
            owner = self._owners.setdefault((outcome.station, name), unit)
            if owner != unit:
                names = " and ".join(sorted((owner, unit)))
                msg = (
                    f"station {outcome.station}: trace {name!r} is written by both "
                    f"{names}: what the function returns for two events must differ "
                    "in time, for two channels in their codes"
                )
                raise TraceError(msg)

    def give_back(self, outcome: Outcome) -> None:
        """Note that what a unit wrote is lost, and will be written again."""
        for name in outcome.traces:
            self._owners.pop((outcome.station, name), None)
