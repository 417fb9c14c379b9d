"""What a data set tells: about itself, its stations, its waveforms."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.names import STATIONXML, tag_of
from asdf_pipeline.dataset import display, pyasdf
from asdf_pipeline.dataset.auxiliary import AuxiliaryData
from asdf_pipeline.dataset.provenance import Provenance
from asdf_pipeline.dataset.query import Condition, Query, QueryFilter
from asdf_pipeline.dataset.station import Station
from asdf_pipeline.dataset.stations import Stations, select
from asdf_pipeline.errors import ASDFWarning, InputError
from asdf_pipeline.text import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from obspy import Inventory, Stream, UTCDateTime

    from asdf_pipeline.dataset.open_file import OpenFile


class Readable:
    """The half of a data set that reads.

    Parameters
    ----------
    open_file : OpenFile
        The file.
    """

    q = Query()

    def __init__(self, open_file: OpenFile) -> None:
        self.open_file = open_file
        self.waveforms = Stations(open_file)
        self.auxiliary_data = AuxiliaryData(open_file)
        self.provenance = Provenance(open_file)

    def close(self) -> None:
        """Close the file; what was added is complete on disk then."""
        self.open_file.close()

    def flush(self) -> None:
        """Complete the file on disk; the next use opens it again."""
        self.open_file.flush()

    def __getattr__(self, name: str) -> Any:
        """Raise: it is no attribute, or one of pyasdf's that is not offered."""
        pyasdf.refuse(pyasdf.DATA_SET, name, "ASDFDataSet")

    def __eq__(self, other: object) -> bool:
        """Return whether both files have the same content (by its digest)."""
        if not isinstance(other, Readable):
            return NotImplemented
        self.flush()
        other.flush()
        return file_digest(self.filename) == file_digest(other.filename)

    __hash__ = None  # type: ignore[assignment]

    # What the file is.

    @property
    def filename(self) -> str:
        """The file's absolute path."""
        return str(self.open_file.path)

    @property
    def filesize(self) -> int:
        """The file's size in bytes."""
        return self.open_file.path.stat().st_size

    @property
    def pretty_filesize(self) -> str:
        """The file's size as people read it: ``"1.4 MB"``."""
        return size_text(self.filesize)

    @property
    def asdf_format_version(self) -> str:
        """The file's ASDF version."""
        return self.open_file.format_version

    @property
    def asdf_format_version_in_file(self) -> str:
        """The same: what is written follows the version of the file."""
        return self.open_file.format_version

    @property
    def single_item_read_limit_in_mb(self) -> float:
        """How much one access may read, in MiB."""
        return self.open_file.limit_in_mb

    @single_item_read_limit_in_mb.setter
    def single_item_read_limit_in_mb(self, limit: float) -> None:
        self.open_file.limit_in_mb = limit

    @property
    def waveform_tags(self) -> set[str]:
        """All tags in the file."""
        return {
            tag_of(name)
            for station in self.open_file.stations
            for name in self.open_file.names(station)
            if name != STATIONXML
        }

    def get_data_for_tag(
        self, station_name: str, tag: str
    ) -> tuple[Stream, Inventory | None]:
        """Return a station's traces with a tag, and its StationXML or None."""
        station = self.waveforms[station_name]
        has_xml = STATIONXML in station.list()
        return station[tag], station[STATIONXML] if has_xml else None

    def get_waveforms(
        self,
        network: str,
        station: str,
        location: str,
        channel: str,
        starttime: UTCDateTime,
        endtime: UTCDateTime,
        tag: str,
        automerge: bool = True,
    ) -> Stream:
        """Return traces between two times; only these samples are read.

        Parameters
        ----------
        network, station, location, channel, tag : str
            Codes and tag, wildcards and lists with commas allowed.
        starttime, endtime : obspy.UTCDateTime
            From the last sample at or before the start to the first at or after the
            end.
        automerge : bool
            Join traces of which one goes on exactly where the other ends.
        """
        from obspy import Stream

        q = self.q
        stream = Stream()
        for one in self.ifilter(
            q.network == network,
            q.station == station,
            q.location == location,
            q.channel == channel,
            q.tag == tag,
            q.starttime <= endtime,
            q.endtime >= starttime,
        ):
            for its_tag in one.get_waveform_tags():
                stream += one.get_item(its_tag, starttime, endtime)
        if automerge:
            stream.merge(method=-1)
        return stream

    def ifilter(self, *conditions: Condition) -> Iterator[Station]:
        """Yield the stations, and of each the traces, that meet all conditions.

        Parameters
        ----------
        *conditions : Condition
            Comparisons of `ASDFDataSet.q`: ``ds.q.network == "B?"``; see
            `asdf_pipeline.dataset.query`.
        """
        return select(self.open_file, QueryFilter(conditions))

    def get_all_coordinates(self) -> dict[str, dict[str, float]]:
        """Return the coordinates of all stations that have a StationXML.

        A station that moved is where it was in the times of its waveforms. One whose
        StationXML is damaged, or does not say, is left out with an ASDFWarning.
        """
        found = {}
        for station in self.waveforms:
            if STATIONXML not in station:
                continue
            try:
                found[station._station_name] = station.coordinates
            except InputError as error:
                warnings.warn(f"{error}: left out", ASDFWarning, stacklevel=2)
        return found

    def get_provenance_document(self, document_name: str) -> Any:
        """Return a provenance document (`prov.model.ProvDocument`)."""
        return self.provenance[document_name]

    def validate(self) -> None:
        """Print which stations lack a StationXML, and which lack waveforms."""
        good = bare = silent = 0
        for station in self.waveforms:
            has_waveforms = bool(station.get_waveform_tags())
            if STATIONXML in station and has_waveforms:
                good += 1
            elif has_waveforms:
                bare += 1
                print(f"{station._station_name}: waveforms, but no StationXML")
            elif STATIONXML in station:
                silent += 1
                print(f"{station._station_name}: StationXML, but no waveforms")
        print(
            f"{len(self.waveforms)} station(s): {good} with both, {bare} without "
            f"StationXML, {silent} without waveforms"
        )

    # How it shows itself.

    def __str__(self) -> str:
        """Return a summary."""
        if self.open_file.closed:
            return f"ASDF file '{self.filename}' (closed)"
        return display.data_set_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return a summary for notebooks."""
        return display.data_set_html(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print a summary in IPython."""
        printer.text(str(self))
