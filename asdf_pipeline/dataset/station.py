"""One station of a data set: its waveforms by tag or name, its StationXML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from asdf_pipeline.container.names import STATIONXML, TraceName, tag_of
from asdf_pipeline.container.traces import to_trace
from asdf_pipeline.dataset import display
from asdf_pipeline.dataset.cutting import times_to_read
from asdf_pipeline.dataset.query import FROM_HEADER, Condition, QueryFilter
from asdf_pipeline.dataset.view import View
from asdf_pipeline.errors import (
    InputError,
    StationMissingError,
    StationXMLError,
)
from asdf_pipeline.times import ALWAYS, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from obspy import Inventory, Stream, UTCDateTime

    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.dataset.open_file import Source

# Spelt out here, as the classes' method `list` hides the built-in one.
Names: TypeAlias = list[str]
Epochs: TypeAlias = list[dict[str, Any]]
# Before and after every time that an ASDF file can hold, in ns since 1970.


class Station(View):
    """One station: its waveforms by tag or name, and its StationXML.

    Parameters
    ----------
    open_file : Source
        Its file.
    station : str
        ``"NET.STA"``.
    chosen : frozenset of str or None
        Names of the traces that a query left; None for all.
    """

    def __init__(
        self,
        open_file: Source,
        station: str,
        chosen: frozenset[str] | None = None,
    ) -> None:
        super().__init__(open_file)
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
        *,
        nearest_sample: bool | None = None,
    ) -> Stream | Inventory:
        """Return the traces with a tag, one trace by its name, or the StationXML.

        Parameters
        ----------
        item : str
            A tag, the name of a trace, or ``"StationXML"``.
        starttime, endtime : obspy.UTCDateTime or None
            Only this much of each trace is read. A time that misses a sample by no
            more than half a microsecond means that sample.
        nearest_sample : bool, optional
            Which sample stands for a time between two: True, the nearest; False, the
            inner one; both as in `obspy.Trace.slice`. By default, as in pyasdf, the
            outer one: the last before the start, the first after the end.

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
        names = self._wanted(item)
        window = None
        if starttime is not None or endtime is not None:
            window = (
                ALWAYS[0] if starttime is None else starttime.ns,
                ALWAYS[1] if endtime is None else endtime.ns,
            )
        self._check_size(item, names, window)
        traces = []
        for name in names:
            part = window
            if window is not None:
                part = times_to_read(self._header(name), window, nearest_sample)
                if part is None:
                    continue
            reader = self._open_file.reader
            header, data = reader.trace(self._station_name, name, part)
            traces.append(to_trace(header, data, reader.format_version))
        return Stream(traces)

    def _wanted(self, item: str) -> Names:
        """Return the names of the traces with a tag, or of the one of that name."""
        names = [item] if item in self._traces() else self._traces(item)
        if not names:
            self._missing(item)
        return names

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

    def __getitem__(self, item: str) -> Any:
        """Return what `get_item` does."""
        return self.get_item(item)

    def __contains__(self, item: object) -> bool:
        """Return whether there is such a tag, trace or StationXML."""
        return item in self.list() or item in self.get_waveform_tags()

    def __delitem__(self, item: str) -> None:
        """Delete the traces with a tag, one trace by its name, or the StationXML.

        Raises
        ------
        StationMissingError
            If the station has no such item.
        """
        if item == STATIONXML and item not in self.list():
            self._no_stationxml()
        names = [item] if item == STATIONXML else self._wanted(item)
        self._open_file.delete(
            *(("Waveforms", self._station_name, name) for name in names)
        )

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
                *(name for name in dir(type(self)) if not name.startswith("_")),
                "_station_name",
                *self.get_waveform_tags(),
                *({STATIONXML} & set(self.list())),
            }
        )

    def filter_waveforms(
        self, queries: Mapping[str, Callable[[Any], bool] | None]
    ) -> Names:
        """Return the names of the traces that pass all tests.

        Parameters
        ----------
        queries : mapping of str to callable or None
            By term of ``ASDFDataSet.q``, a test of its value; None asks nothing. What
            ``ASDFDataSet.q`` compares gives such: ``name, test = ds.q.tag == "raw"``.
        """
        query = QueryFilter(
            Condition(term, test) for term, test in queries.items() if test
        )
        return [
            name
            for name in self._traces()
            if query.takes_tag(tag_of(name))
            and query.takes_codes(TraceName.parse(name))
            and (not query.asks(FROM_HEADER) or query.takes_header(self._header(name)))
        ]

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
        """Times, latitude, longitude, elevation and depth, per channel and epoch.

        Raises
        ------
        StationMissingError
            If the station has no StationXML.
        StationXMLError
            If there are no channels in it.
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
        if not channels:
            msg = (
                f"{self._open_file.path}: the StationXML of station "
                f"{self._station_name} has no channels"
            )
            raise StationXMLError(msg)
        return channels

    def __str__(self) -> str:
        """Return a summary."""
        return display.station_text(
            self._station_name,
            self.get_waveform_tags(),
            has_stationxml=STATIONXML in self.list(),
            filtered=self._chosen is not None,
        )

    def _repr_html_(self) -> str:
        """Return a summary for notebooks."""
        return display.station_html(
            self._station_name,
            {tag: len(self._traces(tag)) for tag in self.get_waveform_tags()},
            has_stationxml=STATIONXML in self.list(),
        )
