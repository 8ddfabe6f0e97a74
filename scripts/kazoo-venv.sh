#!/bin/sh
# kazoo, and what its own tests need, in a virtual environment: prints the folder it is in.
set -eu
KAZOO=2.11.0
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/kazoo-$KAZOO"
if ! command -v python3 >/dev/null 2>&1; then
    echo "python3 with venv is needed: apt-get install python3-venv" >&2
    exit 1
fi
if [ ! -e "$CACHE/complete-2" ]; then
    rm -rf "$CACHE"
    python3 -m venv "$CACHE" >&2
    "$CACHE/bin/pip" install --quiet "kazoo==$KAZOO" pytest pytest-timeout pytest-rerunfailures pyopenssl pyjks gevent eventlet objgraph >&2
    touch "$CACHE/complete-2"
fi
echo "$CACHE"
