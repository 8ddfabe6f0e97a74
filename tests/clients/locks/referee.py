"""The referee of a contest: whoever has a lock tells it on entering and before leaving.

A worker enters after it was given the lock and leaves before it gives it back, and waits for the
referee's answer each time. So whoever is inside has the lock, and two inside together that must
not be are a fault of mutual exclusion, whatever clients they use. One line each, over a connection
of its own:

    enter LOCK MODE FENCE WHO      MODE is exclusive, shared, or the permits in all
    share                          from exclusive to shared, without leaving
    leave

The answer is `ok`, or `over` once the contest has lasted long enough for everybody.

The fence is the czxid of the claim's znode. First come, first served means: nobody enters with a
smaller fence than somebody who entered before, where one of the two is exclusive.
"""

import collections
import socketserver
import threading
import time


HISTORY_SHOWN = 12


class Lock:
    def __init__(self):
        self.history = collections.deque(maxlen=HISTORY_SHOWN)
        self.inside = {}
        self.entered = 0
        self.fence_max = 0
        self.exclusive_fence_max = 0


class Referee:
    """Safe to use from several threads."""

    def __init__(self):
        self.guard = threading.Lock()
        self.locks = {}
        self.faults = []
        self.turns = {}
        self.last_turn = time.monotonic()
        self.over = threading.Event()

    def enter(self, name, mode, fence, who):
        with self.guard:
            lock = self.locks.setdefault(name, Lock())
            self._check_exclusion(name, lock, mode, who)
            if mode in ("exclusive", "shared"):
                self._check_order(name, lock, (mode, fence), who)
            lock.inside[who] = mode
            lock.history.append("%s enters %s %d" % (who, mode, fence))
            self.turns[who] = self.turns.get(who, 0) + 1
            self.last_turn = time.monotonic()

    def share(self, name, who):
        with self.guard:
            self.locks[name].inside[who] = "shared"
            self.locks[name].history.append("%s shares" % who)

    def everyone_had(self, turns, workers):
        """Whether there have been so many workers, and each had so many turns."""
        with self.guard:
            return len(self.turns) == workers and min(self.turns.values()) >= turns

    def leave(self, name, who):
        with self.guard:
            del self.locks[name].inside[who]
            self.locks[name].history.append("%s leaves" % who)

    def _check_exclusion(self, name, lock, mode, who):
        others = lock.inside
        if mode == "exclusive":
            fits = not others
        elif mode == "shared":
            fits = all(other == "shared" for other in others.values())
        else:
            fits = len(others) < int(mode)
        if not fits:
            told = "%s: %s enters (%s) beside %s, after %s"
            self.faults.append(told % (name, who, mode, others, list(lock.history)))

    def _check_order(self, name, lock, claim, who):
        mode, fence = claim
        bound = lock.fence_max if mode == "exclusive" else lock.exclusive_fence_max
        if fence <= bound:
            self.faults.append(
                "%s: %s enters (%s, fence %d) after fence %d" % (name, who, mode, fence, bound)
            )
        lock.fence_max = max(lock.fence_max, fence)
        if mode == "exclusive":
            lock.exclusive_fence_max = max(lock.exclusive_fence_max, fence)


class _Connection(socketserver.StreamRequestHandler):
    def handle(self):
        referee = self.server.referee
        inside = None
        for line in self.rfile:
            verb, *words = line.decode().split(None, 4)
            if verb == "enter":
                name, mode, fence, who = words
                inside = (name, who.strip())
                referee.enter(name, mode, int(fence), inside[1])
            elif verb == "share":
                referee.share(*inside)
            else:
                referee.leave(*inside)
            self.wfile.write(b"over\n" if referee.over.is_set() else b"ok\n")


class Listener(socketserver.ThreadingTCPServer):
    """The referee on a loopback port, for workers in other processes."""

    daemon_threads = True

    def __init__(self, referee):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.referee = referee
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]
