"""A synthetic data set of any number of stations, with its outcomes, in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import obspy

from asdf_pipeline.container.codec import COMPRESSED
from asdf_pipeline.container.product import make_product
from asdf_pipeline.container.writer import Writer
from asdf_pipeline.plan.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

START = obspy.UTCDateTime(2010, 3, 1)
RATE, NPTS = 20.0, 2400
NETWORKS = ("TA", "AE", "BW", "IU", "G", "NZ")
CENTRES = ((40, -105), (33, -111), (48, 11), (10, 60), (-20, 50), (-42, 173))
TRACEBACK = """\
Traceback (most recent call last):
  File "my_steps.py", line 12, in process
    st.remove_response(inventory=inv, output="VEL")
ValueError: {message}"""

_STATION_XML = """<?xml version="1.0" encoding="UTF-8"?>
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.0">
<Source>synthetic</Source><Created>2020-01-01T00:00:00</Created>
<Network code="{network}"><Station code="{station}">
<Latitude>{latitude}</Latitude><Longitude>{longitude}</Longitude>
<Elevation>100.0</Elevation><Site><Name>{station}</Name></Site>
<CreationDate>2000-01-01T00:00:00</CreationDate></Station></Network></FDSNStationXML>
"""


def make(
    folder: Path, count: int, errors: Sequence[str] = ("no response for {name}",)
) -> tuple[Path, Path, list[Outcome]]:
    """Write input and output of so many stations; return them and their outcomes.

    Two in a hundred fail, one gives nothing, one in two hundred stands out, a third
    has gaps.
    """
    source, output = folder / "staged.h5", folder / "processed.h5"
    quakeml = (
        Path(obspy.__file__).with_name("io") / "quakeml/tests/data/iris_events.xml"
    )
    events = quakeml.read_bytes() if quakeml.is_file() else None
    random = np.random.default_rng(1)
    noise = np.cumsum(random.normal(size=NPTS + 1000)).astype(np.float32)
    outcomes = []
    with Writer.create(source, events) as raw, Writer.create(output, events) as done:
        for index in range(count):
            network = index * len(NETWORKS) // count
            name = f"{NETWORKS[network]}.S{index:05d}"
            latitude, longitude = random.normal(CENTRES[network], (3.0, 4.5))
            place = {"latitude": round(latitude, 4), "longitude": round(longitude, 4)}
            stream = waveforms(name, noise, random, gappy=index % 3 == 0)
            document = station_xml(name, **place)
            raw.write(make_product(stream, name, "raw_recording", COMPRESSED, document))
            outcome = become(name, index, errors[index % len(errors)], stream, place)
            if outcome.status == "ok":
                for trace in stream:
                    trace.data = np.gradient(trace.data) * (outcome.peak or 1.0)
                product = make_product(stream, name, "processed", COMPRESSED, document)
                done.write(product)
            outcomes.append(outcome)
    return source, output, outcomes


def station_xml(name: str, latitude: float, longitude: float) -> bytes:
    """Return the smallest StationXML of a station."""
    network, _, station = name.partition(".")
    return _STATION_XML.format(
        network=network, station=station, latitude=latitude, longitude=longitude
    ).encode()


def waveforms(
    name: str, noise: Any, random: np.random.Generator, gappy: bool
) -> obspy.Stream:
    """Return two channels, perhaps with a gap."""
    network, _, station = name.partition(".")
    stream = obspy.Stream()
    start = START + float(random.integers(0, 86400 * 20))
    for channel in ("BHN", "BHZ"):
        shift = int(random.integers(0, 1000))
        header = {
            "network": network,
            "station": station,
            "channel": channel,
            "sampling_rate": RATE,
            "starttime": start,
        }
        trace = obspy.Trace(noise[shift : shift + NPTS].copy(), header)
        middle = start + NPTS / RATE / 2
        if gappy:
            stream += trace.slice(endtime=middle - 20)
            stream += trace.slice(starttime=middle)
        else:
            stream += trace
    return stream


def become(
    name: str, index: int, error: str, stream: obspy.Stream, place: dict[str, float]
) -> Outcome:
    """Return what became of a station."""
    common: dict[str, Any] = {
        "station": name,
        "input_tag": "raw_recording",
        "output_tag": "processed",
        "elevation_in_m": 100.0,
        "traces_in": len(stream),
        "samples_in": sum(len(trace) for trace in stream),
        "start": min(trace.stats.starttime.ns for trace in stream),
        "end": max(trace.stats.endtime.ns for trace in stream),
        "sampling_rates": (RATE,),
        "channels": (".BHN", ".BHZ"),
        "worker": f"worker {1 + index % 8}",
        "seconds": 0.05 + 0.4 * (index * 7919 % 101) / 101,
        **place,
    }
    if index % 50 == 3:
        message = error.format(name=name)
        return Outcome(
            status="failed",
            error_type="ValueError",
            error_message=message,
            traceback=TRACEBACK.format(message=message),
            **common,
        )
    if index % 100 == 7:
        return Outcome(status="empty", **common)
    strange = 1e4 if index % 200 == 11 else 1.0
    return Outcome(
        status="ok",
        traces_out=len(stream),
        samples_out=common["samples_in"],
        peak=1e-6 * strange * (1 + index * 31 % 17),
        bytes_out=9000 + index * 13 % 4000,
        digest=f"{index:032x}",
        **common,
    )
