# Processed waveforms as files of another format, where the config has the key export.
#
# Needs: results/{dataset}/processed.h5.
# Makes: results/{dataset}/export.csv, which lists the files in results/{dataset}/export.
#
# The files are undeclared on purpose: Snakemake deletes a failed job's outputs, and the
# next attempt goes on with what is missing. Only an export that begins anew, for which
# there is no work directory, removes those of the one before.


rule export:
    input:
        "results/{dataset}/processed.h5",
    output:
        table="results/{dataset}/export.csv",
    log:
        "logs/export/{dataset}.log",
    benchmark:
        "benchmarks/export/{dataset}.tsv"
    params:
        version=VERSION,
        options=export_options,
        # Beside the table, also where a module's prefix moves that.
        files=lambda wildcards, output: str(Path(output.table).with_suffix("")),
    threads: workers_by_size
    resources:
        mem_mb=memory_of_all,
        runtime=minutes,
    conda:
        no_environment
    shell:
        """
        [ -e {params.files:q}.work ] || rm -rf {params.files:q}
        python -P -m asdf_pipeline export {input:q} {params.options:q} \
            --to {params.files:q} --overwrite --work-dir {params.files:q}.work \
            --backend multiprocessing --workers {threads} --progress lines \
            --table {output.table:q} >>{log:q} 2>&1
        """
