//! One Redis server.

mod cron;

use bytes::Bytes;

pub use super::settings::{AppendFsync, MaxmemoryPolicy, Persistence, RedisSettings};

use self::cron::Cron;
use super::commands::{self, Flags};
use super::engine::{Change, Engine};
use super::memory::Memory;
use super::persistence::{AOF_FILE, Aof, Contents, Damage, Thread, Waiting, hold_back};
use super::resp::Reply;
use crate::machine::{Boot, Context, DiskToken, Effect, Input, InputId, Machine, TimerId};
use crate::message::Message;
use crate::note::{Name, Note};
use crate::random::Random;
use crate::time::Wall;

/// A Redis process. A restart begins with what its append-only file holds, if it keeps one, and
/// always without scripts.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    random: Random,
    cron: Cron,
    state: State,
    memory: Option<Box<Memory>>,
    disk: Option<Box<Disk>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It reads its file; few commands are carried out.
    Loading,
    /// It serves its clients.
    Serving,
    /// It could not read its file: the process has ended.
    Gone,
}

/// What a Redis that keeps an append-only file has besides.
#[derive(Debug)]
struct Disk {
    aof: Aof,
    /// The file as the process found it; empty once it is loaded.
    found: Bytes,
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
        let mut engine = Engine::default();
        let memory = Memory::new(&settings, &mut engine.data).map(Box::new);
        let disk = match settings.persistence {
            Persistence::None => None,
            Persistence::Aof(policy) => Some(Box::new(Disk {
                aof: Aof::new(policy, seconds(boot.clock.wall)),
                found: boot.files.remove(AOF_FILE).unwrap_or_default(),
                waiting: Vec::new(),
                held_back: Vec::new(),
            })),
        };
        let is_loading = disk.as_ref().is_some_and(|disk| !disk.found.is_empty());
        if disk.is_some() && !is_loading {
            engine.data.propagation.turn_on();
        }
        Self {
            engine,
            random: boot.random,
            cron: Cron::new(boot.clock.mono, settings.hz),
            state: if is_loading { State::Loading } else { State::Serving },
            memory,
            disk,
        }
    }

    /// Takes an input while the thread for commands is free.
    fn react(&mut self, input: Input<'_>, context: &mut Context<'_>) {
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
                self.arm_cron(context);
            }
            Input::Timer(Self::LOADED) => self.load(context),
            _ => {}
        }
    }

    fn serve(&mut self, arguments: &[Bytes], context: &mut Context<'_>) -> Reply {
        if self.memory.is_some() || self.state != State::Serving {
            if let Err(reply) = self.admit(arguments, context.clock.wall) {
                self.write_down(context);
                return reply;
            }
        }
        let reply = self.engine.execute(arguments, context.clock.wall);
        self.engine.end_unit();
        if let Some(memory) = &mut self.memory {
            memory.follow(&mut self.engine.data, context.clock.wall, &mut self.random);
        }
        self.write_down(context);
        self.arm_cron(context);
        reply
    }

    /// Makes room, and says whether the command may be carried out in the state that the server is
    /// in.
    ///
    /// Source: `server.c`, `processCommand`, which looks for the command first.
    fn admit(&mut self, arguments: &[Bytes], now: Wall) -> Result<(), Reply> {
        let command = commands::find(arguments)?;
        if self.state == State::Loading {
            return match command.flags.any_of(Flags::LOADING) {
                true => Ok(()),
                false => Err(commands::LOADING),
            };
        }
        if let Some(memory) = &mut self.memory {
            let has_room = memory.make_room(&mut self.engine.data, now, &mut self.random);
            self.engine.data.propagation.end_round();
            self.engine.data.is_out_of_memory = !has_room;
            if !has_room && command.flags.any_of(Flags::DENYOOM) {
                return Err(commands::OUT_OF_MEMORY);
            }
        }
        Ok(())
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
                Change::Expired { key } => Note::KeyExpired { key: Name::from(key) },
                Change::Evicted { key } => Note::KeyEvicted { key: Name::from(key) },
            });
        }
    }

    fn arm_cron(&mut self, context: &mut Context<'_>) {
        let has_file_work = self.disk.as_ref().is_some_and(|disk| disk.aof.waits_for_time());
        self.cron.arm(has_file_work || self.engine.volatile_keys() > 0, context);
    }

    /// Begins to read the file, if there is one.
    fn start(&mut self, context: &mut Context<'_>) {
        if self.state == State::Loading {
            let found = self.disk.as_ref().map(|disk| Contents::read(&disk.found));
            context.set_timer(Self::LOADED, found.unwrap_or_default().loading_time());
        }
    }

    /// The file is read: carries out what it says.
    fn load(&mut self, context: &mut Context<'_>) {
        let Some(disk) = &mut self.disk else { return };
        let file = std::mem::take(&mut disk.found);
        let contents = Contents::read(&file);
        let is_known = self.engine.load(&contents.commands, context.clock.wall);
        if !is_known || contents.damage == Some(Damage::BadFormat) {
            self.state = State::Gone;
            return;
        }
        if contents.damage == Some(Damage::CutShort) {
            Aof::cut_off(file.slice(..contents.valid_bytes), context);
        }
        self.state = State::Serving;
        self.engine.data.propagation.turn_on();
        self.write_down(context);
        self.arm_cron(context);
    }

    /// Writes to the file what has changed. If that blocks the thread, holds back what was sent since
    /// the outbox had `outbox_length` effects, when `input` began to be handled: Redis sends replies
    /// after it has written.
    ///
    /// Source: `server.c`, `beforeSleep`.
    fn before_sleep(
        &mut self,
        outbox_length: usize,
        input: Option<InputId>,
        context: &mut Context<'_>,
    ) {
        let Some(disk) = &mut self.disk else { return };
        for command in self.engine.take_propagated() {
            disk.aof.feed(&command);
        }
        disk.aof.flush(seconds(context.clock.wall), context);
        if disk.aof.is_blocking() {
            let (_, outbox) = context.parts();
            hold_back(outbox, outbox_length, input, &mut disk.held_back);
        }
        self.arm_cron(context);
    }

    /// The disk is done with something. When that frees the thread, it sends what was held back and
    /// takes all that has come in the meantime, timers last: one turn of Redis's event loop.
    fn disk_done(&mut self, token: DiskToken, context: &mut Context<'_>) {
        let Some(disk) = &mut self.disk else { return };
        if disk.aof.disk_done(token, context) == Thread::Blocked {
            return;
        }
        let (_, outbox) = context.parts();
        outbox.append(&mut disk.held_back);
        let (outbox_length, input) = (outbox.len(), context.input);
        let mut waiting = std::mem::take(&mut disk.waiting);
        waiting.sort_by_key(Waiting::is_timer);
        for input in &waiting {
            context.because(input.id);
            self.react(input.input(), context);
        }
        self.before_sleep(outbox_length, input, context);
    }
}

impl Machine for Server {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let Some(disk) = &mut self.disk else {
            return self.react(input, context);
        };
        match input {
            Input::Accepted { connection, .. } | Input::Message { connection, .. }
                if self.state == State::Gone =>
            {
                context.close(connection);
            }
            _ if self.state == State::Gone => {}
            Input::Started => self.start(context),
            Input::DiskDone(token) => self.disk_done(token, context),
            input if disk.aof.is_blocking() => {
                disk.waiting.extend(Waiting::new(context.input, input));
            }
            input => {
                let (outbox_length, id) = (context.parts().1.len(), context.input);
                self.react(input, context);
                self.before_sleep(outbox_length, id, context);
            }
        }
    }
}

/// Whole seconds of the wall clock: `server.unixtime`.
fn seconds(wall: Wall) -> i64 {
    i64::try_from(wall.as_millis() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
