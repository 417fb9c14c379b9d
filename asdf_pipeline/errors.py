"""The tree of errors: every error that this package raises on purpose.

::

    ASDFPipelineError                    and, as the built-in that a caller expects,
    ├── ASDFValueError                   ValueError
    │   ├── CallError                    exit code 2: found before any work
    │   │   ├── OutputExistsError        FileExistsError
    │   │   ├── TagError
    │   │   ├── FunctionError            TypeError
    │   │   ├── QueryTypeError           TypeError
    │   │   ├── UnknownTermError         ASDFAttributeError
    │   │   ├── BackendError             RuntimeError
    │   │   └── SystemNotSupportedError  ImportError
    │   └── InputError
    │       ├── InputMissingError        FileNotFoundError; exit code 2
    │       ├── NotASDFError
    │       ├── TraceError
    │       │   └── SampleTypeError      TypeError
    │       ├── StationXMLError
    │       ├── ResponseMissingError
    │       ├── AuxiliaryError
    │       └── StationMissingError      KeyError, ASDFAttributeError
    ├── ASDFAttributeError               AttributeError
    ├── WorkDirectoryError               RuntimeError
    ├── WriteError                       OSError
    ├── VerificationError
    ├── ProcessingFailedError            RuntimeError
    ├── WorkerDiedError                  RuntimeError
    └── StoppedError                     KeyboardInterrupt; exit code 128 + signal

    ASDFWarning                          UserWarning
    StopUnitError                        BaseException: no function catches it

The exit code is what the command ends with: 1 where nothing else is said. A message
is one line that names the file, the station where there is one, and the remedy.
"""

from __future__ import annotations

EXIT_DATA = 1  # anything about the data or the work
EXIT_CALL = 2  # a wrong call or configuration, found before any work


class ASDFWarning(UserWarning):
    """Something that the caller should know, though the work goes on."""


class ASDFPipelineError(Exception):
    """Base of all errors of this package."""

    exit_code: int = EXIT_DATA


class ASDFValueError(ASDFPipelineError, ValueError):
    """A value is not what it should be: of a call, or in an input."""


class ASDFAttributeError(ASDFPipelineError, AttributeError):
    """An attribute of a data set, or of a part of it, that is not there."""


class CallError(ASDFValueError):
    """The call or the configuration is wrong; found before any work."""

    exit_code = EXIT_CALL


class OutputExistsError(CallError, FileExistsError):
    """The output file exists already; it is never overwritten."""


class TagError(CallError):
    """A tag or tag map is malformed, or nothing in the file matches it."""


class FunctionError(CallError, TypeError):
    """The processing function cannot be found, loaded or called."""


class QueryTypeError(CallError, TypeError):
    """A term of a query was compared with what it cannot be compared with."""


class UnknownTermError(CallError, ASDFAttributeError):
    """There is no such term to ask about in a query."""


class BackendError(CallError, RuntimeError):
    """The wanted backend or way of writing cannot be had here."""


class SystemNotSupportedError(CallError, ImportError):
    """The operating system lacks what everything here needs, as Windows does."""


class InputError(ASDFValueError):
    """An input is damaged or not what it should be."""


class InputMissingError(InputError, FileNotFoundError):
    """An input file does not exist; found before any work."""

    exit_code = EXIT_CALL


class NotASDFError(InputError):
    """A file is no HDF5, or HDF5 but no ASDF, or damaged as a whole."""


class TraceError(InputError):
    """A trace cannot be read from, or written to, an ASDF file; fails its unit."""


class SampleTypeError(TraceError, TypeError):
    """A trace's samples have a type that an ASDF file cannot hold."""


class StationXMLError(InputError):
    """A StationXML document is damaged or of another station; fails its unit."""


class ResponseMissingError(InputError):
    """A station's StationXML has no response for a trace; fails its unit."""


class AuxiliaryError(InputError):
    """Auxiliary data cannot be written: its path, its content, or twice the same."""


class StationMissingError(InputError, KeyError, ASDFAttributeError):
    """A station, tag or item that was asked for is not in the file."""

    def __str__(self) -> str:
        """Return the message itself (KeyError would quote it)."""
        return str(self.args[0]) if self.args else ""


class WorkDirectoryError(ASDFPipelineError, RuntimeError):
    """The work directory is held by another run, or cannot be used."""


class WriteError(ASDFPipelineError, OSError):
    """The output could not be written: disk full, quota, I/O error."""

    def __str__(self) -> str:
        """Return the message itself."""
        return " ".join(str(part) for part in self.args)


class VerificationError(ASDFPipelineError):
    """A file's content differs from its manifest, its outcomes or its digests."""


class ProcessingFailedError(ASDFPipelineError, RuntimeError):
    """More stations failed than the call allows."""


class WorkerDiedError(ASDFPipelineError, RuntimeError):
    """A worker died on a unit: signal, exit or out of memory."""


class StopUnitError(BaseException):
    """Raised inside the user's function, which must not catch it, to end the unit."""


class StoppedError(ASDFPipelineError, KeyboardInterrupt):
    """The run was stopped by a signal; sealed work is kept.

    Parameters
    ----------
    message : str
        One line.
    signum : int
        The signal's number; the exit code is 128 + `signum`.
    """

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signum

    def __reduce__(self) -> tuple[type[StoppedError], tuple[str, int]]:
        """Let it travel between processes."""
        return type(self), (str(self), self.exit_code - 128)
