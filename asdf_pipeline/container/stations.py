"""Which stations an ASDF file has, and which data sets each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    h5d,
    h5g,
    h5o,
    has_member,
    members_of,
    names_in,
    open_group,
    reason,
)
from asdf_pipeline.container.names import STATIONXML, decoded, encoded, tag_of
from asdf_pipeline.errors import InputError, StationMissingError, TraceError

if TYPE_CHECKING:
    from pathlib import Path


class Stations:
    """The groups below ``/Waveforms`` of an open file.

    Cheap enough to be asked for each of 100,000 stations: nothing is kept.

    Parameters
    ----------
    root : h5py.h5f.FileID
        The open file.
    path : pathlib.Path
        Its name, for messages.
    """

    def __init__(self, root: Any, path: Path) -> None:
        self._path = path
        self._waveforms = open_group(root, b"Waveforms", path)

    def __contains__(self, station: str) -> bool:
        """Return whether the file has a station."""
        group = self._waveforms
        return group is not None and has_member(group, encoded(station))

    def group(self, station: str) -> Any:
        """Return a station's group (h5py.h5g.GroupID).

        Raises
        ------
        StationMissingError
            If there is no such station.
        TraceError
            If its group cannot be opened.
        """
        try:
            if station in self:
                return h5g.open(self._waveforms, encoded(station))
        except HDF5_ERRORS as error:
            msg = f"{self._path}: station {station} cannot be read: {reason(error)}"
            raise TraceError(msg) from error
        msg = f"{self._path}: no station {station!r}"
        raise StationMissingError(msg)

    def names(self) -> list[str]:
        """Return the names of the stations; see `Reader.stations`."""
        group = self._waveforms
        if group is None:
            return []
        try:
            names = [name for name in names_in(group) if _is_group(group, name)]
            return sorted(map(decoded, names))
        except HDF5_ERRORS as error:
            msg = f"{self._path}: the list of stations is damaged: {reason(error)}"
            raise InputError(msg) from error

    def contents(self, group: Any, station: str) -> list[str]:
        """Return the names of all that is in a station's group, sorted."""
        try:
            return sorted(map(decoded, members_of(group)))
        except HDF5_ERRORS as error:
            msg = f"{self._path}: the list of traces of {station} cannot be read: "
            raise TraceError(msg + reason(error)) from error

    def traces(self, group: Any, station: str, tag: str | None = None) -> list[str]:
        """Return the names of a station's waveform data sets, sorted.

        Parameters
        ----------
        group : h5py.h5g.GroupID
            The station's.
        station : str
            ``"NET.STA"``.
        tag : str, optional
            Only those with this tag.

        Raises
        ------
        StationMissingError
            If none has the tag.
        TraceError
            If they cannot be listed.
        """
        names = [name for name in self.contents(group, station) if name != STATIONXML]
        if tag is None:
            return names
        names = [name for name in names if tag_of(name) == tag]
        if not names:
            msg = f"{self._path}: station {station} has no waveforms with tag {tag!r}"
            raise StationMissingError(msg)
        return names

    def sizes_by_tag(self, station: str) -> dict[str, list[int]]:
        """Return the numbers of samples; see `Reader.sizes_by_tag`."""
        group = self.group(station)
        sizes: dict[str, list[int]] = {}
        for name in self.traces(group, station):
            try:
                dataset = h5d.open(group, encoded(name))
                size = dataset.get_space().get_simple_extent_npoints()
            except HDF5_ERRORS:  # it fails where it is read
                size = 0
            sizes.setdefault(tag_of(name), []).append(size)
        return dict(sorted(sizes.items()))


def _is_group(waveforms: Any, name: bytes) -> bool:
    """Return whether a member is a group, or one that fails when it is read."""
    try:
        has_member(waveforms, name)  # raises for a link, which would be followed
        return bool(h5o.get_info(waveforms, name).type == h5o.TYPE_GROUP)
    except HDF5_ERRORS:
        return True
