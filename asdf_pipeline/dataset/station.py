"""One station of a data set: its waveforms by tag or name, its StationXML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from asdf_pipeline.container.names import STATIONXML, tag_of
from asdf_pipeline.container.traces import offset, samples_between, to_trace
from asdf_pipeline.dataset import display, pyasdf
from asdf_pipeline.errors import (
    InputError,
    NotOfferedError,
    StationMissingError,
    StationXMLError,
)
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from obspy import Inventory, Stream, UTCDateTime

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.dataset.open_file import OpenFile

# Spelt out here, as the classes' method `list` hides the built-in one.
Names: TypeAlias = list[str]
Epochs: TypeAlias = list[dict[str, Any]]
# Before and after every time that an ASDF file can hold, in ns since 1970.
_FIRST, _LAST = -(2**63), 2**63 - 1


class Station:
    """One station: its waveforms by tag or name, and its StationXML.

    Parameters
    ----------
    open_file : OpenFile
        The data set's file.
    station : str
        ``"NET.STA"``.
    chosen : frozenset of str or None
        Names of the traces that a query left; None for all.
    """

    def __init__(
        self,
        open_file: OpenFile,
        station: str,
        chosen: frozenset[str] | None = None,
    ) -> None:
        self._open_file = open_file
        self._station_name = station
        self._chosen = chosen

    def list(self) -> Names:
        """Return the names of what there is: traces, and ``"StationXML"``."""
        names = self._open_file.names(self._station_name)
        if self._chosen is not None:
            names = names & {*self._chosen, STATIONXML}
        return sorted(names)

    def _traces(self, tag: str | None = None) -> Names:
        """Return the names of the traces, or of those with a tag, sorted."""
        names = (name for name in self.list() if name != STATIONXML)
        if tag is None:
            return [*names]
        return [name for name in names if tag_of(name) == tag]

    def get_waveform_tags(self) -> Names:
        """Return the tags, sorted."""
        return sorted({tag_of(name) for name in self._traces()})

    def get_item(
        self,
        item: str,
        starttime: UTCDateTime | None = None,
        endtime: UTCDateTime | None = None,
    ) -> Stream | Inventory:
        """Return the traces with a tag, one trace by its name, or the StationXML.

        Parameters
        ----------
        item : str
            A tag, the name of a trace, or ``"StationXML"``.
        starttime, endtime : obspy.UTCDateTime or None
            Only this much of each trace is read: from the last sample at or before
            the start to the first at or after the end.

        Raises
        ------
        StationMissingError
            If the station has no such item.
        InputError
            If it is larger than ``single_item_read_limit_in_mb``.
        """
        from obspy import Stream

        if item == STATIONXML:
            return self._inventory()
        names = [item] if item in self._traces() else self._traces(item)
        if not names:
            self._missing(item)
        window = None
        if starttime is not None or endtime is not None:
            window = (
                _FIRST if starttime is None else starttime.ns,
                _LAST if endtime is None else endtime.ns,
            )
        self._check_size(item, names, window)
        traces = []
        for name in names:
            part = window
            if window is not None:
                part = _outwards(self._header(name), window)
                if part is None:
                    continue
            reader = self._open_file.reader
            header, data = reader.trace(self._station_name, name, part)
            traces.append(to_trace(header, data, reader.format_version))
        return Stream(traces)

    def _header(self, name: str) -> TraceHeader:
        return self._open_file.reader.header(self._station_name, name)

    def _check_size(
        self, item: str, names: Names, window: tuple[int, int] | None
    ) -> None:
        """Refuse to read more than the limit; small files are not even measured."""
        limit = self._open_file.limit_in_mb * 1024**2
        if self._open_file.path.stat().st_size <= limit:
            return
        size = 0
        for name in names:
            header = self._header(name)
            samples = float(header.npts)
            if window is not None:
                start = max(window[0], header.starttime)
                end = min(window[1], header.endtime)
                seconds = max(0, end - start) / SECOND
                samples = min(samples, seconds * header.sampling_rate + 2)
            size += int(samples) * header.dtype.itemsize
        if size > limit:
            msg = (
                f"{self._open_file.path}: {item} of {self._station_name} takes "
                f"{size / 1024**2:.1f} MB, the limit is {limit / 1024**2} MB: raise "
                "ds.single_item_read_limit_in_mb, or read less by ds.get_waveforms()"
            )
            raise InputError(msg)

    def _inventory(self) -> Inventory:
        inventory = None
        if STATIONXML in self._open_file.names(self._station_name):
            inventory = self._open_file.reader.inventory(self._station_name, lazy=False)
        if inventory is None:
            self._no_stationxml()
        return inventory

    def _no_stationxml(self) -> NoReturn:
        msg = (
            f"{self._open_file.path}: station {self._station_name} has no StationXML; "
            "add it with ds.add_stationxml()"
        )
        raise StationMissingError(msg)

    def _missing(self, item: str) -> NoReturn:
        if "__" not in item:
            tags = ", ".join(self.get_waveform_tags()) or "none"
            msg = (
                f"{self._open_file.path}: station {self._station_name} has no "
                f"waveforms with tag {item!r}; its tags: {tags}"
            )
        else:
            msg = f"{self._open_file.path}: {self._station_name} has no {item!r}"
        raise StationMissingError(msg)

    def __getattr__(self, item: str) -> Any:
        """Return what `get_item` does, as an attribute."""
        own_state = "_open_file", "_station_name", "_chosen"  # not there: no station
        underscored = item.startswith("_") and (
            item in own_state or item not in self.get_waveform_tags()
        )
        if underscored or item == "filter_waveforms":
            pyasdf.refuse(pyasdf.STATION, item, "station")
        own = getattr(type(self), item, None)
        if isinstance(own, property):
            # It raised an AttributeError, for which Python came here: once more.
            return own.__get__(self)
        return self.get_item(item)

    def __getitem__(self, item: str) -> Any:
        """Return what `get_item` does."""
        return self.get_item(item)

    def __contains__(self, item: object) -> bool:
        """Return whether there is such a tag, trace or StationXML."""
        return item in self.list() or item in self.get_waveform_tags()

    def __delitem__(self, item: str) -> None:
        """Raise NotOfferedError: nothing is deleted from a file."""
        raise NotOfferedError(pyasdf.STATION["del station[...]"].note)

    __delattr__ = __delitem__

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same station of the same file."""
        if type(self) is not type(other) or not isinstance(other, Station):
            return NotImplemented
        return (self._open_file.path, self._station_name) == (
            other._open_file.path,
            other._station_name,
        )

    def __hash__(self) -> int:
        """Return a hash that goes with equality."""
        return hash((self._open_file.path, self._station_name))

    def __dir__(self) -> Names:
        """Return the attributes, for tab completion: tags and StationXML, too."""
        return sorted(
            {
                *(name for name in dir(type(self)) if not name.startswith("__")),
                "_station_name",
                *self.get_waveform_tags(),
                *({STATIONXML} & set(self.list())),
            }
        )

    def get_waveform_attributes(self) -> dict[str, dict[str, Any]]:
        """Return each trace's attributes by its name; the ids as lists."""
        attributes = {}
        for name in self._traces():
            header = self._header(name)
            here: dict[str, Any] = {
                "starttime": header.starttime,
                "sampling_rate": header.sampling_rate,
            }
            for kind in ("event", "origin", "magnitude", "focal_mechanism"):
                if ids := getattr(header, f"{kind}_ids"):
                    here[f"{kind}_ids"] = [*ids]
            if header.labels:
                here["labels"] = ",".join(header.labels)
            if header.provenance_id:
                here["provenance_id"] = header.provenance_id
            attributes[name] = here
        return attributes

    @property
    def coordinates(self) -> dict[str, float]:
        """Latitude and longitude in degrees, elevation in metres.

        Of a station that moved: where it was in the times of its waveforms; the newest
        place, if there are several, or no waveforms.

        Raises
        ------
        StationMissingError
            If the station has no StationXML.
        StationXMLError
            If that is damaged, or does not say.
        """
        place = self._open_file.reader.coordinates(self._station_name)
        if place is None:
            if STATIONXML not in self._open_file.names(self._station_name):
                self._no_stationxml()
            msg = (
                f"{self._open_file.path}: the StationXML of station "
                f"{self._station_name} does not say where it is"
            )
            raise StationXMLError(msg)
        names = ("latitude", "longitude", "elevation_in_m")
        return dict(zip(names, place, strict=True))

    @property
    def channel_coordinates(self) -> dict[str, Epochs]:
        """Per channel and epoch: times, latitude, longitude, elevation, depth.

        Raises
        ------
        StationMissingError
            If the station has no StationXML.
        """
        channels: dict[str, Epochs] = {}
        for network in self._inventory():
            for station in network:
                for channel in station:
                    name = (
                        f"{network.code}.{station.code}."
                        f"{channel.location_code}.{channel.code}"
                    )
                    channels.setdefault(name, []).append(
                        {
                            "starttime": channel.start_date,
                            "endtime": channel.end_date,
                            "latitude": float(channel.latitude),
                            "longitude": float(channel.longitude),
                            "elevation_in_m": float(channel.elevation),
                            "local_depth_in_m": float(channel.depth),
                        }
                    )
        return channels

    def __str__(self) -> str:
        """Return a summary."""
        return display.station_text(self, filtered=self._chosen is not None)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return a summary for notebooks."""
        return display.station_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print a summary in IPython."""
        printer.text(str(self))


def _outwards(header: TraceHeader, window: tuple[int, int]) -> tuple[int, int] | None:
    """Return the times of the samples on, or just outside, the ends of a window.

    None where the trace and the window have nothing in common.
    """
    if window[0] > header.endtime or window[1] < header.starttime:
        return None
    begin, end = samples_between(header, window)
    first, last = (
        header.starttime + offset(index, header.sampling_rate)
        for index in (begin, end - 1)
    )
    if first > window[0] and begin > 0:
        first = header.starttime + offset(begin - 1, header.sampling_rate)
    if last < window[1] and end < header.npts:
        last = header.starttime + offset(end, header.sampling_rate)
    return first, last
