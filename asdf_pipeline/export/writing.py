"""One file: written, read back, held against the traces, and named."""

from __future__ import annotations

import contextlib
import filecmp
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from asdf_pipeline.errors import ASDFPipelineError, OutputExistsError, TraceError
from asdf_pipeline.export.formats import fit, mseed_encoding
from asdf_pipeline.export.sac_header import write_sac_file
from asdf_pipeline.files import checksum, place_new, write_error
from asdf_pipeline.text import one_line
from asdf_pipeline.times import SECOND, TOLERANCE, iso_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from asdf_pipeline.export.formats import Format

_SEEN = 1_000  # ns: an end that is off by less is not worth a word


@dataclass(frozen=True, slots=True)
class Rules:
    """How files are written.

    Attributes
    ----------
    form : Format
        The format.
    lossy : bool
        Whether what it cannot hold is rounded or left out.
    overwrite : bool
        Whether files that are there with other content are replaced.
    """

    form: Format
    lossy: bool = False
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a file.

    Attributes
    ----------
    checksum : str
        XXH3-128 (hex) of its bytes.
    size : int
        Bytes.
    was_there : bool
        Whether it was there already, with the same content.
    losses : tuple of str
        What of the traces its format does not hold.
    """

    checksum: str
    size: int
    was_there: bool
    losses: tuple[str, ...] = ()


def write_document(path: Path, content: bytes, overwrite: bool) -> Written:
    """Write a document as it is (see `write_waveforms` for the errors)."""

    def write(partial: Path) -> tuple[str, ...]:
        partial.write_bytes(content)
        return ()

    return _placed(path, write, overwrite)


def write_waveforms(
    path: Path,
    traces: Sequence[obspy.Trace],
    rules: Rules,
    headers: Sequence[Mapping[str, Any]] = (),
) -> Written:
    """Write a file of waveforms.

    Parameters
    ----------
    path : pathlib.Path
        Its name; directories are made.
    traces : sequence of obspy.Trace
        What it is to hold, sorted.
    rules : Rules
        In which format, and how strictly.
    headers : sequence of mapping
        Of SAC, each trace's header.

    Raises
    ------
    TraceError
        If the format cannot hold what a trace has.
    OutputExistsError
        If there is a file of that name, with other content, and it is to stay.
    WriteError
        If it cannot be written.
    """
    form = rules.form
    fitted = obspy.Stream()
    for trace in traces:
        data = fit(trace, form, rules.lossy)
        codes = ("network", "station", "location", "channel")
        header = {name: trace.stats[name] for name in (*codes, "sampling_rate")}
        one = obspy.Trace(data, {**header, "starttime": trace.stats.starttime})
        if form.name == "MSEED":
            one.stats.mseed = {"encoding": mseed_encoding(data)}
        fitted.append(one)

    def write(partial: Path) -> tuple[str, ...]:
        with warnings.catch_warnings():
            # ObsPy's remarks, such as on codes that it cuts: what is read back tells.
            warnings.simplefilter("ignore")
            try:
                if form.name == "SAC":
                    write_sac_file(partial, headers[0], fitted[0].data)
                elif form.name == "MSEED":
                    # ObsPy 1.5 writes records in a callback, which loses the error of
                    # a full disk (and prints a traceback for each).
                    content = io.BytesIO()
                    fitted.write(content, format=form.name)
                    partial.write_bytes(content.getbuffer())
                else:
                    fitted.write(str(partial), format=form.name)
                back = obspy.read(str(partial), format=form.name)
            except (OSError, ASDFPipelineError):
                raise
            except Exception as error:  # of any type, by format
                msg = (
                    f"trace {traces[0].id}: cannot be written as {form.name}: "
                    f"{one_line(error)}"
                )
                raise TraceError(msg) from error
        return _losses(traces, fitted, back, rules)

    return _placed(path, write, rules.overwrite)


def _placed(
    path: Path, write: Callable[[Path], tuple[str, ...]], overwrite: bool
) -> Written:
    """Have a file written beside its name, and give it that."""
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        losses = write(partial)
        found = checksum(partial), partial.stat().st_size
        same = path.exists() and filecmp.cmp(path, partial, shallow=False)
        if not same:
            if overwrite:
                partial.replace(path)
            elif not place_new(partial, path):
                msg = (
                    f"{path}: is there already, with other content: remove it, or let "
                    "--overwrite (overwrite) replace it"
                )
                raise OutputExistsError(msg)
        return Written(*found, was_there=same, losses=losses)
    except OSError as error:
        if isinstance(error, ASDFPipelineError):
            raise
        raise write_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _losses(
    traces: Sequence[obspy.Trace],
    fitted: obspy.Stream,
    back: obspy.Stream,
    rules: Rules,
) -> tuple[str, ...]:
    """Return what of the traces is lost in what was read back.

    Raises
    ------
    TraceError
        If something is, and should not be.
    """
    name = rules.form.name
    wanted = sorted(fitted, key=_order)
    found = sorted(back, key=_order)
    if len(found) < len(wanted):
        wanted = _joined(wanted)  # as ObsPy joins records that follow one another
    if len(found) != len(wanted):
        msg = (
            f"trace {traces[0].id}: {len(wanted)} traces written as {name} are read "
            f"back as {len(found)}: give each a file of its own, by {{start}}"
        )
        raise TraceError(msg)
    losses: list[str] = []
    for one, other in zip(wanted, found, strict=True):
        for what, before, after, matters in _differences(one, other):
            if matters and not rules.lossy:
                msg = (
                    f"trace {one.id}: {name} cannot hold its {what}: {before} is read "
                    f"back as {after}; --lossy (lossy) writes it all the same"
                )
                raise TraceError(msg)
            losses.append(what)
        if one.stats.npts != other.stats.npts or not np.array_equal(
            one.data, other.data, equal_nan=one.data.dtype.kind == "f"
        ):
            if not (rules.lossy and one.stats.npts == other.stats.npts):
                msg = f"trace {one.id}: its samples are not read back from {name}"
                raise TraceError(msg)
            losses.append("samples")
    if any(
        trace.data.dtype.kind == "f" and not np.array_equal(trace.data, one.data, True)
        for trace, one in zip(traces, fitted, strict=True)
    ):
        losses.append("samples")
    return tuple(dict.fromkeys(losses))


def _order(trace: obspy.Trace) -> tuple[str, str, int]:
    return trace.stats.station, trace.stats.channel, int(trace.stats.starttime.ns)


def _differences(
    one: obspy.Trace, other: obspy.Trace
) -> list[tuple[str, str, str, bool]]:
    """Return in what headers differ: what, before, after, whether that matters."""
    found = []
    if one.id != other.id:
        found.append(("codes", one.id, other.id, True))
    for what, before, after, allowed in (
        ("start", one.stats.starttime.ns, other.stats.starttime.ns, TOLERANCE),
        (
            "sampling rate",
            one.stats.endtime.ns - one.stats.starttime.ns,
            other.stats.endtime.ns - other.stats.starttime.ns,
            one.stats.delta * SECOND / 2,
        ),
    ):
        if abs(before - after) <= min(allowed, _SEEN):
            continue
        rates = (f"{trace.stats.sampling_rate!r} Hz" for trace in (one, other))
        if what == "start":
            texts = iso_text(before, True), iso_text(after, True)
        else:
            texts = next(rates), next(rates)
        found.append((what, *texts, abs(before - after) > allowed))
    return found


def _joined(traces: Sequence[obspy.Trace]) -> list[obspy.Trace]:
    """Return sorted traces, those joined of which one goes on where another ends."""
    joined: list[obspy.Trace] = []
    for trace in traces:
        last = joined[-1] if joined else None
        if (
            last is not None
            and (last.id, last.data.dtype) == (trace.id, trace.data.dtype)
            and last.stats.sampling_rate == trace.stats.sampling_rate
            and abs(trace.stats.starttime - last.stats.endtime - last.stats.delta)
            <= last.stats.delta / 2
        ):
            data = np.concatenate([last.data, trace.data])
            joined[-1] = obspy.Trace(data, last.stats)
        else:
            joined.append(trace)
    return joined
