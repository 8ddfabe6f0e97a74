#!/bin/sh
# A plain file store and an SQL table that take a write only with a signed fence token, which they verify
# without asking anybody: all they have from the cluster is its public keys. A token says who was granted
# which fence, not that the hold still stands; so each store keeps the highest fence it has accepted.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/signed-stores.sh      (needs sqlite3 and flock)
set -eu
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
lock="stores-$$"

# shellcheck disable=SC2016 # for the shell that the lock is held by
token() { holdfast lock -q --token "$lock" -- sh -c 'echo $HOLDFAST_FENCE_TOKEN'; }
first=$(token)
second=$(token)

# The stores take the keys once (/.well-known/jwks.json of any node), and again when they meet one they do not
# know. From here on there is no cluster that they could ask.
holdfast fence-keys export > "$base/keys.json"
export HOLDFAST_ENDPOINTS=http://127.0.0.1:1

# verify TOKEN: prints its fence, if this cluster signed it for this lock.
verify() { holdfast fence verify --jwks "$base/keys.json" --lock "$lock" -- "$1"; }

# put TOKEN FILE TEXT: the file store. One writer at a time, so that nothing comes between comparing and writing.
put() (
    fence=$(verify "$1") || return 1
    exec 9> "$base/store.lock" && flock 9
    highest=$(cat "$base/$2.fence" 2>/dev/null || echo 0)
    test "$fence" -ge "$highest" || { echo "fence $fence is too late, $highest was here" >&2; return 1; }
    echo "$fence" > "$base/$2.fence"
    printf '%s\n' "$3" > "$base/$2.new" && mv "$base/$2.new" "$base/$2"
)

# update TOKEN TEXT: the table. Prints how many rows it changed; 0 is too late.
sql() { sqlite3 -batch "$base/db" ".timeout 10000" "$1"; }
update() {
    fence=$(verify "$1") || return 1
    sql "UPDATE report SET body = '$2', fence = $fence WHERE id = 1 AND fence <= $fence; SELECT changes();"
}
sql "CREATE TABLE report (id INTEGER PRIMARY KEY, body TEXT, fence INTEGER NOT NULL); INSERT INTO report VALUES (1, '', 0);"

put "$first" report 'by the first holder'
test "$(update "$first" 'by the first holder')" = 1
put "$second" report 'by the second holder'
test "$(update "$second" 'by the second holder')" = 1

# The first one was paused with its token in hand, and goes on. The token is as genuine as before.
if put "$first" report 'too late' 2>/dev/null; then echo "the file store took a late write" >&2; exit 1; fi
test "$(update "$first" 'too late')" = 0

# Nobody can make a higher fence up: one changed letter, and the signature is wrong.
forged="x${second#?}"
if put "$forged" report 'forged' 2>/dev/null || update "$forged" 'forged' 2>/dev/null; then
    echo "a forged token was taken" >&2
    exit 1
fi
test "$(cat "$base/report")" = 'by the second holder'
test "$(sql 'SELECT body FROM report')" = 'by the second holder'
echo "both stores refused the late holder and the forged token, and asked nobody"
