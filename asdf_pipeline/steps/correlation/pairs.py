"""The cross-correlation of two stations' records, from their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import numpy as np

from asdf_pipeline.errors import FunctionError
from asdf_pipeline.function.result import Result
from asdf_pipeline.steps.correlation.spectra import Spectra
from asdf_pipeline.times import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Array = np.ndarray[Any, Any]

_TOLERANCE = 0.01  # samples; by how much two sampling rates may differ in a segment
_CACHED = 2**15  # complex numbers a channel that fit into a processor's cache
DATA_TYPE = "CrossCorrelation"
"""The type of auxiliary data that correlations are written as."""


class Geometry(Protocol):
    """What a function's argument ``pair`` gets, of which this is needed."""

    @property
    def coordinates(self) -> tuple[Any, Any]:
        """Latitude and longitude in degrees, elevation in m, of each, or None."""

    @property
    def distance(self) -> float | None:
        """In km."""

    @property
    def azimuth(self) -> float | None:
        """Of the second station at the first, in degrees from north."""

    @property
    def back_azimuth(self) -> float | None:
        """Of the first station at the second, in degrees from north."""

    @property
    def window(self) -> tuple[int, int] | None:
        """The window, in ns since 1970, of a run by windows."""

    def combines(self, channel: str, other: str) -> bool:
        """Tell whether a channel of the first goes with one of the second."""


def correlate(
    a: Spectra | None,
    b: Spectra | None,
    sides: Literal["both", "mean"] = "both",
    location_codes: bool = False,
    pair: Geometry | None = None,
) -> Result | None:
    """Correlate two stations' records, channel by channel.

    Of the segments that both records have, the products of the first's conjugate
    spectrum with the second's are averaged and transformed back. So a correlation is
    the sum of ``a(t) b(t + lag)`` over a segment, in the product of the records'
    units, and what gets to `b` later than to `a` has a positive lag.

    Written as auxiliary data ``CrossCorrelation/NET_STA/NET_STA/CHA_CHA``, with
    parameters by the names that NoisePy gives them (``noise_module.cc_parameters`` of
    noisepy-seis 0.9): ``dt`` and ``maxlag`` in s, ``dist`` in km, ``azi`` and ``baz``
    in degrees, ``latS``, ``lonS``, ``latR`` and ``lonR`` of the first (source) and
    second station (receiver), ``ngood`` segments in it, ``time`` of the first of them
    in s since 1970, ``comp``, ``cc_method``, ``substack``; and ``first_lag``, the
    first sample's, in s. pyasdf's documentation has auxiliary data of types in camel
    case, which this is.

    Parameters
    ----------
    a, b : Spectra or None
        Made by `spectra` with the same parameters. None: there is nothing of one.
    sides : {"both", "mean"}
        Lags from -maxlag to maxlag; or from 0 on, the mean of both sides.
    location_codes : bool
        Write ``CHA_LOC_CHA_LOC`` in place of ``CHA_CHA``, as NoisePy does. Needed
        where a station has one channel at several locations.
    pair : Pair, optional
        Where the stations are, and which of their channels belong together. Without it
        all do, of a station with itself each two once.

    Returns
    -------
    Result or None
        float32 arrays, and for each of them a cell ``lag_CHA_CHA`` of the pair's row:
        the lag of the largest absolute value, in s. There are no rows of windows, which
        are stacked first (see `stack`). None where the records have no segments in
        common.

    Raises
    ------
    FunctionError
        If `a` or `b` is anything else.
    ValueError
        If the sampling rates differ, the spectra were prepared in different ways, or
        two pairs of channels would have one name.
    """
    if sides not in ("both", "mean"):
        msg = f"sides: {sides!r} is not both or mean"
        raise ValueError(msg)
    if a is None or b is None:
        return None
    for one in (a, b):
        if not isinstance(one, Spectra):
            msg = (
                f"correlate takes what asdf_pipeline.steps:spectra prepares, not a "
                f"{type(one).__name__}: name that as the function that prepares"
            )
            raise FunctionError(msg)
    _check_alike(a, b)
    whose = f"{DATA_TYPE}/{_underscored(a.station)}/{_underscored(b.station)}"
    stacks: dict[str, _Stack] = {}
    for stack in _stacks(a, b, pair):
        names = (_name(channel, location_codes) for channel in stack.channels)
        path = f"{whose}/{'_'.join(names)}"
        if path in stacks:
            msg = (
                f"{a.station} and {b.station}: two correlations would be {path}: "
                "select one location, or write location_codes"
            )
            raise ValueError(msg)
        stacks[path] = stack
    if not stacks:
        return None
    common = {
        "dt": 1 / a.sampling_rate,
        "maxlag": a.maxlag / a.sampling_rate,
        "first_lag": -a.maxlag / a.sampling_rate if sides == "both" else 0.0,
        "cc_method": "xcorr",
        "substack": False,
        **_geometry(pair),
    }
    auxiliary = {}
    lags = _lags(a, [stack.spectrum for stack in stacks.values()], sides)
    for (path, stack), data in zip(stacks.items(), lags, strict=True):
        data /= stack.ngood
        own = {
            "ngood": stack.ngood,
            "time": stack.start / SECOND,
            "comp": "".join(channel[-1] for channel in stack.channels),
        }
        auxiliary[path] = data, common | own
    in_window = pair is not None and pair.window is not None
    return Result(auxiliary=auxiliary, row=None if in_window else lags_of(auxiliary))


class _Stack(NamedTuple):
    """A sum over segments.

    Attributes
    ----------
    channels : (str, str)
        The first station's and the second's, ``"LOC.CHA"``.
    spectrum : numpy.ndarray of complex64, shape (bins,)
        Sum of the cross-spectra.
    ngood : int
        Of how many segments.
    start : int
        When the first of them begins, in ns since 1970.
    """

    channels: tuple[str, str]
    spectrum: Array
    ngood: int
    start: int


def lags_of(
    correlations: Mapping[str, tuple[Array, Mapping[str, Any]]],
) -> dict[str, float]:
    """Return the row of a pair: of each correlation the lag of its peak, in s.

    Parameters
    ----------
    correlations : mapping of str to (array, mapping)
        By path, as `correlate` gives them.
    """
    row = {}
    for path, (data, parameters) in correlations.items():
        peak = int(np.abs(data).argmax())
        lag = parameters["first_lag"] + peak * parameters["dt"]
        row[f"lag_{path.rpartition('/')[2]}"] = round(float(lag), 9)
    return row


def _underscored(station: str) -> str:
    """Return a station as NoisePy and pyasdf write it in a path."""
    return station.replace(".", "_")


def _name(channel: str, location_codes: bool) -> str:
    location, _, code = channel.rpartition(".")
    return f"{code}_{location}" if location_codes and location else code


def _check_alike(a: Spectra, b: Spectra) -> None:
    """Check that two stations' spectra can be multiplied.

    Raises
    ------
    ValueError
        If not.
    """
    drift = abs(a.sampling_rate - b.sampling_rate) / a.sampling_rate * a.npts
    if drift > _TOLERANCE:
        msg = (
            f"{a.station} has {a.sampling_rate:g} Hz and {b.station} "
            f"{b.sampling_rate:g} Hz: resample one of them first (the step 'resample')"
        )
        raise ValueError(msg)
    if (a.npts, a.nfft, a.maxlag, a.first) != (b.npts, b.nfft, b.maxlag, b.first):
        msg = (
            f"the spectra of {a.station} and {b.station} were not prepared with the "
            "same parameters"
        )
        raise ValueError(msg)


def _geometry(pair: Geometry | None) -> dict[str, float]:
    """Return where the stations are and how far apart; empty where one is unknown."""
    if pair is None or None in (*pair.coordinates, pair.distance):
        return {}
    (latitude, longitude, _), (other_latitude, other_longitude, _) = pair.coordinates
    return {
        "dist": pair.distance,
        "azi": pair.azimuth,
        "baz": pair.back_azimuth,
        "latS": latitude,
        "lonS": longitude,
        "latR": other_latitude,
        "lonR": other_longitude,
    }


def _stacks(a: Spectra, b: Spectra, pair: Geometry | None) -> Iterator[_Stack]:
    """Yield the sums of the pairs of channels that are to be correlated."""
    first, second, starts = a.values, b.values, a.starts
    there, also_there = a.there, b.there
    if not np.array_equal(starts, b.starts):
        starts, ours, theirs = np.intersect1d(
            starts, b.starts, assume_unique=True, return_indices=True
        )
        first, second = first[:, :, ours], second[:, :, theirs]
        there, also_there = there[:, ours], also_there[:, theirs]
    # Channels that go with the same ones are multiplied together.
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, one in enumerate(a.channels):
        partners = tuple(
            place
            for place, other in enumerate(b.channels)
            if (pair is None or pair.combines(one, other))
            and (a.station != b.station or one <= other)
            and np.any(there[number] & also_there[place])
        )
        groups.setdefault(partners, []).append(number)
    groups.pop((), None)
    for partners, numbers in groups.items():
        sums = _sums_of_products(first, numbers, second, partners)
        for row, number in enumerate(numbers):
            for column, place in enumerate(partners):
                both = there[number] & also_there[place]
                yield _Stack(
                    (a.channels[number], b.channels[place]),
                    sums[:, row, column],
                    int(np.count_nonzero(both)),
                    int(starts[both.argmax()]),
                )


def _sums_of_products(
    first: Array, rows: Sequence[int], second: Array, columns: Sequence[int]
) -> Array:
    """Return the sums over segments of the products of channels: (bins, rows, columns).

    A few frequencies at a time, so that what is read of a channel is still in the
    processor's cache for its next partner: a day of a station has 20 MB.
    """
    bins, _, count = first.shape
    some = max(1, _CACHED // max(1, count))
    total: Array = np.empty((bins, len(rows), len(columns)), first.dtype)
    for begin in range(0, bins, some):
        part = slice(begin, begin + some)
        left, right = first[part], second[part]
        if len(rows) < left.shape[1]:
            left = left[:, list(rows)]
        if len(columns) < right.shape[1]:
            right = right[:, list(columns)]
        np.matmul(np.conj(left), right.transpose(0, 2, 1), out=total[part])
    return total


def _lags(prepared: Spectra, spectra: Sequence[Array], sides: str) -> Array:
    """Return cross-spectra as functions of lags: shape (spectra, lags)."""
    from scipy import fft

    whole = np.zeros((len(spectra), prepared.nfft // 2 + 1), np.complex64)
    kept = slice(prepared.first, prepared.first + len(spectra[0]))
    for row, spectrum in zip(whole, spectra, strict=True):
        row[kept] = spectrum
    cyclic: Array = fft.irfft(whole, prepared.nfft)
    later = cyclic[:, : prepared.maxlag + 1]
    earlier = cyclic[:, prepared.nfft - prepared.maxlag :]
    if sides == "both":
        return np.concatenate((earlier, later), axis=1)
    later[:, 1:] = (later[:, 1:] + earlier[:, ::-1]) / 2
    return later
