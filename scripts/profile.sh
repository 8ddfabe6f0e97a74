#!/bin/sh
# Where the leader of three nodes on this machine spends its time under load: a flame graph, and the 30
# functions with most of it. From the environment: WORKLOAD, DOOR, CLIENTS and SECONDS as for `holdfast
# bench`, OUT (the picture), HOLDFAST (the program), PORT (the first of 23), CALLS: how perf finds who
# called, "dwarf" from a piece of the stack, "fp" from frame pointers where the build has them
# (RUSTFLAGS=-Cforce-frame-pointers=yes).
set -eu
cd "$(dirname "$0")/.."
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/holdfast"
CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$CACHE/target}"
HOLDFAST="${HOLDFAST:-$CARGO_TARGET_DIR/release/holdfast}"
OUT="${OUT:-$CARGO_TARGET_DIR/flamegraph.svg}"
WORKLOAD="${WORKLOAD:-write}" DOOR="${DOOR:-zookeeper}" CLIENTS="${CLIENTS:-64}"
# shellcheck disable=SC3028 # in a shell that counts in SECONDS it is still what was asked for
TIME="${SECONDS:-5}"
INFERNO=0.12.8
SAMPLES_PER_SECOND=997
WARM_UP=3
TOP=30
PEER=profile
# shellcheck source=bench/peers/common.sh
. bench/peers/common.sh

# What the kernel lets this user measure.
paranoid=$(cat /proc/sys/kernel/perf_event_paranoid 2>/dev/null || echo 0)
if [ "$(id -u)" -ne 0 ] && [ "$paranoid" -gt 2 ]; then
    fail "the kernel lets only root measure: sudo sysctl kernel.perf_event_paranoid=1"
elif [ "$(id -u)" -ne 0 ] && [ "$paranoid" -eq 2 ]; then
    echo "profile: without the kernel's part; for that: sudo sysctl kernel.perf_event_paranoid=1" >&2
fi
packages perf=linux-perf
flame="$CACHE/inferno-$INFERNO/bin"
if [ ! -x "$flame/inferno-flamegraph" ]; then
    echo "profile: installing inferno $INFERNO" >&2
    cargo install --locked --quiet --target-dir "$CARGO_TARGET_DIR/inferno" --root "${flame%/bin}" \
        --no-default-features --features cli "inferno@$INFERNO" >&2
fi

work=$(mktemp -d)
nodes="$work/nodes"
stop_nodes() { [ ! -e "$nodes/pids" ] || bench/peers/holdfast.sh stop "$nodes"; }
stop_load() { [ -z "$load" ] || kill "$load" 2>/dev/null; }
load=''
trap 'stop_load || true; stop_nodes || true; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP PIPE
export HOLDFAST
bench/peers/holdfast.sh start "$nodes" "${PORT:-23400}"
leader=$(bench/peers/holdfast.sh leader "$nodes")
pid=$(sed -n "${leader}p" "$nodes/pids")

with_commas() { sed "s|^|$1|" "$2" | paste -s -d ,; }
"$HOLDFAST" bench "$WORKLOAD" --door "$DOOR" -c "$CLIENTS" --warm-up "${WARM_UP}s" -s "$((TIME + 1))s" \
    --endpoints "$(with_commas http:// "$nodes/endpoints")" --zookeeper "$(with_commas '' "$nodes/zookeeper-endpoints")" &
load=$!
sleep "$WARM_UP"
kill -0 "$load" 2>/dev/null || fail "the load has ended before its time"
perf record --quiet --no-buildid-cache -F "$SAMPLES_PER_SECOND" --call-graph "${CALLS:-dwarf}" -o "$work/data" \
    -p "$pid" -- sleep "$TIME" ||
    fail "perf cannot measure process $pid: a container needs CAP_PERFMON, others sysctl kernel.perf_event_paranoid=1"
wait "$load" || fail "the load failed"
load=''
stop_nodes

mkdir -p "$(dirname "$OUT")"
# Without inlined functions: finding them takes minutes.
perf script --no-inline -i "$work/data" 2>/dev/null | "$flame/inferno-collapse-perf" > "$work/stacks"
"$flame/inferno-flamegraph" --title "the leader: $WORKLOAD, $DOOR, $CLIENTS clients" < "$work/stacks" > "$OUT"
echo "The $TOP functions with most of the time, without what they call:"
perf report --no-inline --no-children --sort symbol --stdio -g none -i "$work/data" 2>/dev/null |
    sed -n '/^ *[0-9]/s/  *-  *- *$//p' | head -n "$TOP"
echo "flame graph: $OUT"
