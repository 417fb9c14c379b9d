#!/usr/bin/env bash
# The package's fast tests with versions other than those pinned, a minute and a half for
# each: on the newer Pythons that the machine has on the PATH or from pyenv, with their
# types (none is installed for it), and with the lowest versions that pyproject.toml
# states. What a version does otherwise (sums of floats, libraries with other wheels) is
# seen here first. `make test` has run before: its uv makes the environments.
#   .ci/other-versions.sh
set -euo pipefail
cd "$(dirname "$0")/.."

fast=(tests/test_*.py tests/plan tests/metadata tests/function tests/journal
    tests/container)

# Make the environment $1 of the Python $2.
make_environment() {
    .venv/bin/uv venv --quiet --clear --python "$2" "$1"
    install=(.venv/bin/uv pip install --quiet --python "$1/bin/python")
}

# Run the fast tests in the environment $1, with pytest's options in the rest.
run_tests() {
    local venv=$1
    shift
    "$venv/bin/python" -m pytest -n 2 --dist worksteal "$@" "${fast[@]}"
}

not_tried=()
for version in 3.12 3.13 3.14; do
    found=
    for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        "$python" -c "" 2>/dev/null || continue
        found=$("$python" -c 'import sys; print(sys.executable)')
        break
    done
    if [ -z "$found" ]; then
        not_tried+=("$version")
        continue
    fi
    echo "Python $version: $found"
    make_environment ".venv-$version" "$found"
    "${install[@]}" --require-hashes -r requirements/lock.txt
    "${install[@]}" --no-deps --no-build-isolation .
    ".venv-$version/bin/mypy" --cache-dir ".venv-$version/.mypy_cache"
    run_tests ".venv-$version"
done

echo "the lowest versions that pyproject.toml states"
rm -rf build
make_environment .venv-lowest .venv/bin/python
"${install[@]}" --resolution lowest-direct '.[test]'
# Old versions beside new ones of what they use: their warnings are nobody's to mend.
run_tests .venv-lowest -W ignore::DeprecationWarning

[ ${#not_tried[@]} = 0 ] || echo "not on this machine, not tried: Python ${not_tried[*]}"
