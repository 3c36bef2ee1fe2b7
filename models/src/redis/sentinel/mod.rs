//! Redis Sentinel: watches a master, agrees with other Sentinels that it is down, and puts one of its
//! replicas in its place.
//!
//! Each Sentinel has a view of its own: when somebody last answered (`+sdown`), whether enough others say
//! the same (`+odown`), which of them it has voted for in an epoch. Only one Sentinel can win an epoch,
//! and it promotes one replica; the others learn of it from a newer configuration epoch in its hello
//! messages. Nobody asks the old master, which goes on taking writes until it is reached.
//!
//! A Sentinel goes by its *wall* clock: a jump of it is taken for silence, or puts the Sentinel into TILT.
//!
//! ```text
//! settings   what sentinel.conf sets
//! instance   what is known of a master, a replica, another Sentinel
//! link       the connections to an instance, and what was asked on them
//! timer      what is looked at ten to nineteen times in a second, and TILT
//! monitor    PING, INFO and hello, and what their answers change
//! info       what INFO says
//! hello      how Sentinels find each other, and who knows the newest configuration
//! down       SDOWN and ODOWN
//! vote       who leads a failover
//! failover/  the failover, step by step
//! clients    who asks a Sentinel for something
//! report     SENTINEL MASTERS and its like
//! events     what is published and written down
//! config     what survives a restart
//! ```
//!
//! What differs from Redis 7.0.15:
//!
//! * One master a Sentinel. No scripts, no `SENTINEL SET`, no passwords, no host names.
//! * Redis keeps instances in hash tables; here they are in the order in which they became known.
//! * No Sentinel ever has another address. A server has its node's.
//! * Writing the configuration takes one `fsync` each time. Redis makes three of the file and its folder, and
//!   writes it twice when it votes in a new epoch: with slow disks a real Sentinel stands still for longer.
//! * `+reboot` has no consequence of its own (`master-reboot-down-after-period` is 0 by default).
//!
//! Source: `sentinel.c`.

mod clients;
mod config;
mod down;
mod events;
mod failover;
mod hello;
mod info;
mod instance;
mod link;
mod monitor;
mod report;
mod settings;
mod timer;
mod vote;

use std::sync::Arc;

use bytes::Bytes;

use self::clients::Clients;
pub use self::events::EVENTS;
use self::instance::{Group, Id};
pub use self::settings::SentinelSettings;
use super::persistence::{Waiting, hold_back};
use super::unix_time::millis;
use crate::machine::{
    Boot, ConnectionId, Context, DiskToken, Effect, Input, InputId, Machine, NodeId, TimerId,
};
use crate::message::Message;
use crate::random::Random;
use crate::time::Mono;

/// Times in milliseconds. Source: the beginning of `sentinel.c`.
mod period {
    /// `sentinel_ping_period`, `SENTINEL_PING_PERIOD`.
    pub(super) const PING: i64 = 1000;
    /// `sentinel_info_period`.
    pub(super) const INFO: i64 = 10_000;
    /// `info_period` of a replica whose master is down: `sentinelSendPeriodicCommands`.
    pub(super) const INFO_WHILE_DOWN: i64 = 1000;
    /// `sentinel_ask_period`.
    pub(super) const ASK: i64 = 1000;
    /// `sentinel_publish_period`.
    pub(super) const PUBLISH: i64 = 2000;
    /// `sentinel_tilt_trigger`.
    pub(super) const TILT_TRIGGER: i64 = 2000;
    /// `sentinel_tilt_period`.
    pub(super) const TILT: i64 = 30 * PING;
    /// `sentinel_slave_reconf_timeout`.
    pub(super) const RECONFIGURATION: i64 = 10_000;
    /// `sentinel_min_link_reconnect_period`.
    pub(super) const LINK_LEAST: i64 = 15_000;
    /// `sentinel_election_timeout`.
    pub(super) const ELECTION: i64 = 10_000;
    /// `SENTINEL_MAX_DESYNC`.
    pub(super) const DESYNC_MOST: u64 = 1000;
}

/// A Sentinel process.
#[derive(Debug)]
pub struct Sentinel {
    node: NodeId,
    /// Forty hexadecimal digits, the same after a restart: `sentinel.myid`.
    my_id: String,
    current_epoch: u64,
    settings: SentinelSettings,
    group: Group,
    clients: Clients,
    random: Random,
    /// Since when it is in TILT: Unix milliseconds.
    tilt_since_ms: Option<i64>,
    /// When the timer last ran: `sentinel.previous_time`.
    previous_ms: i64,
    /// The wall clock, in Unix milliseconds.
    now_ms: i64,
    /// The state has changed that a restart must find.
    is_config_changed: bool,
    /// The configuration is being written and synced: the process does nothing else.
    is_writing: bool,
    /// What comes in the meantime.
    waiting: Vec<Waiting>,
    /// What is sent after it.
    held_back: Vec<Effect>,
}

impl Sentinel {
    const TIMER: TimerId = TimerId(0);

    /// A Sentinel that starts: with what it has written down, or else with its settings.
    pub fn new(mut boot: Boot, settings: SentinelSettings) -> Self {
        let now_ms = millis(boot.clock.wall);
        let text = format!("sentinel {}", boot.node.0);
        let group = Group::new(&settings, now_ms);
        let mut sentinel = Self {
            node: boot.node,
            my_id: sha1_smol::Sha1::from(text).digest().to_string(),
            current_epoch: 0,
            settings,
            group,
            clients: Clients::default(),
            random: boot.random,
            tilt_since_ms: None,
            previous_ms: now_ms,
            now_ms,
            is_config_changed: false,
            is_writing: false,
            waiting: Vec::new(),
            held_back: Vec::new(),
        };
        match boot.files.remove(config::FILE) {
            Some(text) => sentinel.read_config(&text),
            // The identity is kept from the first start on. Source: `sentinelIsRunning`.
            None => sentinel.is_config_changed = true,
        }
        sentinel
    }

    fn take(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        self.now_ms = millis(context.clock.wall);
        match input {
            Input::Started => {
                let detail = format!(" quorum {}", self.settings.quorum);
                self.event_about("+monitor", Id::Master, &detail, context);
                self.arm(context.clock.mono, context);
            }
            Input::Timer(Self::TIMER) => {
                self.tick(context);
                self.arm(context.clock.mono, context);
            }
            Input::Connected { connection } => self.link_opened(connection, context),
            Input::Closed { connection, .. } => {
                if !self.link_closed(connection) {
                    self.clients.leave(connection);
                }
            }
            Input::Message { connection, message } => self.hear(connection, message, context),
            Input::Accepted { connection, .. } => self.clients.come(connection),
            Input::Operator { message: Message::Redis(arguments) } if !arguments.is_empty() => {
                let name = arguments[0].to_ascii_lowercase();
                self.carry_out(&name, arguments, context);
            }
            Input::Timer(_) | Input::DiskDone(_) | Input::Operator { .. } => {}
        }
        self.clients.send(context);
    }

    fn hear(&mut self, connection: ConnectionId, message: &Message, context: &mut Context<'_>) {
        match message {
            Message::RedisReply(reply) => self.answered(connection, reply, context),
            Message::Redis(arguments) if !arguments.is_empty() => {
                self.serve(connection, arguments, context);
            }
            Message::Bytes(error) => {
                self.clients.refuse_protocol(connection, error);
                self.clients.send(context);
                self.clients.leave(connection);
                context.close(connection);
            }
            // What else is no command is a protocol error as well.
            _ => {
                self.clients.leave(connection);
                context.close(connection);
            }
        }
    }

    /// Sets the timer for the next turn: ten to nineteen times in a second, drawn anew each time so that
    /// Sentinels do not stay in step. Source: `sentinelTimer`; `server.c`, `serverCron`.
    fn arm(&mut self, now: Mono, context: &mut Context<'_>) {
        /// Source: `CONFIG_DEFAULT_HZ`.
        const HZ: u64 = 10;
        let hz = HZ + self.random.below(HZ);
        context.set_timer_at(Self::TIMER, now + std::time::Duration::from_millis(1000 / hz));
    }

    /// A number of milliseconds by which to fall out of step with the others. Source:
    /// `rand() % SENTINEL_MAX_DESYNC`.
    fn desynchronization(&mut self) -> i64 {
        self.random.below(period::DESYNC_MOST) as i64
    }

    /// The configuration is written, if it has changed; until it is synced nothing else happens, and
    /// nothing leaves. Source: `sentinelFlushConfig`, whose callers go on after the `fsync`.
    fn write_config_if_changed(
        &mut self,
        turn: (usize, Option<InputId>),
        context: &mut Context<'_>,
    ) {
        if std::mem::take(&mut self.is_config_changed) {
            config::write(self.config_text(), context);
            self.is_writing = true;
            hold_back(context.parts().1, turn.0, turn.1, &mut self.held_back);
        }
    }

    /// The configuration is synced: what was held back goes out, and what has come in is handled.
    fn wrote(&mut self, context: &mut Context<'_>) {
        self.is_writing = false;
        context.parts().1.append(&mut self.held_back);
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        while !self.is_writing
            && let Some(input) = waiting.next()
        {
            context.because(input.id);
            let turn = (context.parts().1.len(), context.input);
            self.take(input.input(), context);
            self.write_config_if_changed(turn, context);
        }
        self.waiting.splice(0..0, waiting);
    }
}

impl Machine for Sentinel {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        match input {
            Input::DiskDone(config::SYNC) => self.wrote(context),
            Input::DiskDone(DiskToken(_)) => {}
            input if self.is_writing => {
                self.waiting.extend(Waiting::new(context.input, input));
            }
            input => {
                let turn = (context.parts().1.len(), context.input);
                self.take(input, context);
                self.write_config_if_changed(turn, context);
            }
        }
    }

    /// Source: `ae.c`, `aeProcessEvents`.
    fn takes_sockets_first(&self) -> bool {
        true
    }
}

/// A command.
fn command<const N: usize>(words: [&str; N]) -> Arc<[Bytes]> {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

#[cfg(test)]
mod tests;
