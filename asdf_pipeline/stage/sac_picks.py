"""Picks of SAC headers: A and T0 to T9, with their labels KA and KT0 to KT9."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import xxhash
from obspy.core.event import Pick, WaveformStreamID

from asdf_pipeline.stage.sac_fields import PREFIX, number, reference_of
from asdf_pipeline.times import utc

if TYPE_CHECKING:
    import obspy

_FIELDS = ("a", *(f"t{index}" for index in range(10)))
_US = 1000  # ns: SAC's floats of seconds hold no more
_UNLABELLED = {"a": "P"}
"""SAC's manual: A is the first arrival time."""


@dataclass(frozen=True, slots=True, order=True)
class SACPick:
    """A pick of a SAC header: time in ns since 1970, channel, field, label."""

    time: int
    channel: str
    field: str
    label: str

    @property
    def id(self) -> str:
        """Its resource id: the same for the same pick, whichever file it is from."""
        text = repr((self.time, self.channel, self.field, self.label))
        return f"{PREFIX}/pick/{xxhash.xxh3_64_hexdigest(text.encode())}"

    def quakeml(self) -> Pick:
        """Return it as QuakeML has it."""
        return Pick(
            resource_id=self.id,
            time=utc(self.time),
            waveform_id=WaveformStreamID(seed_string=self.channel),
            phase_hint=self.label or _UNLABELLED.get(self.field),
        )


def picks_of(trace: obspy.Trace) -> list[SACPick]:
    """Return the picks of a trace's header; none where it has no reference time."""
    header = trace.stats.get("sac") or {}
    if "nzyear" not in header:
        return []
    reference = reference_of(trace)
    found = []
    for name in _FIELDS:
        seconds = number(trace, name)
        if seconds is None:
            continue
        time = reference + round(seconds * 1e6) * _US
        label = str(header.get(f"k{name}", "")).partition("\0")[0].strip()
        found.append(SACPick(time, trace.id, name, label))
    return found
