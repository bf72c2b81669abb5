"""A process that shares an account's rate: `python holders.py ACTION PER_SECOND AT_ONCE`.

It says `ready` in a line when it does what it is asked for.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from clover_nb.transport import rate_limit

ACCOUNT = ("https://address.example", "the-token-of-this-account")


def say(what):
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def hold(limiter, count, ready):
    """Hold so many slots, for ever."""
    entered = threading.Semaphore(0)

    def enter():
        with limiter.slot():
            entered.release()
            time.sleep(600)

    for _ in range(count):
        threading.Thread(target=enter, daemon=True).start()
    for _ in range(count if ready else 0):
        entered.acquire()


def take_turns(limiter, folder):
    """Ten turns, each with a file while it lasts; says the most files that there were."""
    most = 0
    for turn in range(10):
        with limiter.slot():
            mine = Path(folder) / f"{os.getpid()}-{turn}"
            mine.touch()
            time.sleep(0.1)
            most = max(most, len(list(Path(folder).iterdir())))
            mine.unlink()
    say(most)


def main():
    action, per_second, at_once, *more = sys.argv[1:]
    limiter = rate_limit.shared_limiter(ACCOUNT, float(per_second), int(at_once))
    if action == "turns":
        take_turns(limiter, *more)
        return
    hold(limiter, int(at_once), ready=True)
    if action == "wait":  # one more, which stands at the gate
        hold(limiter, 1, ready=False)
    if action == "fork":
        child = os.fork()
        if not child:
            time.sleep(600)
        say(child)
    say("ready")
    time.sleep(600)


if __name__ == "__main__":
    main()
