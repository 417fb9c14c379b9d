"""Traces and files that the container's tests are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from asdf_pipeline.container.codec import COMPRESSED, Encoding, decode_into
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DTYPES = ("<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "<f4", ">f4", "<f8", ">f8")


def trace(
    data: Any = (1, 2, 3, 4, 5), start: int = 10**18, rate: float = 10.0, **codes: str
) -> obspy.Trace:
    """Return a trace of XX.ABC..BHZ, or with other codes."""
    header = {"network": "XX", "station": "ABC", "channel": "BHZ", **codes}
    array = data if isinstance(data, np.ndarray) else np.array(data, "<i4")
    made = obspy.Trace(array, header)
    made.stats.sampling_rate = rate
    made.stats.starttime = obspy.UTCDateTime(ns=start)
    return made


def decode(
    chunk: bytes, filters: Sequence[int], itemsize: int, size: int, mask: int = 0
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a whole chunk's bytes; see `decode_into`."""
    result = np.empty(size, np.uint8)
    width = itemsize if size % itemsize == 0 else 1
    decode_into(result.reshape(-1, width), chunk, filters, size, 0, mask)
    return result


def write(
    path: Path,
    *traces: obspy.Trace,
    tag: str = "raw_recording",
    encoding: Encoding = COMPRESSED,
    stationxml: bytes | None = None,
) -> Path:
    """Write traces of one station to a new file, or add them to one."""
    stats = traces[0].stats
    station = f"{stats.network}.{stats.station}"
    product = make_product(obspy.Stream(traces), station, tag, encoding, stationxml)
    with Writer.reopen(path) if path.exists() else Writer.create(path) as writer:
        writer.write(product)
    return path
