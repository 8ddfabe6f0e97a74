#!/bin/sh
# Compiles the programs in tests/clients/java against the real jars: prints the command that starts
# one of their classes. Without a Java compiler it prints nothing, or fails where CI is set.
set -eu
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/target}"
if ! command -v javac >/dev/null 2>&1; then
    echo "a Java compiler, 17 or later, is needed: apt-get install openjdk-17-jdk-headless" >&2
    [ -z "${CI:-}" ] || exit 1
    exit 0
fi
JARS=$(./scripts/zookeeper-jars.sh)
OUT="$CARGO_TARGET_DIR/java-clients"
rm -rf "$OUT"
mkdir -p "$OUT"
javac -Xlint:all,-classfile,-try -Werror -d "$OUT" -cp "$JARS/*" tests/clients/java/*.java
# Larger than the default of a megabyte, which would refuse long lists of children on the client's side.
echo "java -Djute.maxbuffer=8388608 -Dlog4j2.level=FATAL -cp $OUT:$JARS/*"
