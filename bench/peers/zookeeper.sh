#!/bin/sh
# Apache ZooKeeper: an ensemble of three on loopback, as its own zkServer.sh would start it.
# PEER_HEAP: size of each server's heap instead of zkServer.sh's 1000m.
set -eu
PEER=zookeeper
# shellcheck source=bench/peers/common.sh
. "$(dirname "$0")/common.sh"

jars() {
    "$ROOT/scripts/zookeeper-jars.sh"
}

install() {
    packages java=default-jre-headless python3=python3-pip
    jars >/dev/null
}

version() {
    for jar in "$(jars)"/zookeeper-[0-9]*.jar; do
        jar=${jar##*/zookeeper-}
        echo "ZooKeeper ${jar%.jar}"
    done
}

prepare() {
    port=$1
    heap=${PEER_HEAP:-1000m}
    classes="$(jars)/*"
    members=$(for n in 1 2 3; do echo "server.$n=127.0.0.1:$((port + 19 + n)):$((port + 29 + n))"; done)
    for n in 1 2 3; do
        endpoint $((port + n - 1))
        mkdir -p "$DIR/$n/data"
        echo "$n" > "$DIR/$n/data/myid"
        cat > "$DIR/$n/zoo.cfg" <<END
tickTime=2000
initLimit=10
syncLimit=5
dataDir=$DIR/$n/data
clientPort=$((port + n - 1))
clientPortAddress=127.0.0.1
maxClientCnxns=0
admin.enableServer=false
4lw.commands.whitelist=srvr,mntr,ruok
$members
END
        server "$n" java "-Xmx$heap" -XX:+ExitOnOutOfMemoryError -Dlog4j2.level=info -cp "$classes" \
            org.apache.zookeeper.server.quorum.QuorumPeerMain "$DIR/$n/zoo.cfg"
    done
}

# What server N calls itself: leader, follower, or nothing.
mode() {
    # shellcheck disable=SC2016 # for the other shell
    timeout 2 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$1" && printf srvr >&3 && cat <&3' bash "$(port_of "$1")" \
        2>/dev/null | sed -n 's/^Mode: //p'
}

answers() {
    [ -n "$(mode "$1")" ]
}

leads() {
    [ "$(mode "$1")" = leader ]
}

# snapCount and what stands below it are set nowhere: ZooKeeper's own defaults.
settings() {
    cat <<END
servers: $(count)
fsync: every transaction is synced before it is acknowledged (forceSync=yes, default)
heap: $(sed "s/.*'-Xmx\([^']*\)'.*/\1/" "$DIR/1/command")
java: $(java -version 2>&1 | sed -n 's/.* version "\(.*\)".*/\1/p')
heartbeat: $(setting tickTime) ms (tickTime; half of it between servers)
election timeout: $(($(setting tickTime) * $(setting syncLimit))) ms without a word from a server (syncLimit=$(setting syncLimit))
initLimit: $(setting initLimit)
snapshot: after about 100000 transactions (snapCount, default; random between half of it and all)
transactions in memory for followers: 500 (commitLogCount, default)
requests in flight: 1000 (globalOutstandingLimit, default)
maxClientCnxns: $(setting maxClientCnxns) (unlimited)
dataDir and dataLogDir: one disk
END
}

setting() {
    sed -n "s/^$1=//p" "$DIR/1/zoo.cfg"
}

main "$@"
