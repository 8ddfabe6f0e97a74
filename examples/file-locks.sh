#!/bin/sh
# Exclusive and shared locks over many files, by name: writers rewrite a file in two steps, readers must
# never see it between them. `holdfast lock` holds the lock exactly as long as the command runs.
#
#   HOLDFAST_ENDPOINTS=http://127.0.0.1:7401 examples/file-locks.sh [FILES] [WRITERS] [READERS]
set -eu
files=${1:-5} writers=${2:-3} readers=${3:-3}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export dir

# A file is whole when both of its lines are the same.
cat > "$dir/write" <<'WRITE'
echo "$2" > "$dir/$1"
echo "$2" >> "$dir/$1"
WRITE
cat > "$dir/read" <<'READ'
test ! -e "$dir/$1" || test "$(sort -u "$dir/$1" | wc -l)" -eq 1 || echo "torn: $1" >> "$dir/torn"
READ

pids=
for n in $(seq "$writers"); do
    (for f in $(seq "$files"); do
        holdfast lock -q -w 60s "files/doc-$f" -- sh "$dir/write" "doc-$f" "writer $n"
    done) & pids="$pids $!"
done
for n in $(seq "$readers"); do
    (for f in $(seq "$files"); do
        holdfast lock -q -s -w 60s "files/doc-$f" -- sh "$dir/read" "doc-$f"
    done) & pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done

test ! -e "$dir/torn" || { cat "$dir/torn" >&2; exit 1; }
echo "$writers writers and $readers readers over $files files: nothing torn"
