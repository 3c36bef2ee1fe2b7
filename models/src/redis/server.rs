//! One Redis server.

mod cron;

use bytes::Bytes;

pub use super::settings::{
    AppendFsync, EventClasses, MaxmemoryPolicy, Persistence, RedisSettings,
};

use self::cron::Cron;
use super::engine::{Change, Engine};
use super::persistence::{AOF_FILE, Aof, Contents, Damage, Thread, Waiting, hold_back};
use super::session::{Outgoing, Sessions};
use super::unix_time::millis;
use crate::machine::{Boot, Context, DiskToken, Effect, Input, InputId, Machine, TimerId};
use crate::message::Message;
use crate::note::{Name, Note};
use crate::random::Random;

/// A Redis process. A restart begins with what its append-only file holds, if it keeps one, and
/// always without scripts and clients.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    sessions: Sessions,
    random: Random,
    cron: Cron,
    disk: Option<Box<Disk>>,
}

/// What a Redis that keeps an append-only file has besides.
#[derive(Debug)]
struct Disk {
    aof: Aof,
    /// The file that the process has found and is still loading, and what it holds.
    found: Option<(Bytes, Contents)>,
    /// The file could not be read: the process has ended.
    is_gone: bool,
    /// What comes while the thread for commands is blocked.
    waiting: Vec<Waiting>,
    /// What is to be sent when it is free again.
    held_back: Vec<Effect>,
}

impl Server {
    /// The file is read.
    const LOADED: TimerId = TimerId(1);

    /// A server that starts.
    pub fn new(mut boot: Boot, settings: RedisSettings) -> Self {
        let mut engine = Engine::new(boot.random.beside());
        engine.apply(&settings, &mut boot.random);
        let found = boot.files.remove(AOF_FILE).filter(|file| !file.is_empty());
        let disk = match settings.persistence {
            Persistence::None => None,
            Persistence::Aof(policy) => Some(Box::new(Disk {
                aof: Aof::new(policy, millis(boot.clock.wall) / 1000),
                found: found.map(|file| (file.clone(), Contents::read(&file))),
                is_gone: false,
                waiting: Vec::new(),
                held_back: Vec::new(),
            })),
        };
        if let Some(disk) = &disk {
            match disk.found {
                None => engine.data.propagation.turn_on(),
                Some(_) => engine.data.is_loading = true,
            }
        }
        Self {
            engine,
            sessions: Sessions::new(&boot, settings),
            cron: Cron::new(boot.clock.mono, settings.hz),
            random: boot.random,
            disk,
        }
    }

    /// Takes an input while the thread for commands is free. False when it is nothing to Redis.
    fn take(&mut self, input: Input<'_>, context: &mut Context<'_>) -> bool {
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
            Input::Timer(Self::LOADED) => self.load(context),
            _ => return false,
        }
        true
    }

    /// `serverCron`.
    fn run_cron(&mut self, context: &mut Context<'_>) {
        self.cron.fired(context.clock.mono, self.sessions.settings().hz);
        self.engine.expire_some(context.clock.wall, &mut self.random);
    }

    /// What the event loop does when there is nothing more to read: whoever has waited long enough
    /// goes on, what has changed is written to the file, and what has come up goes out; after the
    /// write, if that blocks the thread. `turn` is how the turn of the loop began.
    ///
    /// Source: `server.c`, `beforeSleep`.
    fn before_sleep(&mut self, turn: Turn, context: &mut Context<'_>) {
        self.sessions.before_sleep(&mut self.engine, context.clock);
        self.tell(context);
        let mut has_file_work = false;
        if let Some(disk) = &mut self.disk {
            if let Persistence::Aof(policy) = self.sessions.settings().persistence {
                disk.aof.set_policy(policy);
            }
            for command in self.engine.take_propagated() {
                disk.aof.feed(&command);
            }
            disk.aof.flush(millis(context.clock.wall) / 1000, context);
            if disk.aof.is_blocking() {
                let (_, outbox) = context.parts();
                hold_back(outbox, turn.outbox_length, turn.input, &mut disk.held_back);
            }
            has_file_work = disk.aof.waits_for_time();
        }
        let has_work = self.engine.volatile_keys() > 0 || self.sessions.need_cron();
        self.cron.arm(has_file_work || has_work, context);
    }

    /// Writes down what has changed, and sends what has come up: whatever leaves the server leaves
    /// here.
    fn tell(&mut self, context: &mut Context<'_>) {
        self.write_down(context);
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
                Change::Evicted { key } => {
                    self.sessions.count_evicted();
                    Note::KeyEvicted { key: Name::from(key) }
                }
            });
        }
    }

    /// Begins to read the file, if there is one.
    fn start(&mut self, context: &mut Context<'_>) {
        if let Some((_, contents)) = self.disk.as_ref().and_then(|disk| disk.found.as_ref()) {
            context.set_timer(Self::LOADED, contents.loading_time());
        }
    }

    /// The file is read: carries out what it says.
    fn load(&mut self, context: &mut Context<'_>) {
        let Some(disk) = &mut self.disk else { return };
        let Some((file, contents)) = disk.found.take() else { return };
        let is_known = self.engine.load(&contents.commands, context.clock.wall);
        self.engine.data.propagation.turn_on();
        disk.is_gone = !is_known || contents.damage == Some(Damage::BadFormat);
        if contents.damage == Some(Damage::CutShort) {
            Aof::cut_off(file.slice(..contents.valid_bytes), context);
        }
    }

    /// The disk is done with something. When that frees the thread, it sends what was held back and
    /// takes all that has come in the meantime, timers last: one turn of the event loop.
    fn disk_done(&mut self, token: DiskToken, context: &mut Context<'_>) {
        let Some(disk) = &mut self.disk else { return };
        if disk.aof.disk_done(token, context) == Thread::Blocked {
            return;
        }
        context.parts().1.append(&mut disk.held_back);
        let mut waiting = std::mem::take(&mut disk.waiting);
        waiting.sort_by_key(Waiting::is_timer);
        let turn = Turn::begin(context);
        for input in &waiting {
            context.because(input.id);
            self.take(input.input(), context);
            self.tell(context);
        }
        self.before_sleep(turn, context);
    }
}

/// How a turn of the event loop began.
#[derive(Clone, Copy)]
struct Turn {
    /// What is in the outbox from there on belongs to it.
    outbox_length: usize,
    /// What is being handled.
    input: Option<InputId>,
}

impl Turn {
    fn begin(context: &mut Context<'_>) -> Self {
        Self { outbox_length: context.parts().1.len(), input: context.input }
    }
}

impl Machine for Server {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        if let Some(disk) = &mut self.disk {
            match input {
                Input::Accepted { connection, .. } | Input::Message { connection, .. }
                    if disk.is_gone =>
                {
                    return context.close(connection);
                }
                _ if disk.is_gone => return,
                Input::Started => return self.start(context),
                Input::DiskDone(token) => return self.disk_done(token, context),
                input if disk.aof.is_blocking() => {
                    return disk.waiting.extend(Waiting::new(context.input, input));
                }
                _ => {}
            }
        }
        let turn = Turn::begin(context);
        if self.take(input, context) {
            self.before_sleep(turn, context);
        }
    }
}

#[cfg(test)]
mod tests;
