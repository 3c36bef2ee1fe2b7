//! `serverCron`: what Redis does by the clock.

use std::time::Duration;

use crate::machine::{Context, TimerId};
use crate::time::{Mono, nanos};

/// How often `serverCron` has work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// It has none.
    None,
    /// Once in a second, for replication.
    EverySecond,
    /// At each run.
    EveryRun,
}

/// What else is due in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// What is done once in a second.
    pub(super) second: bool,
    /// What is done ten times in a second.
    pub(super) tenth: bool,
}

/// When `serverCron` runs. Real Redis runs it for ever; here it runs only while it has work, at the
/// same moments as if it had never stopped.
#[derive(Debug)]
pub(super) struct Cron {
    /// When it runs next, or would have.
    next: Mono,
    /// How many runs there were before that one: `server.cronloops`.
    runs: u64,
    period: Duration,
    /// For when the timer is set, and which run that is.
    armed: Option<(Mono, u64)>,
}

impl Cron {
    pub(super) const TIMER: TimerId = TimerId(0);

    /// The first run comes a millisecond after the start. Source: `server.c`, `initServer`:
    /// `aeCreateTimeEvent(server.el, 1, serverCron, …)`.
    pub(super) fn new(started: Mono, hz: u32) -> Self {
        let next = started + Duration::from_millis(1);
        Self { next, runs: 0, period: Self::period(hz), armed: None }
    }

    /// Source: `server.h`, `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`; `serverCron` returns whole
    /// milliseconds: `1000/server.hz`.
    fn period(hz: u32) -> Duration {
        Duration::from_millis(1000 / u64::from(hz.clamp(1, 500)))
    }

    /// How many runs there are in a time of so many milliseconds. Source: `server.h`,
    /// `run_with_period`.
    fn runs_in(span_ms: u64, period: Duration) -> u64 {
        (span_ms / (period.as_millis() as u64).max(1)).max(1)
    }

    /// It runs just now: the next run is counted from here. Source: `ae.c`, `processTimeEvents`.
    pub(super) fn fired(&mut self, now: Mono, hz: u32) -> Due {
        let run = self.armed.take().map_or(self.runs, |(_, run)| run);
        let is_run_of = |span_ms| run.is_multiple_of(Self::runs_in(span_ms, self.period));
        let due = Due { second: is_run_of(1000), tenth: is_run_of(100) };
        self.period = Self::period(hz);
        self.next = now + self.period;
        self.runs = run + 1;
        due
    }

    /// A turn of the event loop is over: sets the timer when it is needed earlier than it is set for. A new `hz` counts from the next run on, be that one that is left out.
    pub(super) fn arm(&mut self, need: Need, hz: u32, context: &mut Context<'_>) {
        let is_soon_enough = |(at, _)| need != Need::EveryRun || at <= self.next;
        if self.armed.is_some_and(is_soon_enough) {
            return;
        }
        let now = context.clock.mono;
        let period = nanos(self.period);
        if self.next <= now {
            let missed = nanos(now.saturating_since(self.next)) / period + 1;
            self.skip(missed);
        }
        self.period = Self::period(hz);
        let (mut at, mut run) = (self.next, self.runs);
        if need == Need::EverySecond {
            let a_second = Self::runs_in(1000, self.period);
            let skipped = (a_second - run % a_second) % a_second;
            at = at + Duration::from_nanos(skipped.saturating_mul(nanos(self.period)));
            run += skipped;
        }
        if need != Need::None {
            context.set_timer_at(Self::TIMER, at);
            self.armed = Some((at, run));
        }
    }

    /// So many runs are left out.
    fn skip(&mut self, runs: u64) {
        self.next = self.next + Duration::from_nanos(runs.saturating_mul(nanos(self.period)));
        self.runs += runs;
    }
}
