"""Copying HDF5 objects from one file to another, their bytes as they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np

from asdf_pipeline.container import create
from asdf_pipeline.container.hdf5 import h5a, h5d, h5g, h5o, h5py, h5s, members_of

# Up to HDF5 1.14.3, H5Ocopy dereferences a null pointer where attributes are stored
# densely (more than 8 of them under libver v108 and newer, or one of more than 64 kB)
# and one of them is of variable length, as h5py's texts are:
# https://github.com/HDFGroup/hdf5/issues/2414
_H5OCOPY_CRASHES = h5py.version.hdf5_version_tuple[:3] < (1, 14, 4)


def copy_object(source: Any, name: bytes, target: Any, new_name: bytes = b"") -> None:
    """Copy a data set, or a group with all that is in it, without decoding anything.

    Parameters
    ----------
    source, target : h5py.h5g.GroupID or h5py.h5f.FileID
        Where it is, and where it is copied to.
    name : bytes
        Its name in `source`.
    new_name : bytes
        Its name in `target`, which must not have one like it; empty for the same.

    Raises
    ------
    OSError, RuntimeError, ValueError, KeyError, TypeError
        What h5py raises where it cannot be read or written.
    """
    if _H5OCOPY_CRASHES and _has_dense_attributes(source, name):
        copy_by_hand(source, name, target, new_name or name)
    else:
        h5o.copy(source, name, target, new_name or name)


def _has_dense_attributes(parent: Any, name: bytes) -> bool:
    """Return whether an object, or one below it, stores its attributes densely."""

    def dense(_: bytes, info: Any) -> bool | None:
        return bool(info.meta_size.attr.index_size) or None  # None: visit the next

    top = h5o.open(parent, name)
    below = isinstance(top, h5g.GroupID) and h5o.visit(top, dense, info=True)
    return bool(below or dense(b"", h5o.get_info(top)))  # `visit` leaves the top out


def copy_by_hand(source: Any, name: bytes, target: Any, new_name: bytes) -> None:
    """Copy an object as `copy_object` does, its attributes one by one.

    Those of a data set's copy are not dense, unless one of them is larger than 64 kB.
    """
    original = h5o.open(source, name)
    if isinstance(original, h5g.GroupID):
        copy = create.group(target, new_name)
        for member in members_of(original):
            copy_object(original, member, copy)
    else:
        copy = _copy_dataset(original, target, new_name)
    for index in range(h5a.get_num_attrs(original)):
        _copy_attribute(h5a.open(original, index=index), copy)


def _copy_dataset(original: Any, target: Any, name: bytes) -> Any:
    """Copy a data set without its attributes; return the copy."""
    properties = original.get_create_plist()
    create.keep_attributes_compact(properties)
    space, layout = original.get_space(), properties.get_layout()
    copy = h5d.create(target, name, original.get_type(), space, properties)
    in_others = layout == h5d.VIRTUAL or properties.get_external_count()
    if in_others or not original.get_storage_size():
        return copy
    if layout == h5d.CHUNKED and not original.dtype.hasobject:
        for index in range(original.get_num_chunks()):
            offset = original.get_chunk_info(index).chunk_offset
            mask, chunk = original.read_direct_chunk(offset)
            copy.write_direct_chunk(offset, chunk, mask)
    else:  # elements of variable length lie elsewhere in the file
        elements = np.empty(original.shape, original.dtype)
        original.read(h5s.ALL, h5s.ALL, elements)
        copy.write(h5s.ALL, h5s.ALL, elements)
    return copy


def _copy_attribute(original: Any, owner: Any) -> None:
    space = original.get_space()
    copy = h5a.create(owner, original.name, original.get_type(), space)
    if space.get_simple_extent_npoints():
        value = np.empty(original.shape, original.dtype)
        original.read(value)
        copy.write(value)
