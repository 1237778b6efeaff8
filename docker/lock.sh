#!/bin/sh
# lock.sh PYTHON EXTRAS WHEELS SOURCES [CUDA]: locks what these extras of pyproject.toml ask for, by hash, for one
# version of Python on Linux. WHEELS gets all that has a wheel there, SOURCES the rest. Only metadata is downloaded.
# CUDA, such as cu126: torch and what it needs from PyTorch's own index, built for that version, and not from PyPI.
set -eu
cd "$(dirname "$0")/.."
python=$1 extras=$2 wheels=$3 sources=$4 cuda=${5:-}
only_source="antlr4-python3-runtime causal-conv1d mamba-ssm"

set --
for name in $only_source; do set -- "$@" --no-binary "$name"; done
constraints=constraints.txt
if [ -n "$cuda" ]; then
    set -- "$@" --torch-backend "$cuda"
    # These follow from CUDA's version.
    constraints=$(mktemp)
    grep -vE '^(nvidia-|cuda-)' constraints.txt >"$constraints"
fi
for extra in $(echo "$extras" | tr , ' '); do set -- "$@" --extra "$extra"; done
lock=$(uv pip compile --quiet --config-file docker/uv.toml --no-header --no-annotate --generate-hashes \
    --python-version "$python" --python-platform x86_64-manylinux_2_28 --only-binary :all: "$@" \
    --constraint "$constraints" pyproject.toml)

pick() { # pick WANTED: the packages that are published as source alone (1), or all others (0)
    echo "# Made by docker/lock.sh (make lock)."
    echo "$lock" | awk -v only="$only_source" -v wanted="$1" '
        BEGIN { split(only, names, " "); for (i in names) is_source[names[i]] = 1 }
        /^[^ ]/ { name = $1; sub("==.*", "", name) }
        (name in is_source) == wanted'
}
pick 0 >"$wheels"
pick 1 >"$sources"
