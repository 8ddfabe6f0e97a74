"""kazoo's own tests against Holdfast: a pytest plugin (`-p holdfast_cluster`).

kazoo asks `kazoo.testing.harness.get_global_cluster` for its servers. This answers with nodes of
Holdfast as processes, with the same methods. Nothing of kazoo is changed.

HOLDFAST names the binary.
"""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

import kazoo.testing.harness as harness
import pytest

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


class Server:
    """One node, as kazoo's ManagedZooKeeper."""

    def __init__(self, cluster, node_id, ports):
        self.cluster = cluster
        self.node_id = node_id
        self.api_port, self.peer_port, self.client_port = ports
        self.process = None

    @property
    def address(self):
        return "127.0.0.1:%d" % self.client_port

    @property
    def running(self):
        return self.process is not None

    def run(self):
        if self.running:
            return
        log = open(os.path.join(self.cluster.directory, "node-%d.log" % self.node_id), "ab")
        self.process = subprocess.Popen(
            [
                os.environ["HOLDFAST"],
                "serve",
                "--node-id=%d" % self.node_id,
                "--data-dir=%s" % os.path.join(self.cluster.directory, str(self.node_id)),
                "--api-listen=127.0.0.1:%d" % self.api_port,
                "--peer-listen=127.0.0.1:%d" % self.peer_port,
                "--zookeeper-listen=" + self.address,
                "--zookeeper-words=*",
                "--zookeeper-super-digest=" + SUPER_DIGEST,
                "--zookeeper-reconfig=true",
                "--zookeeper-read-only=true",
                "--initial-cluster=" + self.cluster.founders(),
                "--bootstrap",
                "--stop-timeout=500ms",
            ],
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
        log.close()
        if self.cluster.up:
            self.wait_ready()

    def wait_ready(self):
        until = time.monotonic() + READY_WITHIN
        url = "http://127.0.0.1:%d/readyz" % self.api_port
        while True:
            try:
                with urllib.request.urlopen(url, timeout=1):
                    return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise RuntimeError("node %d is not ready" % self.node_id)
                time.sleep(0.02)

    def stop(self):
        if self.running:
            self.process.terminate()
            self.process.wait(READY_WITHIN)
            self.process = None

    def get_logs(self, num_lines=100):
        with open(os.path.join(self.cluster.directory, "node-%d.log" % self.node_id)) as log:
            return log.readlines()[-num_lines:]


class Cluster:
    """Three of them, as kazoo's ZookeeperCluster."""

    def __init__(self, size=3):
        self.directory = None
        self.up = False
        ports = free_ports(3 * size)
        self.servers = [
            Server(self, index + 1, ports[3 * index : 3 * index + 3]) for index in range(size)
        ]

    def founders(self):
        return ",".join(
            "%d=127.0.0.1:%d@http://127.0.0.1:%d" % (one.node_id, one.peer_port, one.api_port)
            for one in self.servers
        )

    def __getitem__(self, index):
        return self.servers[index]

    def __iter__(self):
        return iter(self.servers)

    def start(self):
        if self.directory is None:
            self.directory = tempfile.mkdtemp(prefix="holdfast-kazoo-")
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


def not_passing():
    """Part of a test's name, and why it does not pass."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "not-passing.txt")
    with open(path) as lines:
        told = (line.strip() for line in lines)
        return [line.split(": ", 1) for line in told if line and not line.startswith("#")]


def pytest_collection_modifyitems(items):
    for item in items:
        for name, why in not_passing():
            if name in item.nodeid:
                item.add_marker(pytest.mark.xfail(strict=True, reason=why))


CLUSTER = Cluster()
atexit.register(CLUSTER.terminate)
harness.get_global_cluster = lambda: CLUSTER
