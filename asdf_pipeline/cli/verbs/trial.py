"""``asdf-pipeline try``: the function on one station, here, with the full traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.cli.arguments import add_verb, read_parameters
from asdf_pipeline.cli.running import add_function
from asdf_pipeline.cli.selecting import add_selection, read_selection
from asdf_pipeline.errors import EXIT_DATA, CallError

if TYPE_CHECKING:
    import argparse

    import obspy

    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.traces import TraceHeader
    from asdf_pipeline.plan.selection import Selection

_NAMED = 10  # stations named in an error

_DESCRIPTION = """\
Apply a function to one station in this process and show what came of it.

Nothing is written. An exception comes with its whole traceback, and breakpoint()
in the function opens the debugger: try it here before days of computing."""

_EXAMPLES = """\
  asdf-pipeline try staged.h5 --function my_steps.py:process --station BW.RJOB
  asdf-pipeline try staged.h5 --function asdf_pipeline.steps:remove_response \\
      --parameters '{"output": "DISP"}' --plot before_after.png"""


def register(subparsers: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb's arguments."""
    parser = add_verb(
        subparsers, "try", "apply a function to one station", _DESCRIPTION, _EXAMPLES
    )
    parser.add_argument("input", type=Path, metavar="IN.h5", help="is never changed")
    add_function(parser)
    parser.add_argument(
        "--station",
        metavar="NET.STA",
        help="default: the first one that the selection leaves",
    )
    parser.add_argument("--tag", help="input tag; default: the station's first one")
    parser.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="draw what went in and came out"
    )
    add_selection(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Apply the function and print both streams."""
    from asdf_pipeline.container.arrays import encode_auxiliary
    from asdf_pipeline.container.codec import RAW
    from asdf_pipeline.container.product import encode_stream
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.function.load import load_function
    from asdf_pipeline.plan.planning import units_of
    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.call import call
    from asdf_pipeline.work.tracebacks import whole_traceback

    process = load_function(args.function, read_parameters(args.parameters))
    selection = read_selection(args)
    with Reader(args.input) as reader:
        station, tag = _choose(reader, args.station, args.tag, selection)
        unit = Unit(station, tag, tag)
        by = "event" if "event" in process.asks else "station"
        parts, _ = units_of(reader, unit, selection, None, by=by, lenient=True)
        if not parts:
            msg = f"{args.input}: the selection leaves nothing of {station}, tag {tag}"
            raise CallError(msg)
        unit = parts[0]

        def wanted(header: TraceHeader) -> bool:
            return selection.has_trace(header) and unit.has_trace(header)

        stream = reader.stream(station, tag, selection.times, wanted)
        before = stream.copy()
        try:
            result = call(process, reader, stream, unit)
            # What 'process' would refuse is refused here.
            encode_stream(result.stream, station, tag, RAW)
            auxiliary = encode_auxiliary(result.auxiliary, RAW)
        except (Exception, SystemExit) as error:
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            print(whole_traceback(error), file=sys.stderr)
            return EXIT_DATA
    event = f", event {unit.event}" if unit.event else ""
    made = str(result.stream)
    if not result.stream:
        made = "nothing: None or an empty Stream; nothing is written of the station"
        made = "no waveforms" if auxiliary else made
    print(f"{station}, tag {tag}{event}\n\nin:  {before}\n\nout: {made}")
    for one in auxiliary:
        shape = " x ".join(map(str, one.array.shape or (one.array.size,)))
        print(f"     auxiliary data {one.path}: {shape}, {one.array.dtype}")
    if args.plot is not None:
        _plot(before, result.stream, args.plot)
        print(f"\n{args.plot}")
    return 0


def _choose(
    reader: Reader, station: str | None, tag: str | None, selection: Selection
) -> tuple[str, str]:
    """Return the station and the tag: those asked for, or the first ones."""
    names = reader.stations()
    if station is None:
        station = next(filter(selection.has_station, names), None)
    if station is None:
        msg = f"{reader.path}: the selection leaves no station"
        raise CallError(msg)
    if station not in names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        there = ", ".join(names[:_NAMED]) + more
        msg = f"{reader.path}: no station {station!r}; there are {there or 'none'}"
        raise CallError(msg)
    tags = reader.tags(station)
    if not tags:
        msg = f"{reader.path}: station {station} has no waveforms"
        raise CallError(msg)
    if tag is not None and tag not in tags:
        msg = (
            f"{reader.path}: station {station} has no waveforms with tag {tag!r}; "
            f"its tags: {', '.join(tags)}"
        )
        raise CallError(msg)
    return station, tag or tags[0]


def _plot(before: obspy.Stream, after: obspy.Stream, path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    rows = max(len(before), len(after), 1)
    figure, axes = plt.subplots(
        rows, 2, figsize=(12, 1 + 2 * rows), squeeze=False, layout="constrained"
    )
    for column, (title, stream) in enumerate((("in", before), ("out", after))):
        axes[0, column].set_title(title)
        for axis, trace in zip(axes[:, column], stream, strict=False):
            axis.plot(trace.times(), trace.data, linewidth=0.6, color="#0072b2")
            axis.set_ylabel(trace.id, fontsize=7)
        axes[-1, column].set_xlabel("time since the start [s]")
    figure.savefig(path, dpi=120)
    plt.close(figure)
