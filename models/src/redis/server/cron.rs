//! `serverCron`: what Redis does by the clock.

use std::time::Duration;

use crate::machine::{Context, TimerId};
use crate::time::{Mono, nanos};

/// When `serverCron` runs. Real Redis runs it for ever; here it runs only while it has work, at the
/// same moments as if it had never stopped.
#[derive(Debug)]
pub(super) struct Cron {
    /// When it runs next, or would have.
    next: Mono,
    period: Duration,
    armed: bool,
}

impl Cron {
    pub(super) const TIMER: TimerId = TimerId(0);

    /// The first run comes a millisecond after the start. Source: `server.c`, `initServer`:
    /// `aeCreateTimeEvent(server.el, 1, serverCron, …)`.
    pub(super) fn new(started: Mono, hz: u32) -> Self {
        Self { next: started + Duration::from_millis(1), period: Self::period(hz), armed: false }
    }

    /// Source: `server.h`, `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`; `serverCron` returns whole
    /// milliseconds: `1000/server.hz`.
    fn period(hz: u32) -> Duration {
        Duration::from_millis(1000 / u64::from(hz.clamp(1, 500)))
    }

    /// It runs just now: the next run is counted from here. Source: `ae.c`,
    /// `processTimeEvents`.
    pub(super) fn fired(&mut self, now: Mono, hz: u32) {
        self.period = Self::period(hz);
        self.next = now + self.period;
        self.armed = false;
    }

    /// A turn of the event loop is over: sets the timer when it is needed and not set. A new `hz`
    /// counts from the next run on, be that one that is left out.
    pub(super) fn arm(&mut self, needed: bool, hz: u32, context: &mut Context<'_>) {
        if self.armed {
            return;
        }
        let now = context.clock.mono;
        if self.next <= now {
            let period = nanos(self.period);
            let runs = nanos(now.saturating_since(self.next)) / period + 1;
            self.next = self.next + Duration::from_nanos(runs.saturating_mul(period));
        }
        self.period = Self::period(hz);
        if needed {
            context.set_timer_at(Self::TIMER, self.next);
            self.armed = true;
        }
    }
}
