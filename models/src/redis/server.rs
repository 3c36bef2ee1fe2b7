//! One Redis server.

mod config_file;
mod cron;
mod migration;

use bytes::Bytes;

pub use super::settings::{
    AppendFsync, EventClasses, MaxmemoryPolicy, Persistence, RedisSettings, ReplicationSettings,
};

use self::cron::{Cron, Need};
use super::cluster::{Cluster, ClusterSettings};
use super::engine::{Change, Engine};
use super::persistence::{AOF_FILE, Aof, Contents, Damage, Thread, Waiting, hold_back};
use super::replication::Out;
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
    /// The thread for commands sleeps, since somebody has sent `DEBUG SLEEP`, or waits for the target of a
    /// `MIGRATE`; what he sent.
    asleep: Option<Option<InputId>>,
    /// What comes while the thread for commands is blocked.
    waiting: Vec<Waiting>,
    /// What is to be sent when it is free again.
    held_back: Vec<Effect>,
    /// The process has ended: it could not read a file of its own.
    is_gone: bool,
}

/// What a Redis that keeps an append-only file has besides.
#[derive(Debug)]
struct Disk {
    aof: Aof,
    /// The file that the process has found and is still loading, and what it holds.
    found: Option<(Bytes, Contents)>,
}

impl Server {
    /// The file is read.
    const LOADED: TimerId = TimerId(1);
    /// `DEBUG SLEEP` is over.
    const AWAKE: TimerId = TimerId(2);
    /// The target of a `MIGRATE` has not answered in time.
    const MIGRATION_LATE: TimerId = TimerId(3);

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
            })),
        };
        engine.data.is_loading = disk.as_ref().is_some_and(|disk| disk.found.is_some());
        let mut sessions = Sessions::new(&boot, settings);
        if let Some(master) = config_file::master(&mut boot, &settings) {
            sessions.start_following(master);
        }
        sessions.direct_propagation(&mut engine);
        sessions.set_standing(&mut engine);
        Self {
            engine,
            sessions,
            cron: Cron::new(boot.clock.mono, settings.hz),
            random: boot.random,
            disk,
            asleep: None,
            waiting: Vec::new(),
            held_back: Vec::new(),
            is_gone: false,
        }
    }

    /// A node of a cluster that starts: with what it has written down of it (`nodes.conf`), or else with
    /// its settings. `replica_of` has no part in that.
    pub fn in_cluster(mut boot: Boot, settings: RedisSettings, cluster: ClusterSettings) -> Self {
        let cluster = Cluster::new(&mut boot, cluster);
        let mut server = Self::new(boot, RedisSettings { replica_of: None, ..settings });
        match cluster {
            Ok(cluster) => server.sessions.join_cluster(cluster, &mut server.engine),
            Err(_) => server.is_gone = true,
        }
        server
    }

    /// Takes an input while the thread for commands is free. False when it is nothing to Redis.
    fn take(&mut self, input: Input<'_>, context: &mut Context<'_>) -> bool {
        match input {
            Input::Message { connection, message } if self.sessions.is_masters(connection) => {
                self.sessions.hear_master(connection, message, &mut self.engine, context.clock);
                self.replace_file(context);
            }
            Input::Message { connection, message: Message::ClusterBus(message) }
                if self.sessions.is_in_cluster() =>
            {
                self.sessions.hear_bus(connection, message, &mut self.engine, context.clock);
            }
            // An empty argument vector is passed over. Source: `networking.c`,
            // `processInputBuffer`.
            Input::Message { message: Message::Redis(arguments), .. } if arguments.is_empty() => {}
            Input::Message { connection, message: Message::Redis(arguments) } => {
                self.sessions.receive(connection, arguments, &mut self.engine, context.clock);
                let sleep = self.sessions.take_sleep();
                if !sleep.is_zero() {
                    self.asleep = Some(context.input);
                    context.set_timer(Self::AWAKE, sleep);
                }
                if self.sessions.is_migrating() {
                    self.asleep = Some(context.input);
                }
            }
            // What came over a real socket and was no command: what is wrong with it.
            Input::Message { connection, message: Message::Bytes(error) } => {
                self.sessions.refuse_protocol(connection, error, &mut self.engine, context.clock);
            }
            // Whatever else is no command is a protocol error as well, and Redis hangs up.
            Input::Message { connection, .. } => {
                self.sessions.close(connection, &mut self.engine);
                context.close(connection);
            }
            Input::Accepted { connection, peer } => {
                self.sessions.open(connection, Some(peer), context.clock);
            }
            // The other side of a connection that was kept has closed it.
            Input::Closed { connection, .. } if self.sessions.is_for_migration(connection) => {
                self.sessions.lose_migration();
            }
            Input::Connected { connection } if self.sessions.is_masters(connection) => {
                self.sessions.master_connected(connection);
            }
            Input::Connected { connection } => {
                self.sessions.bus_connected(connection, &mut self.engine, context.clock);
            }
            Input::Closed { connection, .. } if self.sessions.is_of_bus(connection) => {
                self.sessions.bus_closed(connection, &mut self.engine);
            }
            Input::Closed { connection, .. } if self.sessions.is_masters(connection) => {
                self.sessions.master_closed(&mut self.engine, context.clock);
            }
            Input::Closed { connection, .. } => self.sessions.close(connection, &mut self.engine),
            // A replica looks for its master by itself, and a node of a cluster for the others.
            Input::Started => self.sessions.start_cluster(&mut self.engine, context.clock),
            Input::Operator { message: Message::Redis(arguments) } if !arguments.is_empty() => {
                self.sessions.operate(arguments, &mut self.engine, context.clock);
            }
            Input::Timer(Cron::TIMER) => self.run_cron(context),
            Input::Timer(Self::LOADED) => self.load(context),
            _ => return false,
        }
        true
    }

    /// `serverCron`.
    fn run_cron(&mut self, context: &mut Context<'_>) {
        let due = self.cron.fired(context.clock.mono, self.sessions.settings().hz);
        self.sessions.close_idle(&mut self.engine, context.clock);
        self.engine.expire_some(context.clock.wall, &mut self.random);
        self.sessions.end_copies(&mut self.engine, context.clock);
        // While a server loads its file, it does nothing else by the clock.
        if due.second && !self.engine.data.is_loading {
            self.sessions.replication_cron(&mut self.engine, context.clock);
        }
        if due.tenth && !self.engine.data.is_loading {
            self.sessions.cluster_cron(&mut self.engine, context.clock);
        }
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
            for command in self.sessions.take_for_file() {
                disk.aof.feed(&command);
            }
            disk.aof.flush(millis(context.clock.wall) / 1000, context);
            has_file_work = disk.aof.waits_for_time();
        }
        if self.is_blocked() {
            let (_, outbox) = context.parts();
            hold_back(outbox, turn.outbox_length, turn.input, &mut self.held_back);
        }
        let has_work = self.sessions.is_in_cluster()
            || self.engine.has_volatile_keys() && !self.engine.data.standing.is_replica
            || self.sessions.need_cron();
        let need = if has_file_work || has_work {
            Need::EveryRun
        } else if self.sessions.need_replication_cron() {
            Need::EverySecond
        } else {
            Need::None
        };
        self.cron.arm(need, self.sessions.settings().hz, context);
    }

    /// Writes down what has changed, and sends what has come up: whatever leaves the server leaves
    /// here.
    fn tell(&mut self, context: &mut Context<'_>) {
        self.write_down(context);
        if let Some(master) = self.sessions.take_config() {
            config_file::write(master, context);
        }
        self.replicate(context);
        self.sessions.flush_cluster(context);
        for outgoing in self.sessions.take_output() {
            match outgoing {
                Outgoing::Reply { connection, reply } => {
                    context.send(connection, Message::RedisReply(reply));
                }
                Outgoing::Close { connection } => context.close(connection),
            }
        }
    }

    /// Sends what masters and replicas have to say to each other. The stream goes out before the replies
    /// to what is in it. Source: `networking.c`, `handleClientsWithPendingWrites`: who has something new is put at
    /// the head of the list, and replicas come after the client that has asked.
    fn replicate(&mut self, context: &mut Context<'_>) {
        let Some(out) = self.sessions.take_replication() else { return };
        let mut master = None;
        for out in out {
            match out {
                Out::Send { connection, message } => context.send(connection, message),
                Out::Close { connection } => context.close(connection),
                Out::Connect { master: node } => master = Some(context.connect(node)),
            }
        }
        if let Some(connection) = master {
            self.sessions.is_connecting(connection);
        }
    }

    /// The data are others: the file is made anew. Source: `replication.c`, `restartAOFAfterSYNC`.
    fn replace_file(&mut self, context: &mut Context<'_>) {
        if let Some((commands, disk)) = self.sessions.take_replaced().zip(self.disk.as_mut()) {
            disk.aof.begin_anew(&commands, context);
        }
    }

    fn write_down(&mut self, context: &mut Context<'_>) {
        for note in self.sessions.take_notes() {
            context.note(note);
        }
        for change in self.engine.take_changes() {
            context.note(match change {
                Change::Set { key, value, expires_at_ms } => Note::KeySet {
                    key: Name::from(key),
                    value: noted(value),
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
        self.sessions.direct_propagation(&mut self.engine);
        self.is_gone = !is_known || contents.damage == Some(Damage::BadFormat);
        if contents.damage == Some(Damage::CutShort) {
            Aof::cut_off(file.slice(..contents.valid_bytes), context);
        }
        self.sessions.start_cluster(&mut self.engine, context.clock);
    }

    /// The disk is done with something. When that frees the thread, it sends what was held back and goes
    /// on.
    fn disk_done(&mut self, token: DiskToken, context: &mut Context<'_>) {
        let is_free = match &mut self.disk {
            _ if self.sessions.cluster_disk_done(token) => true,
            Some(disk) => disk.aof.disk_done(token, context) == Thread::Free,
            None => false,
        };
        if is_free && !self.is_blocked() {
            context.parts().1.append(&mut self.held_back);
            self.catch_up(context);
        }
    }

    /// `DEBUG SLEEP` is over: the turn in which it was asked for comes to its end, and the next one takes
    /// what has come in the meantime.
    fn wake(&mut self, context: &mut Context<'_>) {
        let Some(asked) = self.asleep.take() else { return };
        let turn = Turn { input: asked, ..Turn::begin(context) };
        context.parts().1.append(&mut self.held_back);
        context.because(asked);
        self.before_sleep(turn, context);
        if !self.is_blocked() {
            self.catch_up(context);
        }
    }

    /// Takes all that has come while the thread was blocked, timers last: one turn of the event loop.
    fn catch_up(&mut self, context: &mut Context<'_>) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(Waiting::is_timer);
        let turn = Turn::begin(context);
        let mut waiting = waiting.into_iter();
        while self.asleep.is_none()
            && let Some(input) = waiting.next()
        {
            context.because(input.id);
            self.take(input.input(), context);
            if self.asleep.is_none() {
                self.tell(context);
            }
        }
        self.waiting = waiting.collect();
        self.end_turn(turn, context);
    }

    /// The turn is over, unless the thread sleeps: then all that was to be sent waits.
    fn end_turn(&mut self, turn: Turn, context: &mut Context<'_>) {
        if self.asleep.is_none() {
            return self.before_sleep(turn, context);
        }
        let (_, outbox) = context.parts();
        hold_back(outbox, turn.outbox_length, turn.input, &mut self.held_back);
        self.begin_migration(context);
    }

    /// True while the thread for commands can do nothing: it sleeps, or it is in a call to the disk.
    fn is_blocked(&self) -> bool {
        self.asleep.is_some()
            || self.disk.as_ref().is_some_and(|disk| disk.aof.is_blocking())
            || self.sessions.is_cluster_blocking()
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
        match input {
            Input::Accepted { connection, .. } | Input::Message { connection, .. }
                if self.is_gone =>
            {
                return context.close(connection);
            }
            _ if self.is_gone => return,
            Input::Started if self.engine.data.is_loading => return self.start(context),
            Input::DiskDone(token) => return self.disk_done(token, context),
            _ => {}
        }
        if self.sessions.is_migrating() && self.go_on_migrating(input, context) {
            return;
        }
        if self.is_blocked() {
            return match input {
                Input::Timer(Self::AWAKE) => self.wake(context),
                input => self.waiting.extend(Waiting::new(context.input, input)),
            };
        }
        let turn = Turn::begin(context);
        if self.take(input, context) {
            self.end_turn(turn, context);
        }
    }

    /// Source: `ae.c`, `aeProcessEvents`.
    fn takes_sockets_first(&self) -> bool {
        true
    }
}

/// A value as it is written down: of a long one the first bytes, copied, so that a string that is changed bit by bit is
/// not kept as often as it was changed.
fn noted(value: Bytes) -> Name {
    /// No lock's value is as long.
    const MOST_BYTES: usize = 1024;
    match value.get(..MOST_BYTES) {
        Some(head) if value.len() > MOST_BYTES => Name::from(Bytes::copy_from_slice(head)),
        _ => Name::from(value),
    }
}

#[cfg(test)]
mod tests;
