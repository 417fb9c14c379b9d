"""Writing an ASDF file from all ranks of an MPI job at once (parallel HDF5).

One process lays the file out: it creates groups, data sets and attributes of what all
ranks declare. Then all open it together, and each writes the bytes that it has,
independently. To create through MPI would be collective, each rank creating what all
have: 64 ranks on two cores took three times as long for 640 stations.

Without filters: with HDF5 1.10.8, independent writes of filtered chunks corrupt the
file without an error, and collective ones compress on one rank at a time.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container import create
from asdf_pipeline.container.failures import writing
from asdf_pipeline.container.hdf5 import h5d, h5f, h5g, h5o, h5py
from asdf_pipeline.container.names import STATIONXML
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.errors import WriteError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from asdf_pipeline.container.encoded import EncodedArray, Product


def available() -> bool:
    """Return whether this h5py was built with parallel HDF5."""
    return bool(h5py.get_config().mpi)


def declare(product: Product) -> Product:
    """Return a product without its bytes: what `lay_out` needs of it."""
    document = product.document
    return replace(
        product,
        traces=tuple(replace(trace, chunks=()) for trace in product.traces),
        auxiliary=tuple(
            replace(one, array=replace(one.array, chunks=()))
            for one in product.auxiliary
        ),
        stationxml=None if document is None else b"",
        document=document and replace(document, chunks=()),
        others=tuple(map(declare, product.others)),
    )


def lay_out(path: Path, declared: Iterable[Product], quakeml: bytes | None) -> None:
    """Create all that products have in a file, but for their bytes; on one rank.

    Parameters
    ----------
    path : pathlib.Path
        The file; made where it is not there.
    declared : iterable of Product
        What is to be created (see `declare`).
    quakeml : bytes or None
        The events, with which a new file is born.

    Raises
    ------
    WriteError
        If it cannot be written.
    TraceError, AuxiliaryError
        If something is there already (see `Writer.write`).
    """
    writer = Writer.reopen(path) if path.exists() else Writer.create(path, quakeml)
    with writer:
        for product in declared:
            writer.write(product)


def fill(path: Path, comm: Any, info: Any, products: Iterable[Product]) -> None:
    """Write the bytes of products into data sets that are laid out; collective.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    comm : communicator
        MPI's, of all ranks: each calls this.
    info : info object
        MPI's, with hints for its files.
    products : iterable of Product
        This rank's, with their bytes, not filtered.

    Raises
    ------
    WriteError
        If this rank cannot write; others may not have noticed, and wait for it. The
        file cannot even be closed then, for that is collective as well.
    """
    with _writing(path):
        access = create.access_list().copy()
        access.set_fapl_mpio(comm, info)
        file = h5f.open(os.fsencode(path), h5f.ACC_RDWR, fapl=access)
        for product in products:
            _fill(file, product)
        h5f.flush(file)  # MPI_File_sync, or other nodes' bytes come later
        file.close()


def _fill(file: Any, product: Product) -> None:
    for one in product.auxiliary:
        _write(h5o.open(file, b"AuxiliaryData"), one.path.encode(), one.array)
    for part in product.each:
        if part.traces:
            _fill_station(file, part)


def _fill_station(file: Any, product: Product) -> None:
    station = h5g.open(file, b"/".join((b"Waveforms", product.station.encode())))
    for trace in product.traces:
        _write(station, trace.name.encode(), trace.array)
    if product.document is not None:
        # By each unit of the station: the same bytes.
        _write(station, STATIONXML.encode(), product.document)


def _write(group: Any, name: bytes, content: EncodedArray) -> None:
    create.write_samples(h5d.open(group, name), content)


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
