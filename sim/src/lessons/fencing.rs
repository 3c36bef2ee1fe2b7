//! Fencing, and when it fails.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[
    Lesson {
        name: "writes-alone",
        question: "Is it enough for the store to check the token on writes?",
        steps: &[
            step!("writes-alone.toml", "The older write comes first, and no token forbids it."),
            cure!(
                "writes-alone-cure.toml",
                "The younger holder's read has raised the mark, so the older write is refused."
            ),
        ],
        conclusion: "A token checked on writes orders the writes. To protect a read that a write \
                     builds on, the read must carry the token too.",
        sources: &[Source {
            what: "M. Kleppmann, \"How to do distributed locking\" (2016): fencing tokens",
            address: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
        }],
    },
    Lesson {
        name: "forgetful-server",
        question: "The server that keeps the lock dies and comes back. Does it remember?",
        steps: &[
            step!(
                "restart-without-persistence.toml",
                "It does not, and grants the lock once more."
            ),
            cure!(
                "crash-aof-everysec.toml",
                "It wrote its file before it replied, and a file outlives a process."
            ),
            step!(
                "power-loss-aof-everysec.toml",
                "What was not synced does not outlive the host. The count of the tokens is gone as \
                 well, so fencing is fooled."
            ),
            cure!("power-loss-aof-always.toml", "It synced before it replied."),
        ],
        conclusion: "A lock server must not forget what it has granted, and above all not the count \
                     of its tokens.",
        sources: &[Source {
            what: "Redis, Persistence: what each policy may lose",
            address: "https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/",
        }],
    },
    Lesson {
        name: "retry",
        question: "No answer came in time, so the order is sent again. Was it taken once or twice?",
        steps: &[
            step!("retried-order.toml", "Twice. The lock was held all the time."),
            cure!("retried-order-numbered.toml", "The store knows the order by its number."),
        ],
        conclusion: "A lock keeps others out. It does not make your own second try harmless; a name \
                     for the operation does.",
        sources: &[Source {
            what: "Stripe, \"Designing robust and predictable APIs with idempotency\" (2017)",
            address: "https://stripe.com/blog/idempotency",
        }],
    },
];
