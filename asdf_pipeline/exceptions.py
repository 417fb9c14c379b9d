"""pyasdf's names of errors and warnings, for scripts that import them.

``from asdf_pipeline.exceptions import ASDFValueError`` does what
``from pyasdf.exceptions import ASDFValueError`` does; this package itself uses
`asdf_pipeline.errors`.
"""

from asdf_pipeline.errors import (
    ASDFAttributeError,
    ASDFValueError,
    ASDFWarning,
)
from asdf_pipeline.errors import ASDFPipelineError as ASDFException
from asdf_pipeline.errors import StationMissingError as NoStationXMLForStation
from asdf_pipeline.errors import StationMissingError as WaveformNotInFileException

__all__ = [
    "ASDFAttributeError",
    "ASDFException",
    "ASDFValueError",
    "ASDFWarning",
    "NoStationXMLForStation",
    "WaveformNotInFileException",
]
