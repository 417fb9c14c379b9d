# The function of two stations, applied to every pair: made where the config has `pairs`.
#
# Needs: results/{dataset}/processed.h5; the user's files that the functions are in.
# Makes: results/{dataset}/pairs.h5, an ASDF file with auxiliary data;
#        pairs_outcomes.jsonl beside it, what became of each pair.
#
# By whom, and what an undeclared work directory is for: as of process.smk.


rule pairs:
    input:
        processed="results/{dataset}/processed.h5",
        functions=pair_files,
    output:
        pairs="results/{dataset}/pairs.h5",
        outcomes="results/{dataset}/pairs_outcomes.jsonl",
    log:
        "logs/pairs/{dataset}.log",
    benchmark:
        "benchmarks/pairs/{dataset}.tsv"
    params:
        version=VERSION,
        options=pair_options,
        work_dir=lambda wildcards, output: str(Path(output.pairs).parent / "pairs_work"),
    threads: most_workers
    resources:
        mpi="",
        tasks=1,
        mem_mb=memory_of_all_pairs,
        mem_mb_per_cpu=memory_of_pairs,
        runtime=minutes,
        io=PROCESS["io"],
        scheduler=SCHEDULER,
        pairs_max_failures=PAIRS.keys["max_failures"] if PAIRS else 0,
        prepare_memory=PAIRS.keys["prepare_memory"] if PAIRS else 0,
        traceback_limit=PROCESS["traceback_limit"],
    conda:
        no_environment
    shell:
        by_team(
            "pairs --prepare-memory {resources.prepare_memory}",
            "{input.processed:q} {output.pairs:q}",
            "{output.outcomes:q}",
        )
