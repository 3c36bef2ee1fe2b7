//! Clients that say nothing for too long: `timeout`.
//!
//! Source: `server.c`, `clientsCron`; `timeout.c`, `clientsCronHandleTimeout`.

use super::Sessions;
use super::connection::{End, Session};
use crate::redis::engine::Engine;
use crate::redis::unix_time::seconds;
use crate::time::LocalClock;

impl Sessions {
    /// True while somebody may stay idle for too long: `serverCron` must come round.
    pub(super) fn has_idle_limit(&self) -> bool {
        self.settings().timeout_s > 0 && !self.list.is_empty()
    }

    /// Hangs up on those who have been idle for too long. Each `serverCron` looks at some clients, the
    /// youngest of those it has not looked at first, and once a second at every one.
    pub(in crate::redis) fn close_idle(&mut self, engine: &mut Engine, now: LocalClock) {
        /// Source: `server.c`, `CLIENTS_CRON_MIN_ITERATIONS`.
        const LOOKED_AT_MIN: usize = 5;
        if !self.has_idle_limit() {
            return;
        }
        self.clock = now;
        let clients = self.list.len();
        let looked_at =
            (clients / self.settings().hz.max(1) as usize).max(LOOKED_AT_MIN).min(clients);
        for _ in 0..looked_at {
            self.next_looked_at = self.next_looked_at.checked_sub(1).unwrap_or(clients - 1);
            let at = self.next_looked_at.min(clients - 1);
            if self.is_idle_for_too_long(&self.list[at]) {
                self.end(at, End::Now, engine);
            }
        }
    }

    /// Who waits, who listens for messages and a replica may be silent for ever.
    fn is_idle_for_too_long(&self, session: &Session) -> bool {
        let idle_s = seconds(self.clock.wall).saturating_sub(session.active_s);
        let may_be_silent =
            session.blocked.is_some() || session.is_subscriber() || session.is_replica;
        session.end != End::Now && !may_be_silent && idle_s > u64::from(self.settings().timeout_s)
    }
}
