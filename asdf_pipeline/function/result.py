"""What a function may return, and what it is taken for."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from asdf_pipeline.errors import TraceError
from asdf_pipeline.plan.outcome import SUBJECTS
from asdf_pipeline.text import kind_of

if TYPE_CHECKING:
    import numpy as np
    from obspy import Stream, Trace

    Array = np.ndarray[Any, Any]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a function returns that writes more than waveforms.

    Attributes
    ----------
    stream : obspy.Stream, obspy.Trace or None
        Waveforms, written under the output tag; with them the station's StationXML.
    auxiliary : mapping of str to (array, mapping)
        Auxiliary data by path, ``Type/name`` or deeper: an array of numbers,
        booleans or fixed-length bytes, and its parameters: texts, numbers, or arrays
        of them. An array alone has no parameters. Each station, tag and window needs
        a path of its own.
    row : mapping, number, text or None
        The station's row of the table that a comparison of two data sets makes:
        numbers and texts by column.

    Examples
    --------
    The largest sample of each trace, beside the waveforms:

    >>> import numpy as np
    >>> from asdf_pipeline import Result
    >>> def process(st, inv):
    ...     stats = st[0].stats
    ...     peaks = np.array([abs(trace.data).max() for trace in st])
    ...     path = f"Peaks/{stats.network}_{stats.station}"
    ...     return Result(st, {path: (peaks, {"unit": "m/s"})})
    """

    stream: Stream | Trace | None = None
    auxiliary: Mapping[str, tuple[Array, Mapping[str, Any]] | Array] = field(
        default_factory=dict
    )
    row: Mapping[str, Any] | float | str | None = None


@dataclass(frozen=True)
class Checked:
    """A result in its one form.

    Attributes
    ----------
    stream : obspy.Stream
        Perhaps empty.
    auxiliary : mapping
        As in `Result`.
    row : dict of str to (str, int, float, bool or None), or None
        Plain Python values.
    """

    stream: Stream
    auxiliary: Mapping[str, Any]
    row: dict[str, Any] | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not len(self.stream) and not self.auxiliary and self.row is None


def check_result(value: object, station: str, *, compares: bool) -> Checked:
    """Return what a function returned in its one form.

    Parameters
    ----------
    value : object
        A Stream or Trace, a `Result`, None; of a comparison also a mapping, a number
        or a text.
    station : str
        For messages.
    compares : bool
        Whether the function compares two data sets, and so may return rows.

    Raises
    ------
    TraceError
        If it is anything else.
    """
    from obspy import Stream, Trace

    if compares and isinstance(value, Mapping | str | Real):
        value = Result(row=value)  # type: ignore[arg-type]
    elif value is None or isinstance(value, Stream | Trace):
        value = Result(value)
    if not isinstance(value, Result):
        rows = ", a row (mapping, number or text)" if compares else ""
        msg = (
            f"{station}: the function returned {kind_of(value)}; "
            f"expected an obspy Stream or Trace, an asdf_pipeline.Result{rows}, or None"
        )
        raise TraceError(msg)
    stream = value.stream
    if isinstance(stream, Trace):
        stream = Stream([stream])
    elif stream is None:
        stream = Stream()
    if not isinstance(stream, Stream) or not isinstance(value.auxiliary, Mapping):
        msg = (
            f"{station}: a Result's stream is an obspy Stream, Trace or None (it is "
            f"{kind_of(stream)}), its auxiliary a mapping (it is "
            f"{kind_of(value.auxiliary)})"
        )
        raise TraceError(msg)
    if value.row is not None and not compares:
        msg = f"{station}: only a comparison of two data sets makes a table of rows"
        raise TraceError(msg)
    if lost := [trace.id for trace in stream if _is_nan(trace.data)]:
        _LOGGER.warning(
            "%s: the function returned NaN for every sample of %s",
            station,
            ", ".join(lost),
        )
    return Checked(stream, value.auxiliary, _row(value.row, station))


def _is_nan(data: object) -> bool:
    """Return whether all samples are NaN, the first of them soon."""
    import numpy as np

    if not isinstance(data, np.ndarray) or data.dtype.kind != "f" or not data.size:
        return False
    return bool(np.isnan(data.flat[0]) and np.isnan(data).all())


def _row(row: object, station: str) -> dict[str, Any] | None:
    if row is None:
        return None
    given = row if isinstance(row, Mapping) else {"value": row}
    plain = {}
    for name, value in given.items():
        if not isinstance(name, str) or name in SUBJECTS:
            msg = (
                f"{station}: {name!r} cannot be a column: expected a text, and not "
                f"{' or '.join(map(repr, SUBJECTS))}, which are there already"
            )
            raise TraceError(msg)
        plain[name] = _plain(value, f"{station}: column {name!r}")
    return plain


def _plain(value: object, where: str) -> str | bool | int | float | None:
    """Return a value of a row as JSON and CSV hold it."""
    import numpy as np

    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return None if math.isnan(number) else number
    if type(value).__name__ == "UTCDateTime":
        return str(value)
    msg = (
        f"{where} is {kind_of(value)}: a row holds numbers and texts; an array "
        "goes into the auxiliary data of an asdf_pipeline.Result"
    )
    raise TraceError(msg)
