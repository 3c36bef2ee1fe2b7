//! `two-holders`: two clients believed at the same instant that they held the same lock.

use super::{Hold, Violation, ViolationKind};
use crate::world::history::History;

/// One violation for each pair of holds that overlap, at the moment at which the later one began.
pub fn check(history: &History, holds: &[Hold]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for_each_begin(holds, |later, standing| {
        for earlier in standing.iter().filter(|earlier| earlier.node != later.node) {
            violations.push(Violation {
                kind: ViolationKind::TwoHolders,
                at: later.from,
                record: later.begin,
                nodes: vec![earlier.node, later.node],
                detail: format!(
                    "{} believes since {} that it holds {}; {} believes it too from {} on",
                    history.name(earlier.node),
                    earlier.from,
                    later.lock,
                    history.name(later.node),
                    later.from,
                ),
            });
        }
    });
    violations
}

/// The most clients that believed at the same instant that they held the same lock.
pub fn most_at_once(holds: &[Hold]) -> usize {
    let mut most = 0;
    for_each_begin(holds, |later, standing| {
        let mut nodes: Vec<_> = standing.iter().map(|hold| hold.node).collect();
        nodes.push(later.node);
        nodes.sort_unstable();
        nodes.dedup();
        most = most.max(nodes.len());
    });
    most
}

/// Visits each hold with those on the same lock that stand when it begins.
fn for_each_begin<'a>(holds: &'a [Hold], mut visit: impl FnMut(&'a Hold, &[&'a Hold])) {
    let mut standing: Vec<&Hold> = Vec::new();
    for later in holds {
        standing.retain(|hold| hold.end > later.begin);
        let same_lock: Vec<&Hold> =
            standing.iter().copied().filter(|hold| hold.lock == later.lock).collect();
        visit(later, &same_lock);
        standing.push(later);
    }
}
