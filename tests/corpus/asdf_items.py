"""ASDF files with something wrong inside."""

from __future__ import annotations

import h5py
import numpy as np

from tests.corpus.items import (
    OTHERS,
    STATION,
    TAG,
    WAVEFORMS,
    Edits,
    first_trace,
    rename,
    rewrite,
    write_document,
)

edit = Edits()
_TIMES = "2009-08-24T00:20:03__2009-08-24T00:20:05"
_STATIONXML = f"{WAVEFORMS}/StationXML"

# Root.


@edit("no attribute file_format", spares=False)
def _(file: h5py.File) -> None:
    del file.attrs["file_format"]


@edit("no attribute file_format_version", spares=False)
def _(file: h5py.File) -> None:
    del file.attrs["file_format_version"]


for _name, _value in (
    ("another file format", "SAC"),
    ("a number as file format", 7),
    ("file format as an array", np.array([b"ASDF", b"ASDF"])),
    ("an empty file format", h5py.Empty("S4")),
):
    edit(_name, spares=False)(
        lambda file, value=_value: file.attrs.__setitem__("file_format", value)
    )
for _name, _value in (
    ("a version of the future", "9.9.9"),
    ("a version that is none", np.bytes_(b"\x01\xff")),
    ("a version as a number", 1.03),
):
    edit(_name, spares=False)(
        lambda file, value=_value: file.attrs.__setitem__("file_format_version", value)
    )


@edit("no group Waveforms", spares=False)
def _(file: h5py.File) -> None:
    del file["Waveforms"]


for _place in ("Waveforms", "Provenance", "AuxiliaryData"):

    @edit(f"{_place} is a data set", spares=_place != "Waveforms")
    def _(file: h5py.File, place: str = _place) -> None:
        del file[place]
        file[place] = np.arange(3)


@edit("QuakeML is a group")
def _(file: h5py.File) -> None:
    del file["QuakeML"]
    file.create_group("QuakeML")


@edit("strangers in the root")
def _(file: h5py.File) -> None:
    file["notes"] = "by hand"
    file.create_group("more/of/it")


@edit("no stations at all", spares=False)
def _(file: h5py.File) -> None:
    for name in list(file["Waveforms"]):
        del file["Waveforms"][name]


@edit("a station without anything")
def _(file: h5py.File) -> None:
    file.create_group("Waveforms/XX.EMPTY")


@edit("a station that is a data set")
def _(file: h5py.File) -> None:
    file["Waveforms/XX.ARRAY"] = np.arange(3)


# Names of traces.

for _name, _text in {
    "nothing but text": "some numbers",
    "no tag": f"{STATION}..EHE__{_TIMES}",
    "an empty tag": f"{STATION}..EHE__{_TIMES}__",
    "three codes": f"{STATION}.EHE__{_TIMES}__{TAG}",
    "five codes": f"{STATION}...EHE__{_TIMES}__{TAG}",
    "no such month": f"{STATION}..EHE__2009-18-24T00:20:03__2009-08-24T00:20:05__{TAG}",
    "no times": f"{STATION}..EHE__yesterday__today__{TAG}",
    "another station's name": f"XX.OTHER..EHE__{_TIMES}__{TAG}",
    "other times than its attributes": f"{STATION}..EHE__2001-01-01T00:00:00__"
    f"2001-01-01T00:00:01__{TAG}",
    "a tag that leaves its place": f"{STATION}..EHE__{_TIMES}__..",
    "a tag in capitals": f"{STATION}..EHE__{_TIMES}__RAW",
    "a newline": f"{STATION}.\n.EHE__{_TIMES}__{TAG}",
    "a name of 5,000 characters": f"{STATION}..{'E' * 5000}__{_TIMES}__{TAG}",
}.items():
    edit(f"name: {_name}")(lambda file, text=_text: rename(file, text))


@edit("name: bytes that are no UTF-8")
def _(file: h5py.File) -> None:
    rename(file, b"XX.S001.\xff\xfe.EHE__" + f"{_TIMES}__{TAG}".encode())


# Attributes of traces.

for _name, _value in {
    "NaN": np.nan,
    "infinite": np.inf,
    "minus infinite": -np.inf,
    "0": 0.0,
    "negative": -20.0,
    "tiny": 1e-300,
    "huge": 1e300,
    "denormal": 5e-324,
    "a text": "20 Hz",
    "an array": np.array([20.0, 20.0]),
    "complex": 20j,
    "empty": h5py.Empty("f8"),
}.items():
    edit(f"sampling rate: {_name}")(
        lambda file, value=_value: first_trace(file).attrs.__setitem__(
            "sampling_rate", value
        )
    )
for _name, _value in {
    "a text": "2009-08-24T00:20:03",
    "a float": 1.25e18,
    "NaN": np.nan,
    "the smallest": np.iinfo("i8").min,
    "the largest": np.iinfo("i8").max,
    "unsigned and too large": np.uint64(2**64 - 1),
    "an array": np.zeros(3, "i8"),
    "a structure": np.zeros((), [("s", "i8"), ("ns", "i8")]),
}.items():
    edit(f"start time: {_name}")(
        lambda file, value=_value: first_trace(file).attrs.__setitem__(
            "starttime", value
        )
    )
for _attribute in ("sampling_rate", "starttime"):
    edit(f"no attribute {_attribute}")(
        lambda file, name=_attribute: first_trace(file).attrs.__delitem__(name)
    )
for _attribute in ("event_id", "labels", "provenance_id"):
    for _name, _value in {
        "a number": 5,
        "an array": np.array([1.0, 2.0]),
        "bytes that are no text": np.bytes_(b"\xff\xfe\xfd"),
        "empty": h5py.Empty("S1"),
        "with newlines and quotes": "a'\"\n$(id)`id`;../..",
        "of 60,000 characters": "smi:local/x," * 5000,
    }.items():
        edit(f"{_attribute}: {_name}")(
            lambda file, name=_attribute, value=_value: first_trace(
                file
            ).attrs.__setitem__(name, value)
        )

# Samples.

for _name, _data in {
    "uint8": np.arange(300, dtype="u1"),
    "uint32": np.arange(300, dtype="u4"),
    "bool": np.zeros(300, bool),
    "complex": np.zeros(300, complex),
    "half floats": np.zeros(300, "f2"),
    "long floats": np.zeros(300, np.longdouble),
    "texts": np.array([b"a"] * 300),
    "structures": np.zeros(300, [("a", "i4"), ("b", "f8")]),
    "opaque": np.zeros(300, "V5"),
    "big-endian": np.arange(300, dtype=">i4"),
    "16 bits": np.arange(300, dtype="i2"),
    "NaN": np.full(300, np.nan),
    "two dimensions": np.zeros((20, 15), "i4"),
    "no dimension": np.int32(5),
    "none": np.zeros(0, "i4"),
    "one": np.zeros(1, "i4"),
    "of variable length": np.array(["a", "b"], dtype=object),
}.items():
    if _name == "of variable length":

        @edit("samples: of variable length")
        def _(file: h5py.File, data: object = _data) -> None:
            rewrite(file, data, dtype=h5py.string_dtype())

    else:
        edit(f"samples: {_name}")(lambda file, data=_data: rewrite(file, data))


@edit("samples: references to objects")
def _(file: h5py.File) -> None:
    rewrite(file, np.array([file.ref] * 3, dtype=h5py.ref_dtype), dtype=h5py.ref_dtype)


@edit("samples: no data space")
def _(file: h5py.File) -> None:
    rewrite(file, h5py.Empty("i4"))


@edit("samples: of a size that was never written")
def _(file: h5py.File) -> None:
    rewrite(file, None, shape=(2**45,), dtype="f8", chunks=(2**20,))


@edit("samples: contiguous, of a size that was never written")
def _(file: h5py.File) -> None:
    rewrite(file, None, shape=(2**40,), dtype="f8")


@edit("samples: a filter of another kind")
def _(file: h5py.File) -> None:
    samples = np.arange(300, dtype="i4")
    rewrite(file, samples, chunks=(70,), compression="lzf")


@edit("samples: in another file")
def _(file: h5py.File) -> None:
    rewrite(file, None, shape=(100,), dtype="i4", external=[("/etc/passwd", 0, 400)])


@edit("samples: virtual, of another file")
def _(file: h5py.File) -> None:
    old = first_trace(file)
    attributes, name, group = dict(old.attrs), old.name, old.parent
    del file[name]
    layout = h5py.VirtualLayout(shape=(300,), dtype="i4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(300,))
    new = group.create_virtual_dataset(name, layout)
    for key, value in attributes.items():
        new.attrs[key] = value


@edit("a trace that is a group")
def _(file: h5py.File) -> None:
    name = first_trace(file).name
    del file[name]
    file.create_group(name)


@edit("a trace that is a named type")
def _(file: h5py.File) -> None:
    name = first_trace(file).name
    del file[name]
    file[name] = np.dtype("i4")


# Several traces.


@edit("the same trace under two names")
def _(file: h5py.File) -> None:
    trace = first_trace(file)
    file.copy(trace, trace.name.replace("__raw", ".000000001__raw"))


@edit("overlapping traces")
def _(file: h5py.File) -> None:
    _add_traces(file, [(0, 300), (1_500_000_000, 300), (1_600_000_000, 200)])


@edit("a clock that steps back and forth")
def _(file: h5py.File) -> None:
    _add_traces(
        file, [(n * 10_000_000_000 + (-1) ** n * 999_999_999, 200) for n in range(20)]
    )


@edit("10,000 traces of one sample")
def _(file: h5py.File) -> None:
    _add_traces(file, [(n * 2_000_000_000, 1) for n in range(10_000)])


def _add_traces(file: h5py.File, traces: list[tuple[int, int]]) -> None:
    """Add traces that start so many ns after the first, each with so many samples."""
    from asdf_pipeline.container.names import trace_name

    old = first_trace(file)
    start, rate = old.attrs["starttime"], old.attrs["sampling_rate"]
    del file[old.name]
    for offset, size in traces:
        begin = int(start + offset)
        end = begin + round((size - 1) * 1e9 / rate)
        name = trace_name(*STATION.split("."), "", "EHE", begin, end, TAG, size > 1)
        new = file[WAVEFORMS].create_dataset(name, data=np.ones(size, "i4"))
        new.attrs["starttime"], new.attrs["sampling_rate"] = begin, rate


# Station codes.

for _code in (
    "XX.S 1",
    "XX.Ä",
    "XX.a'b\"c",
    "XX.S\n1",
    "XX.$(id)",
    "..",
    ".hidden",
    "XX",
    "XX.A.B",
    "XX.",
    "-rf",
    "XX." + "S" * 300,
    "XX.\udcff\udcfe",  # bytes that are no UTF-8
):

    @edit(f"a station called {_code[:20]!r}")
    def _(file: h5py.File, code: str = _code) -> None:
        trace = first_trace(file, OTHERS[0])
        last = trace.name.rpartition("/")[2].removeprefix(OTHERS[0])
        parent = file["Waveforms"].id
        lower = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        lower.set_char_encoding(h5py.h5t.CSET_UTF8)
        if code == "..":  # h5py's own create_group would take it for a path
            h5py.h5g.create(parent, b"..", lower)
            return
        raw = code.encode("utf-8", "surrogateescape")
        group = h5py.h5g.create(parent, raw, lower)
        h5py.h5o.copy(trace.parent.id, trace.name.encode(), group, raw + last.encode())


# Links.


@edit("a station that is a soft link to another")
def _(file: h5py.File) -> None:
    file["Waveforms/XX.SOFT"] = h5py.SoftLink(f"/{WAVEFORMS}")


@edit("a soft link that leads to itself")
def _(file: h5py.File) -> None:
    file["Waveforms/XX.LOOP"] = h5py.SoftLink("/Waveforms/XX.LOOP")


@edit("a soft link to what is not there")
def _(file: h5py.File) -> None:
    file["Waveforms/XX.GONE"] = h5py.SoftLink("/Waveforms/XX.NOWHERE")


@edit("a station in another file")
def _(file: h5py.File) -> None:
    file["Waveforms/XX.OUT"] = h5py.ExternalLink("/etc/passwd", "/")


@edit("StationXML in another file")
def _(file: h5py.File) -> None:
    del file[_STATIONXML]
    file[_STATIONXML] = h5py.ExternalLink("/etc/passwd", "/x")


@edit("a station that is the group of all stations")
def _(file: h5py.File) -> None:
    file["Waveforms/XX.ALL"] = file["Waveforms"]


@edit("a station with itself inside")
def _(file: h5py.File) -> None:
    file[f"{WAVEFORMS}/XX.S001..EHE__{_TIMES}__{TAG}"] = file[WAVEFORMS]


@edit("auxiliary data with itself inside")
def _(file: h5py.File) -> None:
    file["AuxiliaryData/Numbers/again"] = file["AuxiliaryData"]


@edit("auxiliary data linked 2^40 times")
def _(file: h5py.File) -> None:
    group = file.create_group("AuxiliaryData/Laughs")
    for _ in range(40):
        below = group.create_group("a")
        group["b"] = below
        group = below


@edit("auxiliary data 3,000 groups deep")
def _(file: h5py.File) -> None:
    file["AuxiliaryData/Deep" + "/x" * 3000] = np.arange(3)


@edit("auxiliary data with a name that is no UTF-8")
def _(file: h5py.File) -> None:
    group = file["AuxiliaryData"].id
    h5py.h5o.copy(group, b"Numbers", group, b"\xff\xfe")


@edit("auxiliary data that is odd")
def _(file: h5py.File) -> None:
    group = file["AuxiliaryData/Numbers"]
    group["empty"] = h5py.Empty("f8")
    group["table"] = np.zeros(3, [("a", "i4"), ("b", "S3")])
    group["texts"] = ["a", "b"]
    group["type"] = np.dtype("i4")
    group["empty"].attrs["odd"] = h5py.Empty("S1")


# Documents.

_HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n'
_LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12)
    )
    + b"]>\n"
)
_OUTSIDE = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n'
_DTD = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">\n'


def documents(sound: bytes) -> dict[str, bytes]:
    """Return what may be wrong with an XML document, by name."""
    head, _, body = sound.partition(b"?>")
    text = body.replace(b"</Source>", b"&m;</Source>").replace(
        b"</creationTime>", b"&m;</creationTime>"
    )
    return {
        "empty": b"",
        "truncated": sound[: len(sound) // 2],
        "blanks": b" \n\t" * 10,
        "NULs behind": sound + b"\0" * 100,
        "no XML": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        "HTML": b"<html><body><p>404 Not Found<br></body></html>",
        "other XML": _HEAD + b"<shopping><milk/></shopping>",
        "entities that expand": _HEAD + _LAUGHS + text,
        "an entity outside": _HEAD + _OUTSIDE + text.replace(b"&m;", b"&e;"),
        "a document type outside": _HEAD + _DTD + body,
        "UTF-16": sound.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        "Latin-1 that says UTF-8": sound.replace(b"XX", b"\xc4\xd6", 1),
        "an encoding that nobody has": sound.replace(b"UTF-8", b"X-NONE", 1),
        "100,000 levels": _HEAD + b"<a>" * 100_000 + b"</a>" * 100_000,
        "two roots": sound + body,
        "numbers that are none": sound.replace(b"47.", b"north").replace(
            b"<value>", b"<value>x"
        ),
    }


def add_documents(base: h5py.File) -> None:
    """Declare the edits of StationXML and QuakeML, from the sound ones of a file."""
    for what, where in (("StationXML", _STATIONXML), ("QuakeML", "QuakeML")):
        sound = base[where][()].tobytes()
        for name, document in documents(sound).items():
            edit(f"{what}: {name}")(
                lambda file, at=where, text=document: write_document(file, at, text)
            )
        for name, data in {
            "floats": np.arange(30.0),
            "two dimensions": np.zeros((3, 3), "i1"),
            "a text": "text",
        }.items():

            @edit(f"{what}: {name}")
            def _(file: h5py.File, at: str = where, value: object = data) -> None:
                del file[at]
                file[at] = value


@edit("StationXML: of another station")
def _(file: h5py.File) -> None:
    other = file[f"Waveforms/{OTHERS[0]}/StationXML"][()].tobytes()
    write_document(file, _STATIONXML, other)


@edit("StationXML: a group")
def _(file: h5py.File) -> None:
    del file[_STATIONXML]
    file.create_group(_STATIONXML)


@edit("provenance: not XML, and of an odd name")
def _(file: h5py.File) -> None:
    write_document(file, "Provenance/odd name '\n", b"nothing")


@edit("provenance: floats")
def _(file: h5py.File) -> None:
    file["Provenance/floats"] = np.arange(3.0)
