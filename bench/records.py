"""Real records to make inputs from: station TA.POKR, 70 minutes at 40 Hz, int32.

They come with pyasdf, the peer: three channels, StationXML and a QuakeML event.
Every station made from them gets its own samples (the records turned round by a
random offset, some upside down) and its own gains, as if each channel's instrument
had been calibrated. pyasdf stores the records in 0.39 of their size.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

RATE = 40.0
START = "2013-05-24T05:40:00"
CHANNELS = ("BHE", "BHN", "BHZ")
NETWORK = "XB"
SEED = 20130524

_SHORT_STATIONXML = """<?xml version="1.0" encoding="UTF-8"?>
<FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1">
<Source>bench</Source><Created>2013-05-24T00:00:00Z</Created>
<Network code="XB"><Station code="POKR"><Latitude>65.1171</Latitude>
<Longitude>-147.4335</Longitude><Elevation>501.0</Elevation>
<Site><Name>Poker Flat</Name></Site>
<CreationDate>2012-10-02T00:00:00Z</CreationDate></Station></Network>
</FDSNStationXML>
"""


@dataclass(frozen=True)
class Station:
    """One station: its code, samples by channel, and StationXML."""

    code: str
    samples: dict[str, np.ndarray[Any, Any]]
    stationxml: bytes


def make_station(
    index: int, channels: tuple[str, ...], length: int, response: bool
) -> Station:
    """Return a station, the same for the same arguments.

    Parameters
    ----------
    length : int
        Samples of each channel; the records are repeated where it is long.
    response : bool
        StationXML with the channels' full responses, or a short one.
    """
    random = np.random.default_rng((SEED, index))
    code = f"{index:05d}"
    samples = {name: _vary(_record(name), length, random) for name in channels}
    if not response:
        return Station(code, samples, _SHORT_STATIONXML.replace("POKR", code).encode())
    return Station(code, samples, _with_gains(code, random))


def event() -> bytes:
    """Return the QuakeML document of an event."""
    return _sample("quake.xml")


def _sample(name: str) -> bytes:
    folder = importlib.resources.files("pyasdf") / "tests/data/small_sample_data_set"
    return (folder / name).read_bytes()


@functools.cache
def _record(channel: str) -> np.ndarray[Any, Any]:
    import io

    import obspy

    (trace,) = obspy.read(io.BytesIO(_sample(f"TA.POKR..{channel}.mseed")))
    return np.asarray(trace.data)


def _vary(
    record: np.ndarray[Any, Any], length: int, random: np.random.Generator
) -> np.ndarray[Any, Any]:
    begin = int(random.integers(record.size))
    times = -(-(begin + length) // record.size)
    turned = np.tile(record, times)[begin : begin + length]
    return turned * np.int32(random.choice((-1, 1)))


@functools.cache
def _template() -> str:
    """StationXML of the three channels that recorded, as IRIS delivered it."""
    text = _sample("TA.POKR..BH_.xml").decode("iso-8859-1")
    head, *channels = re.split(r"(?=^ *<Channel )", text, flags=re.MULTILINE)
    last, tail = re.split(r"(?<=</Channel>\n)", channels[-1], maxsplit=1)
    recording = [
        channel for channel in [*channels[:-1], last] if 'locationCode="  "' in channel
    ]
    assert len(recording) == len(CHANNELS)
    document = "".join([head, *recording, tail]).replace(
        'code="TA"', f'code="{NETWORK}"'
    )
    return document.replace("ISO-8859-1", "UTF-8")


def _with_gains(code: str, random: np.random.Generator) -> bytes:
    head, *channels = re.split(r"(?=^ *<Channel )", _template(), flags=re.MULTILINE)
    calibrated = []
    for channel in channels:
        factor = random.uniform(0.9, 1.1)

        def scale(found: re.Match[str], factor: float = factor) -> str:
            return f"{found[1]}{float(found[2]) * factor:.9g}{found[3]}"

        # The sensor's gain and, as it is their product, the overall sensitivity.
        for outer in ("InstrumentSensitivity", "StageGain"):
            pattern = rf"(<{outer}>\s*<Value>)([^<]+)(</Value>)"
            channel = re.sub(pattern, scale, channel, count=1)
        calibrated.append(channel)
    return "".join([head, *calibrated]).replace("POKR", code).encode()
