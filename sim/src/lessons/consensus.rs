//! Consensus: ZooKeeper and Curator.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[
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
            cure!(
                "zookeeper-paused-holder-fenced.toml",
                "The transaction that created the holder's node is a token, which grows with every grant."
            ),
            step!(
                "zookeeper-minority-ignores.toml",
                "A client is told that it is not connected, and may not care."
            ),
            cure!("zookeeper-minority-stops.toml", "It had better."),
            step!(
                "zookeeper-minority-told-late.toml",
                "Unless its session is shorter than its server's patience: it is told too late."
            ),
        ],
        conclusion: "Consensus keeps the servers of one mind. It does not reach into the client, who \
                     may be the last to know. What it does give is a token that every store can check.",
        sources: &[
            Source {
                what: "P. Hunt et al., \"ZooKeeper: Wait-free coordination for Internet-scale systems\" (2010)",
                address: "https://www.usenix.org/conference/usenix-atc-10/zookeeper-wait-free-coordination-internet-scale-systems",
            },
            Source {
                what: "ZooKeeper, Recipes and Solutions: locks",
                address: "https://zookeeper.apache.org/doc/r3.8.0/recipes.html",
            },
            Source {
                what: "K. Kingsbury, \"Jepsen: Zookeeper\" (2013)",
                address: "https://aphyr.com/posts/291-jepsen-zookeeper",
            },
        ],
    },
    Lesson {
        name: "curator",
        question: "Curator hides ZooKeeper's hard parts. Which of them are left?",
        steps: &[
            step!(
                "curator-lost-create-unprotected.toml",
                "A node was created and nobody was told: it blocks everybody, its maker included."
            ),
            cure!("curator-lost-create.toml", "Its name is known before: it is found again."),
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
        sources: &[
            Source {
                what: "Curator, Shared Reentrant Lock",
                address: "https://curator.apache.org/docs/recipes-shared-reentrant-lock",
            },
            Source {
                what: "Curator, Error Handling: what to do at SUSPENDED and LOST",
                address: "https://curator.apache.org/docs/errors",
            },
        ],
    },
];
