"""The command ``asdf-pipeline``: one module a verb, errors to exit codes in one place.

Each verb's module has ``register(subparsers)``, which declares its arguments, and
``run(args)``, which does the work and returns an exit code or None for 0. Nothing
heavy is imported before a verb runs: ``--help`` answers at once. Of the verbs only
the one that is called is imported: a command of a small data set takes half a second.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from asdf_pipeline._version import __version__
from asdf_pipeline.cli.log import log_to_stderr
from asdf_pipeline.cli.ranks import is_first_rank, wait_for_first_rank
from asdf_pipeline.errors import EXIT_CALL, EXIT_DATA, ASDFPipelineError, CallError
from asdf_pipeline.files import require_posix
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

PROGRAM = "asdf-pipeline"
# Modules in `cli.verbs`: named as their verb, but for `try`, which Python keeps.
VERBS = (
    *("init", "config", "stage", "try", "process", "pairs", "gathers", "compare"),
    *("merge", "export", "manifest", "report", "info", "digest", "verify", "repair"),
    *("repack", "status", "crate", "reproduce"),
)
_MODULES = {"try": "trial"}

_DESCRIPTION = """\
Apply a function to every station of an ASDF file, in parallel, with nothing lost."""

_EPILOG = """\
example:
  asdf-pipeline stage --waveforms 'data/*.mseed' --stations 'data/*.xml' \\
      --tag raw_recording --output staged.h5
  asdf-pipeline process staged.h5 processed.h5 --function my_steps.py:process \\
      --tag raw_recording=processed --outcomes outcomes.jsonl
  asdf-pipeline manifest staged.h5 processed.h5 --outcomes outcomes.jsonl \\
      --output stations.csv

exit codes: 0 done; 1 something about the data or the work; 2 a wrong call, found
before any work; 130 and 143 stopped by Ctrl-C and by SIGTERM (finished stations are
kept, the same command goes on). 'asdf-pipeline VERB --help' explains each verb."""


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line, not after a usage of twenty."""

    def error(self, message: str) -> NoReturn:
        if is_first_rank():  # once, not once a rank
            _print_error(f"{message} (see '{self.prog} --help')")
        else:
            wait_for_first_rank()
        sys.exit(EXIT_CALL)


class _Version(argparse.Action):
    """``--version``."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"{PROGRAM} {__version__}")
        parser.exit()


def build_parser(verbs: Sequence[str] = VERBS) -> argparse.ArgumentParser:
    """Return the parser of the command with these verbs."""
    parser = _Parser(
        prog=PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the version and exit"
    )
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in verbs:
        module = import_module(f"asdf_pipeline.cli.verbs.{_MODULES.get(verb, verb)}")
        module.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; default: those of this process.

    Returns
    -------
    int
        0 done, 1 the data or the work, 2 a wrong call, 128 + signal when stopped.
    """
    first = next(iter(sys.argv[1:] if argv is None else argv), "")
    try:
        args = build_parser([first] if first in VERBS else VERBS).parse_args(argv)
        require_posix()
        with log_to_stderr():
            code = args.run(args)
        sys.stdout.flush()
    except SystemExit as leave:  # argparse: help, version, wrong arguments
        return leave.code if isinstance(leave.code, int) else EXIT_CALL
    except BrokenPipeError:
        # The reader of our output left (`| head`). Point stdout elsewhere, or
        # Python complains once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except ASDFPipelineError as error:
        if _prints(error):
            # What is wrong with a call or configuration may be several things.
            several = isinstance(error, CallError)
            for line in str(error).splitlines() if several else [str(error)]:
                _print_error(line)
        else:
            wait_for_first_rank()
        return error.exit_code
    except KeyboardInterrupt:
        _print_error("interrupted")
        return 128 + signal.SIGINT
    except OSError as error:
        if error.errno is None:
            _ask_to_report()
            raise
        where = f": {error.filename}" if error.filename else ""
        _print_error(f"{error.strerror}{where}")
        return EXIT_DATA
    except Exception:
        _ask_to_report()
        raise
    return int(code or 0)


def _print_error(message: str) -> None:
    print(f"{PROGRAM}: error: {one_line(message)}", file=sys.stderr)


def _ask_to_report() -> None:
    print(
        f"{PROGRAM}: this is a bug in asdf_pipeline: please report it with the "
        "command and the lines below",
        file=sys.stderr,
    )


def _prints(error: ASDFPipelineError) -> bool:
    """Return whether this process prints an error that was raised in it.

    Every rank of an MPI job raises the same error about the call: the first prints
    it. For errors about the work the engine marks those that another rank prints
    with an attribute ``silent``.
    """
    if getattr(error, "silent", False):
        return False
    return error.exit_code != EXIT_CALL or is_first_rank()
