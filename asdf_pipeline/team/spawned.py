"""A member that is started afresh, not forked: its own program, on any machine.

Where a process has threads, or lives for many runs, no member can be forked from it.
What such a member does, and what it is told, is that of `team.member`. It loads the
user's function itself, so that no module of an earlier run is in the way.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING

from asdf_pipeline.errors import ASDFPipelineError, WorkerDiedError
from asdf_pipeline.files import atomic_write, write_error
from asdf_pipeline.function.sending import pack, unpack
from asdf_pipeline.function.sources import is_installed
from asdf_pipeline.team.member import CameBack, Write, Wrote, describe_exit, run_member

if TYPE_CHECKING:
    from collections.abc import Callable

    from asdf_pipeline.plan.units import Unit
    from asdf_pipeline.work.base import Work


class MemberDiedError(Exception):
    """The member's process ended; its message says how."""


@dataclass(frozen=True)
class Start:
    """What a member needs to begin, beside the Python that it runs in.

    Attributes
    ----------
    work : pathlib.Path
        The `Work` as `function.sending` packs it, in the work directory.
    folder : pathlib.Path
        The working directory of the run.
    path : tuple of str
        Where the run's own process imports modules from that are not installed.
    """

    work: Path
    folder: Path
    path: tuple[str, ...]


def prepare(work: Work, path: Path) -> Start:
    """Write what members need to know to a file; return how they find it.

    Raises
    ------
    FunctionError
        If the user's function cannot be sent to other processes.
    WriteError
        If the file cannot be written.
    """
    content = pack(work)
    try:
        # There may be a password in it, of a data centre.
        with atomic_write(path) as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(content)
    except OSError as error:
        raise write_error(path, error) from error
    folders = (os.path.abspath(one) for one in sys.path)  # noqa: PTH100 - "" is here
    own = tuple(one for one in folders if not is_installed(f"{one}/"))
    return Start(path, Path.cwd(), own)


class SpawnedMember:
    """The member's process, as who started it sees it.

    Parameters
    ----------
    start : Start
        What it needs.
    name : str
        Who it is, for outcomes.

    Raises
    ------
    ASDFPipelineError
        If it cannot begin: the function is not found there, for instance.
    """

    def __init__(self, start: Start, name: str) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            descriptor = theirs.fileno()
            # -P: what is in the working directory does not shadow what is installed.
            command = [sys.executable, "-P", "-m", __name__, str(descriptor), name]
            self._process = subprocess.Popen(
                command, pass_fds=[descriptor], stdin=subprocess.DEVNULL
            )
        try:
            self._pipe.send(start)
            self._receive(lambda: None)
        except (MemberDiedError, OSError) as error:
            self.kill()
            msg = f"members die before they do anything: {error}"
            raise WorkerDiedError(msg) from None
        except BaseException:
            self.kill()
            raise

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(
        self, instruction: Unit | Write, meanwhile: Callable[[], object]
    ) -> CameBack | Wrote:
        """Give an instruction; return what the member reports.

        Parameters
        ----------
        meanwhile : callable
            Called several times a second; what it raises ends the waiting.

        Raises
        ------
        MemberDiedError
            If it dies of it.
        ASDFPipelineError
            What it cannot go on with: a segment that cannot be written.
        """
        with contextlib.suppress(OSError):  # it just died: its end of file comes next
            self._pipe.send(instruction)
        report = self._receive(meanwhile)
        assert report is not None
        return report

    def _receive(self, meanwhile: Callable[[], object]) -> CameBack | Wrote | None:
        while not self._pipe.poll(0.1):
            meanwhile()
        try:
            report: CameBack | Wrote | ASDFPipelineError | None = self._pipe.recv()
        except (EOFError, OSError):
            raise MemberDiedError(describe_exit(self._process.wait())) from None
        if isinstance(report, ASDFPipelineError):
            raise report
        return report

    def kill(self) -> None:
        """End it; what it holds is lost."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()


def main() -> None:
    """Be a member: load the work, say so, and follow instructions."""
    descriptor, name = sys.argv[1:]
    pipe = Connection(int(descriptor))
    os.set_inheritable(pipe.fileno(), False)  # noqa: FBT003
    with contextlib.suppress(EOFError, OSError):
        start: Start = pipe.recv()
        try:
            work = _load(start)
        except ASDFPipelineError as error:
            pipe.send(error)
        else:
            pipe.send(None)
            run_member(work, name, pipe, ())


def _load(start: Start) -> Work:
    os.chdir(start.folder)
    sys.path[:0] = [folder for folder in start.path if folder not in sys.path]
    work: Work = unpack(start.work.read_bytes())
    work.preload()
    return work


if __name__ == "__main__":
    main()
