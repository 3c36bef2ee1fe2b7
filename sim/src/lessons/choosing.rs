//! Choosing.

use super::{Lesson, Source, Step};

pub const LESSONS: &[Lesson] = &[Lesson {
    name: "choosing",
    question: "Which lock should it be?",
    steps: &[
        step!("conditional-update.toml", "None, where the store can check and write in one step."),
        step!(
            "redlock-paused-holder.toml",
            "Any lease will do where a second holder wastes work and does no harm; more servers do not make it safe."
        ),
        step!(
            "zookeeper-paused-holder-fenced.toml",
            "Where a second holder does harm: one whose tokens outlive every failover, with a store that checks \
                 them."
        ),
    ],
    conclusion: "Ask first what a second holder costs. If work: the simplest lock that you have. If money: a token that \
                     no failure takes back, checked by the store at every read and write. `fencepost compare` measures \
                     which fault breaks which lock, and what each of them costs.",
    sources: &[Source {
        what: "M. Kleppmann, \"How to do distributed locking\" (2016): for efficiency or for correctness",
        address: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
    }],
}];
