# shellcheck shell=sh
# What the scripts beside this file share. Each of them names itself in PEER, defines the functions
#   install          gets what is missing; says nothing when nothing is
#   version          prints one line
#   prepare PORT     says with `endpoint` and `server` what there is to start below $DIR
#   answers N        whether server N is fit for clients
#   leads N          whether server N says that it leads
#   settings         prints "name: value" lines
# and ends with `main "$@"`.

# shellcheck disable=SC2034 # the other scripts use these two
CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/holdfast"
# shellcheck disable=SC2034
ROOT=$(cd "$(dirname "$0")/../.." && pwd -P)
START_MS=60000
TERM_MS=5000
KILL_MS=10000
LOG_LINES=25

fail() {
    echo "$PEER: $*" >&2
    exit 1
}

usage() {
    cat >&2 <<END
usage: $0 install            get what is needed
       $0 version            print its name and version
       $0 start DIR PORT     start on 127.0.0.1, with data below DIR (empty or not there) and ports from PORT
       $0 restart DIR N      start killed server N again on its data; does not wait until it answers
       $0 leader DIR         print the number of the server that leads
       $0 settings DIR       print the settings that matter in a comparison
       $0 stop DIR           end the servers in DIR/pids
END
    exit 64
}

# Milliseconds since 1970.
now() {
    date +%s%3N
}

# Installs packages of Debian and Ubuntu whose commands are missing. Arguments: COMMAND=PACKAGE.
packages() {
    missing=''
    for pair; do
        command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
    done
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null 2>&1 || fail "please install:$missing"
    as_root=''
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "please run as root: apt-get install -y$missing"
        as_root='sudo'
    fi
    echo "$PEER: installing:$missing" >&2
    # shellcheck disable=SC2086 # a list of words
    { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } >&2 </dev/null
}

http() {
    curl --silent --fail --noproxy '*' --max-time 2 "$@"
}

# One word that the shell reads back as it was.
quoted() {
    printf '%s\n' "$1" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
}

# Whether anything listens on a port of loopback.
taken() {
    # shellcheck disable=SC2016 # for the other shell
    timeout 2 bash -c ': <>"/dev/tcp/127.0.0.1/$1"' bash "$1" 2>/dev/null
}

# Adds one endpoint for clients: the next server's. A stranger that listens there would answer for it.
endpoint() {
    if taken "$1"; then fail "something else listens on port $1"; fi
    echo "127.0.0.1:$1" >> "$DIR/endpoints"
}

# Endpoint of a server.
endpoint_of() {
    sed -n "$1p" "$DIR/endpoints"
}

port_of() {
    endpoint_of "$1" | sed 's/.*://'
}

# Number of servers.
count() {
    wc -l < "$DIR/endpoints" | tr -d ' '
}

# Says how server N is started, now and again: `server N COMMAND ARGUMENT...`
server() {
    number=$1
    shift
    line='exec'
    for word; do
        line="$line $(quoted "$word")"
    done
    printf '%s\n' "$line" > "$DIR/$number/command"
}

# Starts server N away from this terminal and prints its process id.
launch() {
    cd "$DIR/$1" || fail "there is no $DIR/$1"
    # shellcheck disable=SC3045 # every shell that is sh on Linux knows it
    ulimit -n "$(ulimit -H -n)"
    setsid sh ./command </dev/null >>log 2>&1 &
    started_at "$!" > born
    echo "$!"
}

# When a process was started, in the kernel's ticks.
started_at() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20
}

pid_of() {
    sed -n "$1p" "$DIR/pids"
}

# Whether server N has not ended. A stranger that got its process id was started at another time. All
# threads are asked: the first may be dead while another still waits for the disk with the files open.
runs() {
    pid=$(pid_of "$1")
    [ "$(started_at "$pid")" = "$(cat "$DIR/$1/born")" ] || return 1
    cat "/proc/$pid/task/"*/stat 2>/dev/null | sed 's/.*) //' | grep -q '^[^ZX]'
}

# Process ids of the servers that have not ended.
running() {
    for number in $(seq "$(wc -l < "$DIR/pids")"); do
        if runs "$number"; then pid_of "$number"; fi
    done
}

# Whether all servers answer and one leads.
ready() {
    for number in $(seq "$(count)"); do
        answers "$number" || return 1
    done
    [ -n "$(leader)" ]
}

leader() {
    for number in $(seq "$(count)"); do
        if leads "$number"; then
            echo "$number"
            return
        fi
    done
}

start() {
    : > "$DIR/pids"
    trap stop EXIT
    trap 'exit 130' INT TERM HUP
    for number in $(seq "$(count)"); do
        pid=$(launch "$number")
        echo "$pid" >> "$DIR/pids"
    done
    end=$(($(now) + START_MS))
    while true; do
        for number in $(seq "$(count)"); do
            runs "$number" || give_up "server $number ended"
        done
        if ready; then break; fi
        [ "$(now)" -lt "$end" ] || give_up "not ready after $START_MS ms"
        sleep 0.1
    done
    trap - EXIT INT TERM HUP
}

give_up() {
    for number in $(seq "$(count)"); do
        echo "--- end of $DIR/$number/log:" >&2
        tail -n "$LOG_LINES" "$DIR/$number/log" >&2
    done
    fail "$1; the logs end as above"
}

restart() {
    [ -n "$(pid_of "$1")" ] || fail "there is no server $1 in $DIR"
    end=$(($(now) + KILL_MS))
    while runs "$1"; do
        [ "$(now)" -lt "$end" ] || fail "server $1 still runs"
        sleep 0.01
    done
    pid=$(launch "$1")
    sed "$1s/.*/$pid/" "$DIR/pids" > "$DIR/pids.new"
    mv "$DIR/pids.new" "$DIR/pids"
}

stop() {
    signal TERM "$TERM_MS" || signal KILL "$KILL_MS" || fail "still running: $(running | tr '\n' ' ')"
}

# Sends a signal to what runs, and waits so many milliseconds for its end.
signal() {
    for pid in $(running); do
        kill -s "$1" "$pid" 2>/dev/null || true
    done
    end=$(($(now) + $2))
    while [ -n "$(running)" ]; do
        [ "$(now)" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# Settings that whoever calls happens to have in the environment must not matter.
clean_environment() {
    names='HOLDFAST_[A-Z0-9_]*\|ETCD[A-Z0-9_]*\|GOGC\|GOMAXPROCS\|JAVA_TOOL_OPTIONS\|JDK_JAVA_OPTIONS'
    for name in $(env | sed -n "s/^\($names\)=.*/\1/p"); do
        unset "$name"
    done
}

new_directory() {
    case "$2" in
        '' | *[!0-9]*) fail "not a port: $2" ;;
    esac
    mkdir -p "$1"
    DIR=$(cd "$1" && pwd -P)
    [ -z "$(ls -A "$DIR")" ] || fail "$DIR is not empty"
}

old_directory() {
    [ -e "$1/pids" ] || fail "nothing was started in $1"
    DIR=$(cd "$1" && pwd -P)
}

main() {
    case "${1:-}:$#" in
        install:1 | version:1) "$1" ;;
        start:3)
            new_directory "$2" "$3"
            prepare "$3"
            clean_environment
            start
            ;;
        restart:3)
            old_directory "$2"
            clean_environment
            restart "$3"
            ;;
        leader:2)
            old_directory "$2"
            leader=$(leader)
            [ -n "$leader" ] || fail "no server leads"
            echo "$leader"
            ;;
        settings:2)
            old_directory "$2"
            settings
            ;;
        stop:2)
            old_directory "$2"
            stop
            ;;
        *) usage ;;
    esac
}
