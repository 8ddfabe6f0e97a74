#!/bin/sh
# Runs the tests of the packages named as for cargo, with nextest where it is installed.
set -eu
if cargo nextest --version >/dev/null 2>&1; then
    exec cargo nextest run --locked --no-tests=pass "$@"
fi
exec cargo test --locked --lib --bins --tests --examples "$@"
