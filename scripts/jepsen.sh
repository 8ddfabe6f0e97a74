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
cargo build --locked $flags -p jepsen $features
binary="$target/$profile/holdfast"
harness="$target/$profile/hf-jepsen"
if [ "$what" = mutants ]; then
    # Under names of their own, so that nobody takes them for the product.
    for program in holdfast hf-jepsen; do
        mv "$target/$profile/$program" "$target/$profile/$program-with-mutants"
    done
    binary=$binary-with-mutants harness=$harness-with-mutants
fi
seed=${SEED:+--seed=$SEED}
# shellcheck disable=SC2086 # words, or nothing
case $what in
    run) exec "$harness" run --binary="$binary" --workload="$WORKLOAD" --nemesis="$NEMESIS" --door="$DOOR" \
        --seconds="$SECONDS" --nodes="$NODES" $seed ${ARGS:-} ;;
    suite) exec "$harness" suite --binary="$binary" --nodes="$NODES" $seed ${ARGS:-} ;;
    smoke) exec "$harness" suite --binary="$binary" --seconds=8 --time-box=240 --seed="${SEED:-1}" ${ARGS:-} ;;
    mutants) exec "$harness" mutants --binary="$binary" ${ONLY:+--only=$ONLY} $seed ${ARGS:-} ;;
esac
