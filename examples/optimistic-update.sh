#!/bin/sh
# Instead of a version column that is read, compared and written in three steps: the write carries the
# condition (If-Match). Several writers change one document, each in a loop of read, decide, write; who
# lost the race reads again. No lock is needed.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/optimistic-update.sh [WRITERS] [ROUNDS]
set -eu
writers=${1:-4} rounds=${2:-10}
H=${HOLDFAST_ENDPOINTS%%,*}
node="$H/v1/nodes/app/stock-$$"
curl -sS --fail-with-body -o /dev/null -X PUT "$node?parents=1" -H 'If-None-Match: *' -d 0

take_one() {
    while :; do
        answer=$(curl -sS --fail-with-body -i "$node" | tr -d '\r')
        etag=$(printf '%s\n' "$answer" | sed -n 's/^[Ee][Tt]ag: //p')
        count=$(printf '%s\n' "$answer" | tail -n 1)
        status=$(curl -sS -o /dev/null -w '%{http_code}' -X PUT "$node" -H "If-Match: $etag" -d $((count + 1)))
        case $status in
            200) return ;;
            412) ;; # somebody was faster: read again
            *) echo "status $status" >&2; return 1 ;;
        esac
    done
}

pids=
for _ in $(seq "$writers"); do
    (for _ in $(seq "$rounds"); do take_one; done) & pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done

is=$(curl -sS --fail-with-body "$node") should=$((writers * rounds))
curl -sS --fail-with-body -o /dev/null -X DELETE "$node"
test "$is" -eq "$should" || { echo "$is, not $should: an update was lost" >&2; exit 1; }
echo "$writers writers, $rounds updates each: $is, none lost"
