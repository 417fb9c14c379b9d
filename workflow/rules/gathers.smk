# The function of all stations of an event: made where the config has `gathers`.
#
# Needs: results/{dataset}/processed.h5; the user's files that the function is in.
# Makes: results/{dataset}/gathers.h5, an ASDF file, and gathers.csv, the rows that the
#        function returned; gathers_outcomes.jsonl beside them.
#
# By whom, and what an undeclared work directory is for: as of process.smk.


rule gathers:
    input:
        processed="results/{dataset}/processed.h5",
        functions=gather_files,
    output:
        gathers="results/{dataset}/gathers.h5",
        table="results/{dataset}/gathers.csv",
        outcomes="results/{dataset}/gathers_outcomes.jsonl",
    log:
        "logs/gathers/{dataset}.log",
    benchmark:
        "benchmarks/gathers/{dataset}.tsv"
    params:
        version=VERSION,
        options=gather_options,
        work_dir=lambda wildcards, output: str(
            Path(output.gathers).parent / "gathers_work"
        ),
    threads: most_workers
    resources:
        mpi="",
        tasks=1,
        mem_mb=memory_of_all,
        mem_mb_per_cpu=memory_of_one,
        runtime=minutes,
        io=PROCESS["io"],
        scheduler=SCHEDULER,
        gathers_max_failures=GATHERS.keys["max_failures"] if GATHERS else 0,
        traceback_limit=PROCESS["traceback_limit"],
    conda:
        no_environment
    shell:
        by_team(
            "gathers",
            "{input.processed:q} {output.gathers:q} --table {output.table:q}",
            "{output.outcomes:q}",
        )
