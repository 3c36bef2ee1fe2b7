//! One direction of a connection: which of its segments may be delivered next.
//!
//! A link overtakes nothing, so in the usual case what arrives is what was sent next, and a stream
//! is the moment of its last arrival and no more. Only when a segment meets a cut, is held by a
//! fault or loses its sender does the stream keep an account of what is out of order ([`Trouble`]):
//! what the sender has to send again, what will come late, and what came ahead of its turn. A
//! segment is delivered when all that was sent before it has been. A sender that is gone never
//! fills a gap, and all that was sent after it is lost with it.

use std::collections::VecDeque;
use std::time::Duration;

use super::{MAX_RETRANSMISSION_TIMEOUT, MAX_RETRANSMISSIONS, RETRANSMISSION_TIMEOUT};
use crate::world::history::LossReason;
use crate::world::queue::Segment;
use crate::world::time::SimTime;

/// One direction of a connection.
#[derive(Default)]
pub(super) struct Stream {
    /// When the last segment so far arrives: none may overtake it.
    last_arrival: SimTime,
    /// `None` in the usual case.
    trouble: Option<Box<Trouble>>,
}

/// What is out of order in a stream. Each list is in the order of sending.
#[derive(Default)]
struct Trouble {
    /// At the sender: to be sent again.
    waiting: VecDeque<Segment>,
    /// How often the first of them has been sent again in vain.
    attempts: u8,
    /// On their way, sent again or held by a fault: what was sent after them may come earlier.
    late: VecDeque<Segment>,
    /// At the receiver: came ahead of their turn.
    early: VecDeque<Segment>,
    /// The sender is gone. What is still on its way may arrive, but nothing is sent again; what
    /// is lost then is lost for this reason.
    sender_gone: Option<LossReason>,
    /// When the sender's host lost its power.
    power_lost_at: Option<SimTime>,
    /// The first segment that never arrives.
    gap: Option<Segment>,
}

impl Stream {
    /// Puts an arrival behind all earlier ones.
    #[inline]
    pub fn line_up(&mut self, arrival: SimTime) -> SimTime {
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }

    /// A segment will arrive so late that some that are sent after it may come earlier; those that
    /// were sent before it do not.
    pub fn delay(&mut self, segment: Segment, arrival: SimTime) -> SimTime {
        insert(&mut self.trouble.get_or_insert_default().late, segment);
        arrival.max(self.last_arrival)
    }

    /// Some segments wait to be sent again; what is sent after them waits behind them.
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| !trouble.waiting.is_empty())
    }

    /// Lets a segment wait. Returns the time until the next retransmission when it is the only
    /// one: then nobody has set the timer yet.
    ///
    /// One that was already under way when the link was cut comes before those that were sent
    /// since.
    pub fn wait(&mut self, segment: Segment) -> Option<Duration> {
        let trouble = self.trouble.get_or_insert_default();
        insert(&mut trouble.waiting, segment);
        (trouble.waiting.len() == 1).then(|| trouble.timeout())
    }

    /// A retransmission was in vain. Returns the time until the next one.
    pub fn back_off(&mut self) -> Duration {
        let trouble = self.trouble.get_or_insert_default();
        trouble.attempts += 1;
        trouble.timeout()
    }

    /// There was no answer to the last retransmission that the kernel makes.
    pub fn has_given_up(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.attempts == MAX_RETRANSMISSIONS)
    }

    /// All that waits is sent again, and will be late.
    pub fn resume(&mut self) -> VecDeque<Segment> {
        let Some(trouble) = &mut self.trouble else {
            return VecDeque::new();
        };
        trouble.attempts = 0;
        let again = std::mem::take(&mut trouble.waiting);
        for segment in &again {
            insert(&mut trouble.late, *segment);
        }
        again
    }

    /// A segment's way has come to an end, whatever becomes of it there.
    #[inline]
    pub fn land(&mut self, segment: Segment) {
        if let Some(trouble) = &mut self.trouble {
            trouble.late.retain(|other| *other != segment);
        }
    }

    /// The receiver has a segment. Returns whether it is its turn; if not, it waits for it there.
    #[inline]
    pub fn take(&mut self, segment: Segment) -> bool {
        let Some(trouble) = &mut self.trouble else {
            return true;
        };
        let in_turn = !trouble.misses_one_before(segment)
            && trouble.early.front().is_none_or(|first| *first > segment);
        if in_turn {
            self.calm_down();
        } else {
            insert(&mut trouble.early, segment);
        }
        in_turn
    }

    /// Whether it is the turn of a segment that the receiver has had before.
    #[inline]
    pub fn has_next(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.next().is_some())
    }

    /// Takes out the segment whose turn it is, if the receiver has it.
    pub fn take_next(&mut self) -> Option<Segment> {
        let trouble = self.trouble.as_mut()?;
        let next = trouble.next()?;
        trouble.early.pop_front();
        self.calm_down();
        Some(next)
    }

    /// Why nothing is sent on this stream any more.
    #[inline]
    pub fn sender_gone(&self) -> Option<LossReason> {
        self.trouble.as_ref()?.sender_gone
    }

    /// The sender's kernel has no such connection any more. Returns what is lost by that: what
    /// waits, and what came ahead of it.
    pub fn abandon(&mut self, reason: LossReason) -> VecDeque<Segment> {
        let trouble = self.trouble.get_or_insert_default();
        trouble.sender_gone.get_or_insert(reason);
        let mut lost = std::mem::take(&mut trouble.waiting);
        if let Some(first) = lost.front() {
            let behind = trouble.tear(*first);
            lost.extend(behind);
        }
        lost
    }

    /// The sender's host loses its power: as [`Stream::abandon`], and some of what is under way
    /// has not left it yet.
    pub fn lose_power(&mut self, now: SimTime) -> VecDeque<Segment> {
        let lost = self.abandon(LossReason::SenderLostPower);
        self.trouble.get_or_insert_default().power_lost_at.get_or_insert(now);
        lost
    }

    /// Something between the hosts swallows all that is under way. Returns what else is lost.
    pub fn sever(&mut self) -> VecDeque<Segment> {
        let mut lost = self.abandon(LossReason::ConnectionGone);
        lost.extend(self.trouble.get_or_insert_default().tear(Segment::Open));
        lost
    }

    /// Why a segment that set out at `left_at` and would arrive now is lost with its sender, if it
    /// is: it follows one that is, or had not left its host when that lost its power. The first
    /// half of the way counts as the sender's: its queueing discipline, its network card, its
    /// switch.
    pub fn loss(&self, now: SimTime, segment: Segment, left_at: SimTime) -> Option<LossReason> {
        let trouble = self.trouble.as_ref()?;
        let half_way = left_at + now.saturating_since(left_at) / 2;
        if trouble.power_lost_at.is_some_and(|lost_at| half_way > lost_at) {
            return Some(LossReason::SenderLostPower);
        }
        trouble.sender_gone.filter(|_| trouble.gap.is_some_and(|gap| gap <= segment))
    }

    /// A segment is lost, and its sender is gone. Returns all that is lost by that: the segment,
    /// and what came ahead of it.
    pub fn lose(&mut self, segment: Segment) -> VecDeque<Segment> {
        let mut lost = self.trouble.get_or_insert_default().tear(segment);
        lost.push_front(segment);
        lost
    }

    /// The receiver's kernel has no such connection any more, nor what waited there.
    pub fn take_early(&mut self) -> VecDeque<Segment> {
        self.trouble.as_mut().map(|trouble| std::mem::take(&mut trouble.early)).unwrap_or_default()
    }

    /// What was never sent with success, or never had its turn: all that is not on its way.
    pub fn unsent(self) -> impl Iterator<Item = Segment> {
        self.trouble
            .into_iter()
            .flat_map(|trouble| trouble.waiting.into_iter().chain(trouble.early))
    }

    /// The segments of which it keeps an account.
    pub fn segments(&self) -> impl Iterator<Item = Segment> {
        let lists = self.trouble.as_deref().map(|one| [&one.waiting, &one.late, &one.early]);
        lists.into_iter().flatten().flatten().copied()
    }

    /// Back to the usual case, if nothing is out of order any more.
    fn calm_down(&mut self) {
        let is_over = |trouble: &Trouble| {
            let lists = [&trouble.waiting, &trouble.late, &trouble.early];
            lists.into_iter().all(VecDeque::is_empty) && trouble.sender_gone.is_none()
        };
        if self.trouble.as_deref().is_some_and(is_over) {
            self.trouble = None;
        }
    }
}

impl Trouble {
    /// The time until the next retransmission: doubled with each attempt, up to the kernel's limit.
    fn timeout(&self) -> Duration {
        (RETRANSMISSION_TIMEOUT * (1 << self.attempts.min(16))).min(MAX_RETRANSMISSION_TIMEOUT)
    }

    fn misses_one_before(&self, segment: Segment) -> bool {
        let is_before = |list: &VecDeque<Segment>| list.front().is_some_and(|one| *one < segment);
        is_before(&self.waiting) || is_before(&self.late)
    }

    fn next(&self) -> Option<Segment> {
        self.early.front().copied().filter(|first| !self.misses_one_before(*first))
    }

    /// This segment never arrives: what came ahead of it will never have its turn.
    fn tear(&mut self, segment: Segment) -> VecDeque<Segment> {
        self.gap = Some(self.gap.map_or(segment, |gap| gap.min(segment)));
        let place = self.early.partition_point(|other| *other < segment);
        self.early.split_off(place)
    }
}

fn insert(list: &mut VecDeque<Segment>, segment: Segment) {
    let place = list.partition_point(|other| *other < segment);
    list.insert(place, segment);
}
