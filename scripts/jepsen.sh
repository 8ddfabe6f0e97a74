#!/bin/sh
# Runs hf-jepsen with what the Makefile's variables say: run | suite | smoke | mutants. Smoke uses debug
# builds, which every test run has anyway; the others measure, and use release builds.
set -eu
what=$1
target=${CARGO_TARGET_DIR:-target}
./scripts/setup-jepsen.sh
profile=release flags='--release'
if [ "$what" = smoke ]; then profile=debug flags=''; fi
features=''
[ "$what" != mutants ] || features='--features mutants'
# shellcheck disable=SC2086 # words, or nothing
cargo build --locked $flags -p holdfast $features
# shellcheck disable=SC2086 # words, or nothing
cargo build --locked $flags -p jepsen
binary="$target/$profile/holdfast"
if [ "$what" = mutants ]; then
    # A copy of its own, so that nobody takes it for the product.
    mv "$binary" "$target/$profile/holdfast-with-mutants"
    binary="$target/$profile/holdfast-with-mutants"
fi
seed=${SEED:+--seed=$SEED}
harness="$target/$profile/hf-jepsen"
# shellcheck disable=SC2086 # words, or nothing
case $what in
    run) exec "$harness" run --binary="$binary" --workload="$WORKLOAD" --nemesis="$NEMESIS" --door="$DOOR" \
        --seconds="$SECONDS" --nodes="$NODES" $seed ${ARGS:-} ;;
    suite) exec "$harness" suite --binary="$binary" --nodes="$NODES" $seed ${ARGS:-} ;;
    smoke) exec "$harness" suite --binary="$binary" --seconds=8 --time-box=240 --seed="${SEED:-1}" ${ARGS:-} ;;
    mutants) exec "$harness" mutants --binary="$binary" ${ONLY:+--only=$ONLY} $seed ${ARGS:-} ;;
esac
