# Processed files put into one: all of a network, all of an event, as the table says.
#
# Needs: results/{dataset}/processed.h5 of the rows with one name in the column merge.
# Makes: results/{merged}.h5, an ASDF file with all that these hold.


rule merge:
    input:
        parts_of,
    output:
        "results/{merged}.h5",
    log:
        "logs/merge/{merged}.log",
    benchmark:
        "benchmarks/merge/{merged}.tsv"
    params:
        version=VERSION,
    threads: 1
    resources:
        mem_mb=2000,
        runtime=minutes,
    conda:
        no_environment
    shell:
        """
        python -P -m asdf_pipeline merge {input:q} --output {output:q} >>{log:q} 2>&1
        """
