"""``python -m bench``: measure, print the table, write it down."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

from bench import cases
from bench.inputs import SCRATCH
from bench.launch import NotMeasuredError
from bench.measure import CommandFailedError
from bench.report import Results

RESULTS = Path(__file__).with_name("results")


def main(argv: list[str]) -> int:
    """Measure what is asked for; return 1 if something failed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure asdf_pipeline beside pyasdf."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="small inputs, once: under three minutes, for a look",
    )
    parser.add_argument(
        "--case",
        action="append",
        choices=cases.NAMES,
        help="measure this one only; may be repeated",
    )
    parser.add_argument(
        "--repeat", type=int, help="how often (default: 3; 1 with --quick)"
    )
    parser.add_argument(
        "--output", type=Path, help="folder for table, JSON and plot (bench/results)"
    )
    options = parser.parse_args(argv)
    repeat = options.repeat or (1 if options.quick else 3)
    effort = cases.Effort(options.quick, repeat)
    results = Results(shlex.join(["python", "-m", "bench", *argv]))
    failed = False
    for name in options.case or cases.NAMES:
        case = cases.load(name)
        rows = results.rows.setdefault(case.TITLE, [])
        began = time.monotonic()
        try:
            for row in case.measure(effort):
                rows.append(row)
                print(f"{case.TITLE}: {row.what}: {row.figure:.3g} {row.meaning}")
        except NotMeasuredError as error:
            results.missing[case.TITLE] = str(error)
        except CommandFailedError as error:
            results.missing[case.TITLE] = str(error)
            failed = True
        print(f"  {name}: {time.monotonic() - began:.0f} s", flush=True)
    folder = options.output or (SCRATCH / "quick" if options.quick else RESULTS)
    results.save(folder)
    print(f"\n{results.markdown()}\n\nWritten to {folder}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
