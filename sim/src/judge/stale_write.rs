//! `stale-write`: the store took a write from a client whose hold had been superseded: the same lock
//! had been granted again after the hold under which the write was sent, and whoever got it knew
//! so before the store took the write. An order that has a store of its own is a write to that one.

use fencepost_models::note::Note;

use super::holds::sent_by;
use super::locks::{LockId, grown};
use super::two_holders::WithToken;
use super::{Hold, Violation, ViolationKind, each_once};
use crate::world::history::{History, Record, RecordId};

/// The check.
#[derive(Default)]
pub struct StaleWrite {
    /// The holds of each node, by their places, in the order in which they began.
    of_node: Vec<Vec<usize>>,
    /// The lock of each hold, by the hold's place.
    lock_of: Vec<LockId>,
    successions: Vec<Succession>,
}

/// The holds of one lock that were granted after all that had begun before them, in order, each with
/// its grant. The first that anybody came to believe of those granted after some other one is
/// always among these.
type Succession = Vec<(RecordId, usize)>;

impl StaleWrite {
    /// A hold has begun, the last one.
    pub fn begin(&mut self, holds: &[Hold], lock: LockId) {
        let Some((hold, before)) = holds.split_last() else { return };
        grown(&mut self.of_node, usize::from(hold.node.0)).push(before.len());
        self.lock_of.push(lock);
        let succession = grown(&mut self.successions, lock.0);
        if succession.last().is_none_or(|(newest, _)| *newest < hold.granted) {
            succession.push((hold.granted, before.len()));
        }
    }

    /// A store has taken a write: a violation if it is stale.
    pub fn write(
        &self,
        history: &History,
        holds: &[Hold],
        taken: RecordId,
        record: &Record,
        note: &Note,
    ) -> Option<Violation> {
        let (from, token) = match note {
            Note::WriteTaken { from, token, .. } | Note::StockWritten { from, token, .. } => {
                (*from, *token)
            }
            // The orders' own store takes no tokens.
            Note::OrderRecorded { from, .. } => (*from, None),
            _ => return None,
        };
        let own = self.of_node.get(usize::from(from.0))?;
        let sent = record.cause.and_then(|cause| sent_by(history, cause)).unwrap_or(taken);
        let (own, newer) = self
            .written_under(holds, own, sent, token)
            .find_map(|place| Some((&holds[place], &holds[self.successor(holds, place)?])))?;
        let took = match note {
            Note::OrderRecorded { .. } => "the orders' own store took an order",
            _ => "the store took a write",
        };
        let write = Write { took, token, sent, taken };
        Some(Violation {
            kind: ViolationKind::StaleWrite,
            at: record.at,
            record: taken,
            nodes: each_once([from, newer.node]),
            detail: describe(history, write, own, newer),
        })
    }

    /// The first hold that anybody came to believe, so far, of those granted after this one. A client
    /// that gave the lock back and got it again has superseded its own earlier hold; one that entered
    /// it once more has not, for that is the same grant.
    fn successor(&self, holds: &[Hold], place: usize) -> Option<usize> {
        let granted = holds[place].granted;
        let succession = &self.successions[self.lock_of[place].0];
        // Nearly always it is the newest itself.
        succession.last().filter(|(newest, _)| *newest > granted)?;
        let first = succession.partition_point(|(earlier, _)| *earlier <= granted);
        succession.get(first).map(|(_, successor)| *successor)
    }

    /// The holds of one client under which it sent a write, one for each lock: the one whose token the
    /// write carries, or else the newest that stood: the client may have got anew what it never knew
    /// that it had lost. When there is none, the last that had stood: a client may write on when it
    /// should not.
    fn written_under(
        &self,
        holds: &[Hold],
        own: &[usize],
        sent: RecordId,
        token: Option<u64>,
    ) -> impl Iterator<Item = usize> {
        let had_begun = |place: &usize| holds[*place].begin < sent;
        // Nearly always the client has got nothing since it sent the write.
        let begun = if own.last().is_some_and(had_begun) {
            own
        } else {
            &own[..own.partition_point(had_begun)]
        };
        // A client holds few locks at once, and all that stand lie among the last that it began.
        let recent = &begun[begun.len().saturating_sub(MOST_LOCKS_OF_ONE_CLIENT)..];
        let stands = move |place: &usize| holds[*place].stands_at(sent);
        let is_named = |place: &&usize| token.is_some() && holds[**place].token == token;
        let named = recent.iter().rfind(is_named).copied();
        let last = begun.last().filter(|_| named.is_none() && !recent.iter().any(stands)).copied();
        let same_lock = move |one: usize, other: usize| self.lock_of[one] == self.lock_of[other];
        let newest = recent.iter().enumerate().filter(move |(count, place)| {
            let is_superseded = |newer: &usize| stands(newer) && same_lock(*newer, **place);
            stands(place)
                && !named.is_some_and(|named| same_lock(named, **place))
                && !recent[count + 1..].iter().any(is_superseded)
        });
        named.into_iter().chain(newest.map(|(_, place)| *place)).chain(last)
    }
}

/// How far back a hold under which a write was sent is looked for, so that a long run of one
/// client costs no more than a short one.
const MOST_LOCKS_OF_ONE_CLIENT: usize = 16;

/// A write that the store took.
struct Write {
    took: &'static str,
    token: Option<u64>,
    sent: RecordId,
    taken: RecordId,
}

fn describe(history: &History, write: Write, own: &Hold, newer: &Hold) -> String {
    let token = write.token.map_or_else(String::new, |token| format!(" with token {token}"));
    let sent = match history.record(write.sent) {
        Some(record) if write.sent != write.taken => format!("sent at {}, ", record.at),
        _ => String::new(),
    };
    format!(
        "{} of {}{token}, {sent}under the {} that it got at {}; {} had \
         got it at {}{}, by then",
        write.took,
        own.holder_name(history),
        own.lock,
        own.from,
        newer.holder_name(history),
        newer.from,
        WithToken(newer.token),
    )
}

#[cfg(test)]
mod tests {
    use fencepost_models::machine::NodeId;
    use fencepost_models::message::Message;
    use fencepost_models::redis::resp::Reply;

    use super::*;
    use crate::judge::holds;
    use crate::judge::testing::{A, B, C, STORE, Story, found_of_kind};
    use crate::world::history::Event;

    fn found(story: &Story) -> Vec<Violation> {
        found_of_kind(story, ViolationKind::StaleWrite)
    }

    #[test]
    fn a_write_under_the_last_hold_is_accepted() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).taken(A, 1, 5, 4).release(A);
        story.at(2).acquire(B, None).taken(B, 2, 4, 3).release(B);
        story.at(3).acquire(A, None).taken(A, 3, 3, 2).release(A);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_write_after_another_client_got_the_lock_is_stale() {
        let mut story = Story::new();
        story.at_ms(1).acquire(A, Some(1)).at_ms(2).acquire(B, Some(2));
        story.at_ms(3).taken(A, 9, 5, 4);
        let violations = found(&story);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [A, B]);
        insta::assert_snapshot!(violations[0].detail, @"the store took a write of buyer-1, under the lock:stock that it got at 0.001s; buyer-2 had got it at 0.002s, token 2, by then");
    }

    #[test]
    fn the_newer_holder_itself_may_write_beside_the_older() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(B, None).at(3).taken(B, 1, 5, 4);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_write_in_flight_across_release_and_next_grant_is_stale() {
        let mut story = Story::new();
        story.at_ms(1).acquire(A, Some(1));
        let write = story.at_ms(2).send_write(A, 9, 4);
        story.at_ms(3).release(A).at_ms(4).acquire(B, Some(2)).at_ms(5).release(B);
        story.at_ms(6).acquire(A, Some(3)).at_ms(7).deliver(write).taken(A, 9, 5, 4);
        let violations = found(&story);
        assert_eq!(violations.len(), 1, "the hold at the sending counts, not the present one");
        insta::assert_snapshot!(violations[0].detail, @"the store took a write of buyer-1, sent at 0.002s, under the lock:stock that it got at 0.001s; buyer-2 had got it at 0.004s, token 2, by then");
    }

    #[test]
    fn a_write_in_flight_across_its_own_release_alone_is_accepted() {
        let mut story = Story::new();
        story.at(1).acquire(A, None);
        let write = story.at(2).send_write(A, 9, 4);
        story.at(3).release(A).at(4).deliver(write).taken(A, 9, 5, 4).acquire(B, None);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn the_dead_mans_write_is_stale_too() {
        let mut story = Story::new();
        story.at(1).acquire(A, None);
        let write = story.at(2).send_write(A, 9, 4);
        story.at(3).event(A, Event::Crashed).at(4).acquire(B, None);
        story.at(5).deliver(write).taken(A, 9, 5, 4);
        assert_eq!(found(&story).len(), 1);
    }

    #[test]
    fn who_writes_on_after_its_release_is_judged_by_its_last_hold() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).release(A).at(3).taken(A, 1, 5, 4);
        assert_eq!(found(&story), []);
        story.at(4).acquire(B, None).at(5).taken(A, 2, 4, 3);
        assert_eq!(found(&story).len(), 1);
    }

    #[test]
    fn without_a_lock_no_write_is_stale() {
        let mut story = Story::new();
        story.stock(2).taken(A, 1, 2, 1).taken(B, 2, 1, 1);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn another_lock_supersedes_nothing() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire_named(B, "other", None).at(3).taken(A, 1, 5, 4);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn of_several_locks_held_any_may_be_superseded() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire_named(A, "other", None);
        story.at(3).acquire(B, None).at(4).taken(A, 1, 5, 4);
        assert_eq!(found(&story).len(), 1);
    }

    #[test]
    fn the_news_of_an_older_grant_does_not_supersede_a_newer_one() {
        let mut story = Story::new();
        let slow = story.at(1).send_grant(A);
        let fast = story.at(2).send_grant(B);
        story.at(3).deliver(fast).acquire(B, Some(2));
        story.at(9).deliver(slow).acquire(A, Some(1));
        story.at(10).taken(B, 1, 5, 4).at(11).taken(A, 2, 4, 4);
        let violations = found(&story);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [A, B], "A learned of its grant last, and was first");
    }

    #[test]
    fn each_hold_is_superseded_by_the_first_one_after_it() {
        let mut story = Story::new();
        story.acquire(A, None).release(A).acquire(A, None).release(A);
        story.acquire(B, None).release(B).acquire(C, None).release(C).acquire(B, None);
        let (holds, mut check) = (holds(&story.history), StaleWrite::default());
        for begun in 1..=holds.len() {
            check.begin(&holds[..begun], LockId(0));
        }
        let successors = (0..holds.len()).map(|place| check.successor(&holds, place));
        let expected = [Some(1), Some(2), Some(3), Some(4), None];
        assert_eq!(successors.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_clients_own_next_hold_supersedes_its_earlier_one() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(1));
        let write = story.at(2).send_write(A, 9, 4);
        story.at(3).release(A).at(4).acquire(A, Some(2));
        story.at(5).deliver(write).taken(A, 9, 5, 4);
        let found = found(&story);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].nodes, [A]);
    }

    #[test]
    fn who_got_it_anew_without_knowing_that_it_had_lost_it_writes_under_the_new_grant() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(1)).at(2).acquire(B, Some(2)).release(B);
        story.at(3).acquire(A, Some(3)).at(4).taken(A, 1, 5, 4);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_write_is_of_the_hold_whose_token_it_carries() {
        let mut story = Story::new();
        story.at(1).acquire(A, Some(1)).at(2).acquire(B, Some(2)).release(B);
        story.at(3).acquire(A, Some(3));
        let taken = |token| Note::WriteTaken { from: A, order: 1, before: 5, after: 4, token };
        story.at(4).note(STORE, taken(Some(3)));
        assert_eq!(found(&story), []);
        story.at(5).note(STORE, taken(Some(1)));
        assert_eq!(found(&story).len(), 1);
        assert_eq!(found(&story)[0].nodes, [A, B]);
    }

    #[test]
    fn entering_once_more_supersedes_nothing_of_the_clients_own() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).reenter(A).at(3).taken(A, 1, 5, 4);
        story.at(4).release(A).at(5).taken(A, 2, 4, 3);
        assert_eq!(found(&story), []);
        story.at(6).acquire(B, None).at(7).taken(A, 3, 3, 2);
        assert_eq!(found(&story).len(), 1);
    }

    #[test]
    fn the_news_of_a_grant_may_reach_the_clients_code_later_than_its_message() {
        let mut story = Story::new();
        let slow = story.at(1).send_grant(A);
        let fast = story.at(2).send_grant(B);
        story.at(3).deliver(fast).acquire(B, Some(2));
        story.at(9).deliver(slow).at(10).acquire(A, Some(1));
        story.at(11).taken(B, 1, 5, 4);
        assert_eq!(found(&story), [], "B was granted it last");
    }

    #[test]
    fn the_stock_alone_and_the_order_alone_can_be_stale_too() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).stock_written(A, 1, 4).recorded(A, 1);
        assert_eq!(found(&story), []);
        story.at_ms(2).acquire(B, None).at_ms(3).stock_written(A, 2, 3).recorded(A, 2);
        let found = found(&story);
        assert_eq!(found.len(), 2);
        insta::assert_snapshot!(found[1].detail, @"the orders' own store took an order of buyer-1, under the lock:stock that it got at 0.000s; buyer-2 had got it at 0.002s, by then");
    }
    /// Of several servers that have to grant a lock the last one makes the grant, in whatever order
    /// their answers arrive.
    #[test]
    fn on_a_majority_the_grant_that_was_complete_last_is_the_newest() {
        use crate::judge::LockHome;
        use crate::judge::testing::{LOCK, verdict_where};
        let servers = [NodeId(1), NodeId(2), NodeId(3)];
        let (a, b) = (NodeId(4), NodeId(5));
        let nodes = ["store", "redis-1", "redis-2", "redis-3", "buyer-1", "buyer-2"];
        for (writer, violations) in [(a, 1), (b, 0)] {
            let mut story = Story::of(&nodes);
            story.wait(a).wait(b);
            let set = |story: &mut Story, at: u64, client, server, mark| {
                let request = story.at(at).send_command(client, server, "SET");
                story.deliver(request).key_set(server, LOCK, mark);
                story.send(server, client, Message::RedisReply(Reply::OK))
            };
            // B has the third server long before it has the second, and hears of the third last.
            let early = set(&mut story, 1, b, servers[2], "b");
            set(&mut story, 2, a, servers[0], "a");
            let second_of_a = set(&mut story, 3, a, servers[1], "a");
            story.at(4).deliver(second_of_a).acquire(a, None);
            story.at(5).key_expired(servers[1], LOCK);
            let second_of_b = set(&mut story, 6, b, servers[1], "b");
            story.at(7).deliver(second_of_b).at(8).deliver(early).acquire(b, None);
            let write = story.at(9).send_write(writer, 1, 0);
            story.at(10).deliver(write).taken(writer, 1, 1, 0);
            let found = verdict_where(&story, LockHome::Majority(servers.to_vec())).violations;
            let stale = found.iter().filter(|one| one.kind == ViolationKind::StaleWrite);
            assert_eq!(stale.count(), violations, "{writer:?}");
        }
    }
}
