# The function, applied to every station: one rule for a laptop and for a cluster.
#
# Needs: results/{dataset}/staged.h5; the user's files that the function is in.
# Makes: results/{dataset}/processed.h5, an ASDF file; outcomes.jsonl beside it, what
#        became of each station.
#
# Without a launcher: multiprocessing, whose members take turns to write. With one
# (resources.mpi, set by a profile): MPI, with parallel HDF5 where h5py has it. With
# Dask's scheduler in the config: its workers.
#
# The work directory is undeclared on purpose: Snakemake deletes a failed job's
# outputs, and the next attempt goes on from what is in there.


rule process:
    input:
        staged="results/{dataset}/staged.h5",
        functions=function_files,
    output:
        processed="results/{dataset}/processed.h5",
        outcomes="results/{dataset}/outcomes.jsonl",
    log:
        "logs/process/{dataset}.log",
    benchmark:
        "benchmarks/process/{dataset}.tsv"
    params:
        version=VERSION,
        options=process_options,
        # Beside the output, also where a module's prefix moves that.
        work_dir=lambda wildcards, output: str(Path(output.processed).parent / "work"),
    threads: process_workers
    # How it is run, not what it makes: a change of these makes nothing run again.
    resources:
        mpi="",
        tasks=1,
        mem_mb=memory_of_all,
        mem_mb_per_cpu=memory_of_one,
        runtime=minutes,
        io=PROCESS["io"],
        scheduler=SCHEDULER,
        process_max_failures=PROCESS["max_failures"],
        traceback_limit=PROCESS["traceback_limit"],
    conda:
        no_environment
    shell:
        by_team(
            "process", "{input.staged:q} {output.processed:q}", "{output.outcomes:q}"
        )
