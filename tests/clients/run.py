"""Runs a program that is a ZooKeeper client against three real nodes: `run.py PROGRAM ARGUMENT...`.

The program finds the nodes in its environment, HOLDFAST_ZOOKEEPER (host:port,...) and HOLDFAST_HTTP
(URL,...), node 1 first. A line that it prints with @ in front is an order to this runner, which
answers with one line on its standard input, `ok`, `ok VALUE` or `error TEXT`:

    @kill N     node N gets SIGKILL        @leader    number of the node that leads
    @stop N     node N gets SIGTERM        @start N   node N is started, and ready
    @freeze S   the program itself stands still (SIGSTOP) until session S (hexadecimal) is no more

All other lines are shown. The exit code is the program's; after LIMIT_SECONDS it is ended.
"""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from nodes import Cluster, wait_until

LIMIT_SECONDS = 300
# Short, so that the expiry of a session is not long to wait for.
FLAGS = ["--zookeeper-session-min=1s"]
LOG_LINES_SHOWN = 30


def session_is_gone(cluster, session):
    for server in cluster:
        if not server.running:
            continue
        try:
            with urllib.request.urlopen("%s/v1/sessions/0x%s" % (server.api, session.lstrip("0")), timeout=5):
                return False
        except urllib.error.HTTPError as answer:
            if answer.code == 410:
                return True
        except OSError:
            pass
    return False


def freeze(cluster, program, session):
    program.send_signal(signal.SIGSTOP)
    try:
        wait_until("session 0x%s to expire" % session, lambda: session_is_gone(cluster, session))
    finally:
        program.send_signal(signal.SIGCONT)


def carry_out(cluster, program, order):
    verb, *rest = order.split()
    if verb == "leader":
        return "ok %d" % cluster.leader()
    if verb == "freeze":
        freeze(cluster, program, rest[0])
    else:
        server = cluster[int(rest[0]) - 1]
        {"kill": server.kill, "stop": server.stop, "start": server.run}[verb]()
    return "ok"


def serve_orders(cluster, program):
    for line in program.stdout:
        line = line.rstrip("\n")
        if not line.startswith("@"):
            print(line, flush=True)
            continue
        try:
            answer = carry_out(cluster, program, line[1:])
        except (RuntimeError, KeyError, IndexError, ValueError) as error:
            answer = "error " + str(error).replace("\n", " ")
        program.stdin.write(answer + "\n")
        program.stdin.flush()


def run(cluster, command):
    environment = dict(
        os.environ,
        HOLDFAST_ZOOKEEPER=",".join(one.address for one in cluster),
        HOLDFAST_HTTP=",".join(one.api for one in cluster),
    )
    program = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    limit = threading.Timer(LIMIT_SECONDS, program.kill)
    limit.start()
    try:
        serve_orders(cluster, program)
        return program.wait()
    except BrokenPipeError:
        return program.wait()
    finally:
        limit.cancel()
        if program.poll() is None:
            program.kill()


def show_logs(cluster):
    for server in cluster:
        print("--- last lines of node %d" % server.node_id, file=sys.stderr)
        print("".join(server.get_logs(LOG_LINES_SHOWN)), file=sys.stderr)


def main(command):
    cluster = Cluster(flags=FLAGS)
    began = time.monotonic()
    try:
        cluster.start()
        code = run(cluster, command)
        if code != 0:
            show_logs(cluster)
    finally:
        cluster.terminate()
    took = time.monotonic() - began
    print("%s after %.1f s" % ("passed" if code == 0 else "FAILED (%d)" % code, took), flush=True)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
