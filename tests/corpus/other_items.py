"""Damaged files, files to be staged, odd names of files."""

from __future__ import annotations

import bz2
import gzip
import io
import os
import pickle
import random
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import obspy

from tests.corpus.asdf_items import documents
from tests.corpus.items import OTHERS, STATION, Item
from tests.reliability.flips import data_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

TRUNCATIONS = 50
FLIPS = 200
OBSPY = Path(obspy.__file__).parent
MOST = 60_000  # bytes of a file of ObsPy's that is taken


def damaged(bases: dict[str, Path], folder: Path) -> Iterator[Item]:
    """Yield files cut off, and files with one byte changed.

    Half of the changed bytes are outside of the data, where they change the
    structure of the file.
    """
    rng = random.Random(7)
    for name, base in bases.items():
        content = base.read_bytes()
        for number in range(TRUNCATIONS // len(bases)):
            size = len(content) * number * len(bases) // TRUNCATIONS
            path = folder / f"cut-{name}-{number:03d}.h5"
            path.write_bytes(content[:size])
            yield Item(f"{name}: cut off after {size} bytes", path)
        ranges = data_ranges(base)
        for number in range(FLIPS // len(bases)):
            while True:
                offset = rng.randrange(len(content))
                within = any(start <= offset < start + n for start, n in ranges)
                if within == bool(number % 4 == 0):
                    break
            spoilt = bytearray(content)
            spoilt[offset] ^= rng.randrange(1, 256)
            path = folder / f"flip-{name}-{number:03d}.h5"
            path.write_bytes(spoilt)
            what = "data" if within else "structure"
            yield Item(f"{name}: byte {offset} changed ({what})", path)


def named(base: Path, folder: Path) -> Iterator[Item]:
    """Yield sound files with odd names, and what is no file."""
    for number, name in enumerate(
        (
            "with space.h5",
            "quote'and\"quote.h5",
            "new\nline.h5",
            "$(id)`id`;id.h5",
            "-dash.h5",
            "--output.h5",
            "[a-z]*?.h5",
            "..h5",
            "Ä\u00f6\u65e5.h5",
            os.fsdecode(b"\xff\xfe.h5"),
            "x" * 240 + ".h5",
        )
    ):
        place = folder / f"name-{number}"
        place.mkdir()
        shutil.copy(base, place / name)
        stations = (OTHERS[0], STATION, OTHERS[1])
        yield Item(f"a file called {name[:30]!r}", place / name, stations=stations)
    (folder / "sub").mkdir()
    shutil.copy(base, folder / "up.h5")
    yield Item("a path with ..", folder / "sub" / ".." / "up.h5")
    yield Item("a directory", folder)
    yield Item("/dev/null", Path("/dev/null"))
    os.mkfifo(folder / "fifo")
    yield Item("a named pipe", folder / "fifo")
    (folder / "dangling").symlink_to("nowhere")
    yield Item("a link to nothing", folder / "dangling")
    (folder / "loop").symlink_to("loop")
    yield Item("a link to itself", folder / "loop")


class _Trap:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def to_stage(base: Path, folder: Path) -> Iterator[Item]:
    """Yield waveforms, station metadata and events that something is wrong with."""
    with h5py.File(base, "r") as file:
        station = file[f"Waveforms/{STATION}/StationXML"][()].tobytes()
        events = file["QuakeML"][()].tobytes()
    for verb, sound in (("stations", station), ("events", events)):
        for number, (name, document) in enumerate(documents(sound).items()):
            path = folder / f"{verb}-{number}.xml"
            path.write_bytes(document)
            yield Item(f"staged {verb}: {name}", path, (verb,))
    sound = OBSPY / "io/mseed/tests/data/BW.BGLD.__.EHE.D.2008.001.first_10_records"
    content = sound.read_bytes()
    for share in (0.0, 0.001, 0.05, 0.3, 0.77, 0.999):
        path = folder / f"cut-{share}.mseed"
        path.write_bytes(content[: int(share * len(content))])
        yield Item(f"staged waveforms: cut to {share}", path, ("waveforms",))
    for name, data in {
        "text.txt": b"Dear colleague,\nthe data are attached.\n",
        "zeros.mseed": bytes(5000),
        "noise.mseed": random.Random(3).randbytes(5000),
        "pickle.mseed": pickle.dumps(_Trap(folder / "unpickled")),
        "truncated.gz": gzip.compress(content)[:-300],
        "noise.gz": b"\x1f\x8b" + random.Random(4).randbytes(300),
        "noise.bz2": b"BZh9" + random.Random(4).randbytes(300),
        "noise.zip": b"PK\x03\x04" + random.Random(4).randbytes(300),
        "noise.tar": random.Random(4).randbytes(3000),
        "sound.gz": gzip.compress(content),
        "sound.bz2": bz2.compress(content),
    }.items():
        path = folder / name
        path.write_bytes(data)
        yield Item(f"staged waveforms: {name}", path, ("waveforms",))
    pickled = folder / "stream.pickle"
    obspy.read().write(str(pickled), format="PICKLE")
    yield Item("staged waveforms: a pickled stream", pickled, ("waveforms",))
    yield from _archives(content, folder)
    yield from _odd_files_of_obspy()


def _archives(content: bytes, folder: Path) -> Iterator[Item]:
    path = folder / "climbs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../climbed", content)
        archive.writestr("/tmp/climbed", content)
    yield Item("staged waveforms: a zip file that climbs", path, ("waveforms",))
    path = folder / "climbs.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("../../climbed", "/tmp/climbed"):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    yield Item("staged waveforms: a tar file that climbs", path, ("waveforms",))


def _odd_files_of_obspy() -> Iterator[Item]:
    """Yield ObsPy's own small test files: all formats, many of them broken."""
    odd = ("bad", "broken", "corrupt", "invalid", "error", "wrong", "empty", "odd")
    for path in sorted(OBSPY.glob("io/*/tests/data/**/*")):
        if not path.is_file() or path.stat().st_size > MOST:
            continue
        number = sum(path.name.encode())
        if number % 6 and not any(word in path.name.lower() for word in odd):
            continue  # one in six, and all that are called odd
        shown = path.relative_to(OBSPY / "io")
        if path.suffix in (".xml", ".dataless", ".seed") or "xseed" in shown.parts:
            yield Item(f"ObsPy's {shown} as stations", path, ("stations",))
        if path.suffix == ".xml":
            yield Item(f"ObsPy's {shown} as events", path, ("events",))
        else:
            yield Item(f"ObsPy's {shown}", path, ("waveforms",))
