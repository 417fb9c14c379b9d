"""Units of staging: a station's files, or so many of them as memory should hold."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from asdf_pipeline.plan.units import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asdf_pipeline.stage.remote import Place
    from asdf_pipeline.stage.scan import Piece
    from asdf_pipeline.stage.waveform_file import WaveformFile

LARGEST = 64_000_000
"""Samples of one unit, where files can be parted: 256 MB of int32."""


def batches(
    pieces: Iterable[Piece], tag: str, largest: int = LARGEST
) -> dict[Unit, tuple[WaveformFile, ...]]:
    """Return the units, each with its files, in the order in which to do them.

    The largest come first; but stations that share a file follow one another, so
    that whoever has just read it need not read it again.

    Parameters
    ----------
    pieces : iterable of Piece
        What the files hold.
    tag : str
        The tag of the waveforms.
    largest : int
        Samples of a unit. Files that may hold the same trace stay together, however
        large they are.
    """
    by_station: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_station[piece.station].append(piece)
    units: dict[Unit, tuple[WaveformFile, ...]] = {}
    for station, found in by_station.items():
        parts = _parts(_clusters(found), largest)
        for part in parts:
            span = (min(one.start for one in part), max(one.end for one in part))
            samples = sum(one.samples for one in part)
            window = span if len(parts) > 1 else None
            unit = Unit(station, tag, tag, window, samples)
            units[unit] = tuple(
                replace(one.file, samples=one.claimed)
                for one in sorted(part, key=lambda one: str(one.file.path))
            )
    sizes: dict[Place, int] = defaultdict(int)
    for unit, files in units.items():
        first = files[0].path
        sizes[first] = max(sizes[first], unit.samples)

    def order(unit: Unit) -> tuple[int, str, int, str]:
        first = units[unit][0].path
        return -sizes[first], str(first), -unit.samples, unit.id

    return {unit: units[unit] for unit in sorted(units, key=order)}


def _clusters(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return pieces that may hold the same trace together, sorted by time."""
    cluster_of: dict[str, list[Piece]] = {}
    for piece in pieces:
        joined = [piece]
        for known in {
            id(c): c for n in piece.names if (c := cluster_of.get(n))
        }.values():
            joined += known
        for one in joined:
            cluster_of |= dict.fromkeys(one.names, joined)
    unique = {id(cluster): cluster for cluster in cluster_of.values()}.values()
    return sorted(unique, key=lambda cluster: min((p.start, p.end) for p in cluster))


def _parts(clusters: Iterable[list[Piece]], largest: int) -> list[list[Piece]]:
    """Return clusters joined to parts of about so many samples, by time."""
    parts: list[list[Piece]] = []
    size = 0
    for cluster in clusters:
        samples = sum(piece.samples for piece in cluster)
        if parts and (size + samples <= largest or _same_span(parts[-1], cluster)):
            parts[-1] += cluster
            size += samples
        else:
            parts.append(list(cluster))
            size = samples
    return parts


def _same_span(part: list[Piece], cluster: list[Piece]) -> bool:
    """Return whether two parts would be one unit's name: they have the same times."""
    start = min(piece.start for piece in part)
    return start == min(piece.start for piece in cluster)
