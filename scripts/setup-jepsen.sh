#!/bin/sh
# Installs what faults need and this machine lacks (Debian, Ubuntu, as root). Elsewhere it does
# nothing: a run says which faults are then missing.
set -eu
have() { command -v "$1" >/dev/null 2>&1; }
missing=''
have ip || missing="$missing iproute2"
have nft || missing="$missing nftables"
have iptables || missing="$missing iptables"
have unshare || missing="$missing util-linux"
ls /usr/lib/*/faketime/libfaketimeMT.so.1 2>/dev/null | grep -q . || missing="$missing libfaketime"
if [ -n "$missing" ] && have apt-get && [ "$(id -u)" -eq 0 ]; then
    echo "setup: installing:$missing" >&2
    # shellcheck disable=SC2086 # a list of words
    { DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >&2 </dev/null
fi
