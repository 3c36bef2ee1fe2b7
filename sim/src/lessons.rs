//! The lessons of `fencepost demo`: each asks a question and answers it with one run or several of
//! the scenarios under `seeds/`, which are part of the program.

/// One lesson.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// The runs that answer it, in order.
    pub steps: &'static [Step],
    /// What to take home.
    pub conclusion: &'static str,
}

/// One run of a lesson.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The scenario's file under `seeds/`.
    pub file: &'static str,
    /// What the file says.
    pub toml: &'static str,
    /// What to look at.
    pub notice: &'static str,
}

macro_rules! step {
    ($file:literal, $notice:literal) => {
        Step { file: $file, toml: include_str!(concat!("../../seeds/", $file)), notice: $notice }
    };
}

/// Every lesson, in the order in which they are best told.
pub const LESSONS: &[Lesson] = &[
    Lesson {
        name: "race",
        question: "Buyers read the stock, then write one less. What can go wrong?",
        steps: &[
            step!("race.toml", "Two buyers see the same stock before either has written."),
            step!(
                "conditional-update.toml",
                "The check and the write are one step in the store: the pause does no harm."
            ),
        ],
        conclusion: "Where the store can check and write in one step, let it. A lock is for where it \
                     cannot.",
    },
    Lesson {
        name: "paused-holder",
        question: "A lock with a lease: what if its holder stops for longer than the lease lasts?",
        steps: &[
            step!(
                "paused-holder.toml",
                "The lease ends while buyer-1 is stopped, and nobody can tell it. When it wakes, two \
                 buyers hold one lock, and the shop sells what it does not have."
            ),
            step!(
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
    },
    Lesson {
        name: "late-write",
        question: "No process pauses. Can a write still come after its lock is gone?",
        steps: &[
            step!("late-write.toml", "The write was in time when it was sent."),
            step!(
                "late-write-released.toml",
                "One holder at a time, always, and still an oversell."
            ),
            step!("late-write-writes.toml", "The store refuses the late write by its token."),
        ],
        conclusion: "A lock orders the clients, not their messages. What arrives late must be refused \
                     where it arrives.",
    },
    Lesson {
        name: "writes-alone",
        question: "Is it enough for the store to check the token on writes?",
        steps: &[
            step!("writes-alone.toml", "The older write comes first, and no token forbids it."),
            step!(
                "writes-alone-cure.toml",
                "The younger holder's read has raised the mark, so the older write is refused."
            ),
        ],
        conclusion: "A token checked on writes orders the writes. To protect a read that a write \
                     builds on, the read must carry the token too.",
    },
];

/// The lesson of that name.
pub fn find(name: &str) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.name == name)
}
