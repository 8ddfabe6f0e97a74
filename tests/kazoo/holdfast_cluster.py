"""kazoo's own tests against Holdfast: a pytest plugin (`-p holdfast_cluster`).

kazoo asks `kazoo.testing.harness.get_global_cluster` for its servers. This answers with nodes of
Holdfast as processes, with the same methods. Nothing of kazoo is changed.

HOLDFAST names the binary.
"""

import atexit
import os
import sys

import kazoo.testing.harness as harness
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
from nodes import Cluster  # noqa: E402


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


CLUSTER = Cluster(flags=["--zookeeper-reconfig=true", "--zookeeper-read-only=true"])
atexit.register(CLUSTER.terminate)
harness.get_global_cluster = lambda: CLUSTER
