"""Single bytes of a processed file are changed, one after the other: is it found.

Run by hand over more flips than the tests do::

    python -m tests.reliability.flips FILE.h5 stations.csv --flips 1000
"""

from __future__ import annotations

import argparse
import json
import random
from bisect import bisect
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py

from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.verify import verify
from asdf_pipeline.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

Range = tuple[int, int]  # offset and size in bytes


@dataclass
class Flip:
    """One changed byte and what came of it.

    Attributes
    ----------
    offset : int
        Of the byte in the file.
    in_data : bool
        Whether it belongs to the data of a data set.
    found : str
        The first problem that `verify` names; empty if none.
    harmless : bool
        Whether nothing was found, and the file's content digest is the same.
    """

    offset: int
    in_data: bool
    found: str
    harmless: bool


def data_ranges(path: Path) -> list[Range]:
    """Return where in a file the data of its data sets lies."""
    ranges: list[Range] = []

    def note(_: str, item: Any) -> None:
        if not isinstance(item, h5py.Dataset):
            return
        if item.chunks is None:
            if item.id.get_storage_size():
                ranges.append((item.id.get_offset(), item.id.get_storage_size()))
            return
        for index in range(item.id.get_num_chunks()):
            chunk = item.id.get_chunk_info(index)
            ranges.append((chunk.byte_offset, chunk.size))

    with h5py.File(path, "r") as file:
        file.visititems(note)
    return sorted(ranges)


def flips(
    path: Path, manifest: Path, count: int, seed: int, anywhere: bool
) -> Iterator[Flip]:
    """Change one byte after the other, each put back before the next.

    Parameters
    ----------
    anywhere : bool
        Anywhere in the file; else in the data of its data sets.
    """
    rng = random.Random(seed)
    rows: list[Any] = read_manifest(manifest).to_dict("records")
    digest = file_digest(path)
    ranges = data_ranges(path)
    ends = list(accumulate(size for _, size in ranges))
    size = path.stat().st_size
    with path.open("r+b", buffering=0) as file:
        for _ in range(count):
            if anywhere:
                offset = rng.randrange(size)
            else:
                place = rng.randrange(ends[-1])
                index = bisect(ends, place)
                start, length = ranges[index]
                offset = start + place - (ends[index] - length)
            in_data = any(start <= offset < start + n for start, n in ranges)
            file.seek(offset)
            (byte,) = file.read(1)
            file.seek(offset)
            file.write(bytes([byte ^ rng.randrange(1, 256)]))
            problems = verify(path, rows)
            harmless = not problems and file_digest(path) == digest
            file.seek(offset)
            file.write(bytes([byte]))
            yield Flip(offset, in_data, problems[0] if problems else "", harmless)


def main(words: list[str] | None = None) -> int:
    """Flip bytes and print what came of each, as JSON, and the sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--anywhere", action="store_true")
    args = parser.parse_args(words)
    found = lost = 0
    for flip in flips(args.file, args.manifest, args.flips, args.seed, args.anywhere):
        print(json.dumps(asdict(flip)), flush=True)
        found += bool(flip.found)
        lost += not flip.found and not flip.harmless
    print(f"{found} of {args.flips} flips found; {lost} changed the content unfound")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
