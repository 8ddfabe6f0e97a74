#!/bin/sh
# Fails if BINARY has planted bugs (crate `mutant`): such a build is for tests under faults and must never
# reach anybody else.   scripts/no-mutants.sh BINARY
set -eu

binary=${1:?usage: scripts/no-mutants.sh BINARY}
if [ ! -s "$binary" ]; then
    echo "no-mutants: there is no binary $binary, so nothing is known of it" >&2
    exit 2
fi
# Both stand in crates/mutant/src/planted.rs and nowhere else in the product.
for marker in HOLDFAST_MUTANT 'this build has planted bugs'; do
    # 0: found, 1: not found, anything else: grep could not look.
    found=0
    grep -qaF "$marker" "$binary" || found=$?
    case $found in
    0)
        echo "no-mutants: $binary has planted bugs (it contains \"$marker\"): do not ship it; build it without the feature \`mutants\`" >&2
        exit 1
        ;;
    1) ;;
    *)
        echo "no-mutants: $binary could not be searched" >&2
        exit 2
        ;;
    esac
done
