"""Data sets that travel to other processes, as joblib and dask send them."""

from __future__ import annotations

import multiprocessing
import pickle
from typing import TYPE_CHECKING

import obspy
import pytest

from asdf_pipeline import ASDFDataSet
from asdf_pipeline.errors import CallError

if TYPE_CHECKING:
    from pathlib import Path


def count(ds: ASDFDataSet, tag: str) -> int:
    return sum(len(station[tag]) for station in ds.waveforms if tag in station)


def count_station(station: object) -> int:
    return len(station.list())  # type: ignore[attr-defined]


def test_a_data_set_travels_as_path_and_mode(example: Path) -> None:
    with ASDFDataSet(example, mode="r", single_item_read_limit_in_mb=7) as ds:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.apply(count, (ds, "raw_recording")) == count(
                ds, "raw_recording"
            )
            station = ds.waveforms.BW_RJOB
            assert pool.apply(count_station, (station,)) == len(station.list())
        again = pickle.loads(pickle.dumps(ds))
        assert again.filename == ds.filename
        assert again.single_item_read_limit_in_mb == 7
        with pytest.raises(CallError, match="mode 'r'"):
            again.add_waveforms(obspy.read(), "more")
        again.close()
        assert count(ds, "raw_recording")


def test_what_was_added_travels_too_and_nothing_is_created_anew(
    tmp_path: Path,
) -> None:
    ds = ASDFDataSet(tmp_path / "new.h5", mode="w", format_version="1.0.2")
    ds.add_waveforms(obspy.read(), "raw")
    again = pickle.loads(pickle.dumps(ds))
    assert count(again, "raw") == 3
    again.add_waveforms(obspy.read(), "more")
    assert count(ds, "more") == 3
    assert again.asdf_format_version == "1.0.2"
    again.close()
    ds.close()
