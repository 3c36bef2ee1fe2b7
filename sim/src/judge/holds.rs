//! Who believed when that it held a lock.

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

use crate::world::SimTime;
use crate::world::history::{Event, History, Record, RecordId};

/// How a hold came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldEnd {
    /// The client called `release`.
    Released,
    /// The client learned that it had lost the lock.
    Lost,
    /// The client's process, or its host, was gone.
    Died,
    /// The run was over first.
    Open,
}

/// One client's belief that it held a lock: from the moment at which `acquire` returned until it
/// called `release`, knew that it had lost the lock, or was no more. A client that acquires again
/// what it holds goes on believing, until it has released as often as it acquired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Who.
    pub node: NodeId,
    /// Which lock.
    pub lock: Name,
    /// The fencing token that came with it.
    pub token: Option<u64>,
    /// The record that the grant goes back to: where a message brought it, the one that sent that
    /// message; else the begin. Grants are ordered by it, for the news of an earlier grant may
    /// come later.
    pub granted: RecordId,
    /// The record of its begin.
    pub begin: RecordId,
    /// When it began.
    pub from: SimTime,
    /// The record of its end; where it has none, one past the last record.
    pub end: RecordId,
    /// When it ended.
    pub until: SimTime,
    /// Why.
    pub ended_by: HoldEnd,
}

impl Hold {
    /// Whether the two were believed at the same instant, as the order of the records has it: a
    /// hold that ends and one that begins at the same time overlap when the begin was first.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.begin < other.end && other.begin < self.end
    }

    /// Whether it stood when that record was written.
    pub fn stands_at(&self, record: RecordId) -> bool {
        self.begin < record && record <= self.end
    }
}

/// Every hold of a history, in the order in which they began.
pub fn holds(history: &History) -> Vec<Hold> {
    let mut beliefs = Beliefs::default();
    let mut deaths = history.deaths().peekable();
    for (id, record, note) in history.notes() {
        while let Some((death, record)) = deaths.next_if(|(death, _)| *death < id) {
            beliefs.die(death, record);
        }
        match note {
            Note::Acquired { lock, token } => beliefs.begin(history, id, record, lock, *token),
            Note::Releasing { lock } => beliefs.release(id, record, lock),
            Note::LockLost { lock, .. } => beliefs.lose(id, record, lock),
            _ => {}
        }
    }
    for (death, record) in deaths {
        beliefs.die(death, record);
    }
    beliefs.holds
}

/// A hold that stands.
struct Standing {
    place: usize,
    /// How often its client must still release.
    depth: u32,
}

#[derive(Default)]
struct Beliefs {
    holds: Vec<Hold>,
    standing: Vec<Standing>,
}

impl Beliefs {
    fn begin(
        &mut self,
        history: &History,
        id: RecordId,
        record: &Record,
        lock: &Name,
        token: Option<u64>,
    ) {
        if let Some(place) = self.find(record.node, lock) {
            self.standing[place].depth += 1;
            return;
        }
        self.standing.push(Standing { place: self.holds.len(), depth: 1 });
        self.holds.push(Hold {
            node: record.node,
            lock: lock.clone(),
            token,
            granted: sent_by(history, record).unwrap_or(id),
            begin: id,
            from: record.at,
            end: RecordId(history.records().len() as u32),
            until: history.end(),
            ended_by: HoldEnd::Open,
        });
    }

    fn release(&mut self, id: RecordId, record: &Record, lock: &Name) {
        let Some(place) = self.find(record.node, lock) else { return };
        self.standing[place].depth -= 1;
        if self.standing[place].depth == 0 {
            self.end(place, id, record, HoldEnd::Released);
        }
    }

    fn lose(&mut self, id: RecordId, record: &Record, lock: &Name) {
        if let Some(place) = self.find(record.node, lock) {
            self.end(place, id, record, HoldEnd::Lost);
        }
    }

    fn die(&mut self, id: RecordId, record: &Record) {
        for place in (0..self.standing.len()).rev() {
            if self.holds[self.standing[place].place].node == record.node {
                self.end(place, id, record, HoldEnd::Died);
            }
        }
    }

    fn find(&self, node: NodeId, lock: &Name) -> Option<usize> {
        self.standing.iter().position(|standing| {
            let hold = &self.holds[standing.place];
            hold.node == node && hold.lock == *lock
        })
    }

    fn end(&mut self, place: usize, id: RecordId, record: &Record, ended_by: HoldEnd) {
        let hold = &mut self.holds[self.standing.remove(place).place];
        (hold.end, hold.until, hold.ended_by) = (id, record.at, ended_by);
    }
}

/// The record that sent the message whose delivery brought a record about.
pub fn sent_by(history: &History, record: &Record) -> Option<RecordId> {
    match history.record(record.cause?)?.event {
        Event::Delivered(message) => Some(history.message(message).sent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::testing::{A, B, LOCK, Story};

    fn ends(story: &Story) -> Vec<(NodeId, u64, u64, HoldEnd)> {
        let end =
            |hold: &Hold| (hold.node, hold.from.as_nanos(), hold.until.as_nanos(), hold.ended_by);
        holds(&story.history).iter().map(end).collect()
    }

    #[test]
    fn a_hold_ends_by_release_by_loss_by_death_or_not_at_all() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).release(A);
        story.at(3).acquire(A, None).at(4).lose(A);
        story.at(5).acquire(A, None).at(6).event(A, Event::Crashed);
        story.at(7).acquire(A, None).at(8).event(A, Event::PowerLost);
        story.at(9).acquire(B, None).at(10).event(A, Event::Started { incarnation: 2 });
        assert_eq!(
            ends(&story),
            [
                (A, 1, 2, HoldEnd::Released),
                (A, 3, 4, HoldEnd::Lost),
                (A, 5, 6, HoldEnd::Died),
                (A, 7, 8, HoldEnd::Died),
                (B, 9, 10, HoldEnd::Open),
            ]
        );
    }

    #[test]
    fn a_client_that_enters_twice_holds_until_it_has_left_twice() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(A, None);
        story.at(3).release(A).at(4).release(A).at(5).release(A);
        assert_eq!(ends(&story), [(A, 1, 4, HoldEnd::Released)]);
    }

    #[test]
    fn what_is_lost_is_lost_at_every_depth() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(A, None).at(3).lose(A);
        story.at(4).release(A).at(5).release(A).at(6).acquire(A, None).at(7).release(A);
        assert_eq!(ends(&story), [(A, 1, 3, HoldEnd::Lost), (A, 6, 7, HoldEnd::Released)]);
    }

    #[test]
    fn releasing_one_lock_leaves_the_other_held_and_death_ends_both() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire_named(A, "other", None);
        story.at(3).release(A).at(4).acquire(A, None).at(5).event(A, Event::Crashed);
        assert_eq!(
            ends(&story),
            [(A, 1, 3, HoldEnd::Released), (A, 2, 5, HoldEnd::Died), (A, 4, 5, HoldEnd::Died)]
        );
    }

    #[test]
    fn a_grant_goes_back_to_the_message_that_brought_it() {
        let mut story = Story::new();
        let slow = story.at(1).send_grant(A);
        let fast = story.at(2).send_grant(B);
        story.at(3).deliver(fast).acquire(B, Some(2));
        story.at(9).deliver(slow).acquire(A, Some(1));
        let holds = holds(&story.history);
        assert_eq!((holds[0].node, holds[1].node), (B, A));
        assert!(holds[1].granted < holds[0].granted, "A was granted it first");
        assert_eq!(holds[0].lock, Name::from(LOCK));
    }
}
