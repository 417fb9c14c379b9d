"""The outcomes of a run, held against the files that they are of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from asdf_pipeline.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asdf_pipeline.plan.outcome import Outcome


def outcomes_of_run(
    path: Path, source: Path, output: Path | None = None
) -> Sequence[Outcome]:
    """Return the outcomes in a file, if they are of the run that made the output.

    Parameters
    ----------
    path : pathlib.Path
        The outcomes, JSON lines.
    source : pathlib.Path
        What was processed.
    output : pathlib.Path, optional
        What was made of it; None where nothing was published.

    Raises
    ------
    InputError
        If a file cannot be read.
    VerificationError
        If the outcomes and the files are not of one run.
    """
    from asdf_pipeline.plan.outcome import read_outcomes

    outcomes = read_outcomes(path)
    if output is None:  # not all stations need have an outcome
        return outcomes
    try:
        _check_source(outcomes, source)
        _check_output(outcomes, output)
    except VerificationError as error:
        msg = f"{path}: {error}"
        raise VerificationError(msg) from None
    return outcomes


def _check_source(outcomes: Sequence[Outcome], source: Path) -> None:
    """Check that the outcomes account for every station of the input.

    Raises
    ------
    VerificationError
        If a station is missing, is not in the input, or has fewer samples there.
    """
    tags = {outcome.input_tag for outcome in outcomes}
    there = {key: counts for key, counts in _counts(source).items() if key[1] in tags}
    recorded = {(name, one.input_tag) for one in outcomes for name in one.members}
    of_stations = all(len(one.members) == 1 for one in outcomes)
    # A station without a partner is in no pair.
    for station, tag in sorted(there.keys() - recorded if of_stations else ()):
        msg = f"no outcome for station {station}, tag {tag}, which is in {source}"
        raise VerificationError(msg)
    for station, tag in sorted(recorded - there.keys()):
        msg = f"station {station}, tag {tag}, is not in {source}"
        raise VerificationError(msg)
    for outcome in outcomes:
        counts = [there[name, outcome.input_tag] for name in outcome.members]
        traces, samples = map(sum, zip(*counts, strict=True))
        # A selection reads less than there is, overlapping windows read some twice,
        # in more pieces than there are traces.
        if outcome.traces_in <= traces and outcome.samples_in > samples:
            msg = (
                f"station {outcome.name}, tag {outcome.input_tag}: "
                f"{outcome.samples_in} samples were read, {source} has {samples}"
            )
            raise VerificationError(msg)


def _check_output(outcomes: Sequence[Outcome], output: Path) -> None:
    """Check that the output holds what the outcomes say was written, and no more.

    Raises
    ------
    VerificationError
        If a station has more or fewer traces or samples than its outcomes say.
    """
    from asdf_pipeline.plan.agreement import first_difference

    difference = first_difference(output, outcomes, more_auxiliary=True)
    if difference is not None:
        msg = f"{output}: {difference}: outcomes and file are not of the same run"
        raise VerificationError(msg)


def _counts(path: Path) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the numbers of traces and samples by station and tag."""
    from asdf_pipeline.container.names import tag_of
    from asdf_pipeline.container.reader import Reader

    counts = {}
    with Reader(path) as reader:
        for station in reader.stations():
            traces = Counter(tag_of(name) for name in reader.names(station))
            for tag, samples in reader.samples_by_tag(station).items():
                counts[station, tag] = (traces[tag], samples)
    return counts
