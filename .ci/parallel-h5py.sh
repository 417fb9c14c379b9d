#!/usr/bin/env bash
# A virtual environment whose h5py is built on the machine's parallel HDF5 (Debian:
# libhdf5-openmpi-dev openmpi-bin, and a C compiler); takes about two minutes.
#   .ci/parallel-h5py.sh .venv-mpi
# Not with build isolation: that fetches and builds far more than is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${1:?usage: parallel-h5py.sh VENV}
pip=("$venv/bin/python" -m pip --disable-pip-version-check --quiet)
hdf5=hdf5/openmpi

"${PYTHON:-python3}" -m venv "$venv"
"${pip[@]}" install --require-hashes -r requirements/parallel-build.txt
CC=mpicc HDF5_MPI=ON HDF5_INCLUDEDIR=/usr/include/$hdf5 \
    HDF5_LIBDIR=/usr/lib/$(gcc -dumpmachine)/$hdf5 \
    "${pip[@]}" install --require-hashes --no-build-isolation --no-binary=h5py \
    -r requirements/parallel.txt
"${pip[@]}" install --no-deps --no-build-isolation .
"$venv/bin/python" -c "import h5py, sys; sys.exit(not h5py.get_config().mpi)"
