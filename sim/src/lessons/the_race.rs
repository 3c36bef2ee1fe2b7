//! The race.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[
    Lesson {
        name: "race",
        question: "Buyers read the stock, then write one less. What can go wrong?",
        steps: &[
            step!("race.toml", "Two buyers see the same stock before either has written."),
            cure!(
                "conditional-update.toml",
                "The check and the write are one step in the store: the pause does no harm."
            ),
        ],
        conclusion: "Where the store can check and write in one step, let it. A lock is for where it \
                     cannot.",
        sources: &[Source {
            what: "H. Berenson et al., \"A Critique of ANSI SQL Isolation Levels\" (1995): the lost update",
            address: "https://www.microsoft.com/en-us/research/publication/a-critique-of-ansi-sql-isolation-levels/",
        }],
    },
    Lesson {
        name: "jvm",
        question: "A lock inside the process cures the race. What if the shop gets a second process?",
        steps: &[
            step!("jvm-one-process.toml", "Threads of one process take turns."),
            step!(
                "jvm-two-processes.toml",
                "Each process has a lock of its own. No fault is needed."
            ),
            step!(
                "jvm-two-processes-fenced.toml",
                "Each process counts by itself, so both come with the same token, and the store \
                 cannot tell them apart."
            ),
        ],
        conclusion: "A lock protects from those who ask the same lock. So does a token: it must come \
                     from where everybody gets it.",
        sources: &[Source {
            what: "java.util.concurrent.locks.ReentrantLock: a lock of one virtual machine",
            address: "https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/concurrent/locks/ReentrantLock.html",
        }],
    },
];
