//! Random interleavings of what clients of locks do, and of what they had better not do.

use fencepost_models::random::Random;

/// Connections 0 to 3 do anything; 4 pauses them, and ends what would keep them waiting for ever.
const WORKERS: u64 = 4;
const ADMIN: usize = 4;

/// Words are parted by spaces; `_` is a space inside a word. `K` is a key, `C` a channel, `D` a
/// database, `N` a connection's number.
const COMMANDS: [&str; 91] = [
    "GET K",
    "SET K v",
    "SET K w NX",
    "SET K v XX GET",
    "SET K 7 PX 1000000",
    "DEL K",
    "INCR K",
    "APPEND K x",
    "EXPIRE K 1000",
    "PERSIST K",
    "EXISTS K K",
    "HSET h1 f v",
    "HINCRBY h1 n 2",
    "HDEL h1 f n",
    "HEXISTS h1 f",
    "GET h1",
    "FLUSHALL",
    "DBSIZE",
    "TYPE K",
    "GET",
    "NOSUCH x y",
    "SET K",
    "EVAL return_redis.call('set',KEYS[1],ARGV[1]) 1 K s",
    "EVAL return_redis.call('publish',ARGV[1],'from_script') 0 C",
    "EVAL if_redis.call('get',KEYS[1])==ARGV[1]_then_return_redis.call('del',KEYS[1])_else_return_0_end 1 K v",
    "EVAL return_redis.call('incr',KEYS[1]) 1 h1",
    "EVAL return_redis.call('multi') 0",
    "EVAL return_redis.call('subscribe','a1') 0",
    "EVAL return_{redis.call('pubsub','numsub',ARGV[1]),redis.call('get',KEYS[1])} 1 K C",
    "MULTI",
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC now",
    "DISCARD",
    "WATCH K",
    "WATCH K h1",
    "WATCH",
    "UNWATCH",
    "SUBSCRIBE C",
    "SUBSCRIBE C C",
    "UNSUBSCRIBE C",
    "UNSUBSCRIBE C C",
    "PSUBSCRIBE a*",
    "PUNSUBSCRIBE a*",
    "SSUBSCRIBE C",
    "SUNSUBSCRIBE C",
    "PUBLISH C message",
    "PUBLISH C message",
    "PUBLISH C other",
    "SPUBLISH C message",
    "PUBSUB CHANNELS b*",
    "PUBSUB NUMSUB C C",
    "PUBSUB NUMPAT",
    "PUBSUB SHARDNUMSUB C",
    "PING",
    "PING hello",
    "ECHO x",
    "CLIENT ID",
    "CLIENT SETNAME name1",
    "CLIENT GETNAME",
    "CLIENT LIST",
    "CLIENT INFO",
    "CLIENT KILL ID $idN",
    "CLIENT KILL $addrN",
    "CLIENT REPLY SKIP",
    "CLIENT REPLY OFF",
    "CLIENT REPLY ON",
    "CLIENT UNPAUSE",
    "CONFIG SET notify-keyspace-events KEA",
    "CONFIG SET notify-keyspace-events Kgxh$nm",
    "CONFIG SET notify-keyspace-events ''",
    "PSUBSCRIBE *key*@*",
    "SELECT D",
    "SELECT D",
    "SELECT 0",
    "MOVE K D",
    "SWAPDB D D",
    "COPY K K DB D REPLACE",
    "RENAME K K",
    "FLUSHDB",
    "INFO keyspace",
    "EVAL redis.call('select',ARGV[1])return_redis.call('set',KEYS[1],ARGV[1]) 1 K D",
    "EVAL_RO return_redis.call('get',KEYS[1]) 1 K",
    "EVAL_RO return_redis.call('del',KEYS[1]) 1 K",
    "WAIT 0 0",
    "WAIT 1 0",
    "RESET",
    "QUIT",
];

pub struct Generator {
    random: Random,
    /// Which connections have sent `MULTI`, and perhaps ended it.
    queueing: [bool; 5],
    /// What is still to be sent before anything is drawn.
    pending: Vec<String>,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed, 7), queueing: [false; 5], pending: Vec::new() }
    }

    /// The next line of the story.
    pub fn next_line(&mut self) -> String {
        if let Some(line) = self.pending.pop() {
            return line;
        }
        match self.random.below(24) {
            0 => return format!("{ADMIN} CLIENT PAUSE 1000000 WRITE"),
            // Never the second without the first: a real server crashes when it is to unblock a
            // client that is paused.
            1 | 2 => {
                let who = self.random.below(WORKERS);
                self.pending.push(format!("{ADMIN} CLIENT UNBLOCK $id{who}"));
                return format!("{ADMIN} CLIENT UNPAUSE");
            }
            _ => {}
        }
        loop {
            let at = self.random.below(WORKERS) as usize;
            let command = COMMANDS[self.random.below(COMMANDS.len() as u64) as usize];
            if self.fits(at, command) {
                return format!("{at} {}", self.filled(command));
            }
        }
    }

    /// What ends a story, so that the next one can begin.
    pub fn last_lines() -> Vec<String> {
        let mut lines = vec![format!("{ADMIN} CLIENT UNPAUSE")];
        for _ in 0..30 {
            lines.extend((0..WORKERS).map(|at| format!("{ADMIN} CLIENT UNBLOCK $id{at}")));
        }
        lines
    }

    /// Some things cannot be told as replies when they happen inside a transaction, some are drawn
    /// too often.
    fn fits(&mut self, at: usize, command: &str) -> bool {
        let spoils = ["CLIENT REPLY", "CLIENT KILL", "PSUBSCRIBE *key"]
            .iter()
            .any(|spoiler| command.starts_with(spoiler));
        if self.queueing[at] && spoils {
            return false;
        }
        match command {
            "MULTI" => self.queueing[at] = true,
            "RESET" | "QUIT" if self.random.below(4) > 0 => return false,
            "EXEC" | "DISCARD" | "RESET" | "QUIT" => self.queueing[at] = false,
            "CLIENT REPLY OFF" => {
                self.pending.extend([format!("{at} CLIENT REPLY ON"), format!("{at} GET k1")]);
            }
            "WAIT 1 0" => return self.random.below(2) == 0,
            _ => {}
        }
        true
    }

    fn filled(&mut self, command: &str) -> String {
        let mut words = Vec::new();
        for word in command.split(' ') {
            let number = self.random.below(3) + 1;
            words.push(match word {
                "K" => format!("k{number}"),
                "D" => (number % 3).to_string(),
                "C" => format!("{}{}", if number > 2 { "b" } else { "a" }, number),
                "$idN" => format!("$id{number}"),
                "$addrN" => format!("$addr{number}"),
                word => word.to_owned(),
            });
        }
        words.join(" ")
    }
}
