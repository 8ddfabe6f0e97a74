#!/bin/sh
# ZooKeeper's Java client and Curator, unmodified, against three real nodes. Argument: part of the
# names of the scenarios that are to run.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/target}"
JAVA=$(./scripts/java-clients.sh)
[ -n "$JAVA" ] || { echo "skipped: the Java clients"; exit 0; }
cargo build --locked -p holdfast
export HOLDFAST="$CARGO_TARGET_DIR/debug/holdfast" PYTHONDONTWRITEBYTECODE=1
set -f # the class path ends in a star that is Java's to read
for client in plain curator; do
    # shellcheck disable=SC2086 # a list of words
    python3 tests/clients/run.py $JAVA Main "$client" "$@"
done
