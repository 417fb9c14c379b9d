# So that `snakemake --cores 8` works in the checkout; the workflow is in workflow/.


include: "workflow/Snakefile"


# A Snakefile that only includes others has no rule of its own to begin with.
rule default:
    localrule: True
    input:
        rules.all.input,
