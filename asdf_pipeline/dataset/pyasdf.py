"""What pyasdf offers, and how to have it here: the one table of it.

``docs/pyasdf.md`` is this table in prose (``python -m asdf_pipeline.dataset.pyasdf``
prints its rows), and a test holds both against pyasdf itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

from asdf_pipeline.errors import NotOfferedError

Standing = Literal["same", "differs", "not offered"]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one of pyasdf's names stands here.

    Attributes
    ----------
    standing : {"same", "differs", "not offered"}
        Whether a script that uses it runs here unchanged.
    note : str
        What differs, or the way to do it here.
    """

    standing: Standing
    note: str = ""


_SAME = Entry("same")
_NO_DELETING = (
    "nothing is deleted from a file here: write what is to stay into a new file "
    "(process() with a function that returns None for what is to go)"
)

_EXACT = (
    "times are exact: a window that begins on a sample begins with it, where pyasdf's "
    "floats now and then take one sample more"
)

DATA_SET: dict[str, Entry] = {
    "ASDFDataSet()": Entry(
        "differs",
        "an existing file is opened for writing only when something is added, so "
        "that reading leaves its bytes and its date alone; data are compressed "
        "with one fast, lossless deflate whatever `compression` says, except that "
        "None means none; `debug` says nothing; an HDF5 file that is no ASDF file "
        "is an error also in mode 'a'",
    ),
    "add_auxiliary_data": Entry(
        "differs", "a path that is taken, or a type that HDF5 cannot hold, is an error"
    ),
    "add_auxiliary_data_file": Entry(
        "not offered",
        "add its bytes: ds.add_auxiliary_data(numpy.fromfile(name, 'u1'), 'Files', "
        "name, {})",
    ),
    "add_provenance_document": Entry(
        "not offered",
        "provenance documents are read here and not written: add them with pyasdf",
    ),
    "add_quakeml": _SAME,
    "add_stationxml": _SAME,
    "add_waveforms": Entry(
        "differs",
        "start times are exact to the nanosecond; masked traces are split, empty "
        "ones left out; a trace that is there already with the same samples is left "
        "out with a warning, as in pyasdf, but with other samples it is an error; "
        "nothing is written where one of the traces cannot be",
    ),
    "append_waveforms": Entry(
        "not offered",
        "merge the traces first (stream.merge(-1)) and add_waveforms() the result",
    ),
    "asdf_format_version": _SAME,
    "asdf_format_version_in_file": _SAME,
    "auxiliary_data": Entry("differs", "`data` is a NumPy array"),
    "debug": Entry("differs", "kept, and says nothing"),
    "del ds.events": Entry(
        "not offered", "set them to nothing: ds.events = obspy.Catalog()"
    ),
    "ds == other": Entry("differs", "compares the files' content digests"),
    "events": Entry("differs", "damaged QuakeML is an error that names the file"),
    "filename": _SAME,
    "filesize": _SAME,
    "flush": Entry("differs", "also completes the file on disk until more is added"),
    "get_all_coordinates": Entry(
        "differs",
        "a station whose StationXML is damaged is left out with a warning; of one that "
        "moved, the place of its waveforms counts",
    ),
    "get_data_for_tag": _SAME,
    "get_provenance_document": Entry("differs", "needs the package prov"),
    "get_waveforms": Entry("differs", _EXACT),
    "ifilter": _SAME,
    "mpi": Entry(
        "differs",
        "the same tuple under MPI, else False; adding to a file on more than one "
        "rank is an error unless the data set was opened with mpi=False",
    ),
    "pretty_filesize": Entry("differs", "in units of 1000: 1 kB is 1000 bytes"),
    "process": Entry(
        "differs",
        "returns a RunReport; writes to a work directory until the output is "
        "complete, and goes on from there where a run was killed; raises when no tag "
        "matches, and where two input tags map to one output tag (TagError); a result "
        "that cannot be written, as a trace whose station code the function changed, "
        "fails its station, and is reported, rather than being lost; StationXML is "
        "copied of the stations that are written, not of all; arguments named event, "
        "events, tag and parameters are filled in, also where they have a default",
    ),
    "process_two_files_without_parallel_output": Entry(
        "differs",
        "runs on every backend, not under MPI alone; `process_two_files` gives a "
        "table, or an output file, that a run that was killed resumes",
    ),
    "provenance": Entry("differs", "read access"),
    "q": _SAME,
    "single_item_read_limit_in_mb": _SAME,
    "validate": _SAME,
    "waveform_tags": _SAME,
    "waveforms": _SAME,
}

WAVEFORMS: dict[str, Entry] = {
    "list": _SAME,
    "del ds.waveforms[...]": Entry("not offered", _NO_DELETING),
}

STATION: dict[str, Entry] = {
    "StationXML": _SAME,
    "channel_coordinates": _SAME,
    "coordinates": _SAME,
    "del station[...]": Entry("not offered", _NO_DELETING),
    "filter_waveforms": Entry(
        "not offered", "ask the data set: for station in ds.ifilter(...)"
    ),
    "get_item": Entry("differs", _EXACT),
    "get_waveform_attributes": _SAME,
    "get_waveform_tags": _SAME,
    "list": _SAME,
}

AUXILIARY: dict[str, Entry] = {
    "auxiliary_data_type": _SAME,
    "data": Entry("differs", "a NumPy array, read when first used"),
    "data_type": _SAME,
    "del ds.auxiliary_data[...]": Entry("not offered", _NO_DELETING),
    "file": _SAME,
    "list": _SAME,
    "parameters": _SAME,
    "path": _SAME,
    "provenance_id": _SAME,
}

PROVENANCE: dict[str, Entry] = {
    "del ds.provenance[...]": Entry("not offered", _NO_DELETING),
    "ds.provenance[...] = document": Entry(
        "not offered",
        "provenance documents are read here and not written: add them with pyasdf",
    ),
    "get_provenance_document_for_id": Entry(
        "not offered", "search the documents: for name in ds.provenance.list()"
    ),
    "items": _SAME,
    "keys": _SAME,
    "list": _SAME,
    "values": _SAME,
}

PACKAGE: dict[str, Entry] = {
    "ASDFDataSet": _SAME,
    "ASDFException": Entry("differs", "another name of ASDFPipelineError"),
    "ASDFWarning": _SAME,
    "WaveformNotInFileException": Entry(
        "differs", "another name of StationMissingError, which is also a KeyError"
    ),
    "get_sys_info": Entry("not offered", "python -m pip list"),
    "print_sys_info": Entry("not offered", "python -m pip list"),
}

TABLES: dict[str, dict[str, Entry]] = {
    "The data set: `ds = ASDFDataSet(...)`": DATA_SET,
    "Its stations: `ds.waveforms`": WAVEFORMS,
    "One station: `ds.waveforms.NET_STA`": STATION,
    "Auxiliary data: `ds.auxiliary_data`, its groups and arrays": AUXILIARY,
    "Provenance: `ds.provenance`": PROVENANCE,
    "The package": PACKAGE,
}


def refuse(table: dict[str, Entry], name: str, there: str) -> NoReturn:
    """Raise what asking for an attribute that is not here should raise.

    Parameters
    ----------
    table : dict of str to Entry
        Where pyasdf's name stands.
    name : str
        The attribute asked for.
    there : str
        What was asked, as it goes into the message: ``"ASDFDataSet"``.

    Raises
    ------
    NotOfferedError
        If it is one of pyasdf's names.
    AttributeError
        If it is nobody's.
    """
    entry = table.get(name)
    if entry is not None and entry.standing == "not offered":
        msg = f"{there}.{name} is not offered by asdf_pipeline: {entry.note}"
        raise NotOfferedError(msg)
    msg = f"{there} has no attribute {name!r}"
    raise AttributeError(msg)


def rows() -> str:
    """Return the tables as they stand in ``docs/pyasdf.md``."""
    lines: list[str] = []
    for title, table in TABLES.items():
        lines += [f"## {title}", "", "| pyasdf | here | how |", "|---|---|---|"]
        for name, entry in sorted(table.items(), key=lambda pair: pair[0].lower()):
            note = entry.note.replace("|", "\\|")
            lines.append(f"| `{name}` | {entry.standing} | {note} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(rows())
