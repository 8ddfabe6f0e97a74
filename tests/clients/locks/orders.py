"""Orders to the runner (run.py says which there are)."""

import sys


def order(text):
    print("@" + text, flush=True)
    answer = sys.stdin.readline()
    if not answer.startswith("ok"):
        raise RuntimeError("%s: %s" % (text, answer))
    return answer[2:].strip()
