"""Who writes which auxiliary data: no path belongs to two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.errors import AuxiliaryError

if TYPE_CHECKING:
    from collections.abc import Iterable


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
