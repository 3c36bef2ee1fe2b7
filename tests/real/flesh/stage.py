"""Where the real runs take place: buyers in processes of their own, the shop, links that can be cut, and what is heard
from servers. Whatever is heard is kept with the wall clock's nanoseconds.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from fixtures import PATIENCE, RealRedis, until

from .shop import FENCED, UNFENCED, Books
from .told import Book, Hold

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Shop(RealRedis):
    """The shop on a Redis of its own."""

    def __init__(self, stock, with_fencing=True):
        super().__init__(["store"])
        self.stock, self.books = stock, [UNFENCED] + ([FENCED] if with_fencing else [])

    def begin(self):
        super().begin()
        self.client = Books(*self.address("store"), self.books)
        self.client.open_with(self.stock)

    def entries(self, event, book=UNFENCED, **fields):
        """What a book did, in order."""
        fields |= {"event": event, "book": book}
        return [entry for entry in self.client.ledger() if fields.items() <= entry.items()]

    def book(self, name):
        sold, refused = (len(self.entries(event, name)) for event in ("taken", "fenced"))
        return Book(self.stock, self.client.left(name), sold, refused)

    def fenced_book(self):
        return self.book(FENCED) if FENCED in self.books else None


class Buyer:
    """A buyer's process, and what it has said so far."""

    def __init__(self, name, order):
        self.name, self.notes, self.stood = name, [], []
        self.has_noted, self.has_ended = threading.Condition(), False
        command = [sys.executable, "-m", "flesh.buyer"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, cwd=HERE, **pipes)
        self.say(json.dumps({"name": name, **order}))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.has_noted:
                self.notes.append(json.loads(line))
                self.has_noted.notify_all()
        with self.has_noted:
            self.has_ended = True
            self.has_noted.notify_all()

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def go(self):
        self.say("go")

    def noted(self, event, **fields):
        """Its first note of that kind, if there is one by now."""
        fields["event"] = event
        return next((note for note in list(self.notes) if fields.items() <= note.items()), None)

    def hears(self, event, **fields):
        """Waits for its first note of that kind."""
        with self.has_noted:
            self.has_noted.wait_for(lambda: self.has_ended or self.noted(event, **fields), PATIENCE)
        note = self.noted(event, **fields)
        if not note:
            raise TimeoutError(f"{self.name}: {event}")
        return note

    def stands_still(self, seconds):
        """Waits until the kernel says that it is stopped, and lets it run on after so long. Says when that was."""
        # `until` looks too seldom for that: nothing is to be between the stop and its time.
        seen = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        stopped = time.time_ns()
        if seen.si_code != os.CLD_STOPPED:
            raise RuntimeError(f"{self.name} ended and did not stop")
        time.sleep(seconds)
        continued = time.time_ns()
        self.process.send_signal(signal.SIGCONT)
        self.stood.append((self.name, stopped, continued))
        return stopped, continued

    def hold(self):
        """Since when it believes, or believed, that it holds the lock."""
        granted = self.noted("acquired")
        ends = [note["at_ns"] for note in (self.noted("lock-lost"), self.noted("releasing")) if note]
        return granted and Hold(self.name, granted["token"], granted["at_ns"], min(ends, default=None))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Buyers:
    """All buyers of a run. They are ready when the block begins, and gone when it ends."""

    def __init__(self, orders):
        self.orders, self.all = orders, {}

    def __enter__(self):
        try:
            for name, order in self.orders.items():
                self.all[name] = Buyer(name, order)
            for buyer in self.all.values():
                buyer.hears("ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for buyer in self.all.values():
            buyer.end()

    def __getitem__(self, name):
        return self.all[name]

    def others(self, first):
        return [buyer for buyer in self.all.values() if buyer is not first]

    def holds(self):
        return sorted(filter(None, (buyer.hold() for buyer in self.all.values())), key=lambda hold: hold.begun)

    def second_holder(self):
        """Waits for the second one that was granted the lock."""
        return self.all[until("a second holder", lambda: (self.holds() + [None, None])[1]).buyer]

    def stood(self):
        return [pause for buyer in self.all.values() for pause in buyer.stood]


class Relay:
    """A link to a server that can be cut: connections stay, and nothing passes."""

    def __init__(self, place):
        self.place, self.is_cut, self.is_over = place, threading.Event(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.is_over.is_set():
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.sockets.append(near)
            try:
                far = socket.create_connection(self.place, timeout=PATIENCE)
            except OSError:
                # As the server would do that does not listen yet. Who calls tries again.
                near.close()
                continue
            far.settimeout(None)
            self.sockets.append(far)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(source, sink), daemon=True).start()

    def pass_on(self, source, sink):
        try:
            while data := source.recv(65536):
                if self.is_cut.is_set():
                    # What comes now is held back, the end of a connection as well.
                    self.is_over.wait()
                sink.sendall(data)
        except OSError:
            pass
        if self.is_cut.is_set():
            self.is_over.wait()
        for end in (source, sink):
            end.close()

    def cut(self):
        """From here on nothing passes. Says when."""
        self.is_cut.set()
        return time.time_ns()

    def close(self):
        self.is_over.set()
        for one in self.sockets:
            one.close()


class Silence:
    """Where a server would be that is behind a cut: who calls is not heard. The kernel takes a connection, and nobody
    reads what comes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.place = self.listener.getsockname()

    def close(self):
        self.listener.close()


class Heard:
    """What servers of Redis publish, with the time at which it came. Goes on when a connection is lost."""

    def __init__(self, places, pattern):
        self.places, self.pattern, self.messages = places, pattern, []
        self.is_over = threading.Event()
        self.listening = {name: threading.Event() for name in places}
        self.threads = [threading.Thread(target=self.listen, args=(name,), daemon=True) for name in places]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        for listening in self.listening.values():
            listening.wait(PATIENCE)
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def listen(self, name):
        import redis

        while not self.is_over.is_set():
            host, port = self.places[name]
            try:
                with redis.Redis(host=host, port=port, decode_responses=True).pubsub() as channel:
                    channel.psubscribe(self.pattern)
                    while not self.is_over.is_set():
                        self.take(name, channel.get_message(timeout=0.2))
            except (redis.exceptions.RedisError, OSError):
                time.sleep(0.01)

    def take(self, name, message):
        if message and message["type"] == "psubscribe":
            self.listening[name].set()
        elif message:
            heard = {"at_ns": time.time_ns(), "server": name, "event": message["channel"], "detail": message["data"]}
            self.messages.append(heard)

    def first(self, event, of="", **fields):
        """The first message of a kind, by now; `of` is how its text begins."""
        fields["event"] = event
        matching = (one for one in list(self.messages) if fields.items() <= one.items())
        return next((one for one in matching if one["detail"].startswith(of)), None)

    def hears(self, event, of="", **fields):
        return until(event, lambda: self.first(event, of, **fields))
