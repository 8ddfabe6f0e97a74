#!/bin/sh
# The scripts of tests/transcript/ against a real ZooKeeper and against three nodes, compared frame by
# frame. UPDATE=1 keeps the new recording.
set -eu
cd "$(dirname "$0")/.."
if ! command -v java >/dev/null 2>&1; then
    echo "java 17 is needed: apt-get install openjdk-17-jre-headless" >&2
    exit 1
fi
ZOOKEEPER_JARS="$(./scripts/zookeeper-jars.sh)"
cargo build --locked -p holdfast
HOLDFAST_TEST_BINARY="$CARGO_TARGET_DIR/debug/holdfast"
export ZOOKEEPER_JARS HOLDFAST_TEST_BINARY
exec cargo run --locked -p holdfast-tests --bin zookeeper-transcript -- "$@"
