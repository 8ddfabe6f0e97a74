#!/bin/sh
# Installs what the build needs and this machine lacks. Says nothing when nothing is missing.
set -eu
say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
have_libclang() { # RocksDB's bindings are generated with it
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    for lib in /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so* /usr/lib64/libclang*.so* \
        /usr/lib/libclang*.so* /usr/local/lib/libclang* /Library/Developer/CommandLineTools/usr/lib/libclang.dylib; do
        [ -e "$lib" ] && return 0
    done
    return 1
}

missing=''
have g++ || have c++ || missing="$missing g++"
have clang && have_libclang || missing="$missing clang libclang-dev"
have make || missing="$missing make"
have curl || missing="$missing curl ca-certificates"
have sqlite3 || missing="$missing sqlite3" # for one of the examples, which the tests run
if [ -n "$missing" ]; then
    if ! have apt-get; then
        say "please install:$missing (a C++ compiler, clang with libclang, make, curl, sqlite3) with this system's package manager, then run this again"
        exit 1
    fi
    as_root=''
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || { say "please run as root: apt-get install -y$missing"; exit 1; }
        as_root='sudo'
    fi
    say "installing:$missing"
    # shellcheck disable=SC2086 # a list of words
    { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >&2 </dev/null
fi

wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
if ! have cargo || ! { have rustup || rustc --version | grep -q "^rustc $wanted"; }; then
    say "installing the Rust toolchain $wanted with rustup, for this user"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs </dev/null -o "${TMPDIR:-/tmp}/rustup-init.$$"
    sh "${TMPDIR:-/tmp}/rustup-init.$$" -y -q --no-modify-path --profile minimal --default-toolchain "$wanted" -c rustfmt -c clippy </dev/null >&2
    rm -f "${TMPDIR:-/tmp}/rustup-init.$$"
fi
