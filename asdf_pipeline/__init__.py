"""Apply a function to every station of an ASDF file, in parallel, with nothing lost.

The names below are looked up when they are first used, so that ``import
asdf_pipeline`` costs nothing: neither ObsPy nor h5py is loaded by it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asdf_pipeline.team import launcher as _launcher

if TYPE_CHECKING:
    from asdf_pipeline.dataset.asdf import ASDFDataSet
    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.errors import (
        ASDFPipelineError,
        ASDFWarning,
        NotOfferedError,
        OutputExistsError,
        ProcessingFailedError,
        StationMissingError,
    )
    from asdf_pipeline.function.result import Result

from asdf_pipeline._version import __version__

__all__ = [
    "ASDFDataSet",
    "ASDFException",
    "ASDFPipelineError",
    "ASDFWarning",
    "NotOfferedError",
    "OutputExistsError",
    "ProcessingFailedError",
    "Result",
    "RunReport",
    "StationMissingError",
    "WaveformNotInFileException",
    "__version__",
]

# Name here: module and name there. The last two are pyasdf's names for them.
_WHERE = {
    "ASDFDataSet": ("asdf_pipeline.dataset.asdf", "ASDFDataSet"),
    "Result": ("asdf_pipeline.function.result", "Result"),
    "RunReport": ("asdf_pipeline.engine", "RunReport"),
    "ASDFPipelineError": ("asdf_pipeline.errors", "ASDFPipelineError"),
    "ASDFWarning": ("asdf_pipeline.errors", "ASDFWarning"),
    "NotOfferedError": ("asdf_pipeline.errors", "NotOfferedError"),
    "OutputExistsError": ("asdf_pipeline.errors", "OutputExistsError"),
    "ProcessingFailedError": ("asdf_pipeline.errors", "ProcessingFailedError"),
    "StationMissingError": ("asdf_pipeline.errors", "StationMissingError"),
    "ASDFException": ("asdf_pipeline.errors", "ASDFPipelineError"),
    "WaveformNotInFileException": ("asdf_pipeline.errors", "StationMissingError"),
}


def __getattr__(name: str) -> Any:
    """Return a public name, loading what it needs.

    Raises
    ------
    AttributeError
        If the package has no such name; NotOfferedError if pyasdf has it.
    """
    if name not in _WHERE:
        from asdf_pipeline.dataset.pyasdf import PACKAGE, refuse

        refuse(PACKAGE, name, __name__)
    from asdf_pipeline.files import require_posix

    require_posix()
    module, attribute = _WHERE[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, for tab completion."""
    return sorted({*globals(), *_WHERE})


if _launcher.launched_ranks() > 1:  # what one rank fails by must end the whole MPI job
    from asdf_pipeline.team.mpi.guard import watch as _watch

    _watch()
