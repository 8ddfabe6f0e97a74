"""Who contends for what: recipes of ZooKeeper clients and claims over HTTP for one lock."""

import os
import time

from claims import Api
from workers import Contest, curator_workers, http_worker, kazoo_worker, spawn

EXCLUSIVE = [("exclusive", {})]
SHARED_TOO = [("exclusive", {}), ("shared", {"mode": "shared"}), ("shared", {"mode": "shared"})]
PERMITS = 2
ONE_PERMIT = [(str(PERMITS), {"permits": 1, "limit": PERMITS})]

KAZOO_LOCK = [("exclusive", lambda client, path: client.Lock(path))]
KAZOO_BOTH = [
    ("exclusive", lambda client, path: client.WriteLock(path)),
    ("shared", lambda client, path: client.ReadLock(path)),
    ("shared", lambda client, path: client.ReadLock(path)),
]
KAZOO_SEMAPHORE = [
    (str(PERMITS), lambda client, path: client.Semaphore(path, max_leases=PERMITS))
]

# Name, workers by HTTP, kazoo's recipes, kind of Curator's workers. kazoo's Semaphore does not queue: it
# takes a permit when it finds one free, so HTTP must leave it some.
CONTESTS = [
    ("kazoo's Lock and HTTP", EXCLUSIVE, KAZOO_LOCK, None),
    ("kazoo's ReadLock and WriteLock and HTTP", SHARED_TOO, KAZOO_BOTH, None),
    ("kazoo's Semaphore and HTTP", ONE_PERMIT, KAZOO_SEMAPHORE, None),
    ("Curator's InterProcessMutex and HTTP", EXCLUSIVE, None, "mutex"),
    ("Curator's InterProcessReadWriteLock and HTTP", SHARED_TOO, None, "rw"),
    ("Curator's InterProcessSemaphoreV2 and HTTP", ONE_PERMIT, None, "semaphore"),
]

WORKERS = 3
TURNS = 25
STALLED_SECONDS = 40.0
POLL_SECONDS = 0.02


class Run:
    """A contest under way: threads and a process that are to be waited for.

    It goes on until everybody had TURNS turns, so that nobody is left to contend alone.
    """

    def __init__(self, name, lock, listener, patient):
        _, http, kazoo, curator = next(one for one in CONTESTS if one[0] == name)
        self.failures = []
        self.referee = listener.referee
        contest = Contest(lock, self.referee, patient)
        self.lock = lock
        http_workers = PERMITS - 1 if kazoo is KAZOO_SEMAPHORE else WORKERS
        self.workers = http_workers + WORKERS
        self.referee.last_turn = time.monotonic()
        self.java = curator and curator_workers(contest, listener, curator, WORKERS)
        self.threads = []
        for worker in range(http_workers):
            self._spawn(http_worker, contest, "http %s %d" % (lock.replace("/", "-"), worker), http)
        for worker in range(WORKERS if kazoo else 0):
            self._spawn(kazoo_worker, contest, "kazoo %s %d" % (lock, worker), kazoo)

    def _spawn(self, worker, contest, name, choice):
        self.threads.append(spawn(lambda: worker(contest, name, choice), name, self.failures))

    def is_over(self):
        if self.failures:
            return True
        if self.java and self.java.poll():
            self.failures.append("Java's workers ended with %d" % self.java.returncode)
            return True
        running = any(thread.is_alive() for thread in self.threads)
        return not running and (self.java is None or self.java.poll() is not None)

    def has_stalled(self):
        return time.monotonic() - self.referee.last_turn > STALLED_SECONDS

    def _queue(self):
        inside = {name: lock.inside for name, lock in self.referee.locks.items()}
        api = Api(os.environ["HOLDFAST_HTTP"].split(","))
        return inside, api.call("GET", "/v1/locks/%s/-/explain" % self.lock)[1].get("lines")

    def wait(self, fault=None):
        """To the end, and until `fault` has done all it wants to. One that stands still failed."""
        try:
            while not self.is_over():
                if self.has_stalled():
                    self.failures.append("nobody had a turn for %.0f s: %s" % (STALLED_SECONDS, self._queue()))
                    return
                done = fault is None or fault.step()
                if done and self.referee.everyone_had(TURNS, self.workers):
                    self.referee.over.set()
                time.sleep(POLL_SECONDS)
        finally:
            self.referee.over.set()
            if self.java and self.java.poll() is None:
                self.java.kill()


def curator_is_there():
    return bool(os.environ.get("HOLDFAST_CURATOR"))
