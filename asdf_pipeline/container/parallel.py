"""Writing an ASDF file from all ranks of an MPI job at once (parallel HDF5).

Creating is collective: every rank calls the same functions in the same order. The
bytes are written independently, by the rank that has them. Without filters: with HDF5
1.10.8, independent writes of filtered chunks corrupt the file without an error, and
collective ones compress on one rank at a time.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from asdf_pipeline.container import create
from asdf_pipeline.container.codec import RAW
from asdf_pipeline.container.digest import bytes_digest
from asdf_pipeline.container.encoded import EncodedArray
from asdf_pipeline.container.failures import writing
from asdf_pipeline.container.hdf5 import h5f, h5g, h5py
from asdf_pipeline.container.names import STATIONXML
from asdf_pipeline.container.product import encode_document
from asdf_pipeline.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from asdf_pipeline.container.encoded import Product

_STATIONXML = STATIONXML.encode()


def available() -> bool:
    """Return whether this h5py was built with parallel HDF5."""
    return bool(h5py.get_config().mpi)


def declare(product: Product) -> Product:
    """Return a product without its bytes: what the other ranks need to create it."""
    document = product.document
    return replace(
        product,
        traces=tuple(replace(trace, chunks=()) for trace in product.traces),
        auxiliary=tuple(
            replace(one, array=replace(one.array, chunks=()))
            for one in product.auxiliary
        ),
        stationxml=None,
        document=document and replace(document, chunks=()),
        others=tuple(map(declare, product.others)),
    )


class ParallelWriter:
    """An open ASDF file that all ranks write. Every method is collective.

    Made by `create`. After an error the file is lost, and cannot even be closed:
    closing is collective as well, and waits for ever where one rank cannot write.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    """

    def __init__(self, path: Path, file: Any, waveforms: Any, rank: int) -> None:
        self.path = path
        self._file = file
        self._waveforms = waveforms
        self._rank = rank
        self._documented: dict[str, bool] = {}  # station: has its StationXML

    @classmethod
    def create(cls, path: Path, comm: Any, info: Any, quakeml: bytes | None) -> Self:
        """Create a new file.

        Parameters
        ----------
        path : pathlib.Path
            Must not exist.
        comm : communicator
            MPI's, of all ranks that write.
        info : info object
            MPI's, with hints for its files.
        quakeml : bytes or None
            Events to write.

        Raises
        ------
        WriteError
            If it cannot be written.
        """
        with _writing(path):
            access = create.access_list().copy()
            access.set_fapl_mpio(comm, info)
            file = h5f.create(os.fsencode(path), h5f.ACC_EXCL, fapl=access)
            waveforms = create.file(file, "1.0.3")
            writer = cls(path, file, waveforms, comm.Get_rank())
            if quakeml is not None:
                encoded = encode_document(quakeml, RAW)
                dataset = create.array(file, b"QuakeML", encoded)
                create.text_attribute(dataset, b"digest", bytes_digest(quakeml))
                if writer._rank == 0:
                    create.write_samples(dataset, encoded)
        return writer

    def write(
        self, declared: Sequence[Sequence[Product]], mine: Sequence[Product]
    ) -> None:
        """Write what all ranks have.

        Parameters
        ----------
        declared : sequence of sequence of Product
            By rank; the same on all of them; the bytes are not needed.
        mine : sequence of Product
            This rank's, with their bytes, not filtered.

        Raises
        ------
        WriteError
            If this rank cannot write; others may not have noticed.
        """
        with _writing(self.path):
            own: list[tuple[Any, EncodedArray]] = []
            for rank, products in enumerate(declared):
                for index, product in enumerate(products):
                    # On every rank, as creating is collective; written by one.
                    datasets = self._create(product)
                    if rank == self._rank:
                        own += zip(datasets, _arrays(mine[index]), strict=False)
            for dataset, content in own:
                if dataset is not None:
                    create.write_samples(dataset, content)

    def _create(self, product: Product) -> list[Any]:
        """Create a product's data sets, in the order of `_arrays`.

        None stands for a StationXML that is there, and for auxiliary data whose path
        is taken: the ledger ends such a run, and all ranks go on alike until then.
        """
        datasets = [create.auxiliary(self._file, one) for one in product.auxiliary]
        for one in product.each:
            if one.traces:
                datasets += self._create_station(one)
        return datasets

    def _create_station(self, product: Product) -> list[Any]:
        station = product.station
        if station in self._documented:
            group = h5g.open(self._waveforms, station.encode())
        else:
            group = create.group(self._waveforms, station.encode())
            self._documented[station] = False
        datasets = [create.trace(group, trace) for trace in product.traces]
        if product.document is not None:
            known, self._documented[station] = self._documented[station], True
            datasets.append(
                None if known else create.array(group, _STATIONXML, product.document)
            )
        return datasets

    def close(self) -> None:
        """Close the file, its bytes handed to the file system on every rank.

        Raises
        ------
        WriteError
            If what is still in memory cannot be written.
        """
        file, self._file, self._waveforms = self._file, None, None
        with _writing(self.path):
            h5f.flush(file)  # MPI_File_sync, or other nodes' bytes come later
            file.close()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """As `writing`, with the space that is left: MPI-IO's errors do not say why."""
    try:
        with writing(path):
            yield
    except WriteError as error:
        if error.errno is not None:
            raise
        free = shutil.disk_usage(path.parent).free
        msg = f"{error} ({free / 1e6:.0f} MB are free there)"
        raise WriteError(msg) from error


def _arrays(product: Product) -> list[EncodedArray]:
    """Return the arrays of a product, in the order in which `_create` makes them."""
    arrays = [one.array for one in product.auxiliary]
    for one in product.each:
        arrays += [trace.array for trace in one.traces]
        if one.document is not None:
            arrays.append(one.document)
    return arrays
