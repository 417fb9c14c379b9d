# What a run made, to look at: one page a data set, that opens without a network.
#
# Needs: results/{dataset}/ staged.h5, processed.h5, outcomes.jsonl.
# Makes: results/{dataset}/report.html, one file, which
#        `snakemake --report` collects too; pairs.html, the same of pairs.


rule report:
    input:
        staged="results/{dataset}/staged.h5",
        processed="results/{dataset}/processed.h5",
        outcomes="results/{dataset}/outcomes.jsonl",
    output:
        page=report(
            "results/{dataset}/report.html",
            caption="../report/stations.rst",
            category="Data sets",
            labels={"data set": "{dataset}"},
        ),
    log:
        "logs/report/{dataset}.log",
    benchmark:
        "benchmarks/report/{dataset}.tsv"
    params:
        version=VERSION,
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    conda:
        no_environment
    shell:
        """
        python -P -m asdf_pipeline report \
            {input.staged:q} {input.processed:q} --outcomes {input.outcomes:q} \
            --dataset {wildcards.dataset:q} --output {output.page:q} \
            >>{log:q} 2>&1
        """


rule report_of_pairs:
    input:
        processed="results/{dataset}/processed.h5",
        pairs="results/{dataset}/pairs.h5",
        outcomes="results/{dataset}/pairs_outcomes.jsonl",
    output:
        page=report(
            "results/{dataset}/pairs.html",
            caption="../report/pairs.rst",
            category="Data sets",
            labels={"data set": "{dataset}, pairs"},
        ),
    log:
        "logs/report_of_pairs/{dataset}.log",
    benchmark:
        "benchmarks/report_of_pairs/{dataset}.tsv"
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
        python -P -m asdf_pipeline report \
            {input.processed:q} {input.pairs:q} --outcomes {input.outcomes:q} \
            --dataset {wildcards.dataset:q} --output {output.page:q} \
            >>{log:q} 2>&1
        """
