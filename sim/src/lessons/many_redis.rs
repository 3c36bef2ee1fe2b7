//! Many of them: Sentinel, Cluster, RedLock, Redisson.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[
    Lesson {
        name: "failover",
        question: "The master dies, and a replica takes its place. And the lock?",
        steps: &[
            step!(
                "sentinel-clean-failover.toml",
                "What the replica has had, it has as a master: the lock goes on."
            ),
            step!(
                "sentinel-lost-lock.toml",
                "The master answers before any replica has heard of the lock. No client has paused, \
                 no clock is wrong, and two buyers hold it."
            ),
            cure!(
                "sentinel-lost-lock-wait.toml",
                "A grant that no replica has acknowledged does not count."
            ),
            step!(
                "sentinel-lost-lock-fenced.toml",
                "Fencing alone does not help: the counter of the tokens is lost with the lock, and both come with the \
                 same token."
            ),
            step!(
                "sentinel-wiped.toml",
                "Both replicas have acknowledged it, and follow their master into forgetting."
            ),
            step!(
                "sentinel-minority.toml",
                "The old master need not be dead, only cut off: it goes on granting."
            ),
        ],
        conclusion: "A failover makes a service available again. It does not keep what was \
                     acknowledged, and no token that lived there survives it either.",
        sources: &[
            Source {
                what: "K. Kingsbury, \"Jepsen: Redis\" (2013): a lock in Redis with Sentinel",
                address: "https://aphyr.com/posts/283-jepsen-redis",
            },
            Source {
                what: "Redis, High availability with Sentinel",
                address: "https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/",
            },
            Source {
                what: "Redis, WAIT: what it does not promise",
                address: "https://redis.io/docs/latest/commands/wait/",
            },
        ],
    },
    Lesson {
        name: "cluster",
        question: "A cluster shares the keys out among masters. Is a lock safer there?",
        steps: &[
            step!(
                "cluster-lost-lock.toml",
                "A lock is one key, on one master, with the same asynchronous replicas."
            ),
            step!(
                "cluster-minority.toml",
                "A master in the minority stops taking writes, one node timeout and more too late."
            ),
            step!(
                "cluster-moving-slot.toml",
                "Its slot may move to another master while it is held: that goes well."
            ),
            step!(
                "cluster-moving-slot-lost.toml",
                "Unless the new master is lost before its replica has heard of it."
            ),
            step!(
                "cluster-half-moved-slot.toml",
                "Or the move stops half way: the lock and its counter are in two places, and nobody \
                 can take it."
            ),
        ],
        conclusion: "A cluster is for more data than one host takes. For a lock it is one more way \
                     to fail over.",
        sources: &[Source {
            what: "Redis, Cluster specification: write safety",
            address: "https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/",
        }],
    },
    Lesson {
        name: "redlock",
        question: "Five servers that know nothing of each other, and a majority of votes. Is that enough?",
        steps: &[
            step!(
                "redlock-restart-forgets.toml",
                "A server that restarts without its data votes twice: two majorities."
            ),
            cure!(
                "redlock-delayed-restart.toml",
                "It stays away for as long as a lease lasts, and nothing it forgot matters."
            ),
            step!("redlock-clock-jump.toml", "Or its clock jumps, and its vote ends early."),
            step!(
                "redlock-paused-holder.toml",
                "And it is a lease like any other: its holder may stop for longer."
            ),
            step!(
                "redlock-value-as-token.toml",
                "Its random value has no order. No store can fence with it."
            ),
        ],
        conclusion: "RedLock survives the loss of servers, and trusts every clock. It has no token \
                     that a store could check: it saves work, and does not guard what must be right.",
        sources: &[
            Source {
                what: "Redis, Distributed Locks with Redis: the algorithm",
                address: "https://redis.io/docs/latest/develop/use/patterns/distributed-locks/",
            },
            Source {
                what: "M. Kleppmann, \"How to do distributed locking\" (2016)",
                address: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
            },
            Source {
                what: "S. Sanfilippo, \"Is Redlock safe?\" (2016): the answer",
                address: "http://antirez.com/news/101",
            },
        ],
    },
    Lesson {
        name: "watchdog",
        question: "How long should a lease be? Redisson renews it for as long as its holder lives.",
        steps: &[
            step!(
                "redisson-crashed-holder.toml",
                "The watchdog dies with the process, and the lock is free within the lease."
            ),
            step!(
                "redisson-hung-holder.toml",
                "The holder hangs, the watchdog does not: nobody else gets the lock, ever."
            ),
            step!(
                "redisson-paused-holder.toml",
                "Both are stopped: the lease ends, and there are two holders."
            ),
            cure!("redisson-paused-holder-fenced.toml", "RFencedLock has a token for that."),
            step!(
                "redisson-lost-message.toml",
                "Who waits is woken up by a message. When it is lost, a timer is left."
            ),
        ],
        conclusion: "A watchdog shows that a process runs, not that its work gets on. It makes short \
                     leases bearable, and takes no case away in which two hold one lock.",
        sources: &[Source {
            what: "Redisson, Locks and synchronizers",
            address: "https://redisson.pro/docs/data-and-services/locks-and-synchronizers/",
        }],
    },
];
