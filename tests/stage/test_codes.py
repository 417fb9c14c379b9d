"""Files without network and station are named by a table, or by defaults."""

from __future__ import annotations

import logging
import shutil
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import obspy
import pytest
from obspy import Trace

from asdf_pipeline.cli import main
from asdf_pipeline.container.digest import file_digest
from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import CallError, InputError, InputMissingError
from asdf_pipeline.stage import Codes, StageTask, stage
from tests.stage.conftest import DATA

if TYPE_CHECKING:
    from pathlib import Path

WIN = DATA / "io" / "win" / "tests" / "data"
SEGY = DATA / "io" / "segy" / "tests" / "data"
SEG2 = DATA / "io" / "seg2" / "tests" / "data"
REFTEK = DATA / "io" / "reftek" / "tests" / "data"
THREE = "20130107_103041000.CET.3c.cont.0.seg2.gz"

pytestmark = pytest.mark.filterwarnings("ignore")


def table(folder: Path, *lines: str) -> Path:
    path = folder / "codes.tsv"
    path.write_text("\n".join(line.replace("|", "\t") for line in lines) + "\n")
    return path


def staged(
    folder: Path, waveforms: Path | str, codes: Codes, **options: object
) -> dict[str, obspy.Stream]:
    """Return the staged traces by station."""
    output = folder / "staged.h5"
    stage([str(waveforms)], [], [], "raw", output, codes=codes, **options)  # type: ignore[arg-type]
    with Reader(output) as reader:
        found = {name: reader.stream(name, "raw") for name in reader.stations()}
    output.unlink()
    return found


def ids(streams: dict[str, obspy.Stream]) -> list[str]:
    return sorted(trace.id for stream in streams.values() for trace in stream)


@pytest.mark.parametrize(
    ("file", "numbers"),
    [
        (WIN / "1070533011_1701260003.win", ["F111", "f112", "f113"]),
        (SEG2 / THREE, ["1", "2", "03"]),
        (REFTEK / "065520000_013EE8A0.rt130", ["0", "1", "2"]),
        (SEGY / "1.sgy_first_trace", ["1"]),
        (SEGY / "1.su_first_trace", ["1"]),
    ],
)
def test_lines_by_the_formats_own_channel_number(
    tmp_path: Path, file: Path, numbers: list[str]
) -> None:
    path = table(
        tmp_path,
        "file|channel_number|network|station|location|channel",
        *(f"*|{one}|XX|STA|{n:02}|EH{n}" for n, one in enumerate(numbers)),
    )
    found = staged(tmp_path, file, Codes.read(path))
    assert ids(found) == [f"XX.STA.{n:02}.EH{n}" for n in range(len(numbers))]
    for trace, known in zip(
        sorted(found["XX.STA"], key=lambda trace: trace.id),
        obspy.read(str(file)),
        strict=True,
    ):
        np.testing.assert_array_equal(trace.data, known.data)


def test_the_first_line_that_fits_counts_and_defaults_fill_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = table(
        tmp_path,
        "# of the array",
        "file|trace_number|network|station|location|channel",
        "*.win|2||MID||",
        "win/tests/**/*.win||YY|ALL|--|HHZ",
        "*|1||NO||",
    )
    codes = Codes.read(path, network="XX", location="00", channel="BHZ")
    with pytest.raises(InputError) as refused:  # 1 and 3 would be the same channel
        staged(tmp_path, WIN / "1070533011_1701260003.win", codes)
    assert "traces 1 (channel f111) and 3 (channel f113) would both be YY.ALL" in str(
        refused.value
    )
    path.write_text(path.read_text().replace("HHZ", ""))
    codes = Codes.read(path, network="XX", location="00", channel="BHZ")
    caplog.clear()
    found = staged(tmp_path, WIN / "1070533011_1701260003.win", codes)
    # The empty location is one that the table says; the defaults' channel is not taken.
    assert ids(found) == ["XX.MID.00.f112", "YY.ALL..f111", "YY.ALL..f113"]
    assert "...f112 is staged as XX.MID.00.f112" in caplog.text
    assert "codes.tsv, line 3)" in caplog.text
    assert "codes.tsv, line 5: fits no trace" in caplog.text


def test_defaults_alone_name_a_file_and_complete_a_station_without_network(
    tmp_path: Path, rjob: obspy.Stream
) -> None:
    trace = rjob[0].copy()
    trace.stats.network = ""
    trace.write(str(tmp_path / "a.sac"), format="SAC")
    rjob[1].write(str(tmp_path / "b.sac"), format="SAC")
    shutil.copy(SEGY / "1.su_first_trace", tmp_path / "c.sac")
    codes = Codes.read(network="XX", station="ST1", location="10", channel="Z")
    found = staged(tmp_path, tmp_path / "?.sac", codes)
    assert ids(found) == ["BW.RJOB..EHN", "XX.RJOB.10.EHZ", "XX.ST1.10.Z"]


def test_codes_of_the_file_stay_where_the_table_contradicts_them(
    tmp_path: Path, rjob: obspy.Stream, caplog: pytest.LogCaptureFixture
) -> None:
    rjob[0].write(str(tmp_path / "a.sac"), format="SAC")
    trace = rjob[1].copy()
    trace.stats.network = ""
    trace.write(str(tmp_path / "b.sac"), format="SAC")
    path = table(tmp_path, "file|network|station", "*.sac|XX|OTHER")
    found = staged(tmp_path, tmp_path / "?.sac", Codes.read(path))
    assert ids(found) == ["BW.RJOB..EHZ", "XX.RJOB..EHN"]
    assert (
        "a.sac: BW.RJOB..EHZ is what the file says, "
        f"{path}, line 2, says network XX, station OTHER: the file's codes stay"
    ) in caplog.text
    assert ".RJOB..EHN is what the file says" in caplog.text


def test_a_line_names_a_packed_file_or_what_is_in_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "shots.zip", "w") as packed:
        packed.write(SEGY / "1.su_first_trace", "one/a.su")
        packed.write(SEGY / "one_trace_year_11.su", "two/b.su")
    path = table(
        tmp_path,
        "file|network|station",
        f"{tmp_path}/shots.zip/a.su|XX|A",
        "shots.zip|XX|B",
    )
    found = staged(tmp_path, tmp_path / "shots.zip", Codes.read(path))
    assert list(found) == ["XX.A", "XX.B"]


def test_a_file_that_no_line_fits_is_refused_with_both_ways(tmp_path: Path) -> None:
    path = table(tmp_path, "file|network|station", "other.win|XX|A")
    file = WIN / "1070533011_1701260003.win"
    with pytest.raises(InputError) as refused:
        staged(tmp_path, file, Codes.read(path))
    assert str(refused.value) == (
        f"{file}: traces 1 (channel f111), 2 (channel f112), 3 (channel f113) have "
        f"neither network nor station code: no line of {path} fits: add one (--codes "
        "FILE.tsv, columns file, network, station, ...), or --default-network and "
        "--default-station"
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["file network"], r", line 1: .*separated by tabs"),
        (["network|station", "a|b"], r", line 1: there is no column file: add it"),
        (["file|net", "a|b"], r", line 1: unknown column 'net'; known: file, trace_nu"),
        (["file|file", "a|b"], r", line 1: the column 'file' is there twice: take"),
        (["file|network", "#", "|XX"], r", line 3: the cell file is empty: write"),
        (["file|network", "a|"], r", line 2: has no codes: fill network"),
        (["file|network", "a|XX|YY"], r", line 2: 3 cells, .*'YY' has no column: take"),
        (["file|network", "a|X*"], r", line 2: network 'X\*': .* not a pattern"),
        (["file|network", "a|X.Y"], r", line 2: network 'X\.Y': a code has letters"),
        (["file|network", "a|--"], r", line 2: network '--'"),
        (["file|trace_number|network", "a|0|X"], r", line 2: trace_number '0': write"),
        (["file|trace_number|network", "a|b|X"], r", line 2: trace_number 'b': write"),
        (
            ["file|network", "a|X", "a|Y"],
            r", line 3: names the same .* as line 2: take",
        ),
        (["file|network"], r": holds no line below its columns: write"),
        ([""], r": holds no line: the first one names the columns: file, "),
    ],
)
def test_a_bad_line_is_one_error_with_file_line_and_remedy(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    path = table(tmp_path, *lines)
    with pytest.raises(CallError, match=rf"^{path}{said}") as refused:
        Codes.read(path)
    assert "\n" not in str(refused.value)


def test_tables_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputMissingError, match=r"no\.tsv: no such table of codes"):
        Codes.read(tmp_path / "no.tsv")
    path = tmp_path / "a.tsv"
    path.write_bytes(b"file\tnetwork\n\xff\tXX\n")
    with pytest.raises(CallError, match="no text in UTF-8"):
        Codes.read(path)
    with pytest.raises(CallError, match=r"^default station 'A\?': a code has letters"):
        Codes.read(station="A?")


def test_a_table_of_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(
        b'\xef\xbb\xbf"file"\t"network"\t\r\n"a ""b"""\t"XX"\t\r\n\t\t\r\n'
    )
    (line,) = Codes.read(path).lines
    assert (line.parts, line.codes[0]) == (('a "b"',), "XX")


def test_workers_and_one_process_make_one_digest(tmp_path: Path) -> None:
    for number in range(6):
        Trace(np.arange(1000, dtype="int32") + number).write(
            str(tmp_path / f"{number}.sac"), format="SAC"
        )
    path = table(tmp_path, "file|station", *(f"{n}.sac|S{n}" for n in range(6)))
    digests = set()
    for backend in ("serial", "multiprocessing"):
        output = tmp_path / f"{backend}.h5"
        words = ["stage", "--waveforms", f"{tmp_path}/*.sac", "--codes", str(path)]
        words += ["--default-network", "XX", "--default-location=--", "--tag", "raw"]
        words += ["--backend", backend, "--workers", "2", "--output", str(output)]
        assert main(words) == 0
        digests.add(file_digest(output))
        with Reader(output) as reader:
            assert reader.stations() == [f"XX.S{n}" for n in range(6)]
    assert len(digests) == 1


def test_another_table_is_another_work(tmp_path: Path) -> None:
    """A comment changes nothing, a code does."""
    shutil.copy(SEGY / "1.su_first_trace", tmp_path / "a.su")

    def key(network: str = "XX") -> object:
        codes = Codes.read(path, network=network)
        waveforms = (str(tmp_path / "a.su"),)
        return StageTask(tmp_path / "a.h5", "raw", waveforms, codes=codes).lay_out().key

    path = table(tmp_path, "file|station", "a.su|S5")
    known = key()
    path.write_text("# more\n" + path.read_text())
    assert key() == known
    assert key("YY") != known
    path.write_text(path.read_text().replace("S5", "S6"))
    assert key() != known


def test_options_that_name_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["stage", "--fdsn", "a.yaml", "--default-network", "X", "--tag", "raw"]
    assert main([*words, "--output", str(tmp_path / "a.h5")]) == 2
    assert "--default-network: for files without codes" in capsys.readouterr().err
