#!/bin/sh
# Locks through both doors: kazoo's and Curator's own recipes and claims over HTTP contend for the
# same locks. Argument: part of the names of the scenes that are to run.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/target}"
VENV=$(./scripts/kazoo-venv.sh)
JAVA=$(./scripts/java-clients.sh)
cargo build --locked -p holdfast
export HOLDFAST="$CARGO_TARGET_DIR/debug/holdfast" PYTHONDONTWRITEBYTECODE=1
export HOLDFAST_CURATOR="${JAVA:+$JAVA LockWorkers}"
exec python3 tests/clients/run.py "$VENV/bin/python" tests/clients/locks/main.py "$@"
