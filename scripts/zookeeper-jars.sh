#!/bin/sh
# The jars of a real ZooKeeper 3.9 and of Curator 5.7, as PyPI's pyspark ships them: prints the folder
# they are in. Downloaded once (430 MB), of which 30 MB are kept.
set -eu
PYSPARK=4.0.1
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/holdfast/zookeeper-jars-$PYSPARK"
if [ ! -e "$CACHE/complete" ]; then
    command -v python3 >/dev/null 2>&1 || { echo "python3 with pip is needed: apt-get install python3-pip" >&2; exit 1; }
    rm -rf "$CACHE"
    mkdir -p "$CACHE/download"
    python3 -m pip download --quiet --no-deps --dest "$CACHE/download" "pyspark==$PYSPARK" >&2
    tar -xzf "$CACHE/download/pyspark-$PYSPARK.tar.gz" -C "$CACHE" --strip-components=3 --wildcards \
        'pyspark-*/deps/jars/zookeeper-*.jar' 'pyspark-*/deps/jars/curator-*.jar' \
        'pyspark-*/deps/jars/netty-*4.1*.Final.jar' 'pyspark-*/deps/jars/netty-transport-native-epoll-*-linux-x86_64.jar' \
        'pyspark-*/deps/jars/slf4j-api-*.jar' 'pyspark-*/deps/jars/metrics-core-*.jar' 'pyspark-*/deps/jars/snappy-java-*.jar' \
        'pyspark-*/deps/jars/guava-*.jar' 'pyspark-*/deps/jars/jackson-annotations-*.jar' \
        'pyspark-*/deps/jars/jackson-core-2*.jar' 'pyspark-*/deps/jars/jackson-databind-*.jar' \
        'pyspark-*/deps/jars/log4j-api-*.jar' 'pyspark-*/deps/jars/log4j-core-*.jar' 'pyspark-*/deps/jars/log4j-slf4j2-impl-*.jar'
    rm -rf "$CACHE/download"
    touch "$CACHE/complete"
fi
echo "$CACHE"
