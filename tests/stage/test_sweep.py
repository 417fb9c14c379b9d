"""Every file of ObsPy's packages, staged and compared with `obspy.read`."""

from __future__ import annotations

import glob
import io
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import obspy
import pytest

from asdf_pipeline.container.reader import Reader
from asdf_pipeline.errors import InputError
from asdf_pipeline.stage import Codes, stage
from asdf_pipeline.stage.formats import read_file
from tests.stage.conftest import DATA

PACKAGES = sorted(
    {
        str(path.relative_to(DATA).parent)
        for path in DATA.rglob("*")
        if path.is_file() and "data" in path.parts and "__pycache__" not in path.parts
    }
)


def without_codes(stream: obspy.Stream) -> bool:
    """Tell whether a trace has neither network nor station: no name to store it by."""
    return any(not (t.stats.network or t.stats.station) for t in stream)


def no_waveform(stream: obspy.Stream) -> bool:
    """Tell whether all is text, or without samples."""
    return all(t.data.dtype.kind in "SU" or not t.stats.npts for t in stream)


REFUSED: dict[str, Callable[[obspy.Stream], bool]] = {
    "io/mseed/src/libmseed/test/data/detection.record.mseed": no_waveform,
    "io/mseed/src/libmseed/test/data/text-encoded.mseed": no_waveform,
    "io/mseed/tests/data/encoding/*ASCII*.mseed": no_waveform,
    "io/mseed/tests/data/encoding/nan_float*.mseed": without_codes,
    "io/mseed/tests/data/rt130_sr0_cropped.mseed": no_waveform,
    "io/pdas/tests/data/p1246001.108": without_codes,
    "io/reftek/tests/data/*.rt130": without_codes,
    "io/rg16/tests/data/header_3_chan_one_code.dat": no_waveform,
    "io/sac/tests/data/interpolation_test_*.sac": without_codes,
    "io/sac/tests/data/non_ascii.sac": no_waveform,
    "io/sac/tests/data/sample_spacing_rounding_issue.sac": without_codes,
    "io/seg2/tests/data/*seg2*": without_codes,
    "io/segy/tests/data/*.s*": without_codes,
    "io/segy/tests/data/example.y_first_trace": without_codes,
    "io/sh/tests/data/101.QHD": without_codes,
    "io/wav/tests/data/*.wav": without_codes,
    "io/win/tests/data/*": without_codes,
    "signal/tests/data/*.sac": without_codes,
}
"""What ObsPy reads and staging refuses, and why: held against the file.

What is without codes is staged with a table of them."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", PACKAGES)
def test_staged_is_what_obspy_reads(package: str, tmp_path: Path) -> None:
    for path in sorted((DATA / package).iterdir()):
        if path.is_file():
            compare(path, tmp_path)


def compare(path: Path, folder: Path) -> None:
    name, output = path.relative_to(DATA).as_posix(), folder / "staged.h5"
    try:
        with redirect_stdout(io.StringIO()):  # some readers print
            known = obspy.read(glob.escape(str(path)))
    except Exception:  # noqa: BLE001 - whatever ObsPy raises for what is no waveform
        with pytest.raises(InputError):
            read_file("waveform", path, name)
        return
    reasons = [why for form, why in REFUSED.items() if fnmatchcase(name, form)]
    call = ([str(path)], [], [], "raw", output)
    codes = Codes()
    if reasons:
        assert reasons[0](known), f"{name}: not refused for {reasons[0].__name__}"
        with pytest.raises(InputError) as refused:
            stage(*call, backend="serial")
        if reasons[0] is not without_codes:
            return
        assert "--codes" in str(refused.value)
        assert "--default-network" in str(refused.value)
        codes = Codes.read(name_traces(known, path, folder / "codes.tsv"))
    stage(*call, backend="serial", codes=codes)
    with Reader(output) as reader:
        staged = [t for one in reader.stations() for t in reader.stream(one, "raw")]
    output.unlink()
    # A trace that is in a file twice counts once; one of no samples, or of text, is no
    # waveform.
    assert contents(staged) == contents(known), name


def name_traces(stream: obspy.Stream, path: Path, table: Path) -> Path:
    """Write a table with codes for a file's traces, and give them these codes."""
    lines = ["file\ttrace_number\tnetwork\tstation"]
    for number, trace in enumerate(stream, 1):
        station = f"S{number}"
        lines.append(f"{path.name}\t{number}\tXX\t{station}")
        trace.stats.network, trace.stats.station = "XX", station
    table.write_text("\n".join(lines))
    return table


def contents(stream: list[obspy.Trace] | obspy.Stream) -> Counter[object]:
    """Return what counts of each trace: its id, first time in ns, rate and samples."""
    return Counter(
        {
            (
                *(trace.id, trace.stats.starttime.ns, trace.stats.sampling_rate),
                np.asarray(trace.data, np.float64).tobytes(),
            )
            for trace in stream
            if trace.stats.npts and trace.data.dtype.kind not in "SU"
        }
    )
