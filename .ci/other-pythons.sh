#!/usr/bin/env bash
# The package's fast tests, and its types, on the newer Pythons that the machine has on
# the PATH or from pyenv: a minute and a half for each, so that what a new version does
# otherwise (sums of floats, libraries with other wheels) is seen here first. None is
# installed for it. `make test` has run before: its uv makes the environments.
#   .ci/other-pythons.sh
set -euo pipefail
cd "$(dirname "$0")/.."

fast=(tests/test_*.py tests/plan tests/metadata tests/function tests/journal
    tests/container)

for version in 3.12 3.13 3.14; do
    for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        "$python" -c "" 2>/dev/null || continue
        echo "Python $version: $("$python" -c 'import sys; print(sys.executable)')"
        venv=.venv-$version
        .venv/bin/uv venv --quiet --clear --python "$python" "$venv"
        uv=(.venv/bin/uv pip install --quiet --python "$venv/bin/python")
        "${uv[@]}" --require-hashes -r requirements/lock.txt
        "${uv[@]}" --no-deps --no-build-isolation .
        "$venv/bin/mypy" --cache-dir "$venv/.mypy_cache"
        "$venv/bin/python" -m pytest -n 2 --dist worksteal "${fast[@]}"
        break
    done
done
