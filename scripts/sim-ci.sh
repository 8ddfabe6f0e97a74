#!/usr/bin/env bash
# The simulated runs that failed once, then fresh seeds for a time box. The base of the fresh seeds is the
# day, or SIM_BASE; it is printed, and a failure prints the command that replays it.
set -euo pipefail
cd "$(dirname "$0")/.."

box=${SIM_SECONDS:-60}
base=${SIM_BASE:-$(date -u +%Y%m%d)}
first=$((base * 100000))

# Debug by default: a fresh machine would compile RocksDB a second time for release.
profile=${SIM_PROFILE:-debug} flags=''
if [ "$profile" = release ]; then flags='--release'; fi
# shellcheck disable=SC2086 # a word, or nothing
cargo build $flags --locked -q -p sim --bin sim
sim=${CARGO_TARGET_DIR:-target}/$profile/sim

"$sim" run --keep-going --file crates/sim/seeds/found.txt
echo "fresh seeds from $first for $box s (SIM_BASE=$base gives the same)"
"$sim" run --seeds "$first..$((first + 99999))" --time-box "$box"
