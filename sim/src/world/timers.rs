//! The timers of one process, and the alarms that the queue holds for them.
//!
//! A process that waits for an answer sets a timer for the case that none comes, and another one
//! before that is due: with an event for each, the queue would be full of timers that are no more,
//! a request's limit of 30 s for half a minute each. So an alarm that goes off before a timer is
//! due serves that timer too: it sets the next one. In the paused-holder run that leaves a handful
//! of events in the queue, where there were more than a thousand.

use fencepost_models::machine::TimerId;
use fencepost_models::time::Mono;

use super::queue::Turn;
use super::time::SimTime;

/// When something is due, and its turn among all that is due then.
pub type Due = (SimTime, Turn);

/// A timer that a process has set.
#[derive(Clone, Copy, Debug)]
struct Timer {
    id: TimerId,
    at: Mono,
    due: Due,
    /// It has gone off, and its process, which is paused, has yet to be told.
    rung: bool,
}

/// The timers of a process.
#[derive(Debug, Default)]
pub struct Timers {
    set: Vec<Timer>,
    /// The alarms in the queue, the next one last: one is only added when it is the first.
    alarms: Vec<Due>,
}

impl Timers {
    /// Sets a timer, in place of the one with the same number. True when the queue needs an alarm
    /// for it.
    #[inline]
    #[must_use]
    pub fn set(&mut self, id: TimerId, at: Mono, due: Due) -> bool {
        let timer = Timer { id, at, due, rung: false };
        match self.set.iter_mut().find(|timer| timer.id == id) {
            Some(old) => *old = timer,
            None => self.set.push(timer),
        }
        self.needs_alarm(due)
    }

    /// Forgets a timer.
    pub fn cancel(&mut self, id: TimerId) {
        self.set.retain(|timer| timer.id != id);
    }

    /// Whether a timer is still the one that was set in that turn.
    pub fn is_set(&self, id: TimerId, turn: Turn) -> bool {
        self.set.iter().any(|timer| timer.id == id && timer.due.1 == turn)
    }

    /// Forgets a timer, if it is still the one that was set in that turn. True if it was.
    #[inline]
    pub fn take(&mut self, id: TimerId, turn: Turn) -> bool {
        let place = self.set.iter().position(|timer| timer.id == id && timer.due.1 == turn);
        if let Some(place) = place {
            self.set.remove(place);
        }
        place.is_some()
    }

    /// The next alarm goes off: the timer that is due, and when the queue needs another alarm.
    #[inline]
    pub fn ring(&mut self) -> (Option<(TimerId, Turn)>, Option<Due>) {
        let Some(now) = self.alarms.pop() else {
            return (None, None);
        };
        let (mut rings, mut next) = (None, None::<Due>);
        for timer in self.set.iter_mut().filter(|timer| !timer.rung) {
            if timer.due == now {
                timer.rung = true;
                rings = Some((timer.id, timer.due.1));
            } else if next.is_none_or(|next| timer.due < next) {
                next = Some(timer.due);
            }
        }
        (rings, next.filter(|next| self.needs_alarm(*next)))
    }

    /// Every timer that is set: the clock's rate has changed, so they are due at another time.
    pub fn all(&self) -> Vec<(TimerId, Mono)> {
        self.set.iter().map(|timer| (timer.id, timer.at)).collect()
    }

    /// Whether none of the alarms goes off by then; it is added in that case.
    #[inline]
    fn needs_alarm(&mut self, due: Due) -> bool {
        let is_first = self.alarms.last().is_none_or(|first| due < *first);
        if is_first {
            self.alarms.push(due);
        }
        is_first
    }
}

#[cfg(test)]
mod tests {
    use fencepost_models::machine::NodeId;
    use proptest::prelude::*;

    use super::*;
    use crate::world::queue::{Queue, Upcoming};

    /// What a process does with one of its timers at some moment.
    #[derive(Clone, Copy, Debug)]
    enum Act {
        Set { id: u32, after: u64 },
        Cancel { id: u32 },
        Wait { nanos: u64 },
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            5 => (0..4_u32, 0..50_u64).prop_map(|(id, after)| Act::Set { id, after }),
            1 => (0..4_u32).prop_map(|id| Act::Cancel { id }),
            3 => (0..30_u64).prop_map(|nanos| Act::Wait { nanos }),
        ];
        proptest::collection::vec(act, 0..200)
    }

    #[derive(Default)]
    struct Bench {
        timers: Timers,
        queue: Queue,
        /// The timers as a process would expect them: which, and when.
        wanted: Vec<(TimerId, Due)>,
        now: u64,
    }

    impl Bench {
        fn push(&mut self, (at, turn): Due) {
            let alarm = Upcoming::Alarm { node: NodeId(0), incarnation: 0 };
            self.queue.push_in_turn(at, turn, alarm);
        }

        fn set(&mut self, id: TimerId, after: u64) {
            let due = (SimTime::from_nanos(self.now + after), self.queue.reserve());
            self.wanted.retain(|(other, _)| *other != id);
            self.wanted.push((id, due));
            if self.timers.set(id, Mono::from_nanos(0), due) {
                self.push(due);
            }
        }

        fn cancel(&mut self, id: TimerId) {
            self.wanted.retain(|(other, _)| *other != id);
            self.timers.cancel(id);
        }

        /// Lets every alarm go off that is due by then; says which timers rang, and when.
        fn run(&mut self, until: u64) -> Vec<(TimerId, Due)> {
            let mut rang = Vec::new();
            while self.queue.next_at().is_some_and(|at| at.as_nanos() <= until) {
                let (at, _) = self.queue.pop().unwrap();
                let (rings, next) = self.timers.ring();
                if let Some(due) = next {
                    self.push(due);
                }
                if let Some((id, turn)) = rings {
                    assert!(self.timers.take(id, turn));
                    rang.push((id, (at, turn)));
                }
            }
            self.now = until;
            rang
        }

        fn wanted_by(&mut self, until: u64) -> Vec<(TimerId, Due)> {
            let is_due = |(_, due): &(TimerId, Due)| due.0.as_nanos() <= until;
            let mut due: Vec<_> = self.wanted.iter().copied().filter(is_due).collect();
            self.wanted.retain(|timer| !is_due(timer));
            due.sort_by_key(|(_, due)| *due);
            due
        }
    }

    proptest! {
        #[test]
        fn every_timer_rings_at_its_time_in_its_turn_and_no_other_does(acts in acts()) {
            let mut bench = Bench::default();
            for act in acts.into_iter().chain([Act::Wait { nanos: 100 }]) {
                match act {
                    Act::Set { id, after } => bench.set(TimerId(id), after),
                    Act::Cancel { id } => bench.cancel(TimerId(id)),
                    Act::Wait { nanos } => {
                        let until = bench.now + nanos;
                        prop_assert_eq!(bench.run(until), bench.wanted_by(until));
                    }
                }
            }
            prop_assert_eq!(bench.queue.next_at(), None);
        }
    }

    #[test]
    fn limits_that_are_never_reached_leave_one_alarm_each_time_they_would_be() {
        let mut bench = Bench::default();
        for _ in 0..1000 {
            bench.set(TimerId(0), 300);
            bench.set(TimerId(0), 2);
            assert_eq!(bench.run(bench.now + 2).len(), 1);
            assert!(bench.timers.alarms.len() <= 2, "{:?}", bench.timers.alarms);
        }
    }

    #[test]
    fn a_timer_that_was_set_again_is_not_taken_for_what_it_was() {
        let mut bench = Bench::default();
        bench.set(TimerId(0), 5);
        bench.queue.pop();
        let (rings, _) = bench.timers.ring();
        let (id, turn) = rings.unwrap();
        bench.set(TimerId(0), 5);
        assert!(!bench.timers.take(id, turn));
        assert_eq!(bench.run(20).len(), 1);
    }
}
