"""Whether a file has what the outcomes of a run say that was written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from asdf_pipeline.container.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from asdf_pipeline.plan.outcome import Outcome


def first_difference(
    path: Path, outcomes: Iterable[Outcome], *, more_auxiliary: bool = False
) -> str | None:
    """Return what differs first between a file and the outcomes; None if they agree.

    Compared are the numbers of traces and samples of each station and tag, and the
    paths of auxiliary data; nothing is decompressed.

    Parameters
    ----------
    path : pathlib.Path
        An ASDF file.
    outcomes : iterable of Outcome
        Of all units that were written to it.
    more_auxiliary : bool
        Whether the file may have auxiliary data that no unit wrote.
    """
    arrays: dict[str, str] = {}
    traces: Counter[tuple[str, str]] = Counter()
    samples: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        arrays |= dict.fromkeys(outcome.auxiliary, outcome.station)
        for station, (count, size) in outcome.sizes_out.items():
            traces[station, outcome.output_tag] += count
            samples[station, outcome.output_tag] += size
    with Reader(path) as reader:
        for station in reader.stations():
            for tag, sizes in reader.sizes_by_tag(station).items():
                key = (station, tag)
                wanted = (traces.pop(key, 0), samples.pop(key, 0))
                if wanted != (len(sizes), sum(sizes)):
                    return _counts(key, wanted, (len(sizes), sum(sizes)))
        there = set(reader.auxiliary_paths())
    for name in sorted(arrays.keys() - there):
        return f"station {arrays[name]}: auxiliary data {name!r} is not there"
    for name in sorted(there - arrays.keys()):
        if not more_auxiliary:
            return f"auxiliary data {name!r} was written by no unit"
    for key, count in traces.items():
        return _counts(key, (count, samples[key]), (0, 0))
    return None


def _counts(
    key: tuple[str, str], wanted: tuple[int, int], found: tuple[int, int]
) -> str:
    return (
        f"station {key[0]}, tag {key[1]}: {wanted[0]} traces with {wanted[1]} samples "
        f"were written, there are {found[0]} with {found[1]}"
    )
