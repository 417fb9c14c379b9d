"""The workflow's configuration and table of data sets, read, checked, made options.

No module here imports Snakemake: the rules (``workflow/``) ask a `Pipeline` for files
and options, and ``asdf-pipeline config check`` asks it whether all is well.
"""
