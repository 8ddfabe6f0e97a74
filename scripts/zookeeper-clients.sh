#!/bin/sh
# kazoo's own tests, unmodified, against three real nodes. What does not pass is listed with its
# reason in tests/kazoo/not-passing.txt; a test that is listed and passes is a failure too.
set -eu
cd "$(dirname "$0")/.."
KAZOO=2.11.0
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/kazoo-$KAZOO"
if ! command -v python3 >/dev/null 2>&1; then
    echo "python3 with venv is needed: apt-get install python3-venv" >&2
    exit 1
fi
if [ ! -e "$CACHE/complete" ]; then
    rm -rf "$CACHE"
    python3 -m venv "$CACHE"
    "$CACHE/bin/pip" install --quiet "kazoo==$KAZOO" pytest pytest-timeout pyopenssl pyjks gevent eventlet objgraph
    touch "$CACHE/complete"
fi
cargo build --locked -p holdfast
HOLDFAST="$CARGO_TARGET_DIR/debug/holdfast"
PYTHONPATH="$PWD/tests/kazoo"
export HOLDFAST PYTHONPATH
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
cd "$("$CACHE/bin/python" -c 'import os, kazoo; print(os.path.dirname(kazoo.__file__))')"
exec "$CACHE/bin/python" -m pytest -p holdfast_cluster -p no:cacheprovider -q --timeout=120 tests "$@"
