#!/bin/sh
# Holdfast against its peers (bench/README.md): builds, installs who is missing, runs. The arguments are hf-bench's.
set -eu
cd "$(dirname "$0")/.."
# One after the other: together they would want other features of what they share, and compile RocksDB again.
cargo build --release --locked -p holdfast
cargo build --release --locked -p compare
command -v strace >/dev/null 2>&1 || { echo "bench: strace is needed: apt-get install strace" >&2; exit 1; }
export HOLDFAST="$CARGO_TARGET_DIR/release/holdfast"
./scripts/no-mutants.sh "$HOLDFAST"
for peer in holdfast zookeeper etcd redis; do "./bench/peers/$peer.sh" install; done
exec "$CARGO_TARGET_DIR/release/hf-bench" --holdfast "$HOLDFAST" --dir "$CARGO_TARGET_DIR/bench-data" "$@"
