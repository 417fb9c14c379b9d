"""One station's StationXML as an ASDF file has it: bytes, epochs, inventory."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.datasets import read_document
from asdf_pipeline.container.hdf5 import has_member, reading
from asdf_pipeline.container.names import STATIONXML
from asdf_pipeline.errors import StationXMLError, TraceError
from asdf_pipeline.metadata.stationxml import StationEpoch, survey

if TYPE_CHECKING:
    from pathlib import Path

    from obspy import Inventory

_STATIONXML = STATIONXML.encode()


class StationMetadata:
    """The StationXML of one station, read at once, looked into when asked for.

    Parameters
    ----------
    group : h5py.h5g.GroupID
        The station's group.
    path : pathlib.Path
        The file, for messages.
    station : str
        ``"NET.STA"``.

    Attributes
    ----------
    station : str
        ``"NET.STA"``.
    document : bytes or None
        The StationXML, byte for byte; None where there is none.

    Raises
    ------
    StationXMLError
        If it cannot be read.
    """

    def __init__(self, group: Any, path: Path, station: str) -> None:
        self.station = station
        self.document: bytes | None = None
        self._path = path
        with reading(path, f"the list of station {station}"):
            there = has_member(group, _STATIONXML)
        if there:
            try:
                self.document = read_document(group, _STATIONXML)
            except TraceError as error:
                msg = f"{path}: the StationXML of station {station} {error}"
                raise StationXMLError(msg) from error

    @cached_property
    def epochs(self) -> tuple[StationEpoch, ...]:
        """The station's epochs; none where there is no StationXML.

        Raises
        ------
        StationXMLError
            If the document is not well-formed, or of another station.
        """
        try:
            return () if self.document is None else survey(self.document, self.station)
        except StationXMLError as error:
            msg = f"{self._path}: {error}"
            raise StationXMLError(msg) from error

    def inventory(self, *, cache_responses: bool, lazy: bool) -> Inventory | None:
        """Return the inventory, a new one at each call; see `Reader.inventory`."""
        if self.document is None:
            return None
        from asdf_pipeline.metadata.inventory import LazyInventory, Source, parse_source

        _ = self.epochs  # checks the document
        where = f"{self._path}: station {self.station}"
        source = Source(self.document, where, cache_responses)
        return LazyInventory(source) if lazy else parse_source(source)
