"""What an ASDF file holds: stations, tags, names of data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.documents import InputFile
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    h5d,
    h5g,
    h5o,
    has_member,
    members_of,
    names_in,
    reason,
)
from asdf_pipeline.container.names import STATIONXML, decoded, encoded, tag_of
from asdf_pipeline.errors import InputError, StationMissingError, TraceError

if TYPE_CHECKING:
    import os


class Listing(InputFile):
    """An ASDF file, open to be read, with what it holds.

    Cheap enough to be asked for each of 100,000 stations; see `InputFile`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._waveforms = self._group(b"Waveforms")

    def _station(self, station: str) -> Any:
        try:
            if station in self:
                return h5g.open(self._waveforms, encoded(station))
        except HDF5_ERRORS as error:
            msg = f"{self.path}: station {station} cannot be read: {reason(error)}"
            raise TraceError(msg) from error
        msg = f"{self.path}: no station {station!r}"
        raise StationMissingError(msg)

    def stations(self) -> list[str]:
        """Return the names ``"NET.STA"`` of all stations, sorted.

        What is not a group is no station. A name of another form is: its traces
        exist, and fail when they are read. So does a link.
        """
        group = self._waveforms
        if group is None:
            return []
        try:
            names = [name for name in names_in(group) if _is_group(group, name)]
            return sorted(map(decoded, names))
        except HDF5_ERRORS as error:
            msg = f"{self.path}: the list of stations is damaged: {reason(error)}"
            raise InputError(msg) from error

    def __contains__(self, station: str) -> bool:
        """Return whether the file has a station."""
        group = self._waveforms
        return group is not None and has_member(group, encoded(station))

    def _listed(self, group: Any, station: str) -> list[str]:
        """Return the names of all of a station's data sets, sorted."""
        try:
            return sorted(map(decoded, members_of(group)))
        except HDF5_ERRORS as error:
            msg = f"{self.path}: the list of traces of {station} cannot be read: "
            raise TraceError(msg + reason(error)) from error

    def contents(self, station: str) -> list[str]:
        """Return the names of a station's data sets, StationXML included, sorted."""
        return self._listed(self._station(station), station)

    def names(self, station: str) -> list[str]:
        """Return the names of a station's waveform data sets, sorted."""
        return self._tagged(self._station(station), station, None)

    def tags(self, station: str) -> list[str]:
        """Return a station's tags, sorted."""
        return sorted(set(map(tag_of, self.names(station))))

    def samples_by_tag(self, station: str) -> dict[str, int]:
        """Return the number of samples a station has of each tag, sorted by tag.

        What cannot be opened counts as empty here, and fails when it is read.
        """
        return {tag: sum(sizes) for tag, sizes in self.sizes_by_tag(station).items()}

    def sizes_by_tag(self, station: str) -> dict[str, list[int]]:
        """Return the number of samples of each trace, by tag, sorted by name.

        What cannot be opened counts as empty here, and fails when it is read.
        """
        group = self._station(station)
        sizes: dict[str, list[int]] = {}
        for name in self._tagged(group, station, None):
            try:
                dataset = h5d.open(group, encoded(name))
                size = dataset.get_space().get_simple_extent_npoints()
            except HDF5_ERRORS:
                size = 0
            sizes.setdefault(tag_of(name), []).append(size)
        return dict(sorted(sizes.items()))

    def _tagged(self, group: Any, station: str, tag: str | None) -> list[str]:
        """Return the names of a tag's data sets, or of all, sorted."""
        names = [name for name in self._listed(group, station) if name != STATIONXML]
        if tag is None:
            return names
        names = [name for name in names if tag_of(name) == tag]
        if not names:
            msg = f"{self.path}: station {station} has no waveforms with tag {tag!r}"
            raise StationMissingError(msg)
        return names


def _is_group(waveforms: Any, name: bytes) -> bool:
    """Return whether a member is a group, or one that fails when it is read."""
    try:
        has_member(waveforms, name)  # no link, which would be followed
        return bool(h5o.get_info(waveforms, name).type == h5o.TYPE_GROUP)
    except HDF5_ERRORS:
        return True
