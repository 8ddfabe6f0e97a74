#!/bin/sh
# Consumers share the partitions of a topic: each is a member of a group and takes every n-th partition, by
# its place among the n members. When one comes or goes all hear of it and count anew. For a moment two may
# think a partition theirs: what must not be done twice is done under the lock of the partition.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/partitions.sh [PARTITIONS]
set -eu
partitions=${1:-12} H=${HOLDFAST_ENDPOINTS%%,*} group="topic-$$"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export partitions H group

cat > "$dir/common" <<'COMMON'
api() { curl -sS --fail-with-body "$@"; }
etag='"none"'
# Answers when the group is not what it was at the last answer: $members has one line for each, by name.
changed() {
    answer=$(api -i "$H/v1/groups/$group" -H "If-None-Match: $etag" -H 'Prefer: wait=60') || return
    answer=$(printf '%s\n' "$answer" | tr -d '\r')
    etag=$(printf '%s\n' "$answer" | sed -n 's/^[Ee][Tt]ag: //p')
    members=$(printf '%s\n' "$answer" | tail -n 1 | grep -o '"member":"[^}]*' | cut -d '"' -f 4 | sort || true)
}
COMMON

# A consumer says what it has as the value of its membership.
cat > "$dir/consumer" <<'CONSUMER'
. "$(dirname "$0")/common"
me=$1 said=none
has() { api -o /dev/null -X PUT "$H/v1/groups/$group/-/members/$me" -H "Holdfast-Session: $me" -d "{\"value\": \"$1\"}"; }
has ''
while changed; do
    place=$(printf '%s\n' "$members" | grep -nxF "$me" | cut -d : -f 1)
    test -n "$place" || exit 0 # its session has ended
    mine=$(seq -s ' ' $((place - 1)) "$(printf '%s\n' "$members" | wc -l)" $((partitions - 1)))
    test "$mine" = "$said" || has "$mine" 2> /dev/null || exit 0
    said=$mine
done
CONSUMER

. "$dir/common"
# Waits until so many members have all partitions, each once.
shared_by() {
    while changed; do
        have=$(printf '%s\n' "$answer" | tail -n 1 | grep -o '"value":"[^"]*"' | cut -d '"' -f 4 | tr ' ' '\n' | sort -n)
        test "$(printf '%s\n' "$members" | wc -l)" -eq "$1" || continue
        test "$have" != "$(seq 0 $((partitions - 1)))" || return 0
    done
    return 1
}

pids=
for n in 1 2 3; do
    api -o /dev/null -X PUT "$H/v1/sessions/consumer-$$-$n" -d '{"ttl": "1m"}'
    sh "$dir/consumer" "consumer-$$-$n" & pids="$pids $!"
done
shared_by 3
# One is gone, as if its machine had died and its session had run out.
api -o /dev/null -X DELETE "$H/v1/sessions/consumer-$$-2"
shared_by 2
for n in 1 3; do api -o /dev/null -X DELETE "$H/v1/sessions/consumer-$$-$n"; done
for pid in $pids; do wait "$pid"; done
echo "$partitions partitions were shared by 3 consumers, and by the 2 that stayed"
