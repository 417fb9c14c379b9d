"""Types of arrays that h5py read, as NumPy itself would have them."""

from __future__ import annotations

from typing import Any

import numpy as np


def native_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type whose byte order, where it is this machine's, says so.

    h5py (3.16) makes its types of floats with their order spelt out: ``'<f8'`` has the
    byteorder ``'<'`` where NumPy's own has ``'='``. Code that compares byte orders,
    such as ObsPy's miniSEED writer, then swaps bytes that are right.
    """
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return np.dtype((native_dtype(base), shape))
    if dtype.fields is None:
        return dtype.newbyteorder("=") if dtype.isnative else dtype
    names = list(dtype.fields)
    return np.dtype(
        {
            "names": names,
            "formats": [native_dtype(dtype[name]) for name in names],
            "offsets": [dtype.fields[name][1] for name in names],
            "itemsize": dtype.itemsize,
        }
    )


def native_array(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an array that h5py read, its type as `native_dtype` has it."""
    return array if array.dtype.hasobject else array.view(native_dtype(array.dtype))
