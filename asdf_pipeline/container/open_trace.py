"""One trace of an ASDF file: its header, and samples as they are asked for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container import datasets
from asdf_pipeline.container.names import encoded
from asdf_pipeline.container.traces import TraceHeader, samples_between
from asdf_pipeline.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

Window = tuple[int, int]
_BLOCK = 2**22  # samples


class OpenTrace:
    """A trace's data set, open.

    Parameters
    ----------
    group : h5py.h5g.GroupID
        The station's group.
    path : pathlib.Path
        The file, for messages.
    station : str
        ``"NET.STA"``.
    name : str
        The data set's name.

    Attributes
    ----------
    header : TraceHeader
        Of the whole trace.

    Raises
    ------
    TraceError
        If it cannot be read, also by the methods; it names file, station and data set.
    """

    def __init__(self, group: Any, path: Path, station: str, name: str) -> None:
        self._where = f"{path}: station {station}, data set {name}"
        with self._located():
            self._dataset = datasets.open_dataset(group, encoded(name))
            self.header = datasets.read_header(self._dataset, name, station)

    @contextmanager
    def _located(self) -> Iterator[None]:
        try:
            yield
        except TraceError as error:
            msg = f"{self._where}: {error}"
            raise TraceError(msg) from error

    def _samples(self, begin: int, end: int) -> np.ndarray[Any, Any]:
        with self._located():
            return datasets.read_samples(self._dataset, begin, end)

    def cut(self, window: Window | None) -> tuple[TraceHeader, np.ndarray[Any, Any]]:
        """Return header and samples of what lies in a window, None for all."""
        begin, end = samples_between(self.header, window)
        samples = self._samples(begin, end)
        return self.header.cut(begin, end), samples

    def blocks(self) -> Iterator[np.ndarray[Any, Any]]:
        """Yield the samples in arrays of bounded size, one after the other."""
        for begin in range(0, self.header.npts, _BLOCK):
            yield self._samples(begin, min(begin + _BLOCK, self.header.npts))
