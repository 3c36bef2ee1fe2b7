//! One Redis server.

use std::time::Duration;

use super::engine::{Change, Engine};
use super::session::{Outgoing, Sessions};
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

/// A Redis process without persistence: a restart begins with no keys, no scripts, no clients.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    sessions: Sessions,
    random: Random,
    cron: Cron,
}

impl Server {
    /// A server that starts.
    pub fn new(boot: Boot, settings: RedisSettings) -> Self {
        Self {
            engine: Engine::default(),
            sessions: Sessions::new(&boot, settings),
            cron: Cron::new(boot.clock.mono, settings.hz),
            random: boot.random,
        }
    }

    /// `serverCron`.
    fn run_cron(&mut self, context: &mut Context<'_>) {
        self.cron.fired(context.clock.mono, self.sessions.settings().hz);
        self.engine.expire_some(context.clock.wall, &mut self.random);
    }

    /// What the event loop does when there is nothing more to read: whoever has waited long enough
    /// goes on, and what has come up goes out. Source: `server.c`, `beforeSleep`.
    fn before_sleep(&mut self, context: &mut Context<'_>) {
        self.sessions.before_sleep(&mut self.engine, context.clock);
        self.write_down(context);
        self.deliver(context);
        let needed = self.engine.volatile_keys() > 0 || self.sessions.need_cron();
        self.cron.arm(needed, context);
    }

    /// Whatever leaves the server leaves here.
    fn deliver(&mut self, context: &mut Context<'_>) {
        for outgoing in self.sessions.take_output() {
            match outgoing {
                Outgoing::Reply { connection, reply } => {
                    context.send(connection, Message::RedisReply(reply));
                }
                Outgoing::Close { connection } => context.close(connection),
            }
        }
    }

    fn write_down(&mut self, context: &mut Context<'_>) {
        for change in self.engine.take_changes() {
            context.note(match change {
                Change::Set { key, value, expires_at_ms } => Note::KeySet {
                    key: Name::from(key),
                    value: Name::from(value),
                    expires_at_ms: expires_at_ms.and_then(|at_ms| u64::try_from(at_ms).ok()),
                },
                Change::Deleted { key } => Note::KeyDeleted { key: Name::from(key) },
                Change::Expired { key } => {
                    self.sessions.count_expired();
                    Note::KeyExpired { key: Name::from(key) }
                }
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
                self.sessions.receive(connection, arguments, &mut self.engine, context.clock);
            }
            // Whatever is no command is a protocol error, and Redis hangs up.
            Input::Message { connection, .. } => {
                self.sessions.close(connection, &mut self.engine);
                context.close(connection);
            }
            Input::Accepted { connection, peer } => {
                self.sessions.open(connection, Some(peer), context.clock);
            }
            Input::Closed { connection, .. } => self.sessions.close(connection, &mut self.engine),
            Input::Timer(Cron::TIMER) => self.run_cron(context),
            _ => return,
        }
        self.before_sleep(context);
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
        Self { next: started + Duration::from_millis(1), period: Self::period(hz), armed: false }
    }

    /// Source: `server.h`, `CONFIG_MIN_HZ` and `CONFIG_MAX_HZ`; `serverCron` returns whole
    /// milliseconds: `1000/server.hz`.
    fn period(hz: u32) -> Duration {
        Duration::from_millis(1000 / u64::from(hz.clamp(1, 500)))
    }

    /// It runs just now: the next run is counted from here. Source: `ae.c`,
    /// `processTimeEvents`.
    fn fired(&mut self, now: Mono, hz: u32) {
        self.period = Self::period(hz);
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
