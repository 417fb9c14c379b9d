"""Starting MPI, and what may be wrong with it: mpi4py is imported from here on only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asdf_pipeline.container.parallel import available
from asdf_pipeline.errors import BackendError
from asdf_pipeline.team.launcher import launched_rank, launched_ranks
from asdf_pipeline.team.mpi.guard import finalise_at_exit, on_all_ranks
from asdf_pipeline.text import one_line

if TYPE_CHECKING:
    from asdf_pipeline.team.base import TeamOptions
    from asdf_pipeline.team.mpi.ranks import Ranks


def form(options: TeamOptions) -> Ranks:
    """Return the team of all ranks that the launcher started; every rank calls this.

    Raises
    ------
    BackendError
        If there is no MPI, the launcher is of another MPI, or h5py cannot write in
        parallel where that is asked for.
    """
    _start_mpi()
    from asdf_pipeline.team.mpi.ranks import Ranks, channels

    io, several, rank = options.io, channels().size > 1, channels().rank
    if io == "parallel" and not available():
        msg = (
            "io 'parallel': this h5py is built without parallel HDF5; install one "
            "that is (conda: h5py=*=mpi_openmpi*), or use io 'segments'"
        )
        raise on_all_ranks(BackendError(msg), shows=rank == 0)
    parallel = io == "parallel" or (io == "auto" and several and available())
    return Ranks(parallel=parallel)


def _start_mpi() -> None:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        msg = (
            f"backend 'mpi' needs mpi4py and an MPI library ({one_line(error)}): "
            "pip install mpi4py, with the MPI of your mpiexec"
        )
        raise on_all_ranks(BackendError(msg), shows=launched_rank() == 0) from error
    if not MPI.Is_initialized():  # h5py was imported first, and kept it from that
        MPI.Init_thread(MPI.THREAD_MULTIPLE)
        finalise_at_exit()
    launched = launched_ranks(tasks=True)
    if launched > 1 and MPI.COMM_WORLD.Get_size() == 1:
        library = MPI.Get_library_version().partition(",")[0].strip("\n\0 ")
        msg = (
            f"the launcher started {launched} processes, but to MPI each is alone: "
            f"mpi4py uses {library}; start it with the mpiexec of that library "
            "(with Slurm: srun --mpi=pmix)"
        )
        raise on_all_ranks(BackendError(msg), shows=launched_rank() == 0)
