//! Who believed when that it held a lock.

use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};

use super::listen::{Listener, tell};
use crate::world::SimTime;
use crate::world::history::{Event, History, Record, RecordId};

/// How a hold came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HoldEnd {
    /// The client called `release`.
    Released,
    /// The code that held the lock was gone without a release.
    Abandoned,
    /// The client learned that it had lost the lock.
    Lost,
    /// The client's process, or its host, was gone.
    Died,
    /// The run was over first.
    Open,
}

/// One client's belief that it held a lock: from the moment at which one `acquire` returned until
/// the client called `release` for it, knew that it had lost the lock, or was no more. Each
/// `acquire` is a hold of its own, also where the client holds the lock already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hold {
    /// Who: a thread of that node's process.
    pub node: NodeId,
    /// Which thread; 0 where a process is one holder.
    pub thread: u32,
    /// Which lock.
    pub lock: Name,
    /// Its number, which no other hold of the same process has.
    pub number: u32,
    /// The fencing token that came with it.
    pub token: Option<u64>,
    /// The client held the lock already and entered it once more.
    pub reentered: bool,
    /// The record that the grant goes back to: where a message brought it, the one that sent that
    /// message; where several servers had to grant it, the one that made their grant complete, if the
    /// judge has been told where locks are; where the lock is a queue of znodes, the one that made its own the
    /// lowest; else the begin. A hold that was entered once more goes back to the same grant.
    /// Grants are ordered by it, for the news of an earlier grant may come later.
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
    /// Who holds: a thread of a node's process.
    pub const fn holder(&self) -> (NodeId, u32) {
        (self.node, self.thread)
    }

    /// The holder in words: `buyer-1`, or `thread 2 of jvm-1`.
    pub fn holder_name(&self, history: &History) -> String {
        history.thread_name(self.node, self.thread)
    }

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
    let mut beliefs = Beliefs::new(history);
    tell(history, &mut beliefs);
    beliefs.holds
}

/// What clients believe, as a history goes on.
pub struct Beliefs<'h> {
    history: &'h History,
    /// Every hold that has begun so far, in that order. One that stands is open.
    pub holds: Vec<Hold>,
    /// The places of those that stand, in order.
    standing: Vec<usize>,
    /// The places of those that the last note or death has ended, in order.
    ended: Vec<usize>,
}

impl<'h> Beliefs<'h> {
    /// At the begin nobody believes anything.
    pub const fn new(history: &'h History) -> Self {
        Self { history, holds: Vec::new(), standing: Vec::new(), ended: Vec::new() }
    }

    /// The hold that began last, and those that stood then, in the order in which they began.
    pub fn last_begun(&self) -> Option<(&Hold, impl Iterator<Item = &Hold> + Clone)> {
        let (_, before) = self.standing.split_last()?;
        Some((self.holds.last()?, before.iter().map(|place| &self.holds[*place])))
    }

    /// The hold that began last goes back to that record: its grant was complete there.
    pub fn go_back_to(&mut self, granted: RecordId) {
        if let Some(last) = self.holds.last_mut() {
            last.granted = granted;
        }
    }

    /// The holds that the last note or death has ended.
    pub fn just_ended(&self) -> impl Iterator<Item = &Hold> {
        self.ended.iter().map(|place| &self.holds[*place])
    }

    fn begin(&mut self, id: RecordId, record: &Record, note: &Note) {
        let Note::Acquired { lock, hold, thread, token, reentered, granted_by } = note else {
            return;
        };
        let holder = (record.node, *thread);
        let entered = if *reentered { self.entered(holder, lock) } else { None };
        let sent = || sent_by(self.history, RecordId((*granted_by)?.0));
        let granted = entered.or_else(sent).unwrap_or(id);
        self.standing.push(self.holds.len());
        self.holds.push(Hold {
            node: record.node,
            thread: *thread,
            lock: lock.clone(),
            number: *hold,
            token: *token,
            reentered: *reentered,
            granted,
            begin: id,
            from: record.at,
            end: RecordId(self.history.records().len() as u32),
            until: self.history.end(),
            ended_by: HoldEnd::Open,
        });
    }

    /// The grant of what a client that enters a lock once more holds already.
    fn entered(&self, holder: (NodeId, u32), lock: &Name) -> Option<RecordId> {
        let standing = self.standing.iter().rev().map(|place| &self.holds[*place]);
        let mut own = standing.filter(|hold| hold.holder() == holder && hold.lock == *lock);
        own.next().map(|hold| hold.granted)
    }

    /// A client's hold of that number on that lock ends; without a number, every one.
    fn end(
        &mut self,
        id: RecordId,
        record: &Record,
        lock: &Name,
        number: Option<u32>,
        ended_by: HoldEnd,
    ) {
        self.end_where(id, record, ended_by, |hold| {
            number.is_none_or(|number| hold.number == number) && hold.lock == *lock
        });
    }

    fn end_where(
        &mut self,
        id: RecordId,
        record: &Record,
        ended_by: HoldEnd,
        is_one: impl Fn(&Hold) -> bool,
    ) {
        self.ended.clear();
        self.standing.retain(|place| {
            let hold = &mut self.holds[*place];
            let ends = hold.node == record.node && is_one(hold);
            if ends {
                (hold.end, hold.until, hold.ended_by) = (id, record.at, ended_by);
                self.ended.push(*place);
            }
            !ends
        });
    }
}

impl<'h> Listener<'h> for Beliefs<'h> {
    fn noted(&mut self, id: RecordId, record: &'h Record, note: &'h Note) {
        match note {
            Note::Acquired { .. } => self.begin(id, record, note),
            Note::Releasing { lock, hold } => {
                self.end(id, record, lock, Some(*hold), HoldEnd::Released);
            }
            Note::Abandoned { lock, hold } => {
                self.end(id, record, lock, Some(*hold), HoldEnd::Abandoned);
            }
            Note::LockLost { lock, hold, .. } => {
                self.end(id, record, lock, *hold, HoldEnd::Lost);
            }
            _ => {}
        }
    }

    fn died(&mut self, id: RecordId, record: &'h Record) {
        self.end_where(id, record, HoldEnd::Died, |_| true);
    }
}

/// The record that sent the message which that record delivered.
pub fn sent_by(history: &History, delivery: RecordId) -> Option<RecordId> {
    match history.record(delivery)?.event {
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
    fn each_acquire_is_a_hold_that_only_its_own_release_ends() {
        let mut story = Story::new();
        let first = story.at(1).acquire_numbered(A, None);
        let second = story.at(2).acquire_numbered(A, None);
        story.at(3).release_numbered(A, first).at(4).release_numbered(A, first);
        story.at(5).release_numbered(A, second);
        assert_eq!(ends(&story), [(A, 1, 3, HoldEnd::Released), (A, 2, 5, HoldEnd::Released)]);
    }

    #[test]
    fn what_nobody_is_left_to_believe_ends_there() {
        let mut story = Story::new();
        let first = story.at(1).acquire_numbered(A, None);
        story.at(2).abandon(A, first).at(3).acquire(A, None).at(4).release(A);
        assert_eq!(ends(&story), [(A, 1, 2, HoldEnd::Abandoned), (A, 3, 4, HoldEnd::Released)]);
    }

    #[test]
    fn who_enters_once_more_has_no_other_grant() {
        let mut story = Story::new();
        let grant = story.at(1).send_grant(A);
        story.at(2).deliver(grant).acquire(A, None).at(3).reenter(A).at(4).release(A);
        story.release(A).at(5).reenter(A);
        let holds = holds(&story.history);
        assert_eq!(holds[0].granted, story.history.message(grant).sent);
        assert_eq!(holds[1].granted, holds[0].granted);
        assert_eq!(holds[2].granted, holds[2].begin, "it held nothing that it could enter");
    }

    #[test]
    fn what_is_lost_is_lost_at_every_depth() {
        let mut story = Story::new();
        story.at(1).acquire(A, None).at(2).acquire(A, None).at(3).lose(A);
        story.at(4).release(A).at(5).release(A).at(6).acquire(A, None).at(7).release(A);
        assert_eq!(
            ends(&story),
            [(A, 1, 3, HoldEnd::Lost), (A, 2, 3, HoldEnd::Lost), (A, 6, 7, HoldEnd::Released)]
        );
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
        story.at(9).deliver(slow).at(10).acquire(A, Some(1));
        let holds = holds(&story.history);
        assert_eq!((holds[0].node, holds[1].node), (B, A));
        assert!(holds[1].granted < holds[0].granted, "A was granted it first");
        assert_eq!(holds[0].lock, Name::from(LOCK));
    }
}
