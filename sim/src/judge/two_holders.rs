//! `two-holders`: two clients believed at the same instant that they held the same lock.
//!
//! A client is a thread of a process; most processes have one. Two holds of one thread at once, as
//! two futures of it may have them on a lock that is not reentrant, are not judged here: what they
//! do to the shop is. Nor does it say anything anew when a client enters once more what it holds
//! beside another.

use std::fmt::{self, Write as _};

use super::holds::Beliefs;
use super::{Hold, Violation, ViolationKind, each_once};
use crate::world::history::History;

/// The check.
#[derive(Default)]
pub struct TwoHolders {
    /// The most clients that have believed at the same instant that they held the same lock.
    pub most: usize,
}

impl TwoHolders {
    /// A hold has begun, the last one: a violation if others stood.
    pub fn begin(&mut self, history: &History, beliefs: &Beliefs<'_>) -> Option<Violation> {
        let (later, standing) = beliefs.last_begun()?;
        let others = others(later, standing);
        self.most = self.most.max(others.len() + 1);
        if others.is_empty() || later.reentered {
            return None;
        }
        Some(Violation {
            kind: ViolationKind::TwoHolders,
            at: later.from,
            record: later.begin,
            nodes: each_once(others.iter().copied().chain([later]).map(|hold| hold.node)),
            detail: describe(history, later, &others),
        })
    }
}

/// Of the holds that stood when another began those of other clients on the same lock, of each client
/// the first.
fn others<'a>(later: &Hold, standing: impl Iterator<Item = &'a Hold>) -> Vec<&'a Hold> {
    let mut others: Vec<&Hold> = Vec::new();
    for hold in standing {
        let is_new = hold.holder() != later.holder()
            && others.iter().all(|one| one.holder() != hold.holder());
        if is_new && hold.lock == later.lock {
            others.push(hold);
        }
    }
    others
}

fn describe(history: &History, later: &Hold, standing: &[&Hold]) -> String {
    let mut detail = format!(
        "{} believes from {} on that it holds {}{}, and so {} ",
        later.holder_name(history),
        later.from,
        later.lock,
        WithToken(later.token),
        if standing.len() == 1 { "does" } else { "do" },
    );
    for (place, hold) in standing.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let (name, token) = (hold.holder_name(history), WithToken(hold.token));
        // Writing into a string cannot fail.
        let _ = write!(detail, "{comma}{name} (since {}{token})", hold.from);
    }
    detail
}

/// `, token 7`, or nothing.
pub struct WithToken(pub Option<u64>);

impl fmt::Display for WithToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |token| write!(f, ", token {token}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{A, B, C, Story, found_of_kind, verdict};
    use crate::world::history::Event;

    fn found(story: &Story) -> (Vec<Violation>, usize) {
        let most = verdict(story).max_holders;
        (found_of_kind(story, ViolationKind::TwoHolders), most)
    }

    fn accepted(story: &Story) -> bool {
        let (violations, most) = found(story);
        violations.is_empty() && most <= 1
    }

    #[test]
    fn nobody_holds_in_an_empty_history() {
        assert_eq!(found(&Story::new()), (vec![], 0));
    }

    #[test]
    fn an_overlap_of_one_nanosecond_is_one() {
        let mut story = Story::new();
        story.at(1_000_000_000).acquire(A, Some(1));
        story.at(2_000_000_000).acquire(B, Some(2)).at(2_000_000_001).release(A);
        let (violations, most) = found(&story);
        assert_eq!(most, 2);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [A, B]);
        assert_eq!(violations[0].at.as_nanos(), 2_000_000_000);
        insta::assert_snapshot!(violations[0].detail, @"buyer-2 believes from 2.000s on that it holds lock:stock, token 2, and so does buyer-1 (since 1.000s, token 1)");
    }

    #[test]
    fn holds_that_touch_are_told_apart_by_the_order_of_their_records() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).release(A).acquire(B, None);
        assert!(accepted(&story));
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(B, None).release(A);
        assert_eq!(found(&story).0.len(), 1);
    }

    #[test]
    fn a_client_may_enter_twice() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).acquire(A, None).release(A).release(A);
        story.at(2).acquire(B, None).acquire(B, None);
        assert!(accepted(&story));
    }

    #[test]
    fn after_one_release_of_two_it_still_holds() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).acquire(A, None).release(A).at(2).acquire(B, None);
        assert_eq!(found(&story).0.len(), 1);
    }

    #[test]
    fn two_tasks_of_one_client_are_one_client_each_with_its_own_hold() {
        let mut story = Story::new();
        let first = story.at(1).acquire_numbered(A, Some(1));
        story.at(2).acquire(A, Some(2)).at(3).release(A).at(4).acquire(B, Some(3));
        let (violations, most) = found(&story);
        assert_eq!((violations.len(), most), (1, 2), "the first of A stands beside B's");
        assert_eq!(violations[0].nodes, [A, B]);
        story.at(5).acquire(A, Some(4)).at(6).release_numbered(A, first);
        assert_eq!(found(&story).0[1].nodes, [B, A]);
        assert_eq!(found(&story).1, 2);
    }

    #[test]
    fn two_threads_of_one_process_are_two_holders_and_one_node() {
        let mut story = Story::new();
        story.at(1).acquire_on_thread(A, 1, Some(1)).at(2).acquire_on_thread(A, 2, Some(2));
        let (violations, most) = found(&story);
        assert_eq!((violations.len(), most), (1, 2));
        assert_eq!(violations[0].nodes, [A]);
        insta::assert_snapshot!(violations[0].detail, @"thread 2 of buyer-1 believes from 0.000s on that it holds lock:stock, token 2, and so does thread 1 of buyer-1 (since 0.000s, token 1)");
        let mut story = Story::new();
        story.at(1).acquire_on_thread(A, 1, None).at(2).release(A).acquire_on_thread(A, 2, None);
        story.at(3).acquire_on_thread(A, 2, None);
        assert!(accepted(&story), "one after the other, and one thread twice");
    }

    #[test]
    fn who_enters_once_more_beside_another_adds_no_violation() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(B, None).at(3).reenter(A);
        assert_eq!(found(&story).0.len(), 1);
    }

    #[test]
    fn a_critical_section_that_was_dropped_is_nobodys_hold() {
        let mut story = Story::new();
        let first = story.at(1).acquire_numbered(A, Some(1));
        story.at(2).abandon(A, first).at(40).acquire(A, Some(2)).at(41).release(A);
        story.at(50).acquire(B, Some(3));
        assert!(accepted(&story));
    }

    #[test]
    fn different_locks_do_not_exclude_each_other() {
        let mut story = Story::new();
        story.acquire_named(A, "one", None).acquire_named(B, "other", None);
        assert!(accepted(&story));
    }

    #[test]
    fn who_is_dead_or_knows_that_it_lost_the_lock_holds_it_no_more() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).event(A, Event::Crashed).at(3).acquire(B, None);
        story.at(4).lose(B).at(5).acquire(C, None).at(6).event(C, Event::PowerLost);
        story.at(7).acquire(A, None);
        assert!(accepted(&story));
    }

    #[test]
    fn a_paused_holder_holds_on() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).event(A, Event::Paused).at(3).acquire(B, None);
        assert_eq!(found(&story).0.len(), 1);
    }

    #[test]
    fn a_hold_still_open_at_the_end_counts() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(B, None);
        assert_eq!(found(&story).0.len(), 1);
    }

    #[test]
    fn three_at_once_are_two_violations_and_a_maximum_of_three() {
        let mut story = Story::new();
        story.acquire(A, None).acquire(B, None).acquire(C, None);
        let (violations, most) = found(&story);
        assert_eq!(most, 3);
        assert_eq!(violations.len(), 2);
        assert_eq!(violations[1].nodes, [A, B, C]);
        insta::assert_snapshot!(violations[1].detail, @"buyer-3 believes from 0.000s on that it holds lock:stock, and so do buyer-1 (since 0.000s), buyer-2 (since 0.000s)");
    }
}
