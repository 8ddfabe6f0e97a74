#!/bin/sh
# A cron job that every machine of a fleet fires and one runs: the run has a name (job and minute), and who
# makes its znode first runs it. A machine that dies before it is done leaves the run to the next that
# asks: the znode is made only under the lock, and the lock is tried, not awaited.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/cron-once.sh [MACHINES]
# In a crontab: 0 3 * * *  holdfast lock -n -E 0 cron/nightly -- run-once nightly-$(date +\%Y-\%m-\%dT\%H:\%M) ./nightly.sh
set -eu
machines=${1:-6}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
job="nightly-$$"
export dir job

# Under the lock: nothing to do if the run is done; otherwise the work, then the mark that it is done, refused
# if the lock was lost meanwhile.
cat > "$dir/run" <<'RUN'
holdfast get "/cron/$job" > /dev/null 2>&1 && exit 0
echo "$1" >> "$dir/ran"
holdfast put -p --create-only --fence "cron/$job=$HOLDFAST_FENCE" "/cron/$job" "done by $1" > /dev/null
RUN

pids=
for n in $(seq "$machines"); do
    # -n: who comes while another runs it has nothing to do; -E 0: and that is no failure.
    holdfast lock -q -n -E 0 "cron/$job" -- sh "$dir/run" "machine-$n" & pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
# One that fires late finds it done.
holdfast lock -q "cron/$job" -- sh "$dir/run" "late"

ran=$(wc -l < "$dir/ran")
test "$ran" -eq 1 || { cat "$dir/ran" >&2; exit 1; }
echo "$machines machines fired, $(cat "$dir/ran") ran it: $(holdfast get "/cron/$job")"
holdfast rm "/cron/$job" > /dev/null
