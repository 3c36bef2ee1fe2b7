//! Clients that contend for a lock on an ensemble, and what is seen of them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::rig::Rig;
use crate::locks::{Guarded, Lock};
use crate::machine::NodeId;
use crate::note::Note;
use crate::process::Host;

pub(super) const CLIENTS: std::ops::RangeInclusive<u16> = 101..=103;

/// Starts clients that take the lock so many times each, and hold it for so long.
pub(super) fn contend<L: Lock + 'static>(
    rig: &mut Rig,
    times: u32,
    hold: Duration,
    lock: impl Fn(Host, &[NodeId]) -> L + Clone + 'static,
) {
    let servers: Vec<NodeId> = (1..=rig.servers()).map(NodeId).collect();
    for node in CLIENTS {
        let (servers, lock) = (servers.clone(), lock.clone());
        rig.start_process(node, move |host| async move {
            let mut lock = Guarded::new(host.clone(), lock(host.clone(), &servers));
            for _ in 0..times {
                let held = lock.acquire().await;
                host.sleep(hold).await;
                lock.release(held).await;
            }
        });
    }
}

/// Lets so much time pass, or less when all processes have come to their end.
pub(super) fn run(rig: &mut Rig, at_most_ms: u64) {
    let end = rig.now_ms() + at_most_ms;
    while rig.now_ms() < end && CLIENTS.into_iter().any(|node| !rig.is_finished(node)) {
        rig.pass(100);
    }
}

/// Clients take the lock four times each while the leader crashes and comes back: each gets it in its turn, one at a time,
/// under growing tokens.
pub(super) fn outlast_a_leader(seed: u64, at_most_ms: u64, begin: impl FnOnce(&mut Rig)) {
    let mut rig = Rig::of(3, seed, |_| {});
    rig.settle();
    begin(&mut rig);
    rig.pass(2000 + 150 * (seed - 40));
    let leader = rig.leader();
    rig.crash(leader);
    rig.pass(8000);
    rig.start(leader);
    run(&mut rig, at_most_ms);
    let tokens = tokens(&rig);
    assert_eq!((tokens.len(), most_holders(&rig)), (12, 1), "seed {seed}");
    // Who is disconnected gives the lock up; its node is still there, and has to go first.
    assert!(tokens.is_sorted_by(|one, next| one < next), "seed {seed}: {tokens:x?}");
}

/// The tokens of all grants, in order.
pub(super) fn tokens(rig: &Rig) -> Vec<u64> {
    let token = |(_, _, note): &(u64, NodeId, Note)| match note {
        Note::Acquired { token, .. } => *token,
        _ => None,
    };
    rig.notes.iter().filter_map(token).collect()
}

/// How many clients believed at most, at the same time, that they held the lock.
pub(super) fn most_holders(rig: &Rig) -> usize {
    let mut holders = BTreeSet::new();
    let mut most = 0;
    for (_, node, note) in &rig.notes {
        match note {
            Note::Acquired { .. } => {
                holders.insert(node);
            }
            Note::Releasing { .. } | Note::LockLost { .. } => {
                holders.remove(node);
            }
            _ => {}
        }
        most = most.max(holders.len());
    }
    most
}

/// Whether a client believes that it holds the lock.
pub(super) fn holds(rig: &Rig, node: u16) -> bool {
    let own = rig.notes.iter().rev().find(|(_, of, note)| {
        let is_own =
            matches!(note, Note::Acquired { .. } | Note::Releasing { .. } | Note::LockLost { .. });
        of.0 == node && is_own
    });
    own.is_some_and(|(_, _, note)| matches!(note, Note::Acquired { .. }))
}

/// Who believes that it holds the lock.
pub(super) fn holder(rig: &Rig) -> u16 {
    CLIENTS.into_iter().find(|node| holds(rig, *node)).expect("somebody holds the lock")
}
