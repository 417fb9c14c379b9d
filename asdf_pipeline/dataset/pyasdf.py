"""What pyasdf offers, and how it is here: the one table of it.

``docs/pyasdf.md`` is this table in prose (``python -m asdf_pipeline.dataset.pyasdf``
prints its rows), and a test holds both against pyasdf itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Standing = Literal["same", "differs"]


@dataclass(frozen=True, slots=True)
class Entry:
    """How one of pyasdf's names stands here.

    Attributes
    ----------
    standing : {"same", "differs"}
        Whether a script that uses it sees a difference.
    note : str
        What differs, and why; or what is here besides.
    """

    standing: Standing
    note: str = ""


_SAME = Entry("same")
_DELETING = Entry(
    "same",
    "the room is given back by `asdf-pipeline repack FILE`; closing the data set says "
    "how much it is",
)
_EXACT = (
    "times are exact: one that is within half a microsecond of a sample means that "
    "sample, where pyasdf's floats now and then take one more; `nearest_sample` as in "
    "ObsPy"
)

DATA_SET: dict[str, Entry] = {
    "ASDFDataSet()": Entry(
        "differs",
        "an existing file is opened for writing only when something is changed, so "
        "that reading leaves its bytes and its date alone; data are compressed "
        "with one fast, lossless deflate whatever `compression` says, except that "
        "None means none; `debug` says nothing; an HDF5 file that is no ASDF file, or "
        "of no known version, is an error, for what such a file means is not known",
    ),
    "add_auxiliary_data": Entry(
        "differs",
        "a path that is taken by other data is an error, where pyasdf warns and leaves "
        "the new data out; `replace=True` replaces; a type that HDF5 cannot hold is an "
        "error",
    ),
    "add_auxiliary_data_file": Entry("same", "`replace=True` replaces"),
    "add_provenance_document": Entry(
        "differs",
        "PROV-XML stays as it is, byte for byte, where pyasdf writes it anew; a name "
        "with a slash is an error, for it would make groups",
    ),
    "add_quakeml": Entry("same", "`replace=True` replaces events of the same id"),
    "add_stationxml": Entry("same", "`replace=True` replaces instead of merging"),
    "add_waveforms": Entry(
        "differs",
        "start times are exact to the nanosecond; masked traces are split, empty "
        "ones left out; a trace that is there already with the same samples is left "
        "out with a warning, as in pyasdf, but with other samples it is an error, and "
        "`replace=True` replaces it; nothing is written where one of the traces cannot "
        "be; traces without network and station code are refused",
    ),
    "append_waveforms": Entry(
        "differs",
        "a trace is made longer by one that starts within half a microsecond of its "
        "next sample, and has its sampling rate and type of samples; pyasdf moves one "
        "that is up to half a sample off, and does not look at the rate. What is "
        "appended is written together, at most a second later",
    ),
    "asdf_format_version": _SAME,
    "asdf_format_version_in_file": _SAME,
    "auxiliary_data": _SAME,
    "debug": Entry("differs", "kept, and says nothing: there is the logger"),
    "del ds.events": _DELETING,
    "ds == other": Entry("differs", "compares the files' content digests: exactly"),
    "events": Entry("differs", "damaged QuakeML is an error that names the file"),
    "filename": _SAME,
    "filesize": _SAME,
    "flush": Entry("same", "the file is complete on disk then"),
    "get_all_coordinates": Entry(
        "differs",
        "a station whose StationXML is damaged is left out with a warning; of one that "
        "moved, the place of its waveforms counts",
    ),
    "get_data_for_tag": _SAME,
    "get_provenance_document": Entry(
        "differs", "needs the package prov, which is not installed along"
    ),
    "get_waveforms": Entry("differs", _EXACT),
    "ifilter": Entry("same", "a location of blanks is the empty one"),
    "mpi": Entry(
        "differs",
        "the same tuple under MPI, else False; adding to a file on more than one "
        "rank is an error unless the data set was opened with mpi=False, for ranks "
        "that add by themselves would damage it",
    ),
    "pretty_filesize": Entry("differs", "in units of 1000, as the command writes it"),
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
    "provenance": _SAME,
    "q": _SAME,
    "single_item_read_limit_in_mb": _SAME,
    "validate": _SAME,
    "waveform_tags": _SAME,
    "waveforms": _SAME,
}

WAVEFORMS: dict[str, Entry] = {
    "del ds.waveforms[...]": _DELETING,
    "list": _SAME,
}

STATION: dict[str, Entry] = {
    "StationXML": _SAME,
    "channel_coordinates": _SAME,
    "coordinates": _SAME,
    "del station[...]": Entry("same", "a tag, one trace by its name, or StationXML"),
    "filter_waveforms": Entry("differs", "terms that are not asked may be left out"),
    "get_item": Entry("differs", _EXACT),
    "get_waveform_attributes": _SAME,
    "get_waveform_tags": _SAME,
    "list": _SAME,
}

AUXILIARY: dict[str, Entry] = {
    "auxiliary_data_type": _SAME,
    "data": Entry(
        "differs",
        "a NumPy array, read when first used; setting it, or elements of it "
        "(`data[:] = x`), changes the file, and an array of another shape or type "
        "replaces the one that is there, where pyasdf changes only elements",
    ),
    "data_type": _SAME,
    "del ds.auxiliary_data[...]": _DELETING,
    "file": _SAME,
    "list": _SAME,
    "parameters": _SAME,
    "path": _SAME,
    "provenance_id": _SAME,
}

PROVENANCE: dict[str, Entry] = {
    "del ds.provenance[...]": _DELETING,
    "ds.provenance[...] = document": Entry("same", "as `add_provenance_document`"),
    "get_provenance_document_for_id": _SAME,
    "items": _SAME,
    "keys": _SAME,
    "list": _SAME,
    "values": _SAME,
}

PACKAGE: dict[str, Entry] = {
    "ASDFDataSet": _SAME,
    "ASDFException": Entry("same", "another name of ASDFPipelineError"),
    "ASDFWarning": _SAME,
    "WaveformNotInFileException": Entry(
        "same", "another name of StationMissingError, which is also a KeyError"
    ),
    "exceptions": Entry("same", "all names of `pyasdf.exceptions`"),
    "get_sys_info": _SAME,
    "print_sys_info": Entry("differs", "a line a fact"),
}

TABLES: dict[str, dict[str, Entry]] = {
    "The data set: `ds = ASDFDataSet(...)`": DATA_SET,
    "Its stations: `ds.waveforms`": WAVEFORMS,
    "One station: `ds.waveforms.NET_STA`": STATION,
    "Auxiliary data: `ds.auxiliary_data`, its groups and arrays": AUXILIARY,
    "Provenance: `ds.provenance`": PROVENANCE,
    "The package": PACKAGE,
}


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
