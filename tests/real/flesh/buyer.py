"""One buyer, a process of its own: takes the lock, reads the stock, writes one less, gives the lock back.

    python3 -m flesh.buyer < ORDER

The first line of its input is an object that says what it is to do, the second one lets it begin. It writes what it
does, one object a line, with the wall clock's nanoseconds. What its code takes between two requests is said to it.
"""

import json
import logging
import os
import signal
import sys
import time

from .locks import RedLock, SetNx, ZooKeeperLock
from .shop import Books


def note(event, **details):
    line = json.dumps({"at_ns": time.time_ns(), "event": event, **details})
    # In one write, so that the threads of a client do not write into each other's lines.
    os.write(sys.stdout.fileno(), line.encode() + b"\n")


def lock_of(order):
    servers = order["servers"]
    if order["recipe"] == "set-nx":
        return SetNx(servers, order["ttl_ms"], order["sentinels"])
    if order["recipe"] == "redlock":
        return RedLock(servers, order["ttl_ms"], order["tries_at"])
    on_state = lambda state, session: note("session", state=state, session=session)  # noqa: E731
    return ZooKeeperLock(servers, order["session_timeout"], on_state)


class Buyer:
    """What is done under the lock. It is dropped as soon as the client says that the lock is lost."""

    def __init__(self, order, lock, books):
        self.order, self.lock, self.books = order, lock, books
        self.name = order["name"]

    def works(self, which, since):
        """Works until so long after that moment; says whether the lock is still held as far as is known."""
        left = since + self.order["work"][which] - time.monotonic()
        return not self.lock.lost.wait(max(0, left))

    def buy(self):
        token, granted_by = self.lock.acquire()
        note("acquired", token=token, granted_by=granted_by)
        if not self.hold(token):
            note("lock-lost")
        note("releasing")
        note("released", outcome=self.lock.release())

    def hold(self, token):
        if not self.works(0, time.monotonic()):
            return False
        stocks = self.books.read(self.name, token)
        seen = time.monotonic()
        note("stock-seen", stocks=stocks)
        if self.order["stops"]:
            # What a long garbage collection does, at this very point. Somebody else lets it run on.
            os.kill(os.getpid(), signal.SIGSTOP)
        if not self.works(1, seen):
            return False
        answers = self.books.write(self.name, token, {book: stock - 1 for book, stock in stocks.items() if stock})
        note("written", answers=answers)
        return self.works(2, time.monotonic())


def main():
    # A session that ends is what a story is about, and no warning.
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    order = json.loads(sys.stdin.readline())
    buyer = Buyer(order, lock_of(order), Books(*order["shop"], order["books"]))
    note("ready")
    if sys.stdin.readline():
        note("acquiring")
        buyer.buy()


if __name__ == "__main__":
    main()
