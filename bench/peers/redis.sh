#!/bin/sh
# Redis: one server on loopback that syncs every write. It is no cluster: what it does not pay for
# agreement is to be said beside its figures.
set -eu
PEER=redis
# shellcheck source=bench/peers/common.sh
. "$(dirname "$0")/common.sh"
LINK="$CACHE/redis/redis-server"

# Debian's redis-server is a name for a program in redis-tools, plus a service that would be started at
# once. The name is enough.
install() {
    packages redis-cli=redis-tools
    if ! command -v redis-server >/dev/null 2>&1 && [ ! -x "$LINK" ]; then
        mkdir -p "$(dirname "$LINK")"
        ln -sf "$(command -v redis-check-rdb)" "$LINK"
    fi
}

program() {
    command -v redis-server || { [ -x "$LINK" ] && echo "$LINK"; } || fail "not installed: run $0 install"
}

version() {
    program=$(program)
    "$program" --version | sed 's/.* v=\([^ ]*\).*/Redis \1/'
}

prepare() {
    program=$(program)
    endpoint "$1"
    mkdir -p "$DIR/1/data"
    cat > "$DIR/1/redis.conf" <<END
bind 127.0.0.1
port $1
dir "$DIR/1/data"
daemonize no
appendonly yes
appendfsync always
save ""
END
    server 1 "$program" "$DIR/1/redis.conf"
}

ask() {
    timeout 2 redis-cli -h 127.0.0.1 -p "$(port_of 1)" "$@" 2>/dev/null
}

answers() {
    [ "$(ask PING)" = PONG ]
}

leads() {
    answers 1
}

settings() {
    cat <<END
servers: $(count)
fsync: appendfsync $(setting appendfsync), appendonly $(setting appendonly)
heap: $(setting maxmemory) (maxmemory; 0: unlimited)
heartbeat: none, one server
election timeout: none, one server
snapshot: save "$(setting save)"; the file is rewritten at $(setting auto-aof-rewrite-percentage) % growth
io-threads: $(setting io-threads)
END
}

setting() {
    ask CONFIG GET "$1" | sed -n 2p
}

main "$@"
