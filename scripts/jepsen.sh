#!/bin/sh
# Runs hf-jepsen with what the Makefile's variables say: run | suite | smoke | mutants, and the profile
# of the nodes' binary. The harness itself is always built for release: it must not be what is slow.
set -eu
what=$1 profile=$2
target=${CARGO_TARGET_DIR:-target}
release=''
[ "$profile" = debug ] || release='--release'
./scripts/setup-jepsen.sh
features=''
[ "$what" != mutants ] || features='--features mutants'
# shellcheck disable=SC2086 # words, or nothing
cargo build --locked $release -p holdfast $features
cargo build --locked --release -p jepsen
harness="$target/release/hf-jepsen"
HOLDFAST_TEST_BINARY="$target/$profile/holdfast"
if [ "$what" = mutants ]; then
    # The next build without the feature takes this file away: keep a copy.
    cp "$HOLDFAST_TEST_BINARY" "$target/$profile/holdfast-mutants"
    HOLDFAST_TEST_BINARY="$target/$profile/holdfast-mutants"
fi
export HOLDFAST_TEST_BINARY
seed=${SEED:+--seed=$SEED}
# shellcheck disable=SC2086 # words, or nothing
case $what in
    run) exec "$harness" run --workload="$WORKLOAD" --nemesis="$NEMESIS" --door="$DOOR" \
        --seconds="$SECONDS" --nodes="$NODES" $seed ;;
    suite) exec "$harness" suite --nodes="$NODES" $seed ;;
    smoke) exec "$harness" suite --seconds=8 --time-box=300 --seed="${SEED:-1}" ;;
    mutants) exec "$harness" mutants ${ONLY:+--only=$ONLY} $seed --binary="$HOLDFAST_TEST_BINARY" ;;
esac
