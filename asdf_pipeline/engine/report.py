"""What a run did: counts, outcomes, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from asdf_pipeline.errors import ProcessingFailedError
from asdf_pipeline.files import atomic_write
from asdf_pipeline.plan.outcome import STATUSES, Outcome
from asdf_pipeline.text import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd


class Outcomes(Sequence[Outcome]):
    """Outcomes kept as lines of JSON: small, and parsed when looked at.

    Parameters
    ----------
    lines : sequence of bytes
        As `Outcome.to_json` makes them, sorted by unit.
    """

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = lines

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcomes:
        """Return outcomes as they are kept."""
        if isinstance(outcomes, Outcomes):
            return outcomes
        return cls([outcome.to_json().encode() for outcome in outcomes])

    def counts(self) -> dict[str, int]:
        """Return how many there are of each status, without parsing them."""
        return dict(Counter(map(_status, self.lines)))

    def failures(self) -> list[Outcome]:
        """Return those of failed units; the others are not parsed."""
        return [
            Outcome.from_json(line) for line in self.lines if _status(line) == "failed"
        ]

    def save(self, path: Path) -> None:
        """Write them to a file, durably, whole or not at all."""
        with atomic_write(path, durable=True) as file:
            file.writelines(line + b"\n" for line in self.lines)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.lines)

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> Outcomes: ...
    def __getitem__(self, index: int | slice) -> Outcome | Outcomes:
        """Return one outcome, or several."""
        if isinstance(index, slice):
            return Outcomes(self.lines[index])
        return Outcome.from_json(self.lines[index])


def _status(line: bytes) -> str:
    """Return the status in a line: before it stand only codes and tags."""
    return line.split(b'"status":"', 1)[1].split(b'"', 1)[0].decode()


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes
    ----------
    output : pathlib.Path or None
        The file that was made.
    counts : dict of str to int
        Outcomes of each status: of a station and tag one, however many windows.
    seconds : float
        Wall time of this run; what an earlier, killed run did is not in it.
    resumed : int
        Units that were taken over from an earlier run.
    outcomes : sequence of Outcome
        One a unit, sorted by unit. Empty on MPI ranks other than 0.
    """

    output: Path | None
    counts: dict[str, int]
    seconds: float
    resumed: int = 0
    outcomes: Sequence[Outcome] = field(default=(), repr=False)

    @property
    def failures(self) -> Sequence[Outcome]:
        """The outcomes of failed units."""
        if isinstance(self.outcomes, Outcomes):
            return self.outcomes.failures()
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    def raise_for_failures(self) -> None:
        """Raise `ProcessingFailedError` naming the units that failed, if any did."""
        if self.counts.get("failed"):
            msg = (
                f"{self.output or 'the comparison'}: {describe_failures(self.failures)}"
            )
            raise ProcessingFailedError(msg)

    def to_pandas(self) -> pd.DataFrame:
        """Return the table of stations, or pairs: ``stations.csv`` or ``pairs.csv``."""
        from asdf_pipeline.manifest import station_table
        from asdf_pipeline.pair_manifest import are_pairs, pair_table

        name = "comparison" if self.output is None else self.output.stem
        if are_pairs(self.outcomes):
            return pair_table(self.outcomes, name)
        return station_table(self.outcomes, name)

    @property
    def table(self) -> pd.DataFrame:
        """The rows that a comparison returned, one a station, sorted by station.

        The first column is ``station``. Empty on MPI ranks other than 0.
        """
        from asdf_pipeline.manifest import row_table

        return row_table(self.outcomes)

    def _repr_html_(self) -> str:
        from asdf_pipeline.engine.notebook import report_html

        return report_html(
            self.output, self.counts, self.failures, self.seconds, self.resumed
        )

    def __str__(self) -> str:
        """Return one line: outcomes of each status, time, output."""
        outcomes = sum(self.counts.values())
        parts = ", ".join(
            f"{self.counts[status]} {status}"
            for status in STATUSES
            if self.counts.get(status)
        )
        where = "" if self.output is None else f": {self.output}"
        return f"{plural(outcomes, 'outcome')} ({parts}) in {self.seconds:.1f} s{where}"


def describe_failures(failures: Sequence[Outcome], most: int = 5) -> str:
    """Return one line that names the units that failed and why."""
    named = [
        f"{outcome.name} ({outcome.input_tag}): {outcome.error_type}: "
        f"{_shortened(one_line(outcome.error_message).rstrip('.:; '))}"
        for outcome in failures[:most]
    ]
    more = f"; and {len(failures) - most} more" if len(failures) > most else ""
    return f"{len(failures)} failed: {'; '.join(named)}{more}"


def _shortened(text: str, most: int = 200) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
