"""The two checksums of HDF5 files: of chunks, and of metadata.

As HDF5's source has them (H5checksum.c). The package numcodecs has them too, but takes
50 ms of CPU to import, a tenth of what processing a small data set takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Words that are summed at once: few enough that OpenBLAS starts no threads for them.
_BLOCK = 1 << 13
_RING, _WORD = 0xFFFF, 0xFFFFFFFF
# Fletcher's two sums as products: of each word once, and of each as often as there are
# words from it on.
_ONCE, _OFTEN = np.ones(_BLOCK), np.arange(_BLOCK, 0, -1.0)


def fletcher32(data: Any) -> bytes:
    """Return the checksum that HDF5's filter 3 puts behind a chunk, 4 bytes.

    Parameters
    ----------
    data : bytes-like
        The chunk.
    """
    count, odd = divmod(len(data), 2)
    words = np.frombuffer(data, "<u2", count)
    if odd:
        words = np.append(words, np.uint16(data[-1]))
    first = second = 0
    for begin in range(0, words.size, _BLOCK):
        block = words[begin : begin + _BLOCK].astype(float)  # exact: sums below 2**41
        rest = _BLOCK - block.size
        second += int(_OFTEN[rest:].dot(block)) + block.size * first
        first += int(_ONCE[rest:].dot(block))
    # The words are big-endian to HDF5. To sums modulo 65535 exchanging the bytes of
    # each is a multiplication by 256.
    first, second = (256 * one % _RING or _RING * bool(one) for one in (first, second))
    return (second << 16 | first).to_bytes(4, "little")


def lookup3(data: bytes | bytearray) -> bytes:
    """Return the checksum that HDF5's metadata has, 4 bytes: Bob Jenkins's lookup3.

    See https://burtleburtle.net/bob/c/lookup3.c, ``hashlittle`` with 0 to begin with.

    Parameters
    ----------
    data : bytes or bytearray
        At least one.
    """
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    begin = 0
    while len(data) - begin > 12:
        a, b, c = _added(a, b, c, data[begin : begin + 12])
        for shift in (4, 6, 8, 16, 19, 4):
            a = (a - c ^ _turned(c, shift)) & _WORD
            c = (c + b) & _WORD
            a, b, c = b, c, a
        begin += 12
    a, b, c = _added(a, b, c, data[begin:])
    for shift in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _turned(b, shift)) & _WORD
        a, b, c = b, c, a
    return b.to_bytes(4, "little")


def _added(a: int, b: int, c: int, data: bytes | bytearray) -> tuple[int, int, int]:
    """Return three words with at most 12 bytes of data added to them."""
    words = np.frombuffer(data.ljust(12, b"\0"), "<u4").tolist()
    return tuple(x + y & _WORD for x, y in zip((a, b, c), words, strict=True))


def _turned(word: int, bits: int) -> int:
    """Return a word with its bits rotated to the left."""
    return (word << bits | word >> (32 - bits)) & _WORD
