#!/bin/sh
# A plain directory of files, written under a lock by whoever holds it, and protected from one who does not
# any more: each write shows its fence to the register of the directory first. A file system cannot
# compare numbers; the register narrows the gap from the length of the work to that of one write.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/fenced-file.sh
set -eu
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
lock="store-$$"

# write FENCE FILE TEXT: refused (exit code 82) once a later holder has written.
write() { holdfast fence advance -q "$lock" "$1" && printf '%s\n' "$3" > "$store/$2.new" && mv "$store/$2.new" "$store/$2"; }
# shellcheck disable=SC2016 # for the shell that the lock is held by
fence() { holdfast lock -q "$lock" -- sh -c 'echo $HOLDFAST_FENCE'; }

first=$(fence)
write "$first" report 'by the first holder'
second=$(fence)
write "$second" report 'by the second holder'

# The first one was paused with its fence in hand, and goes on.
if write "$first" report 'by the first holder, too late' 2>/dev/null; then
    echo "a stale fence was accepted" >&2
    exit 1
fi
test "$(cat "$store/report")" = 'by the second holder'
write "$second" report 'by the second holder, again'
holdfast fence rm -q "$lock"
echo "the stale holder was refused; the file is: $(cat "$store/report")"
