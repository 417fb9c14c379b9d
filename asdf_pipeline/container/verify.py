"""Checking a file's structure, its checksums, and its content against a manifest."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asdf_pipeline.container.digest import (
    array_digest,
    blocks_digest,
    bytes_digest,
    product_digest,
)
from asdf_pipeline.container.names import TraceName, tag_of, time_range
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputError, InputMissingError, TraceError
from asdf_pipeline.metadata.stationxml import check_wellformed
from asdf_pipeline.times import iso_text

# pyasdf works start and end times out in floating point, up to 128 ns off, and rounds
# those in names to microseconds.
_TOLERANCE = 1000

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from asdf_pipeline.container.traces import TraceHeader

    Row = Mapping[str, Any]
    Rows = dict[str, dict[str, Row]]  # by station and output tag
    Arrays = dict[str, tuple[str, str]]  # digest and provenance id by path


def verify(
    path: str | os.PathLike[str], rows: Iterable[Row] | None = None
) -> list[str]:
    """Read everything in a file and return what is wrong with it.

    Parameters
    ----------
    path : path-like
        An ASDF file.
    rows : iterable of mappings or None
        Its manifest: ``network, station, output_tag, status, traces_out,
        samples_out, digest`` of each station and tag. None: only the file's
        structure and its own checksums are checked. What auxiliary data a station and
        tag wrote is named by ``auxiliary``, a list of paths, or by ``records``, a list
        of provenance ids of which one is theirs.

    Returns
    -------
    list of str
        One line a problem, naming station and data set; empty if all is well.

    Raises
    ------
    InputMissingError
        If there is no such file.
    """
    path = Path(path)
    try:
        with Reader(path) as reader:
            # A station that cannot be opened says so to all who ask.
            problems = list(dict.fromkeys(_problems(reader, _by_station(rows))))
    except InputMissingError:
        raise
    except InputError as error:
        problems = [str(error)]
    return [problem.removeprefix(f"{path}: ") for problem in problems]


def _by_station(rows: Iterable[Row] | None) -> Rows | None:
    if rows is None:
        return None
    expected: Rows = defaultdict(dict)
    for row in rows:
        station = f"{row['network']}.{row['station']}"
        expected[station][str(row["output_tag"])] = row
    return expected


def _problems(reader: Reader, expected: Rows | None) -> Iterator[str]:
    arrays: Arrays = {}
    yield from _read_arrays(reader, arrays)
    stations = reader.stations()
    for station in stations:
        rows = None if expected is None else expected.get(station, {})
        try:
            yield from _station_problems(reader, station, rows, arrays)
        except InputError as error:
            yield str(error)
    for station in sorted(set(expected or ()) - set(stations)):
        for tag, row in sorted((expected or {})[station].items()):
            if int(row["traces_out"]):
                yield f"station {station}, tag {tag}: missing from the file"
            else:
                yield from _array_problems(f"station {station}, tag {tag}", row, arrays)
    yield from _document_problems(reader)


def _read_arrays(reader: Reader, arrays: Arrays) -> Iterator[str]:
    """Fill `arrays` with digest and provenance id of each; yield what is damaged."""
    for path in reader.auxiliary_paths():
        try:
            data, parameters = reader.auxiliary(path)
        except InputError as error:
            yield str(error)
            continue
        record = parameters.get("provenance_id", "")
        if isinstance(record, bytes):
            record = record.decode(errors="replace")
        arrays[path] = (array_digest(path, parameters, data), str(record))


def _array_problems(where: str, row: Row, arrays: Arrays) -> Iterator[str]:
    """Yield how auxiliary data of a station and tag without traces differs."""
    digests = {product_digest([], None, some) for some in _candidates(row, arrays)}
    if row["digest"] and row["digest"] not in digests:
        yield f"{where}: its auxiliary data was changed, or is missing"


def _candidates(row: Row | None, arrays: Arrays) -> list[list[str]]:
    """Return the digests of what may be the auxiliary data of a row."""
    if row is None:
        return [[]]
    if "auxiliary" in row:
        return [[arrays[path][0] for path in row["auxiliary"] if path in arrays]]
    return [
        [],
        *(
            [digest for digest, its_record in arrays.values() if its_record == record]
            for record in row.get("records", ())
        ),
    ]


def _station_problems(
    reader: Reader,
    station: str,
    rows: Mapping[str, Row] | None,
    arrays: Arrays,
) -> Iterator[str]:
    try:
        stationxml = reader.stationxml(station)
        reader.coordinates(station)  # checks it
    except InputError as error:
        stationxml = None
        yield str(error)
    names: dict[str, list[str]] = defaultdict(list)
    for name in reader.names(station):
        names[tag_of(name)].append(name)
    if rows is not None and not any(int(row["traces_out"]) for row in rows.values()):
        yield f"station {station}: is in the file, but not ok in the manifest"
        return
    for tag in sorted({*names, *(rows or ())}):
        digests = []
        samples = 0
        for name in names[tag]:
            try:
                header, blocks = reader.blocks(station, name)
                digests.append(blocks_digest(header, blocks))
            except InputError as error:
                yield str(error)
                continue
            samples += header.npts
            yield from _name_problems(header, name)
        if rows is not None:
            products = [
                product_digest(digests, stationxml, some)
                for some in _candidates(rows.get(tag), arrays)
            ]
            there = (len(names[tag]), samples, products)
            intact = len(digests) == len(names[tag])
            where = f"station {station}, tag {tag}"
            yield from _row_problems(where, rows, tag, there, intact)
            if tag in rows and not names[tag] and not int(rows[tag]["traces_out"]):
                yield from _array_problems(where, rows[tag], arrays)


def _name_problems(header: TraceHeader, name: str) -> Iterator[str]:
    """Yield which times in a data set's name differ from its attributes."""
    parts = TraceName.parse(name)
    for text, time in ((parts.start, header.starttime), (parts.end, header.endtime)):
        try:
            begin, end = time_range(text)
        except TraceError as error:
            yield f"station {header.station_name}, data set {name}: {error}"
            continue
        if not begin - _TOLERANCE <= time < end + _TOLERANCE:
            yield (
                f"station {header.station_name}, data set {name}: its name says "
                f"{text}, its attributes {iso_text(time, fraction=True)}"
            )


def _row_problems(
    where: str,
    rows: Mapping[str, Row],
    tag: str,
    there: tuple[int, int, list[str]],
    intact: bool,
) -> Iterator[str]:
    """Yield how a station and tag differ from their row of the manifest."""
    traces, samples, products = there
    row = rows.get(tag)
    if row is None or not int(row["traces_out"]):
        status = "does not have them" if row is None else f"says {row['status']}"
        if traces:
            yield f"{where}: {traces} traces in the file; the manifest {status}"
        return
    wanted = int(row["traces_out"])
    if traces != wanted:
        yield f"{where}: {traces} traces in the file, {wanted} in the manifest"
    elif intact and samples != int(row["samples_out"]):
        yield (
            f"{where}: {samples} samples in the file, {row['samples_out']} in the "
            "manifest"
        )
    elif intact and row["digest"] not in products:
        yield (
            f"{where}: samples, an attribute, the StationXML or auxiliary data were "
            f"changed: digest {products[-1]}, {row['digest']} in the manifest"
        )


def _document_problems(reader: Reader) -> Iterator[str]:
    try:
        quakeml = reader.quakeml()
        if quakeml is not None:
            yield from _changed("the QuakeML document", quakeml, reader.stated_digest())
            if quakeml.strip():
                check_wellformed(quakeml)
        for name, document in sorted(reader.provenance().items()):
            stated = reader.stated_digest(name)
            yield from _changed(f"provenance document {name!r}", document, stated)
    except InputError as error:
        yield str(error)


def _changed(what: str, document: bytes, stated: str | None) -> Iterator[str]:
    if stated is not None and stated != bytes_digest(document):
        yield f"{what} was changed: its digest is not the one that stands beside it"
