# What people have (miniSEED, SAC, StationXML, QuakeML, ..., or ASDF) to one ASDF file.
#
# Needs: the files that a data set's row in the table names; what servers hold of them is
#        no input: `remote` changes where they do.
# Makes: results/{dataset}/staged.h5, an ASDF file that `verify` accepts.


rule stage:
    input:
        waveforms=files_of("waveforms"),
        archives=archive_files,
        request=files_of("fdsn"),
        codes=files_of("codes"),
        stations=files_of("stations"),
        events=files_of("events"),
        asdf=files_of("asdf"),
    output:
        staged=keep_staged("results/{dataset}/staged.h5"),
    log:
        "logs/stage/{dataset}.log",
    benchmark:
        "benchmarks/stage/{dataset}.tsv"
    params:
        version=VERSION,
        options=stage_options,
        remote=remote_state,
    threads: stage_workers
    resources:
        mem_mb=memory_of_all,
        runtime=minutes,
        stage_max_failures=PIPELINE.config["stage"]["max_failures"],
    conda:
        no_environment
    shell:
        """
        python -P -m asdf_pipeline stage {params.options:q} \
            --backend multiprocessing --workers {threads} --progress lines \
            --max-failures {resources.stage_max_failures:q} \
            --output {output.staged:q} >>{log:q} 2>&1
        """
