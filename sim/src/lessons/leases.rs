//! Leases, pauses and clocks.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[
    Lesson {
        name: "paused-holder",
        question: "A lock with a lease: what if its holder stops for longer than the lease lasts?",
        steps: &[
            step!(
                "paused-holder.toml",
                "The lease ends while buyer-1 is stopped, and nobody can tell it. When it wakes, two \
                 buyers hold one lock, and the shop sells what it does not have."
            ),
            cure!(
                "paused-holder-writes.toml",
                "The same seed, the same pause, the same two holders. The store refuses the older \
                 token, and sells exactly its stock."
            ),
            step!(
                "paused-holder-reads-and-writes.toml",
                "The read of the second holder already shuts out the first."
            ),
        ],
        conclusion: "A lease cannot stop a holder that does not know that it is over. Only the store \
                     can, if every request carries a token that grows with every grant.",
        sources: &[
            Source {
                what: "M. Kleppmann, \"How to do distributed locking\" (2016)",
                address: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
            },
            Source {
                what: "C. Gray, D. Cheriton, \"Leases: An Efficient Fault-Tolerant Mechanism for Distributed File Cache Consistency\" (1989)",
                address: "https://dl.acm.org/doi/10.1145/74850.74870",
            },
        ],
    },
    Lesson {
        name: "late-write",
        question: "No process pauses. Can a write still come after its lock is gone?",
        steps: &[
            step!("late-write.toml", "The write was in time when it was sent."),
            cure!("late-write-writes.toml", "The store refuses the late write by its token."),
            step!(
                "late-write-released.toml",
                "One holder at a time, always, and still an oversell."
            ),
        ],
        conclusion: "A lock orders the clients, not their messages. What arrives late must be refused \
                     where it arrives.",
        sources: &[
            Source {
                what: "GitHub, \"Downtime last Saturday\" (2012): packets that were a minute and a half under way",
                address: "https://github.blog/2012-12-26-downtime-last-saturday/",
            },
            Source {
                what: "M. Burrows, \"The Chubby lock service for loosely-coupled distributed systems\" (2006): sequencers and lock-delay",
                address: "https://research.google/pubs/the-chubby-lock-service-for-loosely-coupled-distributed-systems/",
            },
        ],
    },
    Lesson {
        name: "clocks",
        question: "A lease is measured by clocks. What if one of them is wrong?",
        steps: &[
            step!(
                "clock-jump-forward.toml",
                "The server's clock leaps, and the lease is over early."
            ),
            step!(
                "clock-jump-backward.toml",
                "It goes back, and the lease takes longer: no harm but time."
            ),
            step!(
                "clock-that-was-ahead.toml",
                "Or for ever, if it was granted while the clock was ahead."
            ),
            step!(
                "slow-client-clock.toml",
                "The client looks at its own clock before it writes, and that one is slow."
            ),
        ],
        conclusion: "A lease is safe between clocks that run at nearly the same rate and are never \
                     set. Tokens need no clock.",
        sources: &[
            Source {
                what: "Cloudflare, \"How and why the leap second affected Cloudflare DNS\" (2017): a clock that went back",
                address: "https://blog.cloudflare.com/how-and-why-the-leap-second-affected-cloudflare-dns/",
            },
            Source {
                what: "Redis, EXPIRE: expiry by the wall clock",
                address: "https://redis.io/docs/latest/commands/expire/",
            },
        ],
    },
];
