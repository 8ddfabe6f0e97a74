#!/bin/sh
# A schema is changed step by step by one migrator at a time. The lock says who; its fence is named with
# every write, so a migrator that was paused and replaced cannot go on; and the version of the schema is
# compared with every step, so no step is done twice.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/schema-change.sh
set -eu
H=${HOLDFAST_ENDPOINTS%%,*}
api() { curl -sS --fail-with-body "$@"; }
code() { curl -sS -o /dev/null -w '%{http_code}' "$@"; }
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

api -o /dev/null -X PUT "$H/v1/nodes/app/schema?parents=1" -d 'version 0'
for migrator in old new; do
    api -o /dev/null -X PUT "$H/v1/sessions/$migrator-$$" -d '{"ttl": "1m"}'
done

# The old one takes the lock and does its first step.
old=$(api -X PUT "$H/v1/locks/schema/-/claims/old-$$" -H "Holdfast-Session: old-$$" -d '{"reason": "add column"}' | field fence)
api -o /dev/null -X PUT "$H/v1/nodes/app/schema" -H "Holdfast-Fence: schema=$old" -H 'If-Match: "v0"' -d 'version 1'

# It does not answer any more: somebody looks what breaking its lock would do, and breaks it. The new one
# goes on where the schema is.
why='{"reason": "host does not answer"}'
api -X POST "$H/v1/locks/schema/-/break?dry_run=1" -H "If-Match: \"f$old\"" -d "$why" | field claim | grep -q "old-$$"
api -o /dev/null -X POST "$H/v1/locks/schema/-/break" -H "If-Match: \"f$old\"" -d "$why"
new=$(api -X PUT "$H/v1/locks/schema/-/claims/new-$$" -H "Holdfast-Session: new-$$" -d '{"reason": "add column"}' | field fence)
test "$new" -gt "$old"

# The old one wakes up in the middle of its work: the fence refuses it.
late=$(code -X PUT "$H/v1/nodes/app/schema" -H "Holdfast-Fence: schema=$old" -H 'If-Match: "v1"' -d 'version 2, too late')
test "$late" = 412

# The new one does the step, once: repeated, the version refuses it.
step() { code -X PUT "$H/v1/nodes/app/schema" -H "Holdfast-Fence: schema=$new" -H 'If-Match: "v1"' -d 'version 2'; }
test "$(step)" = 200
test "$(step)" = 412
api -o /dev/null -X DELETE "$H/v1/locks/schema/-/claims/new-$$" -H "Holdfast-Session: new-$$"

is=$(api "$H/v1/nodes/app/schema")
test "$is" = 'version 2' || { echo "the schema is '$is'" >&2; exit 1; }
api -o /dev/null -X DELETE "$H/v1/nodes/app/schema"
echo "the schema went from 0 to 2; the paused migrator was refused, and no step was done twice"
