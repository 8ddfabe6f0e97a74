#!/bin/sh
# node-zookeeper-client from npm, unmodified, against three real nodes. Argument: part of the names of
# the scenarios that are to run.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/target}"
CLIENT=1.1.3
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/node-zookeeper-client-$CLIENT"
if ! command -v npm >/dev/null 2>&1; then
    echo "Node.js, 18 or later, with npm is needed: apt-get install nodejs npm" >&2
    [ -z "${CI:-}" ] || exit 1
    echo "skipped: the Node.js client"
    exit 0
fi
if [ ! -e "$CACHE/complete" ]; then
    rm -rf "$CACHE"
    mkdir -p "$CACHE"
    npm install --silent --no-save --no-package-lock --prefix "$CACHE" "node-zookeeper-client@$CLIENT"
    touch "$CACHE/complete"
fi
cargo build --locked -p holdfast
export HOLDFAST="$CARGO_TARGET_DIR/debug/holdfast" NODE_PATH="$CACHE/node_modules" PYTHONDONTWRITEBYTECODE=1
exec python3 tests/clients/run.py node tests/clients/node/main.js "$@"
