"""What has the user's function in it, for a process that is not forked from this one.

What is in a script, or in a cell of a notebook, is sent itself. Any other function is
named, and found there under that name: a file of the user's is loaded there by its
path, as it was here. Those files must not have changed meanwhile: where workers come
and go, a run that was edited while it ran would be made of two functions.
"""

from __future__ import annotations

import pickle
import pickletools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asdf_pipeline.errors import ASDFPipelineError, FunctionError
from asdf_pipeline.files import checksum
from asdf_pipeline.function.load import LOADED, load_file
from asdf_pipeline.function.sources import has_version, reached
from asdf_pipeline.text import named_line


@dataclass(frozen=True)
class _Packed:
    """What is sent.

    Attributes
    ----------
    content : bytes
        The pickled object.
    files : tuple of pathlib.Path
        The user's files that are loaded before it is unpickled.
    checksums : dict of str to str
        Those of the user's own files that it depends on, by path.
    """

    content: bytes
    files: tuple[Path, ...]
    checksums: dict[str, str]


def pack(thing: object) -> bytes:
    """Return an object with functions in it as bytes.

    Raises
    ------
    FunctionError
        If a function, or what it refers to, cannot be sent.
    """
    import cloudpickle

    try:
        content = cloudpickle.dumps(thing)
    except Exception as error:  # of the user's objects, which may raise anything
        msg = (
            f"the function cannot be sent to other processes: {named_line(error)}; "
            "put it into a file of its own, without what cannot be pickled"
        )
        raise FunctionError(msg) from error
    names = {text for _, text, _ in pickletools.genops(content) if type(text) is str}
    modules = [name for name in names if name in sys.modules and name != "__main__"]
    own = {str(LOADED[name]) for name in modules if name in LOADED}
    files = tuple(Path(name) for name in sorted(own))
    own |= {
        file
        for name in modules
        if (file := getattr(sys.modules[name], "__file__", None))
        and not has_version(file)
    }
    own |= {other for file in list(own) for other in reached(Path(file))}
    checksums = {file: _checksum(file) for file in own}
    return pickle.dumps(_Packed(content, files, checksums))


def unpack(content: bytes) -> Any:
    """Return the object that was packed, its functions found.

    Raises
    ------
    FunctionError
        If one cannot be found or loaded, or a file of it is not what it was.
    """
    packed: _Packed = pickle.loads(content)
    for name, expected in packed.checksums.items():
        if _checksum(name) != expected:
            msg = f"{name}: is not what it was when the run began"
            raise FunctionError(msg)
    for file in packed.files:
        load_file(file)
    try:
        return pickle.loads(packed.content)
    except ASDFPipelineError:
        raise
    except Exception as error:  # of the user's objects and modules
        msg = f"the function cannot be loaded: {named_line(error)}"
        raise FunctionError(msg) from error


def _checksum(file: str) -> str:
    try:
        return checksum(Path(file))
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror}"
        raise FunctionError(msg) from error
