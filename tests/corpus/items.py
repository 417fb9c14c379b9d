"""What an item of the corpus is, and the file that most of them are made from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h5py
import numpy as np
import obspy
import pyasdf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TAG = "raw_recording"
STATION = "XX.S001"
"""The station that most items spoil; `OTHERS` are left as they are."""
OTHERS = ("XX.S000", "XX.S002")
WAVEFORMS = f"Waveforms/{STATION}"


@dataclass
class Item:
    """One bad input.

    Attributes
    ----------
    name : str
        What is bad about it.
    path : pathlib.Path
        The file.
    verbs : tuple of str
        What is tried with it: ``asdf`` stands for info, verify, digest, process and
        stage --asdf; ``waveforms``, ``stations`` and ``events`` for staging it as
        such.
    stations : tuple of str
        Stations that must be accounted for if it is processed.
    """

    name: str
    path: Path
    verbs: tuple[str, ...] = ("asdf",)
    stations: tuple[str, ...] = ()


Edit = "Callable[[h5py.File], None]"


@dataclass
class Edits:
    """Edits of an ASDF file by name."""

    edits: dict[str, tuple[Callable[[h5py.File], None], bool]] = field(
        default_factory=dict
    )

    def __call__(
        self, name: str, *, spares: bool = True
    ) -> Callable[[Callable[[h5py.File], None]], Callable[[h5py.File], None]]:
        """Declare a function as the edit of that name.

        Parameters
        ----------
        spares : bool
            Whether all three stations must be accounted for afterwards.
        """

        def declare(
            edit: Callable[[h5py.File], None],
        ) -> Callable[[h5py.File], None]:
            assert name not in self.edits
            self.edits[name] = (edit, spares)
            return edit

        return declare

    def items(self, base: Path, folder: Path) -> Iterator[Item]:
        """Yield an item for each edit."""
        for number, (name, (edit, spares)) in enumerate(self.edits.items()):
            path = folder / f"edit-{number:03d}.h5"
            shutil.copy(base, path)
            with h5py.File(path, "r+") as file:
                edit(file)
            stations = (OTHERS[0], STATION, OTHERS[1]) if spares else ()
            yield Item(name, path, stations=stations)


def make_base(path: Path) -> Path:
    """Make the small ASDF file that most items are made from, as pyasdf writes it."""
    inventory = obspy.read_inventory().select(station="RJOB", channel="EHZ")
    for channel in inventory[0][0]:
        channel.response = None  # the documents stay small
    rng = np.random.default_rng(5)
    with pyasdf.ASDFDataSet(str(path), mode="w", compression="gzip-3") as data_set:
        data_set.add_quakeml(obspy.read_events()[:1])
        for name in (OTHERS[0], STATION, OTHERS[1]):
            stream = obspy.read()[:2]
            for trace in stream:
                trace.stats.network, trace.stats.station = name.split(".")
                trace.data = rng.integers(-999, 999, 300, np.int32)
            data_set.add_waveforms(stream, tag=TAG)
            own = inventory.copy()
            own[0].code, code = name.split(".")
            for epoch in own[0]:
                epoch.code = code
            data_set.add_stationxml(own)
        data_set.add_auxiliary_data(
            np.arange(5.0), data_type="Numbers", path="some/where", parameters={"a": 1}
        )
    return path


def first_trace(file: h5py.File, station: str = STATION) -> h5py.Dataset:
    """Return a station's first waveform data set."""
    group = file[f"Waveforms/{station}"]
    return group[next(name for name in group if name != "StationXML")]


def rename(file: h5py.File, name: str | bytes) -> None:
    """Give the first trace another name."""
    group = file[WAVEFORMS]
    old = first_trace(file).name.rpartition("/")[2]
    raw = name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")
    group.id.links.move(old.encode(), group.id, raw)


def rewrite(file: h5py.File, data: object, **how: object) -> h5py.Dataset:
    """Give the first trace other samples, of another type or shape."""
    old = first_trace(file)
    attributes = dict(old.attrs)
    group, name = old.parent, old.name
    del file[name]
    new = group.create_dataset(name, data=data, **how)
    for key, value in attributes.items():
        new.attrs[key] = value
    return new


def write_document(file: h5py.File, where: str, document: bytes) -> None:
    """Replace a document."""
    if where in file:
        del file[where]
    file.create_dataset(where, data=np.frombuffer(document, np.int8))
