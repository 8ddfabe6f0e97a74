"""Those who contend for a lock: through HTTP, with kazoo, and with Curator in a process of Java."""

import os
import random
import subprocess
import threading

from claims import Session
from kazoo.client import KazooClient
from kazoo.exceptions import LockTimeout
from kazoo.retry import KazooRetry

SESSION_SECONDS = 20.0
CONNECT_SECONDS = 30.0
ACQUIRE_SECONDS = 60.0
# Of all turns, so many are tried for a moment only.
SHORT_TRIES = 0.2
SHORT_SECONDS = 0.03


class Contest:
    """One lock and its referee, who says when it is over.

    Where it is `patient`, nobody gives up with kazoo: when kazoo's time for a lock is over while it has
    no connection, its clean-up fails too, and the claim stays in the queue as long as the session lives.
    """

    def __init__(self, lock, referee, patient=False):
        self.lock = lock
        self.referee = referee
        self.patient = patient

    @property
    def path(self):
        return "/locks/" + self.lock


def spawn(target, name, failures):
    """A thread whose failure is remembered."""

    def run():
        try:
            target()
        except BaseException as failure:  # noqa: BLE001 - reported by the caller
            failures.append("%s: %r" % (name, failure))

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def http_worker(contest, name, modes):
    """`modes`: wishes to choose from, as (what the referee is told, body of the claim)."""
    nodes = os.environ["HOLDFAST_HTTP"].split(",")
    session = Session(nodes, name.replace(" ", "-"))
    chance = random.Random(name)
    while not contest.referee.over.is_set():
        mode, wish = chance.choice(modes)
        short = chance.random() < SHORT_TRIES
        claim = session.acquire(contest.lock, wish, "%dms" % (SHORT_SECONDS * 1000) if short else None)
        if claim is None:
            session.keep_alive()
            continue
        contest.referee.enter(contest.lock, mode, claim["fence"], name)
        contest.referee.leave(contest.lock, name)
        session.release(claim)
    session.close()


def kazoo_client(node=None):
    hosts = os.environ["HOLDFAST_ZOOKEEPER"]
    client = KazooClient(
        hosts=hosts.split(",")[node] if node is not None else hosts,
        timeout=SESSION_SECONDS,
        connection_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=0.5),
        command_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=0.5),
    )
    client.start(CONNECT_SECONDS)
    return client


def _try(lock, short):
    try:
        return lock.acquire(timeout=SHORT_SECONDS if short else ACQUIRE_SECONDS)
    except LockTimeout:
        if short:
            return False
        raise


def kazoo_worker(contest, name, recipes):
    """`recipes`: to choose from, as (what the referee is told, function of client and path)."""
    client = kazoo_client()
    chance = random.Random(name)
    while not contest.referee.over.is_set():
        mode, recipe = chance.choice(recipes)
        lock = recipe(client, contest.path)
        if not _try(lock, not contest.patient and chance.random() < SHORT_TRIES):
            continue
        node = getattr(lock, "node", None)
        path = lock.create_path if node is None else contest.path + "/" + node
        contest.referee.enter(contest.lock, mode, client.retry(client.exists, path).czxid, name)
        contest.referee.leave(contest.lock, name)
        lock.release()
    client.stop()
    client.close()


def curator_workers(contest, listener, kind, count):
    """Java's workers; returns what is to be waited for."""
    command = os.environ["HOLDFAST_CURATOR"].split(" ")
    arguments = [kind, contest.lock, str(listener.port), str(count)]
    return subprocess.Popen(command + arguments, stdin=subprocess.DEVNULL)
