#!/bin/sh
# Other people's ZooKeeper clients, unmodified, against three real nodes: all of them in turn, or
# those named (kazoo java c node locks).
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- c node java locks kazoo
failed=''
for client in "$@"; do
    echo "== $client"
    "./zookeeper-$client.sh" || failed="$failed $client"
done
if [ -n "$failed" ]; then
    echo "failed:$failed" >&2
    exit 1
fi
