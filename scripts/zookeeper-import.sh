#!/bin/sh
# The importer against a real ZooKeeper 3.9: its tests, or with "measure" its figures.
set -eu
cd "$(dirname "$0")/.."
for tool in java python3; do
    command -v $tool >/dev/null 2>&1 || { echo "$tool is needed: apt-get install default-jre-headless python3-pip" >&2; exit 1; }
done
JARS=$(./scripts/zookeeper-jars.sh)
DIRECTORY=$(mktemp -d)
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$DIRECTORY/zoo.cfg" <<END
tickTime=2000
dataDir=$DIRECTORY/data
clientPort=$PORT
clientPortAddress=127.0.0.1
admin.enableServer=false
4lw.commands.whitelist=srvr
END
java -cp "$JARS/*" -Xmx1g -Dzookeeper.extendedTypesEnabled=true \
    org.apache.zookeeper.server.quorum.QuorumPeerMain "$DIRECTORY/zoo.cfg" > "$DIRECTORY/log" 2>&1 &
SERVER=$!
trap 'kill $SERVER 2>/dev/null || true; wait $SERVER 2>/dev/null || true; rm -rf "$DIRECTORY"' EXIT
python3 - "$PORT" <<'END' || { cat "$DIRECTORY/log" >&2; exit 1; }
import socket, sys, time
for attempt in range(300):
    try:
        with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2) as server:
            server.sendall(b"srvr")
            if b"version" in server.recv(1000):
                sys.exit(0)
    except OSError:
        pass
    time.sleep(0.1)
sys.exit("ZooKeeper does not answer")
END
export HOLDFAST_TEST_ZOOKEEPER="127.0.0.1:$PORT"
if [ "${1:-}" = measure ]; then
    cargo build --release --locked -p holdfast
    HOLDFAST_TEST_BINARY="$CARGO_TARGET_DIR/release/holdfast" cargo run --locked -p holdfast-tests --bin measure_import
else
    cargo build --locked -p holdfast
    ./scripts/test.sh -p holdfast-tests import::
fi
