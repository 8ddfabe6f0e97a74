#!/bin/sh
# Holdfast itself: a cluster on loopback, with the ZooKeeper port open too.
# HOLDFAST: the program (default: the release build in cargo's target directory); never built here.
# Knows one command more: `term DIR`, the term of the leader.
# HOLDFAST_NODES: how many nodes instead of 3. HOLDFAST_FLAGS: more flags for every node.
set -eu
PEER=holdfast
# shellcheck source=bench/peers/common.sh
. "$(dirname "$0")/common.sh"
HOLDFAST=${HOLDFAST:-${CARGO_TARGET_DIR:-$CACHE/target}/release/holdfast}
NODES=${HOLDFAST_NODES:-3}

install() {
    packages curl=curl
    [ -x "$HOLDFAST" ] || fail "$HOLDFAST is not there: cargo build --release --locked -p holdfast, or set HOLDFAST"
}

version() {
    "$HOLDFAST" --version | sed 's/^holdfast /Holdfast /'
}

prepare() {
    install
    case "$NODES" in
        [1-9]) ;;
        *) fail "HOLDFAST_NODES is not a number from 1 to 9: $NODES" ;;
    esac
    program=$(cd "$(dirname "$HOLDFAST")" && pwd -P)/$(basename "$HOLDFAST")
    port=$1
    flags=${HOLDFAST_FLAGS:-}
    clean_environment
    members=''
    for n in $(seq "$NODES"); do
        members="$members${members:+,}$n=127.0.0.1:$((port + 19 + n))@http://127.0.0.1:$((port + n - 1))"
    done
    for n in $(seq "$NODES"); do
        endpoint $((port + n - 1))
        echo "127.0.0.1:$((port + 9 + n))" >> "$DIR/zookeeper-endpoints"
        mkdir -p "$DIR/$n"
        set -f
        # shellcheck disable=SC2086 # words
        set -- --node-id="$n" --data-dir="$DIR/$n/data" --api-listen="127.0.0.1:$((port + n - 1))" \
            --zookeeper-listen="127.0.0.1:$((port + 9 + n))" --peer-listen="127.0.0.1:$((port + 19 + n))" \
            --bootstrap --initial-cluster="$members" --cluster-token="$DIR" $flags
        set +f
        "$program" config print "$@" > "$DIR/$n/config"
        server "$n" "$program" serve "$@"
    done
    "$program" config reference > "$DIR/reference"
}

answers() {
    http "http://$(endpoint_of "$1")/readyz" >/dev/null
}

leads() {
    http "http://$(endpoint_of "$1")/v1/cluster" | tr -d ' \n' | grep -q "\"leader\":\"n$1\""
}

# From `holdfast config print`, as the nodes were started.
settings() {
    cat <<END
servers: $(count)
fsync: the log is synced before an entry counts (there is no setting to do without)
heap: unlimited
profile: $(setting profile)
heartbeat: $(timing heartbeat)
election timeout: $(timing election-min) to $(timing election-max)
snapshot: after $(setting snapshot-entries) entries
entries kept for followers: $(setting log-entries-kept)
log level: $(setting log-level)
END
}

setting() {
    sed -n "s/^$1 = \"\{0,1\}\([^\"# ]*\).*/\1/p" "$DIR/1/config"
}

# A setting whose default depends on the profile.
timing() {
    value=$(setting "$1")
    [ -n "$value" ] || value=$(sed -n "s/^| \`$1\` .*by profile (.*$(setting profile) \([^,)]*\).*/\1/p" "$DIR/reference")
    echo "$value"
}

# The highest term that a node knows: it counts elections.
term() {
    for n in $(seq "$(count)"); do
        http "http://$(endpoint_of "$n")/v1/cluster" | tr -d ' \n' | grep -o '"term":[0-9]*' | head -n 1
    done | sort -t : -k 2 -n | sed -n '$s/.*://p'
}

if [ "${1:-}:$#" = term:2 ]; then
    old_directory "$2"
    term
else
    main "$@"
fi
