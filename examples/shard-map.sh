#!/bin/sh
# Clients of a cache find the server of a key themselves, with no proxy between: the map, one server a line, is
# a node that all of them watch, and each picks the server whose hash together with the key is the highest
# (rendezvous hashing), so that only the keys of a server that leaves move. Whoever changes the map reads it and
# writes it under If-Match: of two changes at once none is lost. For a moment clients may have two versions of it:
# that is fine for a cache, and what must have one owner is done under a lock of the shard.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/shard-map.sh [KEYS]
set -eu
keys=${1:-40} H=${HOLDFAST_ENDPOINTS%%,*} map="app/shards-$$"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export keys H map dir

cat > "$dir/common" <<'COMMON'
api() { curl -sS --fail-with-body "$@"; }
# Reads the map into $servers and its version into $etag; with a version, waits until it has another one.
read_map() {
    answer=$(api -i "$H/v1/nodes/$map" ${1:+-H "If-None-Match: $1" -H 'Prefer: wait=60'} 2> /dev/null) || return
    answer=$(printf '%s\n' "$answer" | tr -d '\r')
    etag=$(printf '%s\n' "$answer" | sed -n 's/^[Ee][Tt]ag: //p')
    servers=$(printf '%s\n' "$answer" | sed '1,/^$/d' | sort)
}
# "key server" for each key: of all "hash key server" the last ones. One process hashes them all.
picks() {
    mkdir "$dir/pairs-$$"
    for key in $(seq "$keys"); do
        for server in $servers; do printf %s "$key at $server" > "$dir/pairs-$$/$key $server"; done
    done
    (cd "$dir/pairs-$$" && sha1sum -- *) | sort | awk '{ at[$2] = $3 } END { for (key in at) print key, at[key] }' | sort -n
    rm -r "$dir/pairs-$$"
}
# Changes the map by a filter; again, if somebody else changed it meanwhile.
change() {
    while read_map; do
        status=$(printf '%s\n' "$servers" | "$@" | curl -sS -o /dev/null -w '%{http_code}' -X PUT \
            "$H/v1/nodes/$map" -H "If-Match: $etag" --data-binary @-)
        case $status in
            200) return ;;
            412) ;;
            *) echo "status $status" >&2; return 1 ;;
        esac
    done
    return 1
}
COMMON

# A client picks anew with each version of the map, until there is no map.
cat > "$dir/client" <<'CLIENT'
. "$dir/common"
etag=
while read_map "$etag"; do
    test -n "$servers" || continue # 304: the minute is over
    picks > "$dir/new-$1"
    mv "$dir/new-$1" "$dir/picks-$1-$(printf '%s\n' $servers | tr '\n' '+')"
done
CLIENT

. "$dir/common"
# Waits until all clients have picked among these servers, and compares: all must have picked the same.
picked_among() {
    for n in 1 2 3; do
        tries=0
        until test -e "$dir/picks-$n-$1"; do
            tries=$((tries + 1))
            test "$tries" -lt 600 || { echo "client $n did not hear of $1" >&2; exit 1; }
            sleep 0.1
        done
        cmp "$dir/picks-1-$1" "$dir/picks-$n-$1" || exit 1
    done
}
of() { grep -c " $1\$" "$2" || true; }

printf '%s\n' cache-1 cache-2 cache-3 cache-4 |
    api -o /dev/null -X PUT "$H/v1/nodes/$map?parents=1" -H 'If-None-Match: *' --data-binary @-
pids=
for n in 1 2 3; do sh "$dir/client" "$n" & pids="$pids $!"; done
before="$dir/picks-1-cache-1+cache-2+cache-3+cache-4+"
picked_among "${before#"$dir/picks-1-"}"

# One leaves: its keys are picked anew, all others stay where they are.
change grep -vx cache-3
left="$dir/picks-1-cache-1+cache-2+cache-4+"
picked_among "${left#"$dir/picks-1-"}"
moved=$(diff "$before" "$left" | grep -c '^<' || true)
test "$moved" -eq "$(of cache-3 "$before")" || { echo "$moved keys moved, not those of cache-3" >&2; exit 1; }
test "$moved" -gt 0 || { echo "cache-3 had no key" >&2; exit 1; }

# Two changes at once: neither is lost.
change sed '$a cache-5' & other=$!
change sed '$a cache-6'
wait "$other"
both="$dir/picks-1-cache-1+cache-2+cache-4+cache-5+cache-6+"
picked_among "${both#"$dir/picks-1-"}"
new=$(($(of cache-5 "$both") + $(of cache-6 "$both")))
test "$(diff "$left" "$both" | grep -c '^<' || true)" -eq "$new" || { echo "more moved than came" >&2; exit 1; }

api -o /dev/null -X DELETE "$H/v1/nodes/$map"
for pid in $pids; do wait "$pid"; done
echo "$keys keys: $moved moved when their server left, $new to two that came; 3 clients agree"
