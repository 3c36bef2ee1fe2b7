"""The shop: a Redis of its own, which keeps a stock in one book or in two. One book takes every write, the other one
checks fencing tokens on reads and on writes, as `models/src/shop/store.rs` does. Both write down what they did and
when.
"""

import json

UNFENCED, FENCED = "off", "reads-and-writes"
LEDGER = "ledger"

# One request to one book. No token is below all; a token that is not below the mark raises it.
SERVE = """
local book, ledger = KEYS[1], KEYS[2]
local fencing, buyer, token, write = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local now = redis.call('TIME')
local entry = {at_us = now[1] .. string.format('%06d', now[2]), book = fencing, buyer = buyer, token = token}
local mark = tonumber(redis.call('HGET', book, 'mark') or '0')
if fencing ~= 'off' and (token == '' or tonumber(token) < mark) then
  entry.event = 'fenced'
else
  if fencing ~= 'off' then redis.call('HSET', book, 'mark', token) end
  entry.event, entry.before = 'served', tonumber(redis.call('HGET', book, 'stock'))
  if write ~= '' then
    entry.event, entry.after = 'taken', tonumber(write)
    redis.call('HSET', book, 'stock', write)
  end
end
redis.call('RPUSH', ledger, cjson.encode(entry))
return {entry.event, entry.before or false}
"""


class Books:
    """The shop, as its buyers and its owner know it."""

    def __init__(self, host, port, books):
        import redis

        self.client = redis.Redis(host=host, port=port, decode_responses=True)
        self.books = books
        self.client.ping()

    def open_with(self, stock):
        for book in self.books:
            self.client.hset(book, "stock", stock)

    def ask(self, buyer, token, writes):
        """Asks all books in one message; `writes` has what is to be written where, or nothing."""
        pipeline = self.client.pipeline(transaction=False)
        for book, write in writes.items():
            pipeline.eval(SERVE, 2, book, LEDGER, book, buyer, "" if token is None else token, write)
        return dict(zip(writes, pipeline.execute()))

    def read(self, buyer, token):
        answers = self.ask(buyer, token, {book: "" for book in self.books})
        return {book: before for book, (event, before) in answers.items() if event == "served"}

    def write(self, buyer, token, stocks):
        return {book: event for book, (event, _) in self.ask(buyer, token, stocks).items()}

    def left(self, book):
        return int(self.client.hget(book, "stock"))

    def ledger(self):
        """What the books have done, in order, with `at_ns`."""
        entries = [json.loads(line) for line in self.client.lrange(LEDGER, 0, -1)]
        return [{**entry, "at_ns": int(entry["at_us"]) * 1000} for entry in entries]
