//! What the server has to know about a command before it carries it out.
//!
//! Source: Redis 7.0.15, `src/commands/*.json`, `command_flags`. Also those commands stand here that
//! the table does not have yet.

use super::listed::{Groups, listed};

/// The flags of a command, as far as the model looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u16::MAX);
    /// May change the data.
    pub(crate) const WRITE: Self = Self(1);
    /// Reads the data and never changes it.
    pub(crate) const READONLY: Self = Self(1 << 1);
    /// Is refused when memory is full and nothing can be evicted.
    pub(crate) const DENYOOM: Self = Self(1 << 2);
    /// Is carried out while the server loads its data.
    pub(crate) const LOADING: Self = Self(1 << 3);
    /// Is carried out by a replica that has lost its master and may not serve old data.
    pub(crate) const STALE: Self = Self(1 << 4);
    /// No script may call it.
    pub(crate) const NOSCRIPT: Self = Self(1 << 5);
    /// Is refused inside `MULTI`.
    pub(crate) const NO_MULTI: Self = Self(1 << 6);
    /// May send something to the replicas though it writes nothing itself.
    pub(crate) const MAY_REPLICATE: Self = Self(1 << 7);
    /// Is carried out for a client that has not given its password.
    pub(crate) const NO_AUTH: Self = Self(1 << 8);

    /// May make keys expire that nobody has named: what it passes on is no transaction.
    pub(crate) const TOUCHES_ARBITRARY_KEYS: Self = Self(1 << 9);

    /// Both sets together.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What both sets have.
    pub(crate) const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True when at least one flag of `other` is set.
    pub(crate) const fn any_of(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The flags of a command or a subcommand: `set`, `script|load`. Only for the table, which is
    /// made when fencepost is built: a row whose name is not listed does not compile.
    pub(super) const fn of(full_name: &str) -> Self {
        match listed(LISTED, full_name) {
            Some(flags) => flags,
            None => panic!("a command of the table is not listed with its flags"),
        }
    }
}

const LOADING_STALE: Flags = Flags::LOADING.and(Flags::STALE);
const NO_SCRIPT_ALWAYS: Flags = LOADING_STALE.and(Flags::NOSCRIPT);

/// The commands with the same flags, the containers with their subcommands.
#[rustfmt::skip]
const LISTED: Groups<Flags> = &[
    (Flags::NONE, &[
        "client", "config", "function", "latency", "memory", "memory|doctor", "memory|malloc-stats",
        "memory|purge", "memory|stats", "object", "ping", "pubsub", "script", "slowlog",
    ]),
    (Flags::WRITE, &[
        "del", "expire", "expireat", "flushall", "flushdb", "getdel", "getex", "hdel", "migrate",
        "move", "persist", "pexpire", "pexpireat", "rename", "renamenx", "swapdb", "unlink",
    ]),
    (Flags::WRITE.and(Flags::NOSCRIPT), &["function|flush"]),
    (Flags::WRITE.and(Flags::DENYOOM), &[
        "append", "copy", "decr", "decrby", "getset", "hincrby", "hincrbyfloat", "hmset", "hset",
        "hsetnx", "incr", "incrby", "incrbyfloat", "mset", "msetnx", "psetex", "restore",
        "restore-asking", "set", "setbit", "setex", "setnx", "setrange", "sort",
    ]),
    (Flags::READONLY, &[
        "dbsize", "dump", "exists", "expiretime", "get", "getbit", "getrange", "hexists", "hget", "hgetall",
        "hkeys", "hlen", "hmget", "hrandfield", "hscan", "hstrlen", "hvals", "keys", "lcs",
        "lolwut", "memory|usage", "mget", "object|encoding", "object|freq", "object|idletime",
        "object|refcount", "pexpiretime", "pttl", "sort_ro", "strlen", "substr", "touch",
        "ttl", "type",
    ]),
    (Flags::READONLY.and(Flags::TOUCHES_ARBITRARY_KEYS), &["randomkey", "scan"]),
    (Flags::READONLY.and(Flags::STALE).and(Flags::NOSCRIPT), &["eval_ro", "evalsha_ro"]),
    (Flags::STALE.and(Flags::NOSCRIPT).and(Flags::MAY_REPLICATE), &["eval", "evalsha"]),
    (Flags::STALE.and(Flags::NOSCRIPT), &["failover", "replicaof", "script|load", "slaveof"]),
    (Flags::NOSCRIPT, &[
        "bgrewriteaof", "bgsave", "function|list", "script|debug", "script|exists", "script|flush",
        "script|kill", "wait",
    ]),
    (Flags::NOSCRIPT.and(Flags::NO_MULTI), &["psync", "save", "sync"]),
    (LOADING_STALE, &[
        "client|help", "command", "command|count", "command|docs", "command|getkeys",
        "command|getkeysandflags", "command|help", "command|info", "command|list", "config|help",
        "echo", "info", "lastsave", "latency|help", "memory|help", "object|help",
        "pubsub|channels", "pubsub|help", "pubsub|numpat", "pubsub|numsub",
        "pubsub|shardchannels", "pubsub|shardnumsub", "script|help", "select", "slowlog|get",
        "slowlog|help", "slowlog|len", "slowlog|reset", "time",
    ]),
    (LOADING_STALE.and(Flags::MAY_REPLICATE), &["publish", "spublish"]),
    (NO_SCRIPT_ALWAYS, &[
        "client|caching", "client|getname", "client|getredir", "client|id", "client|info",
        "client|kill", "client|list", "client|no-evict", "client|pause", "client|reply",
        "client|setname", "client|tracking", "client|trackinginfo", "client|unblock",
        "client|unpause", "config|get", "config|resetstat", "config|rewrite", "config|set",
        "debug", "discard", "exec", "latency|doctor", "latency|graph", "latency|histogram",
        "latency|history", "latency|latest", "latency|reset", "monitor", "multi", "psubscribe",
        "punsubscribe", "replconf", "role", "ssubscribe", "subscribe", "sunsubscribe",
        "unsubscribe", "unwatch", "watch",
    ]),
    (LOADING_STALE.and(Flags::NOSCRIPT), &["asking", "readonly", "readwrite"]),
    (Flags::STALE.and(Flags::NOSCRIPT), &["cluster"]),
    (NO_SCRIPT_ALWAYS.and(Flags::NO_AUTH), &["auth", "hello", "quit", "reset"]),
    (NO_SCRIPT_ALWAYS.and(Flags::NO_MULTI), &["shutdown"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_the_flags_that_redis_gives_it() {
        let set = Flags::of("set");
        assert!(set.any_of(Flags::WRITE) && set.any_of(Flags::DENYOOM));
        assert!(!set.any_of(Flags::READONLY.and(Flags::LOADING)));
        assert!(!Flags::of("del").any_of(Flags::DENYOOM));
        assert!(!Flags::of("evalsha").any_of(Flags::WRITE.and(Flags::LOADING)));
        assert_eq!(Flags::of("script|load"), Flags::STALE.and(Flags::NOSCRIPT));
        assert!(Flags::of("publish").any_of(Flags::MAY_REPLICATE));
    }

    #[test]
    fn no_name_is_listed_twice_or_differently_spelt() {
        let mut names: Vec<&str> =
            LISTED.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let listed = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), listed);
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
    }

    #[test]
    fn no_command_both_reads_and_writes() {
        for (flags, names) in LISTED {
            let both = flags.any_of(Flags::WRITE) && flags.any_of(Flags::READONLY);
            assert!(!both, "{names:?}");
        }
    }
}
