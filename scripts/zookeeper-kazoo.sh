#!/bin/sh
# kazoo's own tests, unmodified, against three real nodes. What does not pass is listed with its
# reason in tests/kazoo/not-passing.txt; a test that is listed and passes is a failure too. Some of
# them count on a quick machine: one that fails is run again, twice at most, and counted as a rerun.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/target}"
VENV=$(./scripts/kazoo-venv.sh)
cargo build --locked -p holdfast
HOLDFAST="$CARGO_TARGET_DIR/debug/holdfast"
PYTHONPATH="$PWD/tests/kazoo"
export HOLDFAST PYTHONPATH
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
cd "$("$VENV/bin/python" -c 'import os, kazoo; print(os.path.dirname(kazoo.__file__))')"
exec "$VENV/bin/python" -m pytest -p holdfast_cluster -p no:cacheprovider -q --timeout=120 --reruns 2 tests "$@"
