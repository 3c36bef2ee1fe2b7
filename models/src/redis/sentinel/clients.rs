//! Who asks a Sentinel for something: clients that look for the master, other Sentinels, an operator.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::instance::{Id, Instance};
use super::{Sentinel, hello};
use crate::machine::{ConnectionId, Context};
use crate::message::Message;
use crate::redis::address::{self, host, redis_port};
use crate::redis::channels::{Channels, Kind};
use crate::redis::commands::{integer, unknown_command, unknown_subcommand, wrong_arity};
use crate::redis::glob::{self, Case};
use crate::redis::resp::Reply;
use crate::redis::session::greeting::VERSION;
use crate::redis::session::resp3::Protocol;

/// The connections of clients.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) channels: Channels,
    /// Those that have asked for another protocol than RESP2.
    protocols: BTreeMap<ConnectionId, Protocol>,
    /// What each has subscribed to.
    subscriptions: BTreeMap<ConnectionId, Vec<(Kind, Bytes)>>,
    replies: Vec<(ConnectionId, Reply)>,
}

impl Clients {
    pub(super) fn come(&mut self, connection: ConnectionId) {
        self.subscriptions.insert(connection, Vec::new());
    }

    pub(super) fn leave(&mut self, connection: ConnectionId) {
        self.protocols.remove(&connection);
        for (kind, name) in self.subscriptions.remove(&connection).unwrap_or_default() {
            self.channels.unsubscribe(kind, &name, connection);
        }
    }

    /// Sends what was published, then what is answered.
    pub(super) fn send(&mut self, context: &mut Context<'_>) {
        if self.channels.has_published() {
            for (connection, message) in self.channels.take_published() {
                let protocol = self.protocol(connection);
                context.send(connection, Message::RedisReply(protocol.push(message)));
            }
        }
        for (connection, reply) in self.replies.drain(..) {
            context.send(connection, Message::RedisReply(reply));
        }
    }

    fn protocol(&self, connection: ConnectionId) -> Protocol {
        self.protocols.get(&connection).copied().unwrap_or_default()
    }

    /// What a client has sent is no command, and this is what is wrong with it.
    pub(super) fn refuse_protocol(&mut self, connection: ConnectionId, error: &Bytes) {
        self.answer(connection, Reply::Error(error.clone()));
    }

    fn answer(&mut self, connection: ConnectionId, reply: Reply) {
        self.replies.push((connection, reply));
    }

    fn subscribe(&mut self, connection: ConnectionId, kind: Kind, word: &str, names: &[Bytes]) {
        for name in names {
            let list = self.subscriptions.entry(connection).or_default();
            if !list.contains(&(kind, name.clone())) {
                list.push((kind, name.clone()));
                self.channels.subscribe(kind, name, connection);
            }
            self.confirm(connection, word, Reply::Bulk(name.clone()));
        }
    }

    fn unsubscribe(&mut self, connection: ConnectionId, kind: Kind, word: &str, names: &[Bytes]) {
        let list = self.subscriptions.entry(connection).or_default();
        let meant: Vec<Bytes> = match names {
            [] => list.iter().filter(|(of, _)| *of == kind).map(|(_, name)| name.clone()).collect(),
            names => names.to_vec(),
        };
        for name in &meant {
            let list = self.subscriptions.entry(connection).or_default();
            list.retain(|(of, other)| (*of, other) != (kind, name));
            self.channels.unsubscribe(kind, name, connection);
            self.confirm(connection, word, Reply::Bulk(name.clone()));
        }
        if meant.is_empty() {
            self.confirm(connection, word, Reply::Nil);
        }
    }

    fn confirm(&mut self, connection: ConnectionId, word: &str, name: Reply) {
        let left = self.subscriptions.get(&connection).map_or(0, Vec::len);
        let word = Reply::Bulk(Bytes::copy_from_slice(word.as_bytes()));
        let confirmation = Reply::Array(vec![word, name, Reply::Int(left as i64)]);
        self.answer(connection, self.protocol(connection).push(confirmation));
    }
}

impl Sentinel {
    /// Carries out a command of a client's. Source: `sentinelcmds`, the table of what a Sentinel knows.
    pub(super) fn serve(
        &mut self,
        connection: ConnectionId,
        arguments: &[Bytes],
        context: &mut Context<'_>,
    ) {
        let name = arguments[0].to_ascii_lowercase();
        let rest = &arguments[1..];
        match &name[..] {
            b"subscribe" | b"psubscribe" | b"unsubscribe" | b"punsubscribe" => {
                let word = String::from_utf8_lossy(&name).into_owned();
                let kind = if word.starts_with('p') { Kind::Pattern } else { Kind::Channel };
                if word.contains("unsub") {
                    self.clients.unsubscribe(connection, kind, &word, rest);
                } else {
                    self.clients.subscribe(connection, kind, &word, rest);
                }
            }
            b"quit" => {
                self.clients.answer(connection, Reply::OK);
                self.clients.send(context);
                self.clients.leave(connection);
                context.close(connection);
            }
            _ => {
                let reply = match &name[..] {
                    b"hello" => self.hello_from(connection, rest).unwrap_or_else(|refusal| refusal),
                    _ => self.carry_out(&name, arguments, context),
                };
                // After the command: HELLO changes what is spoken.
                let protocol = self.clients.protocol(connection);
                let reply = protocol.answer_of_sentinel(arguments, reply);
                self.clients.answer(connection, reply);
            }
        }
    }

    /// Carries out a command that is about no connection.
    pub(super) fn carry_out(
        &mut self,
        name: &[u8],
        arguments: &[Bytes],
        context: &mut Context<'_>,
    ) -> Reply {
        match (name, arguments) {
            (b"ping", [_]) => Reply::status("PONG"),
            (b"ping", [_, message]) => Reply::Bulk(message.clone()),
            (b"publish", [_, channel, line]) if &channel[..] == hello::CHANNEL.as_bytes() => {
                self.take_hello(&line.clone(), context);
                Reply::Int(1)
            }
            (b"publish", [_, _, _]) => {
                Reply::error("ERR Only HELLO messages are accepted by Sentinel instances.")
            }
            (b"info", _) => self.info(),
            (b"role", [_]) => {
                let names = Reply::Array(vec![Reply::Bulk(self.settings.master_name.clone())]);
                Reply::Array(vec![Reply::Bulk(Bytes::from_static(b"sentinel")), names])
            }
            // Other Sentinels say who they are.
            (b"client", [_, option, _]) if option.eq_ignore_ascii_case(b"setname") => Reply::OK,
            (b"sentinel", [_, option, rest @ ..]) => {
                self.sentinel(&option.to_ascii_lowercase(), rest, arguments, context)
            }
            (b"sentinel", _) => wrong_arity("sentinel"),
            _ => unknown_command(arguments),
        }
    }

    /// `HELLO [protover]`: clients have no names and no numbers here. Source: `networking.c`, `helloCommand`.
    fn hello_from(&mut self, connection: ConnectionId, rest: &[Bytes]) -> Result<Reply, Reply> {
        if let [version, ..] = rest {
            const UNKNOWN: Reply = Reply::error("NOPROTO unsupported protocol version");
            let protocol = Protocol::numbered(integer(version)?).ok_or(UNKNOWN)?;
            self.clients.protocols.insert(connection, protocol);
        }
        let bulk = |text: &'static str| Reply::Bulk(Bytes::from_static(text.as_bytes()));
        let mut fields = Vec::new();
        for (name, value) in [("server", "redis"), ("version", VERSION), ("mode", "sentinel")] {
            fields.extend([bulk(name), bulk(value)]);
        }
        let protocol = self.clients.protocol(connection);
        fields.extend([bulk("proto"), Reply::Int(protocol.number())]);
        Ok(Reply::Array(fields))
    }

    /// `SENTINEL …`. Source: `sentinelCommand`.
    fn sentinel(
        &mut self,
        option: &[u8],
        rest: &[Bytes],
        arguments: &[Bytes],
        context: &mut Context<'_>,
    ) -> Reply {
        /// Those that are known here.
        const SUBCOMMANDS: [&[u8]; 11] = [
            b"masters",
            b"myid",
            b"get-master-addr-by-name",
            b"is-master-down-by-addr",
            b"reset",
            b"master",
            b"replicas",
            b"slaves",
            b"sentinels",
            b"failover",
            b"ckquorum",
        ];
        const NO_SUCH_MASTER: Reply = Reply::error("ERR No such master with that name");
        let is_known = |name: &Bytes| *name == self.settings.master_name;
        match (option, rest) {
            (b"masters", []) => Reply::Array(vec![self.fields(Id::Master)]),
            (b"myid", []) => Reply::Bulk(Bytes::from(self.my_id.clone())),
            (b"get-master-addr-by-name", [name]) if !is_known(name) => Reply::NilArray,
            (b"get-master-addr-by-name", [_]) => Reply::Array(vec![
                Reply::Bulk(Bytes::from(host(self.group.current_master()))),
                Reply::Bulk(Bytes::from(redis_port(self.group.current_master()).to_string())),
            ]),
            (b"is-master-down-by-addr", [ip, port, epoch, id]) => {
                self.is_master_down(ip, port, epoch, id, context).unwrap_or_else(|error| error)
            }
            (b"reset", [pattern]) => {
                let fits = glob::fits(pattern, &self.settings.master_name, Case::Sensitive);
                if fits {
                    self.reset(context);
                }
                Reply::Int(i64::from(fits))
            }
            (
                b"master" | b"replicas" | b"slaves" | b"sentinels" | b"failover" | b"ckquorum",
                [name],
            ) if !is_known(name) => NO_SUCH_MASTER,
            (b"master", [_]) => self.fields(Id::Master),
            (b"replicas" | b"slaves", [_]) => {
                let all = (0..self.group.replicas.len()).map(Id::Replica);
                Reply::Array(all.map(|id| self.fields(id)).collect())
            }
            (b"sentinels", [_]) => {
                let all = (0..self.group.sentinels.len()).map(Id::Sentinel);
                Reply::Array(all.map(|id| self.fields(id)).collect())
            }
            (b"failover", [_]) => self.failover_by_command(context),
            (b"ckquorum", [_]) => self.check_quorum(),
            (known, _) if SUBCOMMANDS.contains(&known) => {
                wrong_arity(&format!("sentinel|{}", String::from_utf8_lossy(known)))
            }
            _ => unknown_subcommand(arguments),
        }
    }

    /// Another Sentinel asks whether the master is down, and perhaps for a vote. In TILT it is not.
    fn is_master_down(
        &mut self,
        ip: &Bytes,
        port: &Bytes,
        epoch: &Bytes,
        id: &Bytes,
        context: &mut Context<'_>,
    ) -> Result<Reply, Reply> {
        let master = self.group.master.node;
        let is_port = integer(port)? == i64::from(redis_port(master));
        let epoch = integer(epoch)?;
        let is_the_master = is_port && address::node(ip, port) == Some(master);
        let is_down = self.tilt_since_ms.is_none() && is_the_master && self.group.master.is_down;
        let (mut leader, mut leader_epoch) = (None, 0);
        if is_the_master && &id[..] != b"*" {
            let candidate = String::from_utf8_lossy(id).into_owned();
            let epoch = u64::try_from(epoch).unwrap_or(0);
            (leader, leader_epoch) = self.vote(epoch, &candidate, context);
        }
        Ok(Reply::Array(vec![
            Reply::Int(i64::from(is_down)),
            Reply::Bulk(leader.map_or_else(|| Bytes::from_static(b"*"), Bytes::from)),
            Reply::Int(leader_epoch.cast_signed()),
        ]))
    }

    /// `SENTINEL FAILOVER`: without asking the others.
    fn failover_by_command(&mut self, context: &mut Context<'_>) -> Reply {
        if self.group.failover.is_in_progress() {
            return Reply::error("INPROG Failover already in progress");
        }
        if self.best_replica().is_none() {
            return Reply::error("NOGOODSLAVE No suitable replica to promote");
        }
        self.start_failover(true, context);
        Reply::OK
    }

    /// `SENTINEL RESET`: everything about the master is forgotten, but its address.
    fn reset(&mut self, context: &mut Context<'_>) {
        for id in self.group.ids() {
            self.group.get_mut(id).link.close(context);
        }
        let settings =
            super::SentinelSettings { master: self.group.master.node, ..self.settings.clone() };
        let (config_epoch, leader_epoch) = (self.group.config_epoch, self.group.leader_epoch);
        let Instance { published_ms, info_ms, .. } = self.group.master;
        let tried_ms = self.group.master.link.tried_ms;
        self.group = super::Group::new(&settings, self.now_ms);
        self.group.config_epoch = config_epoch;
        self.group.leader_epoch = leader_epoch;
        // When things were last done is not reset, and nothing is written down. Source: `sentinelResetMaster`.
        let master = &mut self.group.master;
        (master.published_ms, master.info_ms) = (published_ms, info_ms);
        master.link.tried_ms = tried_ms;
        self.event_about("+reset-master", Id::Master, "", context);
    }

    /// `SENTINEL CKQUORUM`. Source: `sentinelIsQuorumReachable`.
    fn check_quorum(&self) -> Reply {
        let usable = self.group.sentinels.iter().filter(|peer| !peer.is_down).count() + 1;
        let voters = self.group.sentinels.len() + 1;
        let mut missing = Vec::new();
        if usable < self.settings.quorum as usize {
            missing.push(
                "Not enough available Sentinels to reach the specified quorum for this master",
            );
        }
        if usable < voters / 2 + 1 {
            missing.push(
                "Not enough available Sentinels to reach the majority and authorize a failover",
            );
        }
        if missing.is_empty() {
            let rest = "usable Sentinels. Quorum and failover authorization can be reached";
            return Reply::Status(format!("OK {usable} {rest}").into());
        }
        let text = format!("NOQUORUM {usable} usable Sentinels. {}", missing.join(". "));
        Reply::Error(text.into())
    }
}
