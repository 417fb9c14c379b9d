# What became of every station: a table a data set, and one of all of them.
#
# Needs: results/{dataset}/ staged.h5, processed.h5, outcomes.jsonl, held against each
#        other.
# Makes: results/{dataset}/ stations.csv (content only) and timings.csv (of this run);
#        pairs.csv and pairs_timings.csv, the same of pairs, where there are some;
#        results/stations.csv, all data sets' rows.


rule manifest:
    input:
        staged="results/{dataset}/staged.h5",
        processed="results/{dataset}/processed.h5",
        outcomes="results/{dataset}/outcomes.jsonl",
    output:
        stations="results/{dataset}/stations.csv",
        timings="results/{dataset}/timings.csv",
    log:
        "logs/manifest/{dataset}.log",
    benchmark:
        "benchmarks/manifest/{dataset}.tsv"
    params:
        version=VERSION,
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    conda:
        no_environment
    shell:
        """
        python -P -m asdf_pipeline manifest \
            {input.staged:q} {input.processed:q} --outcomes {input.outcomes:q} \
            --dataset {wildcards.dataset:q} --output {output.stations:q} \
            --timings {output.timings:q} >>{log:q} 2>&1
        """


rule manifest_of_pairs:
    input:
        processed="results/{dataset}/processed.h5",
        pairs="results/{dataset}/pairs.h5",
        outcomes="results/{dataset}/pairs_outcomes.jsonl",
    output:
        pairs="results/{dataset}/pairs.csv",
        timings="results/{dataset}/pairs_timings.csv",
    log:
        "logs/manifest_of_pairs/{dataset}.log",
    benchmark:
        "benchmarks/manifest_of_pairs/{dataset}.tsv"
    params:
        version=VERSION,
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        no_environment
    shell:
        """
        python -P -m asdf_pipeline manifest \
            {input.processed:q} {input.pairs:q} --outcomes {input.outcomes:q} \
            --dataset {wildcards.dataset:q} --output {output.pairs:q} \
            --timings {output.timings:q} >>{log:q} 2>&1
        """


rule stations:
    localrule: True
    input:
        expand("results/{dataset}/stations.csv", dataset=DATASETS),
    output:
        "results/stations.csv",
    log:
        "logs/stations.log",
    params:
        version=VERSION,
    conda:
        no_environment
    shell:
        """
        python -P -m asdf_pipeline manifest --join {input:q} \
            --output {output:q} >>{log:q} 2>&1
        """
