"""What a function of a gather gets: all stations at an event, read when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from asdf_pipeline.errors import StationMissingError
from asdf_pipeline.plan.selection import overlap
from asdf_pipeline.plan.units import ALL_TAGS
from asdf_pipeline.work.station_data import StationData

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obspy.core.event import Event

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan.selection import Selection, Windows
    from asdf_pipeline.plan.units import Unit


class Gather(Mapping[str, StationData]):
    """The stations that recorded an event, or that have samples in a window, by name.

    ``gather["NET.STA"]`` is a `StationData` of what belongs to the gather; memory is
    what is touched of them.

    Parameters
    ----------
    reader : Reader
        The open file.
    unit : Unit
        What the gather is.
    selection : Selection
        Which channels and times are read.
    windows : Windows or None
        How long traces are cut.

    Attributes
    ----------
    stations : tuple of str
        ``"NET.STA"``, sorted.
    window : (int, int) or None
        Start and end of the window in ns since 1970; None of an event.
    touched : list of StationData
        The stations that were asked for.
    """

    def __init__(
        self,
        reader: Reader,
        unit: Unit,
        selection: Selection,
        windows: Windows | None,
    ) -> None:
        self.stations = unit.gathered
        self.window = unit.window
        self._known = frozenset(unit.gathered)
        self._reader = reader
        self._unit = unit
        self._selection = selection
        self._times = selection.times
        if windows is not None and unit.window is not None:
            self._times = overlap(windows.padded(unit.window), selection.times)
        self._data: dict[str, StationData] = {}

    @property
    def touched(self) -> list[StationData]:
        """The stations that were asked for."""
        return list(self._data.values())

    @cached_property
    def event(self) -> Event | None:
        """The event; None of a window, or where the file does not describe it."""
        return self._reader.event((self._unit.event,)) if self._unit.event else None

    def __getitem__(self, station: str) -> StationData:
        """Return a station's data.

        Raises
        ------
        StationMissingError
            If it has nothing in the gather; it is a KeyError.
        """
        if station not in self._known:
            msg = (
                f"{self._reader.path}: station {station} has nothing in this gather; "
                f"there are {len(self.stations)} stations, from {self.stations[0]} to "
                f"{self.stations[-1]}"
            )
            raise StationMissingError(msg)
        if station not in self._data:
            tag = self._unit.tag
            self._data[station] = StationData(
                self._reader,
                station,
                self._selection,
                tag="" if tag == ALL_TAGS else tag,
                window=self.window,
                times=self._times,
                wanted=self._wanted,
            )
        return self._data[station]

    def _wanted(self, header: TraceHeader) -> bool:
        return self._selection.has_trace(header) and self._unit.has_trace(header)

    def __iter__(self) -> Iterator[str]:
        """Yield the stations' names, sorted."""
        return iter(self.stations)

    def __len__(self) -> int:
        """Return the number of stations."""
        return len(self.stations)

    def __repr__(self) -> str:
        """Return event or window, and how many stations there are."""
        what = self._unit.event or f"window {self.window}"
        return f"Gather({self._reader.path}, {what}: {len(self)} stations)"
