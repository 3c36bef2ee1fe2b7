//! `token-regression`: a later grant carried a token not greater than an earlier one: a store that
//! checks tokens takes the writes of either holder, or refuses those of the rightful one.
//!
//! Grants of one lock stand in the order of [`Hold::granted`], that of the messages that granted it,
//! whenever their news arrived. That message is the last one that the client took, unless the recipe
//! names another. So it matters which command grants the lock, where a recipe sets the key with one
//! and draws the token with another: who was granted the lock first and draws its token after the
//! next holder did has a greater token than the rightful owner, and that is a regression. To enter a
//! lock once more is no grant, and a hold without a token says nothing about tokens.

use std::collections::BTreeMap;

use fencepost_models::note::Name;

use super::{Hold, Violation, ViolationKind, each_once};
use crate::world::history::History;

/// One violation for each grant whose token is not greater than all before it, at the moment from
/// which on both clients believed in their grants, or had.
pub fn check(history: &History, holds: &[Hold]) -> Vec<Violation> {
    let mut grants: Vec<(u64, &Hold)> = holds
        .iter()
        .filter(|hold| !hold.reentered)
        .filter_map(|hold| Some((hold.token?, hold)))
        .collect();
    grants.sort_by_key(|(_, hold)| hold.granted);
    let mut highest: BTreeMap<&Name, (u64, &Hold)> = BTreeMap::new();
    let mut violations = Vec::new();
    for later in grants {
        let earlier = highest.entry(&later.1.lock).or_insert(later);
        if std::ptr::eq(earlier.1, later.1) {
            continue;
        }
        if later.0 > earlier.0 {
            *earlier = later;
        } else {
            violations.push(violation(history, *earlier, later));
        }
    }
    violations
}

fn violation(history: &History, earlier: (u64, &Hold), later: (u64, &Hold)) -> Violation {
    let ((high, earlier), (token, later)) = (earlier, later);
    let (first, second) = (earlier.holder_name(history), later.holder_name(history));
    let as_well = if high == token { " as well" } else { "" };
    let (known, when) = if earlier.begin < later.begin {
        (later, format!(" at {}", earlier.from))
    } else {
        (earlier, format!(", who learned of it at {} only", earlier.from))
    };
    Violation {
        kind: ViolationKind::TokenRegression,
        at: known.from,
        record: known.begin,
        nodes: each_once([earlier.node, later.node]),
        detail: format!(
            "{second} got {} at {} with token {token}, though an earlier grant, that of {first}{when}, \
             carried token {high}{as_well}",
            later.lock, later.from,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::holds;
    use crate::judge::testing::{A, B, C, Story, found_of_kind};

    fn found(story: &Story) -> Vec<Violation> {
        found_of_kind(story, ViolationKind::TokenRegression)
    }

    #[test]
    fn tokens_that_grow_are_accepted_also_with_gaps() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(1)).release(A).at(2).acquire(B, Some(2)).release(B);
        story.at(3).acquire(A, Some(34)).at(4).acquire(C, Some(35));
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_counter_that_started_anew_regresses_until_it_has_caught_up() {
        let mut story = Story::new();
        story.at_ms(3_000).acquire(A, Some(3)).release(A);
        story.at_ms(12_000).acquire(B, Some(1)).release(B).at_ms(12_001).acquire(C, Some(2));
        story.release(C).at_ms(12_002).acquire(B, Some(3)).release(B).acquire(A, Some(4));
        let violations = found(&story);
        let at: Vec<u64> = violations.iter().map(|violation| violation.at.as_millis()).collect();
        assert_eq!(at, [12_000, 12_001, 12_002], "each is behind A's, and 4 is not");
        assert_eq!(violations[0].nodes, [A, B]);
        assert_eq!(violations[0].record, holds(&story.history)[1].begin);
        insta::assert_snapshot!(violations[0].detail, @"buyer-2 got lock:stock at 12.000s with token 1, though an earlier grant, that of buyer-1 at 3.000s, carried token 3");
    }

    #[test]
    fn equal_tokens_of_two_processes_that_count_for_themselves_are_a_regression() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(1)).at(2).acquire(B, Some(1));
        let violations = found(&story);
        assert_eq!(violations.len(), 1);
        insta::assert_snapshot!(violations[0].detail, @"buyer-2 got lock:stock at 0.000s with token 1, though an earlier grant, that of buyer-1 at 0.000s, carried token 1 as well");
    }

    #[test]
    fn a_clients_own_next_grant_may_regress_too() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(7)).release(A).at(2).acquire(A, Some(7));
        assert_eq!(found(&story)[0].nodes, [A]);
    }

    #[test]
    fn who_enters_once_more_has_the_same_token_and_no_new_grant() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(7)).at(2).reenter_with(A, Some(7)).release(A).release(A);
        story.at(3).acquire(B, Some(8));
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_hold_without_a_token_is_passed_over() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(7)).release(A).at(2).acquire(B, None).release(B);
        story.at(3).acquire(C, Some(8));
        assert_eq!(found(&story), []);
        story.release(C).at(4).acquire(B, None).release(B).at(5).acquire(A, Some(8));
        assert_eq!(found(&story)[0].nodes, [C, A]);
    }

    #[test]
    fn each_lock_counts_for_itself() {
        let mut story = Story::new();
        story.acquire_named(A, "one", Some(7)).acquire_named(B, "other", Some(1));
        assert_eq!(found(&story), []);
    }

    #[test]
    fn the_order_of_the_grants_counts_and_not_that_of_the_news() {
        let mut story = Story::new();
        let slow = story.at(1).send_grant(A);
        let fast = story.at(2).send_grant(B);
        story.at(3).deliver(fast).acquire(B, Some(2));
        story.at(9).deliver(slow).acquire(A, Some(1));
        assert_eq!(found(&story), []);

        let mut story = Story::new();
        let slow = story.at(1).send_grant(A);
        let fast = story.at(2).send_grant(B);
        story.at(3).deliver(fast).acquire(B, Some(1));
        story.at(9).deliver(slow).acquire(A, Some(2));
        let violations = found(&story);
        assert_eq!(violations.len(), 1);
        assert_eq!((&violations[0].nodes[..], violations[0].at.as_nanos()), (&[A, B][..], 9));
        assert_eq!(violations[0].record, holds(&story.history)[1].begin);
        insta::assert_snapshot!(violations[0].detail, @"buyer-2 got lock:stock at 0.000s with token 1, though an earlier grant, that of buyer-1, who learned of it at 0.000s only, carried token 2");
    }

    /// A sets the key, which expires; B sets it and draws 1; A draws 2. Either the key's message or
    /// the token's is what grants the lock.
    fn drawn_late(the_key_grants: bool) -> Story {
        let mut story = Story::new();
        let set_by_a = story.at(1).send_grant(A);
        story.at(2).deliver(set_by_a);
        let set_by_b = story.at(20).send_grant(B);
        story.at(21).deliver(set_by_b);
        let drawn_by_b = story.at(22).send_grant(B);
        let drawn_by_a = story.at(23).send_grant(A);
        for (message, node, token) in [(drawn_by_a, A, 2), (drawn_by_b, B, 1)] {
            if the_key_grants {
                story.deliver_beside(message);
            } else {
                story.deliver(message);
            }
            story.acquire(node, Some(token));
        }
        story
    }

    #[test]
    fn who_was_granted_the_lock_first_and_draws_its_token_last_makes_the_other_regress() {
        let violations = found(&drawn_late(true));
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [A, B]);
    }

    #[test]
    fn where_the_token_makes_the_grant_there_is_no_regression() {
        assert_eq!(found(&drawn_late(false)), []);
    }

    #[test]
    fn who_draws_its_token_first_and_sets_the_key_late_regresses() {
        // A draws 1; B draws 2, sets the key and gives it back; A sets the key.
        let mut story = Story::new();
        let drawn_by_a = story.at(1).send_grant(A);
        story.at(2).deliver(drawn_by_a);
        let drawn_by_b = story.at(3).send_grant(B);
        let set_by_b = story.at(4).deliver(drawn_by_b).at(5).send_grant(B);
        story.at(6).deliver(set_by_b).acquire(B, Some(2)).at(7).release(B);
        let set_by_a = story.at(8).send_grant(A);
        story.at(9).deliver(set_by_a).acquire(A, Some(1));
        assert_eq!(found(&story).len(), 1);
    }
}
