#!/bin/sh
# ZooKeeper's C client, unmodified, against three real nodes. Argument: part of the names of the
# scenarios that are to run.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/target}"
if ! command -v cc >/dev/null 2>&1 || ! echo '#include <zookeeper/zookeeper.h>' | cc -E - >/dev/null 2>&1; then
    echo "a C compiler and ZooKeeper's C client are needed: apt-get install gcc libzookeeper-mt-dev" >&2
    [ -z "${CI:-}" ] || exit 1
    echo "skipped: the C client"
    exit 0
fi
cargo build --locked -p holdfast
PROGRAM="$CARGO_TARGET_DIR/zookeeper-c-client"
cc -std=gnu11 -O1 -Wall -Wextra -Werror -DTHREADED -pthread -o "$PROGRAM" tests/clients/c/*.c -lzookeeper_mt
export HOLDFAST="$CARGO_TARGET_DIR/debug/holdfast" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/clients/run.py "$PROGRAM" "$@"
