"""Three nodes of Holdfast as processes on loopback, for the tests with other people's clients.

HOLDFAST names the binary.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

# Password "test", as kazoo's own harness sets it up.
SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="
READY_WITHIN = 30.0


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def wait_until(what, is_true, within=READY_WITHIN):
    """Asks until the answer is a true one, and returns it."""
    until = time.monotonic() + within
    while True:
        answer = is_true()
        if answer:
            return answer
        if time.monotonic() > until:
            raise RuntimeError("waited %.0f s for %s" % (within, what))
        time.sleep(0.02)


class Server:
    """One node."""

    def __init__(self, cluster, node_id, ports):
        self.cluster = cluster
        self.node_id = node_id
        self.api_port, self.peer_port, self.client_port = ports
        self.process = None

    @property
    def address(self):
        """Where ZooKeeper clients connect."""
        return "127.0.0.1:%d" % self.client_port

    @property
    def api(self):
        return "http://127.0.0.1:%d" % self.api_port

    @property
    def running(self):
        return self.process is not None

    def run(self):
        if self.running:
            return
        log = open(self._log_path(), "ab")
        self.process = subprocess.Popen(
            [os.environ["HOLDFAST"], "serve"] + self._arguments(),
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        log.close()
        if self.cluster.up:
            self.wait_ready()

    def _arguments(self):
        return [
            "--node-id=%d" % self.node_id,
            "--data-dir=%s" % os.path.join(self.cluster.directory, str(self.node_id)),
            "--api-listen=127.0.0.1:%d" % self.api_port,
            "--peer-listen=127.0.0.1:%d" % self.peer_port,
            "--zookeeper-listen=" + self.address,
            "--zookeeper-words=*",
            "--zookeeper-super-digest=" + SUPER_DIGEST,
            "--initial-cluster=" + self.cluster.founders(),
            "--bootstrap",
            "--stop-timeout=500ms",
        ] + self.cluster.flags

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError("node %d ended: %s" % (self.node_id, "".join(self.get_logs(20))))
        try:
            with urllib.request.urlopen(self.api + "/readyz", timeout=1):
                return True
        except OSError:
            return False

    def wait_ready(self):
        wait_until("node %d to be ready" % self.node_id, self.is_ready)

    def stop(self):
        if self.running:
            self.process.terminate()
            self._reap()

    def kill(self):
        if self.running:
            self.process.kill()
            self._reap()

    def _reap(self):
        self.process.wait(READY_WITHIN)
        self.process = None

    def _log_path(self):
        return os.path.join(self.cluster.directory, "node-%d.log" % self.node_id)

    def get_logs(self, num_lines=100):
        with open(self._log_path()) as log:
            return log.readlines()[-num_lines:]


class Cluster:
    """Three of them, with the methods of kazoo's ZookeeperCluster. `flags`: for every node."""

    def __init__(self, size=3, flags=()):
        self.directory = None
        self.up = False
        self.flags = list(flags)
        ports = free_ports(3 * size)
        self.servers = [
            Server(self, index + 1, ports[3 * index : 3 * index + 3]) for index in range(size)
        ]

    def founders(self):
        return ",".join(
            "%d=127.0.0.1:%d@%s" % (one.node_id, one.peer_port, one.api) for one in self.servers
        )

    def __getitem__(self, index):
        return self.servers[index]

    def __iter__(self):
        return iter(self.servers)

    def start(self):
        if self.directory is None:
            self.directory = tempfile.mkdtemp(prefix="holdfast-clients-")
        for server in self.servers:
            server.run()
        for server in self.servers:
            server.wait_ready()
        self.up = True

    def stop(self):
        self.up = False
        for server in self.servers:
            server.stop()

    def terminate(self):
        self.stop()
        if self.directory is not None:
            shutil.rmtree(self.directory)
            self.directory = None

    reset = terminate

    def get_logs(self):
        return [server.get_logs() for server in self.servers] if self.directory else []

    def get(self, path):
        """JSON from the first node that answers."""
        for server in self.servers:
            if not server.running:
                continue
            try:
                with urllib.request.urlopen(server.api + path, timeout=5) as answer:
                    return json.load(answer)
            except OSError:
                continue
        return None

    def leader(self):
        """Number of the node that leads, once there is one and it runs."""

        def known():
            told = (self.get("/v1/cluster") or {}).get("leader")
            number = int(told.lstrip("n")) if told else 0
            return number if number and self.servers[number - 1].running else None

        return wait_until("a leader", known)
