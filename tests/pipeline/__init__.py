"""The pipeline, by the real ``snakemake``."""
