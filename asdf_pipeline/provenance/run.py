"""What is known of a run: software, input, function, parameters, circumstances."""

from __future__ import annotations

import platform
import shlex
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline._version import __version__
from asdf_pipeline.files import checksum
from asdf_pipeline.provenance.steps import Step, steps_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asdf_pipeline.function.load import UserFunction

LARGEST = 1 << 30
"""Bytes up to which the input's digest is taken: it must not outlast the run."""

_SOFTWARE = {
    "ObsPy": "https://obspy.org",
    "NumPy": "https://numpy.org",
    "SciPy": "https://scipy.org",
    "h5py": "https://www.h5py.org",
}
# The format's own page: where the package is found differs from user to user.
_WEBSITE = "https://seismic-data.org"


@dataclass(frozen=True)
class Run:
    """How a file was made.

    Attributes
    ----------
    id : str
        Follows from what the work depends on.
    input : dict of str to str
        ``path``, ``size_in_bytes``, ``modified`` (ISO 8601), ``digest`` (XXH3-128 of
        the bytes; not there for a file above `LARGEST`). Of a file that it was
        compared with the same, each name after ``other_``.
    function : dict of str to str
        ``name``, ``source``.
    parameters, tag_map : dict
        As given.
    software : dict of str to (str, str)
        Version and website by name.
    started, ended : str
        ISO 8601, UTC.
    circumstances : dict of str to str
        What the content does not depend on: command, host, backend, workers, ....
    steps : sequence of Step
        What the function stands for; none for a user's own.
    """

    id: str
    input: dict[str, str]
    function: dict[str, str]
    parameters: dict[str, Any]
    tag_map: dict[str, str]
    software: dict[str, tuple[str, str]]
    started: str
    ended: str
    circumstances: dict[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = ()


def describe(
    run: str,
    inputs: Sequence[Path],
    process: UserFunction,
    tag_map: Mapping[str, str],
    started: datetime,
    circumstances: Mapping[str, object],
) -> Run:
    """Return what is known of a run that ends now, in this process.

    Parameters
    ----------
    run : str
        Its id.
    inputs : sequence of pathlib.Path
        The input file, and the file that it was compared with.
    process : UserFunction
        The function.
    tag_map : mapping of str to str
        Input tag to output tag.
    started : datetime.datetime
        When it began, in UTC.
    circumstances : mapping of str to object
        More of them: backend, workers, ....
    """
    described = {
        prefix + name: text
        for prefix, path in zip(("", "other_"), inputs, strict=False)
        for name, text in _describe_input(path).items()
    }
    return Run(
        run,
        described,
        {"name": process.name, "source": process.source},
        dict(process.parameters),
        dict(tag_map),
        _software(),
        _text(started),
        _text(datetime.now(UTC)),
        {
            "command": _command(),
            "host": platform.node(),
            "system": platform.platform(),
            "python": platform.python_version(),
            **{name: str(value) for name, value in circumstances.items()},
        },
        steps_of(process),
    )


def _describe_input(source: Path) -> dict[str, str]:
    stat = source.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    described = {
        "path": str(source.resolve()),
        "size_in_bytes": str(stat.st_size),
        "modified": _text(modified),
    }
    if stat.st_size <= LARGEST:
        described["digest"] = f"xxh3_128:{checksum(source)}"
    return described


def _software() -> dict[str, tuple[str, str]]:
    found = {"asdf_pipeline": (__version__, _WEBSITE)}
    for name, website in _SOFTWARE.items():
        try:
            found[name] = (version(name), website)
        except PackageNotFoundError:
            continue
    return found


def _command() -> str:
    program = Path(sys.argv[0]).name
    if program == "__main__.py":
        program = "asdf-pipeline"
    return shlex.join([program, *sys.argv[1:]])


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
