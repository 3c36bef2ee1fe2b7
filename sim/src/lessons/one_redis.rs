//! One Redis.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[
    Lesson {
        name: "expiry",
        question: "Why must a lock and its expiry be set in one step?",
        steps: &[
            step!("setnx-expire-crash.toml", "One crash, and nobody ever sells anything again."),
            cure!(
                "setnx-expire-cure.toml",
                "The same crash: the lease runs out, and the shop goes on."
            ),
        ],
        conclusion: "Between two commands a client can die. What must not come apart goes into one.",
        sources: &[
            Source {
                what: "Redis, SETNX: the pattern that it replaces",
                address: "https://redis.io/docs/latest/commands/setnx/",
            },
            Source {
                what: "Redis, SET with NX and PX",
                address: "https://redis.io/docs/latest/commands/set/",
            },
        ],
    },
    Lesson {
        name: "release",
        question: "What can go wrong when a lock is given back?",
        steps: &[
            step!(
                "plain-del.toml",
                "buyer-1 gives back a lock that is not its own any more, and a third buyer gets in \
                 beside the second."
            ),
            cure!("plain-del-cure.toml", "The script deletes what it compares, or nothing."),
        ],
        conclusion: "Put into the lock whose it is, and remove it only if it still says so, in one \
                     step.",
        sources: &[Source {
            what: "Redis, Distributed Locks with Redis: the script that releases",
            address: "https://redis.io/docs/latest/develop/use/patterns/distributed-locks/",
        }],
    },
    Lesson {
        name: "full-memory",
        question: "The lock shares its Redis with a cache. What happens when the memory is full?",
        steps: &[step!(
            "evicted-lock.toml",
            "The lock is a key like others, and makes room for one."
        )],
        conclusion: "A server may throw away what a cache has, and nothing that a lock has.",
        sources: &[Source {
            what: "Redis, Key eviction",
            address: "https://redis.io/docs/latest/develop/reference/eviction/",
        }],
    },
];
