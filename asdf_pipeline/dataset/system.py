"""What a report of a problem says about the machine: versions, HDF5, MPI."""

from __future__ import annotations

import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from asdf_pipeline._version import __version__

_PACKAGES = (
    *("h5py", "lxml", "mpi4py", "numpy", "obspy", "pandas", "prov", "scipy"),
    *("dask", "snakemake"),
)


def get_sys_info() -> dict[str, Any]:
    """Return versions and facts about the system, by name.

    Returns
    -------
    dict
        Strings and numbers, and ``module_versions``, a dict of name to version, None
        for what is not installed; the names that pyasdf's `get_sys_info` would print.
    """
    from asdf_pipeline.container.hdf5 import h5py

    return {
        "asdf_pipeline_version": __version__,
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        "python_compiler": platform.python_compiler(),
        "platform_system": platform.system(),
        "platform_release": platform.release(),
        "platform_version": platform.version(),
        "platform_machine": platform.machine(),
        "platform_processor": platform.processor(),
        "platform_processor_count": os.cpu_count(),
        "platform_architecture": platform.architecture()[0],
        "platform_hostname": platform.node(),
        "hdf5_version": h5py.version.hdf5_version,
        "parallel_h5py": bool(h5py.get_config().mpi),
        "module_versions": {name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str | None:
    if importlib.util.find_spec(package) is None:
        return None
    try:
        return version(package)
    except PackageNotFoundError:  # there, but not installed by a package manager
        return "unknown"


def print_sys_info() -> None:
    """Print versions and facts about the system, a line each."""
    facts = get_sys_info()
    modules = facts.pop("module_versions")
    for name, value in {**facts, **modules}.items():
        print(f"{name}: {value}")
