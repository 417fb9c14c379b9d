"""Files that are staged, exported and staged again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import obspy
from obspy import UTCDateTime

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.export import ExportTask, Places, export
from asdf_pipeline.stage import stage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from asdf_pipeline.engine import RunReport

EACH = "{network}.{station}.{location}.{channel}.{start}"
START = UTCDateTime(2020, 2, 28, 23, 59, 50, 123_456)


def trace(
    data: Any,
    start: UTCDateTime = START,
    seed: str = "BW.RJOB.00.EHZ",
    rate: float = 20,
) -> obspy.Trace:
    """Return a trace."""
    network, station, location, channel = seed.split(".")
    codes = {"network": network, "station": station}
    codes |= {"location": location, "channel": channel}
    header = {**codes, "starttime": start, "sampling_rate": rate}
    return obspy.Trace(np.asarray(data), header)


def asdf(path: Path, *traces: obspy.Trace, tag: str = "raw", **ids: Any) -> Path:
    """Return an ASDF file, with these traces added to it."""
    with ASDFDataSet(path) as ds:
        ds.add_waveforms(obspy.Stream(list(traces)), tag=tag, **ids)
    return path


def exported(
    file: Path, to: Path | str, format: str = "mseed", **others: Any
) -> RunReport:
    """Export a file, in this process unless another backend is named."""
    places = Places.of(to, others.pop("layout", None))
    chosen: dict[str, Any] = {"backend": "serial", "progress": "none"} | others
    return export(
        ExportTask(
            input=file,
            places=places,
            format=format,
            io="segments",
            max_failures=0,
            **chosen,
        )
    )


def staged(output: Path, files: Sequence[str | Path], **others: Any) -> Path:
    """Stage files, in this process."""
    known: dict[str, Any] = {"stations": [], "events": []} | others
    patterns = {key: [str(one) for one in value] for key, value in known.items()}
    stage(
        [str(file) for file in files],
        tag="raw",
        output=output,
        backend="serial",
        **patterns,
    )
    return output
