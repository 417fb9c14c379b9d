"""What people write to stage a bucket: s3fs, ``obspy.read``, pyasdf.

``python -m bench.bucket_script ADDRESS BUCKET OUTPUT.h5``
"""

from __future__ import annotations

import io
import sys

import obspy
import pyasdf
import s3fs


def main(address: str, bucket: str, output: str) -> None:
    """Stage all day files of a bucket."""
    store = s3fs.S3FileSystem(endpoint_url=address)
    with pyasdf.ASDFDataSet(output, compression="gzip-3", mpi=False) as ds:
        for key in store.find(bucket):
            stream = obspy.read(io.BytesIO(store.cat_file(key)))
            ds.add_waveforms(stream, tag="raw")


if __name__ == "__main__":
    main(*sys.argv[1:])
