"""Writing an ASDF file from one process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from asdf_pipeline.container import create
from asdf_pipeline.container.codec import COMPRESSED, Encoding
from asdf_pipeline.container.digest import bytes_digest
from asdf_pipeline.container.encoded import EncodedArray
from asdf_pipeline.container.failures import (
    abandon,
    reserve_space,
    write_error,
    writing,
)
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    h5f,
    h5g,
    has_member,
    is_marked,
    marked_message,
    version_of,
)
from asdf_pipeline.container.names import STATIONXML, is_station, name_in
from asdf_pipeline.container.product import encode_document
from asdf_pipeline.container.traces import check_version
from asdf_pipeline.errors import (
    ASDFPipelineError,
    AuxiliaryError,
    InputMissingError,
    NotASDFError,
    OutputExistsError,
    TraceError,
    WriteError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from asdf_pipeline.container.encoded import EncodedAuxiliary, EncodedTrace, Product

_STATIONXML = STATIONXML.encode()


class Writer:
    """An open ASDF file that one process writes.

    Made by `create` or `reopen`. After an error of the file system the file is lost;
    it can still be closed.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    format_version : str
        ASDF version that the file claims.
    """

    def __init__(
        self,
        path: Path,
        file: Any,
        version: str,
        give_up: Callable[[Any], None] = abandon,
    ) -> None:
        self.path = path
        self._give_up = give_up
        self._reserved = False
        self.format_version = version
        self._file = file
        self._waveforms = h5g.open(file, b"Waveforms")

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        quakeml: bytes | None = None,
        format_version: str = "1.0.3",
    ) -> Self:
        """Create a new file.

        Parameters
        ----------
        path : path-like
            Must not exist.
        quakeml : bytes or None
            Events to write.
        format_version : str
            ASDF version to claim.

        Raises
        ------
        OutputExistsError
            If there is such a file.
        WriteError
            If it cannot be written.
        """
        path = Path(path)
        if path.exists() or path.is_symlink():
            msg = f"{path}: exists already; it is never overwritten"
            raise OutputExistsError(msg)
        with writing(path):
            file = h5f.create(
                os.fsencode(path), h5f.ACC_EXCL, fapl=create.access_list()
            )
            try:
                create.file(file, format_version)
                writer = cls(path, file, format_version)
            except HDF5_ERRORS:
                abandon(file)
                raise
        if quakeml is not None:
            writer.write_quakeml(quakeml)
        return writer

    @classmethod
    def reopen(cls, path: str | os.PathLike[str]) -> Self:
        """Open a file to add to it.

        Raises
        ------
        InputMissingError, NotASDFError
            If it is no ASDF file.
        WriteError
            If it cannot be opened for writing.
        """
        path = Path(path)
        if not path.exists():
            msg = f"{path}: no such file"
            raise InputMissingError(msg)
        try:
            file = h5f.open(os.fsencode(path), h5f.ACC_RDWR, create.access_list())
        except HDF5_ERRORS as error:
            if "signature not found" in str(error):
                msg = f"{path}: not an HDF5 file"
                raise NotASDFError(msg) from error
            if is_marked(error):
                raise NotASDFError(marked_message(path)) from error
            raise write_error(path, error) from error
        try:
            version = version_of(file, path)
            with writing(path):
                if not has_member(file, b"Waveforms"):
                    create.group(file, b"Waveforms")
                return cls(path, file, version)
        except ASDFPipelineError:
            abandon(file)
            raise

    @property
    def file_id(self) -> Any:
        """The open file (h5py.h5f.FileID)."""
        return self._file

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file; may be called again.

        Raises
        ------
        WriteError
            If what is still in memory cannot be written.
        """
        if self._file is None:
            return
        with self._writing():
            # First, as HDF5 1.10 crashes where closing fails (see `abandon`).
            h5f.flush(self._file)
            size = self._file.get_filesize()
        file, self._file, self._waveforms = self._file, None, None
        with writing(self.path):
            file.close()
            if self._reserved:
                # HDF5 (1.10 and 2.0) does not know that the file was made longer.
                os.truncate(self.path, size)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Give the file up when it cannot be written."""
        if self._file is None:
            msg = f"{self.path}: closed, or lost after an earlier error"
            raise WriteError(msg)
        try:
            with writing(self.path):
                yield
        except WriteError:
            self._give_up(self._file)
            self._file = self._waveforms = None
            raise

    def reserve(self, size: int) -> None:
        """Take room on the disk for what is about to be written.

        Parameters
        ----------
        size : int
            Bytes; what is not used is given back when the file is closed.

        Raises
        ------
        WriteError
            If there is not that much room.
        """
        with self._writing():
            reserve_space(self._file.get_vfd_handle(), max(size, 1))
        self._reserved = True

    def write(self, product: Product) -> None:
        """Write what one unit made: traces, auxiliary data, and StationXML.

        StationXML is written where the station has none yet. Nothing is written if a
        trace cannot be.

        Raises
        ------
        TraceError
            If a data set of that name exists, or this version of the format does not
            allow the type of samples.
        AuxiliaryError
            If something has the path of auxiliary data already.
        WriteError
            If the file cannot be written.
        """
        with self._writing():
            named = [self._named(one) for one in product.each]
            for _, together in groupby(product.auxiliary, _group_of):
                self._write_auxiliary(list(together), product.station)
            for of_station, (group, traces) in zip(product.each, named, strict=True):
                for name, trace in traces.items():
                    dataset = create.trace(group, trace, name)
                    create.write_samples(dataset, trace.array)
                self._document(group, of_station)

    def _named(self, product: Product) -> tuple[Any, dict[str, EncodedTrace]]:
        """Return the open group of a product's station, and its traces by name."""
        group: Any = None
        if product.traces or product.stationxml is not None:
            group = self.station(product.station)
        named: dict[str, EncodedTrace] = {}
        for trace in product.traces:
            name = self._name(trace)
            if name in named or group.links.exists(name.encode()):
                msg = f"{self.path}: {product.station}/{name} exists already"
                raise TraceError(msg)
            named[name] = trace
        return group, named

    @staticmethod
    def _document(group: Any, product: Product) -> None:
        """Write a product's StationXML where the station has none yet."""
        if product.stationxml is None or group.links.exists(_STATIONXML):
            return
        document = product.document or encode_document(product.stationxml, COMPRESSED)
        _write_document(group, _STATIONXML, document)

    def _write_auxiliary(
        self, contents: Sequence[EncodedAuxiliary], station: str
    ) -> None:
        """Write the auxiliary data of one group: all created, then filled."""
        created: list[tuple[Any, EncodedAuxiliary]] = []
        for content in contents:
            like = created[-1] if created else None
            dataset = create.auxiliary(self._file, content, like)
            if dataset is None:
                whose = f"{station}: " if station else ""
                msg = (
                    f"{self.path}: {whose}auxiliary data {content.path!r} is there "
                    "already: give each station (and window) a path of its own"
                )
                raise AuxiliaryError(msg)
            created.append((dataset, content))
        for dataset, content in created:
            create.write_samples(dataset, content.array)

    def station(self, station: str) -> Any:
        """Return the station's open group, created where it is missing."""
        name = station.encode()
        if not is_station(station):
            msg = f"{self.path}: {station!r} is not of the form NET.STA"
            raise TraceError(msg)
        if self._waveforms.links.exists(name):
            return h5g.open(self._waveforms, name)
        return create.group(self._waveforms, name)

    def _name(self, trace: EncodedTrace) -> str:
        """Return the trace's name as this version of the format allows it."""
        check_version(trace.header, self.format_version)
        return name_in(self.format_version, trace.name)

    def write_stationxml(
        self, station: str, document: bytes, encoding: Encoding = COMPRESSED
    ) -> None:
        """Write a station's StationXML; one that is there is replaced.

        Raises
        ------
        TraceError
            If the station's name is not of the form ``NET.STA``.
        WriteError
            If the file cannot be written.
        """
        with self._writing():
            group = self.station(station)
            _write_document(group, _STATIONXML, encode_document(document, encoding))

    def write_quakeml(self, document: bytes, encoding: Encoding = COMPRESSED) -> None:
        """Write the QuakeML document; one that is there is replaced.

        Raises
        ------
        WriteError
            If the file cannot be written.
        """
        with self._writing():
            encoded = encode_document(document, encoding)
            dataset = _write_document(self._file, b"QuakeML", encoded)
            create.text_attribute(dataset, b"digest", bytes_digest(document))

    def write_provenance(
        self, name: str, document: bytes, encoding: Encoding = COMPRESSED
    ) -> None:
        """Write a provenance document; one of that name is replaced.

        Raises
        ------
        WriteError
            If the file cannot be written.
        """
        with self._writing():
            if not self._file.links.exists(b"Provenance"):
                create.group(self._file, b"Provenance")
            group = h5g.open(self._file, b"Provenance")
            encoded = encode_document(document, encoding)
            dataset = _write_document(group, name.encode(), encoded)
            create.text_attribute(dataset, b"digest", bytes_digest(document))


def _group_of(content: EncodedAuxiliary) -> str:
    return content.path.rpartition("/")[0]


def _write_document(group: Any, name: bytes, content: EncodedArray) -> Any:
    if group.links.exists(name):
        group.unlink(name)
    dataset = create.array(group, name, content)
    create.write_samples(dataset, content)
    return dataset
