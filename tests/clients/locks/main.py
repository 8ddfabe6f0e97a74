"""One lock or counter, many kinds of clients: `main.py [PART OF A NAME]`, run by run.py.

HOLDFAST_CURATOR is the command that starts Java's workers; without it Curator takes no part.
"""

import sys
import time

from contests import CONTESTS, Run, curator_is_there
from counters import COUNTERS
from orders import order
from queues import QUEUES
from referee import Listener, Referee
from views import VIEWS

FAULTS_SHOWN = 10
KILLS = 3
TURNS_BETWEEN_FAULTS = 20


class Killer:
    """Kills the leader again and again, and starts it again once the lock goes round without it."""

    def __init__(self, referee):
        self.referee = referee
        self.down = None
        self.kills = 0
        self.turns = 0

    def step(self):
        """Does what is next, if the lock went round since; True when all is done."""
        turns = sum(self.referee.turns.values())
        if turns < self.turns + TURNS_BETWEEN_FAULTS:
            return False
        self.turns = turns
        if self.down is not None:
            order("start %d" % self.down)
            self.down = None
        elif self.kills < KILLS:
            self.down = int(order("leader"))
            order("kill %d" % self.down)
            self.kills += 1
        return self.down is None and self.kills == KILLS

    def finish(self):
        if self.down is not None:
            order("start %d" % self.down)


def contend(name, number, kill=False):
    referee = Referee()
    listener = Listener(referee)
    killer = Killer(referee) if kill else None
    # The recipe of Curator's semaphore keeps its leases one level below its path.
    below = "/leases" if "Semaphore" in name and "Curator" in name else ""
    lock = "contest/%d%s%s" % (number, "/killed" if kill else "", below)
    try:
        run = Run(name, lock, listener, patient=kill)
        run.wait(killer)
    finally:
        if killer:
            killer.finish()
        listener.shutdown()
    wrong = referee.faults[:FAULTS_SHOWN] + run.failures
    if wrong:
        raise AssertionError("%d faults: %s" % (len(referee.faults), "\n  ".join(wrong)))
    return "%d turns" % sum(referee.turns.values())


def scenes():
    """Everything there is, as (name, function)."""
    everything = VIEWS + COUNTERS + QUEUES
    for number, contest in enumerate(CONTESTS):
        name, curator = contest[0], contest[3]
        if curator and not curator_is_there():
            print("locks: without Curator: " + name)
            continue
        everything.append((name, lambda name=name, number=number: contend(name, number)))
        if curator in (None, "mutex") and number in (0, 1, 3):
            killed = name + " while leaders are killed"
            everything.append((killed, lambda name=name, number=number: contend(name, number, True)))
    return everything


def main(part):
    passed = failed = 0
    for name, scene in scenes():
        if part not in name:
            continue
        print("locks: " + name, flush=True)
        began = time.monotonic()
        try:
            told = scene()
        except Exception as error:  # noqa: BLE001 - every scene is to have its turn
            failed += 1
            print("locks: FAILED: %s: %s" % (name, error), flush=True)
        else:
            passed += 1
            print("locks: ok, %.1f s %s" % (time.monotonic() - began, told or ""), flush=True)
    print("locks: %d scenes passed, %d failed" % (passed, failed), flush=True)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
