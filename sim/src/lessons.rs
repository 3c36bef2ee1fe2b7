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
    Lesson {
        name: "release",
        question: "What can go wrong when a lock is given back?",
        steps: &[
            step!(
                "plain-del.toml",
                "buyer-1 gives back a lock that is not its own any more, and a third buyer gets in \
                 beside the second."
            ),
            step!("plain-del-cure.toml", "The script deletes what it compares, or nothing."),
        ],
        conclusion: "Put into the lock whose it is, and remove it only if it still says so, in one \
                     step.",
    },
    Lesson {
        name: "expiry",
        question: "Why must a lock and its expiry be set in one step?",
        steps: &[
            step!("setnx-expire-crash.toml", "One crash, and nobody ever sells anything again."),
            step!(
                "setnx-expire-cure.toml",
                "The same crash: the lease runs out, and the shop goes on."
            ),
        ],
        conclusion: "Between two commands a client can die. What must not come apart goes into one.",
    },
    Lesson {
        name: "forgetful-server",
        question: "The server that keeps the lock dies and comes back. Does it remember?",
        steps: &[
            step!(
                "restart-without-persistence.toml",
                "It does not, and grants the lock once more."
            ),
            step!(
                "crash-aof-everysec.toml",
                "It wrote its file before it replied, and a file outlives a process."
            ),
            step!(
                "power-loss-aof-everysec.toml",
                "What was not synced does not outlive the host. The count of the tokens is gone as \
                 well, so fencing is fooled."
            ),
            step!("power-loss-aof-always.toml", "It synced before it replied."),
        ],
        conclusion: "A lock server must not forget what it has granted, and above all not the count \
                     of its tokens.",
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
    },
    Lesson {
        name: "full-memory",
        question: "The lock shares its Redis with a cache. What happens when the memory is full?",
        steps: &[step!(
            "evicted-lock.toml",
            "The lock is a key like others, and makes room for one."
        )],
        conclusion: "A server may throw away what a cache has, and nothing that a lock has.",
    },
    Lesson {
        name: "retry",
        question: "No answer came in time, so the order is sent again. Was it taken once or twice?",
        steps: &[
            step!("retried-order.toml", "Twice. The lock was held all the time."),
            step!("retried-order-numbered.toml", "The store knows the order by its number."),
        ],
        conclusion: "A lock keeps others out. It does not make your own second try harmless; a name \
                     for the operation does.",
    },
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
            step!(
                "sentinel-lost-lock-fenced.toml",
                "The counter of the tokens is lost with the lock, and both come with the same token."
            ),
            step!(
                "sentinel-lost-lock-wait.toml",
                "A grant that no replica has acknowledged does not count."
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
    },
    Lesson {
        name: "redlock",
        question: "Five servers that know nothing of each other, and a majority of votes. Is that enough?",
        steps: &[
            step!(
                "redlock-restart-forgets.toml",
                "A server that restarts without its data votes twice: two majorities."
            ),
            step!(
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
            step!("redisson-paused-holder-fenced.toml", "RFencedLock has a token for that."),
            step!(
                "redisson-lost-message.toml",
                "Who waits is woken up by a message. When it is lost, a timer is left."
            ),
        ],
        conclusion: "A watchdog shows that a process runs, not that its work gets on. It makes short \
                     leases bearable, and takes no case away in which two hold one lock.",
    },
    Lesson {
        name: "sessions",
        question: "ZooKeeper forgets nothing that it has acknowledged. Is its lock safe then?",
        steps: &[
            step!(
                "zookeeper-leader-crash.toml",
                "The leader dies. The next one knows the lock and the session of its holder."
            ),
            step!(
                "zookeeper-paused-holder.toml",
                "A session is a lease: its holder may stop for longer than it lasts."
            ),
            step!(
                "zookeeper-paused-holder-fenced.toml",
                "The transaction that created the holder's node is a token, which grows with every grant."
            ),
            step!(
                "zookeeper-minority-ignores.toml",
                "A client is told that it is not connected, and may not care."
            ),
            step!("zookeeper-minority-stops.toml", "It had better."),
            step!(
                "zookeeper-minority-told-late.toml",
                "Unless its session is shorter than its server's patience: it is told too late."
            ),
        ],
        conclusion: "Consensus keeps the servers of one mind. It does not reach into the client, who \
                     may be the last to know. What it does give is a token that every store can check.",
    },
    Lesson {
        name: "curator",
        question: "Curator hides ZooKeeper's hard parts. Which of them are left?",
        steps: &[
            step!(
                "curator-lost-create-unprotected.toml",
                "A node was created and nobody was told: it blocks everybody, its maker included."
            ),
            step!("curator-lost-create.toml", "Its name is known before: it is found again."),
            step!(
                "curator-protection-gap.toml",
                "Once. When it happens twice it is not looked for."
            ),
            step!("curator-lost.toml", "To stop at LOST is too late."),
            step!(
                "curator-suspended.toml",
                "To stop at SUSPENDED is in time, unless the server is cut off with its client and \
                 patient for longer than the session lasts."
            ),
            step!(
                "curator-kept-place.toml",
                "As a rule: who waits in a session that is over may be granted the lock by it."
            ),
        ],
        conclusion: "Use it, stop at SUSPENDED, and let the store check the czxid all the same.",
    },
];

/// The lesson of that name.
pub fn find(name: &str) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.name == name)
}
