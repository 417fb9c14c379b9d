"""What one station costs in a worker, part by part: CPU of one process."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bench.inputs import SCRATCH, TAG, Input
from bench.rows import Row
from bench.run import OURS, PEER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from obspy import Stream

    from bench.cases import Effort

TITLE = "One station of 3 x 168,001 samples, CPU of a worker"
SAMPLES = 168_001


def measure(effort: Effort) -> Iterator[Row]:
    """Yield a row a part."""
    few = 5 if effort.quick else 20
    data = Input(few, SAMPLES)
    for maker in (PEER, OURS):
        made = replace(data, maker=maker)
        yield _row(f"read, of a file by {maker}", partial(_reading, made), effort)
    for dtype in ("int32", "float64"):
        write = partial(_writing, data, dtype)
        yield _row(f"compress and write {dtype}", write, effort)
    yield _row("StationXML: well-formed? where?", partial(_locating, data), effort)


def _row(what: str, part: Callable[[], tuple[float, float]], effort: Effort) -> Row:
    part()  # the disk, imports, tables
    figures = [part() for _ in range(effort.repeat)]
    peer, ours = zip(*figures, strict=True)
    return Row.ratio(what, "ms", peer, ours, "times less", faster=True)


def _each(do: Callable[[str], object], stations: Iterable[str]) -> float:
    """Return the CPU that something takes for a station, in ms."""
    stations = list(stations)
    began = time.process_time()
    for station in stations:
        do(station)
    return (time.process_time() - began) / len(stations) * 1e3


def _reading(data: Input) -> tuple[float, float]:
    import pyasdf

    from asdf_pipeline.container.reader import Reader

    with pyasdf.ASDFDataSet(data.path, mode="r", mpi=False) as ds:
        names = ds.waveforms.list()
        peer = _each(lambda name: ds.waveforms[name][TAG], names)
    with Reader(data.path) as reader:
        ours = _each(lambda name: reader.stream(name, TAG), reader.stations())
    return peer, ours


def _writing(data: Input, dtype: str) -> tuple[float, float]:
    import pyasdf

    from asdf_pipeline.container.codec import COMPRESSED
    from asdf_pipeline.container.product import make_product
    from asdf_pipeline.container.reader import Reader
    from asdf_pipeline.container.writer import Writer

    streams: dict[str, Stream] = {}
    with Reader(data.path) as reader:
        for name in reader.stations():
            streams[name] = reader.stream(name, TAG)
            for trace in streams[name]:
                trace.data = trace.data.astype(dtype)
                if dtype == "float64":  # what a filter leaves: noise to the last bit
                    trace.detrend("linear")
    output = SCRATCH / "parts.h5"
    output.unlink(missing_ok=True)
    with pyasdf.ASDFDataSet(output, mpi=False) as ds:
        peer = _each(lambda name: ds.add_waveforms(streams[name], TAG), streams)
    output.unlink()
    with Writer.create(output) as writer:

        def write(name: str) -> None:
            writer.write(make_product(streams[name], name, TAG, COMPRESSED))

        ours = _each(write, streams)
    output.unlink()
    return peer, ours


def _locating(data: Input) -> tuple[float, float]:
    import obspy

    from asdf_pipeline.container.reader import Reader

    with Reader(data.path) as reader:
        documents = {name: reader.stationxml(name) or b"" for name in reader.stations()}
        peer = _each(
            lambda name: obspy.read_inventory(io.BytesIO(documents[name])), documents
        )
        ours = _each(reader.coordinates, documents)
    return peer, ours
