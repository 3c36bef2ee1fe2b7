//! `foreign-release`: a release removed a lock that somebody else had been granted.
//!
//! Whose it was is what the servers say, see [`owners`](super::owners).
//!
//! * A *release* is every command of a client that removes the lock: what `release` sends, and also
//!   what undoes an attempt that failed or had no answer.
//! * *Somebody else* is whoever was granted the lock on another request than the one that the
//!   release undoes: another client; but also the same client, when it had sent the release before
//!   it asked for the grant that the release removes. What it does under the new grant is as
//!   unprotected as another's work would be. Two tasks of one client are not told apart otherwise.
//! * *Had been granted*: where a lock is on several servers that know nothing of each other, a majority of
//!   them has it as his. Until then a client only asks for it, and nothing of a lock is lost when a server
//!   lets go what it has.

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::locks::{LockId, Locks};
use super::owners::{Owners, Removal};
use super::{LockHome, Violation, ViolationKind, each_once};
use crate::world::history::{History, Record, RecordId};

/// The check.
pub struct ForeignRelease<'h> {
    history: &'h History,
    owners: Owners<'h>,
}

impl<'h> ForeignRelease<'h> {
    /// Before the first note.
    pub const fn new(history: &'h History, locks: &LockHome) -> Self {
        Self { history, owners: Owners::new(history, locks.quorum()) }
    }

    /// The record that made a client's last grant of a lock complete, where several servers had to make it.
    pub fn take_completed(&mut self, lock: LockId, client: NodeId) -> Option<RecordId> {
        self.owners.take_completed(lock, client)
    }

    /// A node waits for a lock or has got it.
    pub fn take_part(&mut self, node: NodeId) {
        self.owners.take_part(node);
    }

    /// A server has done something to a key: a violation if that was such a release, at the moment at
    /// which the server carried it out.
    pub fn server(
        &mut self,
        locks: &mut Locks<'h>,
        id: RecordId,
        record: &Record,
        note: &'h Note,
    ) -> Option<Violation> {
        let removal = self.owners.follow(locks, id, record, note).filter(is_foreign)?;
        Some(violation(self.history, id, record, &removal))
    }

    /// A process is gone.
    pub fn die(&mut self, node: NodeId) {
        self.owners.die(node);
    }
}

fn is_foreign(removal: &Removal<'_>) -> bool {
    let (release, asked) = (removal.request, removal.grant.request);
    release.client != asked.client || release.sent < asked.sent
}

fn violation(history: &History, id: RecordId, record: &Record, removal: &Removal<'_>) -> Violation {
    let Removal { grant, request: release } = removal;
    let at = |id| history.record(id).map_or(record.at, |record| record.at);
    let (releaser, owner) = (release.client, grant.request.client);
    let granted = at(grant.granted);
    let whose = if releaser == owner {
        format!("it had asked for it anew since, and had been granted it at {granted}")
    } else {
        format!("it was {}'s, granted at {granted}", history.name(owner))
    };
    Violation {
        kind: ViolationKind::ForeignRelease,
        at: record.at,
        record: id,
        nodes: each_once([releaser, owner]),
        detail: format!(
            "a release that {} sent at {} removed {} from {}: {whose}",
            history.name(releaser),
            at(release.sent),
            grant.lock,
            history.name(record.node),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{A, B, LOCK, REDIS, STORE, Story, found_of_kind};
    use crate::world::history::{Event, MessageId};

    fn found(story: &Story) -> Vec<Violation> {
        found_of_kind(story, ViolationKind::ForeignRelease)
    }

    /// Both take part in the lock.
    fn waiting() -> Story {
        let mut story = Story::new();
        story.wait(A).wait(B);
        story
    }

    fn set(story: &mut Story, from: NodeId, mark: &str) {
        let request = story.send_command(from, REDIS, "SET");
        story.deliver(request).key_set(REDIS, LOCK, mark);
    }

    fn delete(story: &mut Story, from: NodeId) {
        let request = story.send_command(from, REDIS, "DEL");
        carry_out(story, request);
    }

    fn carry_out(story: &mut Story, delete: MessageId) {
        story.deliver(delete).key_deleted(REDIS, LOCK);
    }

    #[test]
    fn to_release_ones_own_lock_is_accepted() {
        let mut story = waiting();
        for turn in 0..3 {
            set(story.at(turn * 10), A, "a");
            delete(story.at(turn * 10 + 1), A);
            set(story.at(turn * 10 + 2), B, "b");
            delete(story.at(turn * 10 + 3), B);
        }
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_release_that_removes_anothers_lock_is_one() {
        let mut story = waiting();
        set(story.at_ms(1), A, "a");
        story.at_ms(10_001).key_expired(REDIS, LOCK);
        set(story.at_ms(10_100), B, "b");
        let release = story.at_ms(12_000).send_command(A, REDIS, "DEL");
        carry_out(story.at_ms(12_001), release);
        let violations = found(&story);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].nodes, [A, B]);
        assert_eq!(violations[0].at.as_millis(), 12_001);
        insta::assert_snapshot!(violations[0].detail, @"a release that buyer-1 sent at 12.000s removed lock:stock from redis: it was buyer-2's, granted at 10.100s");
    }

    #[test]
    fn after_the_expiry_there_is_nobody_to_take_it_from() {
        let mut story = waiting();
        set(story.at(1), A, "a");
        story.at(2).key_expired(REDIS, LOCK);
        let release = story.at(3).send_command(A, REDIS, "DEL");
        story.at(4).deliver(release);
        set(story.at(5), B, "b");
        delete(story.at(6), B);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_client_may_take_its_own_next_grant_away_from_itself() {
        let mut story = waiting();
        set(story.at_ms(1), A, "a1");
        let late = story.at_ms(2).send_command(A, REDIS, "DEL");
        story.at_ms(10_001).key_expired(REDIS, LOCK);
        set(story.at_ms(10_002), A, "a2");
        carry_out(story.at_ms(10_003), late);
        let violations = found(&story);
        assert_eq!(violations[0].nodes, [A]);
        insta::assert_snapshot!(violations[0].detail, @"a release that buyer-1 sent at 0.002s removed lock:stock from redis: it had asked for it anew since, and had been granted it at 10.002s");
    }

    #[test]
    fn a_release_that_follows_its_request_at_once_is_its_own() {
        // No answer came to the request: the client undoes it, and both arrive late.
        let mut story = waiting();
        let request = story.at(1).send_command(A, REDIS, "SET");
        let undo = story.at(2).send_command(A, REDIS, "DEL");
        story.at(9).deliver(request).key_set(REDIS, LOCK, "a");
        carry_out(&mut story, undo);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn a_new_expiry_changes_no_owner_whoever_asks_for_it() {
        let mut story = waiting();
        set(story.at(1), A, "a");
        let renewal = story.at(2).send_command(A, REDIS, "PEXPIRE");
        let release = story.at(3).send_command(A, REDIS, "DEL");
        story.at(4).deliver(renewal).key_set(REDIS, LOCK, "a");
        carry_out(&mut story, release);
        assert_eq!(found(&story), []);
        set(story.at(5), A, "a");
        let meddling = story.at(6).send_command(B, REDIS, "PEXPIRE");
        story.at(7).deliver(meddling).key_set(REDIS, LOCK, "a");
        delete(&mut story, B);
        assert_eq!(found(&story).len(), 1, "it is still A's");
    }

    #[test]
    fn other_keys_are_no_locks_and_who_never_waits_is_no_client() {
        let mut story = waiting();
        let set_other = story.at(1).send_command(A, REDIS, "SET");
        story.deliver(set_other).key_set(REDIS, "stock", "5");
        let delete_other = story.at(2).send_command(B, REDIS, "DEL");
        story.deliver(delete_other).key_deleted(REDIS, "stock");
        set(story.at(3), A, "a");
        delete(story.at(4), STORE);
        assert_eq!(found(&story), []);
    }

    #[test]
    fn what_a_server_has_from_its_disk_is_his_who_was_granted_it_with_that_mark() {
        for (releaser, violations) in [(A, 0), (B, 1)] {
            let mut story = waiting();
            set(story.at(1), A, "a");
            story.at(2).event(REDIS, Event::Crashed);
            story.at(3).event(REDIS, Event::Started { incarnation: 1 });
            story.key_set(REDIS, LOCK, "a");
            delete(story.at(4), releaser);
            assert_eq!(found(&story).len(), violations);
        }
    }

    #[test]
    fn of_several_grants_with_one_mark_the_last_counts() {
        let mut story = waiting();
        set(story.at(1), A, "locked");
        delete(story.at(2), A);
        set(story.at(3), B, "locked");
        story.at(4).event(REDIS, Event::PowerLost).at(5).key_set(REDIS, LOCK, "locked");
        delete(story.at(6), A);
        assert_eq!(found(&story)[0].nodes, [A, B]);
    }

    #[test]
    fn what_a_server_has_from_another_server_is_the_clients_all_the_same() {
        const MASTER: NodeId = STORE;
        let mut story = waiting();
        let request = story.at(1).send_command(A, MASTER, "SET");
        story.deliver(request).key_set(MASTER, LOCK, "a");
        let copy = story.at(2).send_command(MASTER, REDIS, "SET");
        story.deliver(copy).key_set(REDIS, LOCK, "a");
        story.at(3).event(MASTER, Event::Crashed);
        delete(story.at(4), B);
        assert_eq!(found(&story)[0].nodes, [B, A]);
    }

    #[test]
    fn a_server_that_forgot_a_lock_has_nothing_to_take_away() {
        let mut story = waiting();
        set(story.at(1), A, "a");
        story.at(2).event(REDIS, Event::Crashed).at(3);
        set(&mut story, B, "b");
        delete(story.at(4), B);
        assert_eq!(found(&story), []);
    }
    /// Three servers that know nothing of each other, and two buyers.
    mod on_a_majority {
        use super::*;
        use crate::judge::testing::verdict_where;

        const SERVERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
        const A: NodeId = NodeId(4);
        const B: NodeId = NodeId(5);

        fn waiting() -> Story {
            let mut story =
                Story::of(&["store", "redis-1", "redis-2", "redis-3", "buyer-1", "buyer-2"]);
            story.wait(A).wait(B);
            story
        }

        fn set(story: &mut Story, from: NodeId, server: NodeId, mark: &str) {
            let request = story.send_command(from, server, "SET");
            story.deliver(request).key_set(server, LOCK, mark);
        }

        fn delete(story: &mut Story, from: NodeId, server: NodeId) {
            let request = story.send_command(from, server, "DEL");
            story.deliver(request).key_deleted(server, LOCK);
        }

        fn found(story: &Story) -> Vec<Violation> {
            let violations = verdict_where(story, LockHome::Majority(SERVERS.to_vec())).violations;
            let is_one = |one: &Violation| one.kind == ViolationKind::ForeignRelease;
            violations.into_iter().filter(is_one).collect()
        }

        #[test]
        fn a_key_on_a_minority_is_no_grant_that_could_be_taken_away() {
            let mut story = waiting();
            set(story.at(1), A, SERVERS[0], "a");
            delete(story.at(2), B, SERVERS[0]);
            set(story.at(3), A, SERVERS[0], "a");
            set(story.at(4), B, SERVERS[1], "b");
            set(story.at(5), B, SERVERS[2], "b");
            delete(story.at(6), B, SERVERS[0]);
            assert_eq!(found(&story), []);
        }

        #[test]
        fn who_has_a_majority_can_be_robbed_of_it_and_of_the_rest_no_more() {
            let mut story = waiting();
            set(story.at(1), A, SERVERS[0], "a");
            set(story.at(2), A, SERVERS[1], "a");
            delete(story.at(3), B, SERVERS[1]);
            delete(story.at(4), B, SERVERS[0]);
            let violations = found(&story);
            assert_eq!(violations.len(), 1, "after the first there is no majority");
            assert_eq!(violations[0].nodes, [B, A]);
        }

        #[test]
        fn to_give_back_ones_own_is_accepted_server_by_server() {
            let mut story = waiting();
            for turn in 0..3 {
                for server in SERVERS {
                    set(story.at(turn * 10 + 1), A, server, "a");
                }
                for server in SERVERS {
                    delete(story.at(turn * 10 + 2), A, server);
                }
            }
            assert_eq!(found(&story), []);
        }

        /// The release of a try that failed comes after the next try, which uses the same value.
        #[test]
        fn a_late_release_of_an_earlier_try_takes_the_next_ones_grant_away() {
            let mut story = waiting();
            let late = story.at(1).send_command(A, SERVERS[0], "DEL");
            set(story.at(2), A, SERVERS[0], "a");
            set(story.at(3), A, SERVERS[1], "a");
            story.at(4).deliver(late).key_deleted(SERVERS[0], LOCK);
            assert_eq!(found(&story).len(), 1);
        }
    }
}
