"""Auxiliary data that is to be written: checked, encoded, with its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from asdf_pipeline.container.codec import Encoding, encode
from asdf_pipeline.container.digest import array_digest
from asdf_pipeline.container.encoded import EncodedArray, EncodedAuxiliary
from asdf_pipeline.container.names import check_auxiliary_path
from asdf_pipeline.errors import AuxiliaryError
from asdf_pipeline.text import kind_of

_LARGEST_CHUNK = 2**32 - 1  # bytes, in HDF5
_LARGEST_ITEM = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16}  # bytes, by kind


def encode_auxiliary(
    auxiliary: Mapping[str, Any], encoding: Encoding, provenance_id: str = ""
) -> tuple[EncodedAuxiliary, ...]:
    """Return auxiliary data, encoded.

    Parameters
    ----------
    auxiliary : mapping of str to (array, mapping)
        By path: ``Type/name`` or deeper. An array alone has no parameters.
    encoding : Encoding
        How to store the arrays.
    provenance_id : str
        Qualified name of a record of provenance.

    Returns
    -------
    tuple of EncodedAuxiliary
        In the order of their paths.

    Raises
    ------
    AuxiliaryError
        If a path is not valid or leads through another array, or an array or a
        parameter is of a type that an ASDF file cannot hold.
    """
    check_apart(auxiliary)
    return tuple(
        _encoded(path, auxiliary[path], encoding, provenance_id)
        for path in sorted(auxiliary)
    )


def check_apart(paths: Mapping[str, Any]) -> None:
    """Check paths, and that none of them leads through another.

    Raises
    ------
    AuxiliaryError
        Naming the path.
    """
    for path in paths:
        parts = check_auxiliary_path(path).split("/")
        for end in range(1, len(parts)):
            if (above := "/".join(parts[:end])) in paths:
                msg = f"auxiliary data {path!r}: {above!r} is an array, not a group"
                raise AuxiliaryError(msg)


def _encoded(
    path: str, value: Any, encoding: Encoding, provenance_id: str
) -> EncodedAuxiliary:
    data, given = value if isinstance(value, tuple) and len(value) == 2 else (value, {})
    if not isinstance(given, Mapping):
        msg = (
            f"auxiliary data {path!r}: expected (array, parameters), parameters a "
            f"mapping, not {kind_of(given)}"
        )
        raise AuxiliaryError(msg)
    array = _checked_array(path, data)
    parameters = {str(k): _parameter(path, k, given[k]) for k in sorted(given, key=str)}
    return EncodedAuxiliary(
        path,
        _encoded_array(path, array, encoding),
        tuple(parameters.items()),
        array_digest(path, parameters, array),
        provenance_id,
    )


def _checked_array(path: str, data: Any) -> np.ndarray[Any, Any]:
    """Return an array that HDF5 and pyasdf read as it is."""
    if isinstance(data, np.ma.MaskedArray) or not isinstance(data, np.ndarray):
        msg = (
            f"auxiliary data {path!r}: expected a NumPy array (not masked), "
            f"not {kind_of(data)}"
        )
        raise AuxiliaryError(msg)
    kind, itemsize = data.dtype.kind, data.dtype.itemsize
    largest = _LARGEST_ITEM.get(kind, itemsize if kind == "S" else 0)
    if not 0 < itemsize <= largest or data.ndim == 0:
        shape = "no dimension" if data.ndim == 0 else f"type {data.dtype}"
        msg = (
            f"auxiliary data {path!r} has {shape}: expected an array of one or more "
            "dimensions, of numbers, booleans or fixed-length bytes"
        )
        raise AuxiliaryError(msg)
    return np.ascontiguousarray(data)


def _encoded_array(
    path: str, array: np.ndarray[Any, Any], encoding: Encoding
) -> EncodedArray:
    """Return an array in chunks of whole rows; of one dimension as a trace is."""
    if array.ndim == 1 or not encoding.chunked:
        chunks = tuple(encode(array.reshape(-1), encoding))
        shape = array.shape if array.ndim > 1 else ()
        return EncodedArray(array.dtype, array.size, chunks, encoding, shape)
    width = max(1, math.prod(array.shape[1:]))
    rows = max(1, min(encoding.chunk // width, array.shape[0]))
    if rows * width * array.dtype.itemsize > _LARGEST_CHUNK:
        msg = f"auxiliary data {path!r}: a row of it has more than 4 GiB: reshape it"
        raise AuxiliaryError(msg)
    step = rows * width
    exact = replace(encoding, chunk=step)
    flat = array.reshape(-1)
    found = []
    for begin in range(0, flat.size, step):
        piece = flat[begin : begin + step]
        if piece.size < step:
            padding = np.zeros(step - piece.size, flat.dtype)
            piece = np.concatenate((piece, padding), dtype=flat.dtype)  # its byte order
        found += encode(piece, exact)
    return EncodedArray(
        array.dtype, array.size, tuple(found), encoding, array.shape, rows
    )


def _parameter(path: str, name: Any, value: Any) -> Any:
    """Return a parameter as an attribute that reads back the same."""
    try:
        if not isinstance(name, str) or not name or not _is_utf8(name):
            _refuse("its name is not a text")
        if name == "provenance_id":
            _refuse("this name is the format's own, and written by the run")
        return _attribute(value)
    except ValueError as error:
        msg = (
            f"auxiliary data {path!r}, parameter {name!r}: {error}; expected a text, "
            "a number, or an array of them"
        )
        raise AuxiliaryError(msg) from error


def _attribute(value: Any) -> Any:
    """Return what h5py writes; raise ValueError with the reason where it cannot."""
    if type(value) is float:  # most parameters are
        return np.float64(value)
    if isinstance(value, np.ma.MaskedArray):
        _refuse("a masked array")
    try:
        array = np.asarray(value)
    except ValueError:
        _refuse("its rows are of different lengths")
    kind, itemsize = array.dtype.kind, array.dtype.itemsize
    if kind == "U":
        texts = _members(value)
        if not all(isinstance(text, str) for text in texts):
            _refuse("texts and others in one list")
        if not all(map(_is_utf8, texts)):
            _refuse("a text with a zero byte, or of which UTF-8 has no form")
        return array.astype(object) if array.ndim else str(value)
    if kind == "S" or itemsize <= _LARGEST_ITEM.get(kind, 0):
        return array[()] if array.ndim == 0 else array
    return _refuse(f"{kind_of(value)} cannot be an attribute")


def _members(value: Any) -> list[Any]:
    """Return what is in lists in lists, or in an array."""
    if isinstance(value, list | tuple):
        return [member for inner in value for member in _members(inner)]
    return value.reshape(-1).tolist() if isinstance(value, np.ndarray) else [value]


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)


def _is_utf8(text: str) -> bool:
    """Return whether a text can stand in an attribute."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, as of a file's name
        return False
