"""Names in an ASDF file: stations, tags and waveform data sets.

The rules are those of the ASDF definition 1.0.3: a station is the group
``NET.STA``, a trace the data set ``NET.STA.LOC.CHA__START__END__tag`` inside it,
with times cut to seconds or, since 1.0.2, with nine digits of fraction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from asdf_pipeline.errors import AuxiliaryError, TagError, TraceError
from asdf_pipeline.times import iso_ns, iso_text

STATIONXML = "StationXML"

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z?"
# Codes come first and may hold anything, so a name is read from its known end:
# the last pair of times, and what follows it.
_NAME = re.compile(
    rf"(?P<codes>.*)__(?P<start>{_TIME})__(?P<end>{_TIME})__(?P<tag>.+)", re.DOTALL
)
_TAG = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*_?")
# Of each part of a path below /AuxiliaryData (definition 1.0.3, as pyasdf has it).
_PART = re.compile(r"[a-zA-Z0-9\-_.!#$%&*+,:;<=>?@^~]+")


@dataclass(frozen=True, slots=True)
class TraceName:
    """The name of a waveform data set, taken apart.

    Attributes
    ----------
    network, station, location, channel : str
        Codes.
    start, end : str
        Times of the first and last sample as written in the name.
    tag : str
        Tag.
    """

    network: str
    station: str
    location: str
    channel: str
    start: str
    end: str
    tag: str

    @classmethod
    def parse(cls, name: str) -> TraceName:
        """Return the parts of a data set's name; `str` gives the name back.

        Raises
        ------
        TraceError
            If the name is not of the form that the format prescribes.
        """
        match = _NAME.fullmatch(name)
        codes = match["codes"].split(".") if match else []
        if match is None or len(codes) != 4:
            msg = (
                f"data set name {name!r} is not of the form "
                "NET.STA.LOC.CHA__START__END__tag"
            )
            raise TraceError(msg)
        network, station, location, channel = codes
        times = match["start"], match["end"]
        return cls(network, station, location, channel, *times, match["tag"])

    def __str__(self) -> str:
        """Return the data set's name."""
        codes = f"{self.network}.{self.station}.{self.location}.{self.channel}"
        return f"{codes}__{self.start}__{self.end}__{self.tag}"


def name_in(version: str, name: str) -> str:
    """Return a trace's name as a version of the format has it.

    Fractions of seconds came with 1.0.2: before, times are cut.
    """
    if version >= "1.0.2":
        return name
    parts = TraceName.parse(name)
    start, end = (text.partition(".")[0] for text in (parts.start, parts.end))
    return str(replace(parts, start=start, end=end))


def check_input_tag(tag: object) -> str:
    """Return a tag that is looked for in a file, checked to be one at all.

    Other programs write tags that the format does not allow, such as ``HHZ``,
    ``my-tag`` and ``_observed``: these are read, see `check_tag` for what is written.

    Raises
    ------
    TagError
        If it cannot stand in the name of a data set.
    """
    if isinstance(tag, str) and tag and "/" not in tag:
        return tag
    msg = f"{tag!r} is no tag of waveforms"
    raise TagError(msg)


def check_tag(tag: object) -> str:
    """Return a tag that is to be written, checked to be one that the format allows.

    Raises
    ------
    TagError
        If it is not.
    """
    if isinstance(tag, str) and _TAG.fullmatch(tag) and tag != "stationxml":
        return tag
    msg = (
        f"tag {tag!r} is not valid: only a-z, 0-9 and single underscores, the first "
        "no underscore, and not 'stationxml'"
    )
    raise TagError(msg)


def tag_of(name: str) -> str:
    """Return the tag in a data set's name.

    A name that does not parse still has one, so that its unit exists and fails.
    """
    match = _NAME.fullmatch(name)
    return match["tag"] if match else name.rpartition("__")[2]


def check_auxiliary_path(path: object) -> str:
    """Return a path below ``/AuxiliaryData``, checked: ``Type/name`` or deeper.

    Raises
    ------
    AuxiliaryError
        If it has no level below the type, leads elsewhere, or has a character that
        the format does not allow.
    """
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) < 2 or any(
        not _PART.fullmatch(part) or part in (".", "..") for part in parts
    ):
        msg = (
            f"auxiliary data {path!r}: expected a path such as Type/name or "
            "Type/group/name, of letters, digits and -_.!#$%&*+,:;<=>?@^~"
        )
        raise AuxiliaryError(msg)
    return "/".join(parts)


def is_station(name: str) -> bool:
    """Return whether a name is of the form ``NET.STA``."""
    return name.count(".") == 1 and "/" not in name and name != "."


def time_range(text: str) -> tuple[int, int]:
    """Return which times a time in a name may stand for.

    Returns
    -------
    (int, int)
        First time, and the one behind the last, in ns since 1970.

    Raises
    ------
    TraceError
        If there is no such day or hour.
    """
    try:
        begin = iso_ns(text)
    except ValueError as error:
        msg = f"{text!r} is not a time"
        raise TraceError(msg) from error
    _, _, fraction = text.removesuffix("Z").partition(".")
    return begin, begin + 10 ** (9 - len(fraction))


def trace_name(
    network: str,
    station: str,
    location: str,
    channel: str,
    start: int,
    end: int,
    tag: str,
    fraction: bool,
) -> str:
    """Return the name of a trace's data set.

    Parameters
    ----------
    network, station, location, channel : str
        Codes.
    start, end : int
        Times of the first and last sample in ns since 1970.
    tag : str
        Tag.
    fraction : bool
        Write times with nine digits of fraction (format 1.0.2 and newer). It is
        done anyway where both fall into one second, as pyasdf does.

    Raises
    ------
    TraceError
        If a code cannot stand in a name.
    TagError
        If the tag cannot.
    """
    codes = (network, station, location, channel)
    for code in codes:
        if "." in code or "/" in code or not (code.isprintable() and code.isascii()):
            msg = (
                f"code {code!r} cannot stand in the name of a data set: "
                "only printable ASCII characters without '.' and '/'"
            )
            raise TraceError(msg)
    if not (network or station):
        msg = "a trace without network and station code has no place in an ASDF file"
        raise TraceError(msg)
    check_tag(tag)
    start_text, end_text = iso_text(start), iso_text(end)
    if fraction or start_text == end_text:
        start_text, end_text = (iso_text(t, fraction=True) for t in (start, end))
    return f"{'.'.join(codes)}__{start_text}__{end_text}__{tag}"


def encoded(name: str) -> bytes:
    """Return a name as HDF5 stores it; names in damaged files need not be UTF-8."""
    return name.encode("utf-8", "surrogateescape")


def decoded(name: bytes) -> str:
    """Return the text of a name that HDF5 stores."""
    return name.decode("utf-8", "surrogateescape")
