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
    from asdf_pipeline.dataset.system import get_sys_info, print_sys_info
    from asdf_pipeline.engine import RunReport
    from asdf_pipeline.errors import (
        ASDFAttributeError,
        ASDFPipelineError,
        ASDFValueError,
        ASDFWarning,
        AuxiliaryError,
        BackendError,
        CallError,
        FunctionError,
        InputError,
        InputMissingError,
        NotASDFError,
        OutputExistsError,
        ProcessingFailedError,
        QueryTypeError,
        ResponseMissingError,
        SampleTypeError,
        StationMissingError,
        StationXMLError,
        StoppedError,
        SystemNotSupportedError,
        TagError,
        TraceError,
        UnknownTermError,
        VerificationError,
        WorkDirectoryError,
        WriteError,
    )
    from asdf_pipeline.function.result import Result
    from asdf_pipeline.plan.selection import Selection, Windows
    from asdf_pipeline.work.gather import Gather
    from asdf_pipeline.work.pair import Pair
    from asdf_pipeline.work.station_data import StationData

from asdf_pipeline._version import __version__

__all__ = [
    "ASDFAttributeError",
    "ASDFDataSet",
    "ASDFException",
    "ASDFPipelineError",
    "ASDFValueError",
    "ASDFWarning",
    "AuxiliaryError",
    "BackendError",
    "CallError",
    "FunctionError",
    "Gather",
    "InputError",
    "InputMissingError",
    "NotASDFError",
    "OutputExistsError",
    "Pair",
    "ProcessingFailedError",
    "QueryTypeError",
    "ResponseMissingError",
    "Result",
    "RunReport",
    "SampleTypeError",
    "Selection",
    "StationData",
    "StationMissingError",
    "StationXMLError",
    "StoppedError",
    "SystemNotSupportedError",
    "TagError",
    "TraceError",
    "UnknownTermError",
    "VerificationError",
    "WaveformNotInFileException",
    "Windows",
    "WorkDirectoryError",
    "WriteError",
    "__version__",
    "get_sys_info",
    "print_sys_info",
]

_ERRORS = "asdf_pipeline.errors"
_SYSTEM = "asdf_pipeline.dataset.system"
# Name here: module and name there. The last four are pyasdf's names.
_WHERE = {
    **{
        name: (_ERRORS, name) for name in __all__ if name.endswith(("Error", "Warning"))
    },
    "ASDFDataSet": ("asdf_pipeline.dataset.asdf", "ASDFDataSet"),
    "Gather": ("asdf_pipeline.work.gather", "Gather"),
    "Pair": ("asdf_pipeline.work.pair", "Pair"),
    "Result": ("asdf_pipeline.function.result", "Result"),
    "RunReport": ("asdf_pipeline.engine", "RunReport"),
    "Selection": ("asdf_pipeline.plan.selection", "Selection"),
    "StationData": ("asdf_pipeline.work.station_data", "StationData"),
    "Windows": ("asdf_pipeline.plan.selection", "Windows"),
    "ASDFException": (_ERRORS, "ASDFPipelineError"),
    "WaveformNotInFileException": (_ERRORS, "StationMissingError"),
    "get_sys_info": (_SYSTEM, "get_sys_info"),
    "print_sys_info": (_SYSTEM, "print_sys_info"),
}


def __getattr__(name: str) -> Any:
    """Return a public name, loading what it needs.

    Raises
    ------
    AttributeError
        If the package has no such name.
    """
    if name == "exceptions":
        return import_module("asdf_pipeline.exceptions")
    if name not in _WHERE:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from asdf_pipeline.files import require_posix

    require_posix()
    module, attribute = _WHERE[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names, for tab completion."""
    return sorted({*globals(), *_WHERE, "exceptions"})


if _launcher.launched_ranks() > 1:  # what one rank fails by must end the whole MPI job
    from asdf_pipeline.team.mpi.guard import watch as _watch

    _watch()
