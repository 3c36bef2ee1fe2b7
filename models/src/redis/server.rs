//! One Redis server.

use std::time::Duration;

use bytes::Bytes;

use super::engine::{Change, Engine};
use super::resp::Reply;
use crate::machine::{Boot, Context, Input, Machine, TimerId};
use crate::message::Message;
use crate::note::{Name, Note};
use crate::random::Random;
use crate::time::{Mono, nanos};

/// What `redis.conf` sets. The defaults are those of Redis 7.0.15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// How often `serverCron` runs in a second: `hz`, 1 to 500.
    pub hz: u32,
}

impl Default for RedisSettings {
    fn default() -> Self {
        // Source: `server.h`, `CONFIG_DEFAULT_HZ`.
        Self { hz: 10 }
    }
}

/// A Redis process without persistence: a restart begins with no keys and no scripts.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    random: Random,
    cron: Cron,
}

impl Server {
    /// A server that starts.
    pub fn new(boot: Boot, settings: RedisSettings) -> Self {
        Self {
            engine: Engine::new(boot.random.beside()),
            random: boot.random,
            cron: Cron::new(boot.clock.mono, settings.hz),
        }
    }

    fn serve(&mut self, arguments: &[Bytes], context: &mut Context<'_>) -> Reply {
        let reply = self.engine.execute(arguments, context.clock.wall);
        self.write_down(context);
        self.cron.arm(self.engine.volatile_keys() > 0, context);
        reply
    }

    fn write_down(&mut self, context: &mut Context<'_>) {
        for change in self.engine.take_changes() {
            context.note(match change {
                // The notes know of strings alone.
                Change::Touched { .. } => continue,
                Change::Set { key, value, expires_at_ms } => Note::KeySet {
                    key: Name::from(key),
                    value: Name::from(value),
                    expires_at_ms: expires_at_ms.and_then(|at_ms| u64::try_from(at_ms).ok()),
                },
                Change::Deleted { key } => Note::KeyDeleted { key: Name::from(key) },
                Change::Expired { key } => Note::KeyExpired { key: Name::from(key) },
            });
        }
    }
}

impl Machine for Server {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        match input {
            // An empty argument vector is passed over. Source: `networking.c`,
            // `processInputBuffer`.
            Input::Message { message: Message::Redis(arguments), .. } if arguments.is_empty() => {}
            Input::Message { connection, message: Message::Redis(arguments) } => {
                let reply = self.serve(arguments, context);
                context.send(connection, Message::RedisReply(reply));
            }
            // Whatever is no command is a protocol error, and Redis hangs up.
            Input::Message { connection, .. } => context.close(connection),
            Input::Timer(Cron::TIMER) => {
                self.cron.fired(context.clock.mono);
                self.engine.expire_some(context.clock.wall, &mut self.random);
                self.write_down(context);
                self.cron.arm(self.engine.volatile_keys() > 0, context);
            }
            _ => {}
        }
    }
}

/// When `serverCron` runs. Real Redis runs it for ever; here it runs only while some key has an
/// expiry, at the same moments as if it had never stopped.
#[derive(Debug)]
struct Cron {
    /// When it runs next, or would have.
    next: Mono,
    period: Duration,
    armed: bool,
}

impl Cron {
    const TIMER: TimerId = TimerId(0);

    /// The first run comes a millisecond after the start. Source: `server.c`, `initServer`:
    /// `aeCreateTimeEvent(server.el, 1, serverCron, …)`.
    fn new(started: Mono, hz: u32) -> Self {
        // Source: `server.h`, `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`; `serverCron` returns whole
        // milliseconds: `1000/server.hz`.
        let period = Duration::from_millis(1000 / u64::from(hz.clamp(1, 500)));
        Self { next: started + Duration::from_millis(1), period, armed: false }
    }

    /// It runs just now: the next run is counted from here. Source: `ae.c`,
    /// `processTimeEvents`.
    fn fired(&mut self, now: Mono) {
        self.next = now + self.period;
        self.armed = false;
    }

    /// Sets the timer when it is needed and not set.
    fn arm(&mut self, needed: bool, context: &mut Context<'_>) {
        if !needed || self.armed {
            return;
        }
        let now = context.clock.mono;
        if self.next <= now {
            let period = nanos(self.period);
            let runs = nanos(now.saturating_since(self.next)) / period + 1;
            self.next = self.next + Duration::from_nanos(runs.saturating_mul(period));
        }
        context.set_timer_at(Self::TIMER, self.next);
        self.armed = true;
    }
}

#[cfg(test)]
mod tests;
