#!/bin/sh
# Installs what the tests with other people's ZooKeeper clients need and this machine lacks (Debian,
# Ubuntu, as root). Elsewhere it does nothing: each of the tests says what it lacks.
set -eu
have() { command -v "$1" >/dev/null 2>&1; }
missing=''
have python3 && python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
have javac || missing="$missing openjdk-17-jdk-headless"
have npm || missing="$missing nodejs npm"
[ -e /usr/include/zookeeper/zookeeper.h ] || missing="$missing libzookeeper-mt-dev"
if [ -n "$missing" ] && have apt-get && [ "$(id -u)" -eq 0 ]; then
    echo "setup: installing:$missing" >&2
    # shellcheck disable=SC2086 # a list of words
    { DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >&2 </dev/null
fi
