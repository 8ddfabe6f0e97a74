#!/bin/sh
# An SQL table that compares fences itself: the row keeps the largest fence that wrote it, and an UPDATE with a
# smaller one changes nothing. This closes the gap completely, whatever pauses there are.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/fenced-table.sh      (needs the sqlite3 command)
set -eu
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
sql() { sqlite3 -batch "$base/db" ".timeout 10000" "$1"; }
lock="table-$$"
sql "CREATE TABLE report (id INTEGER PRIMARY KEY, body TEXT, fence INTEGER NOT NULL); INSERT INTO report VALUES (1, '', 0);"

# write FENCE TEXT: prints how many rows it changed; 0 is too late.
write() { sql "UPDATE report SET body = '$2', fence = $1 WHERE id = 1 AND fence <= $1; SELECT changes();"; }
# shellcheck disable=SC2016 # for the shell that the lock is held by
fence() { holdfast lock -q "$lock" -- sh -c 'echo $HOLDFAST_FENCE'; }

first=$(fence)
test "$(write "$first" 'by the first holder')" = 1
second=$(fence)
test "$(write "$second" 'by the second holder')" = 1

# The first one was paused with its fence in hand, and goes on.
late=$(write "$first" 'by the first holder, too late')
test "$late" = 0 || { echo "a stale fence wrote $late rows" >&2; exit 1; }
echo "the stale holder changed $late rows; the row is: $(sql 'SELECT body FROM report')"
