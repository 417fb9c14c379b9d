# What a run made, to look at: one page a data set, that opens without a network.
#
# Needs: results/{dataset}/ staged.h5, processed.h5, outcomes.jsonl.
# Makes: results/{dataset}/report.html, one file, which
#        `snakemake --report` collects too.


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
