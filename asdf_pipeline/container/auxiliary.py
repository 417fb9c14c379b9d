"""Auxiliary data: arrays of any shape with parameters, in nested groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from asdf_pipeline.container.byte_order import native_array
from asdf_pipeline.container.datasets import LARGEST_RATIO
from asdf_pipeline.container.hdf5 import (
    HDF5_ERRORS,
    h5d,
    h5g,
    h5o,
    h5py,
    has_member,
    members_of,
    reason,
)
from asdf_pipeline.errors import InputError, StationMissingError

# Bytes up to which an array that was never written reads as zeros. A larger one is
# refused: a damaged header could claim any size.
_SMALL = 2**20


def paths(group: Any) -> list[str]:
    """Return the paths below ``/AuxiliaryData`` of all data sets, sorted.

    A group that is linked from several places is listed at one of them: links can
    go in circles, and forty groups with two links each have a billion paths.
    """
    found = []
    seen = set()
    waiting = [(group, "")]
    while waiting:
        above, prefix = waiting.pop()
        address = h5o.get_info(above).addr
        if address in seen:
            continue
        seen.add(address)
        for name in members_of(above):
            path = prefix + name.decode("utf-8", "surrogateescape")
            member = h5o.open(above, name)
            if isinstance(member, h5g.GroupID):
                waiting.append((member, f"{path}/"))
            elif isinstance(member, h5d.DatasetID):
                found.append(path)
    return sorted(found)


def stored_size(group: Any) -> int:
    """Return how many bytes all data sets take in the file."""
    names = (path.encode("utf-8", "surrogateescape") for path in paths(group))
    return sum(h5d.open(group, name).get_storage_size() for name in names)


def members(group: Any, path: str, where: str) -> dict[str, bool]:
    """Return the names in a group; True for what is a group itself.

    Parameters
    ----------
    group : h5py.h5g.GroupID or None
        ``/AuxiliaryData``; None where the file has none.
    path : str
        Below it; empty for the group itself.
    where : str
        The file, for messages.

    Raises
    ------
    StationMissingError
        If there is no such group.
    """
    above = group if group is None or not path else _member(group, path)
    if above is None and not path:
        return {}
    if not isinstance(above, h5g.GroupID):
        msg = f"{where}: no group {path!r} of auxiliary data"
        raise StationMissingError(msg)
    return {
        name.decode("utf-8", "surrogateescape"): isinstance(
            h5o.open(above, name), h5g.GroupID
        )
        for name in members_of(above)
    }


def _member(group: Any, path: str) -> Any:
    """Return the group or data set of that path, by hard links alone, or None."""
    member = group
    for part in path.encode("utf-8", "surrogateescape").split(b"/"):
        if not isinstance(member, h5g.GroupID) or not has_member(member, part):
            return None
        member = h5o.open(member, part)
    return member


def _find(group: Any, path: str) -> Any:
    """Return the data set of that path, or None."""
    member = _member(group, path)
    return member if isinstance(member, h5d.DatasetID) else None


def read(
    group: Any, path: str, where: str
) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    """Return an array and its parameters.

    Parameters
    ----------
    group : h5py.h5g.GroupID or None
        ``/AuxiliaryData``; None where the file has none.
    path : str
        As `paths` gives it.
    where : str
        The file, for messages.

    Raises
    ------
    StationMissingError
        If there is no such data.
    InputError
        If it cannot be read.
    """
    try:
        found = None if group is None else _find(group, path)
        content = None if found is None else _content(h5py.Dataset(found))
    except HDF5_ERRORS as error:
        msg = f"{where}: auxiliary data {path!r} cannot be read: {reason(error)}"
        raise InputError(msg) from error
    if content is None:
        msg = f"{where}: no auxiliary data {path!r}"
        raise StationMissingError(msg)
    return content


def _content(dataset: Any) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
    if dataset.external or dataset.is_virtual:
        msg = "lies in other files, which are not followed"
        raise ValueError(msg)
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > max(stored, _SMALL) * LARGEST_RATIO:
        msg = f"claims {dataset.nbytes} bytes but stores {stored}: never written"
        raise ValueError(msg)
    if dataset.dtype.names and dataset.dtype.hasobject:
        msg = f"is of type {dataset.dtype}, which is not read here"
        raise ValueError(msg)
    parameters = {
        name: native_array(value) if isinstance(value, np.ndarray) else value
        for name, value in dataset.attrs.items()
    }
    return native_array(np.asarray(dataset[()])), parameters
