//! One server of an ensemble.
//!
//! It looks for a leader, then leads or follows, and when that comes to an end it looks again. Clients, followers
//! and elections come on three ports of the real server; here the first message of a connection says what
//! it is for.
//!
//! Source: `QuorumPeer.java`, `run`.

pub(super) mod clients;
pub(super) mod core;
pub(super) mod pipeline;
pub(super) mod timer;
mod voting;

use std::collections::BTreeSet;

use self::clients::Clients;
use self::core::{Core, note};
use super::election::{Candidate, Election, Links, PeerState, Vote};
use super::protocol::{Packet, Quorum, ServerId, Zxid};
use super::sessions::SessionIds;
use super::settings::EnsembleSettings;
use super::storage::{Database, Done, Storage};
use super::tree::DataTree;
use super::zab::{Follower, GivesUp, Leader};
use crate::machine::{Boot, ConnectionId, Context, DiskToken, Input, Machine, TimerId};
use crate::message::Message;
use crate::time::Mono;

/// What a server is doing.
#[derive(Debug)]
enum Role {
    /// It leads or follows no longer, and waits for its disk before it looks for a leader. Source:
    /// `SyncRequestProcessor.java`, `shutdown`.
    Stopping(PeerState, AfterStop),
    /// It looks for a leader.
    Looking,
    /// It leads.
    Leading(Box<Leader>),
    /// It follows.
    Following(Box<Follower>),
}

/// What becomes of the tree of a server that has stopped.
#[derive(Clone, Copy, Debug)]
enum AfterStop {
    /// What is logged is taken in.
    FastForward,
    /// It is made anew from what is on disk.
    Reload,
}

/// A server.
#[derive(Debug)]
pub struct Server {
    core: Core,
    election: Election,
    links: Links,
    role: Role,
    /// Whom it has last voted for, when it leads or follows.
    vote: Vote,
    /// Connections of which nobody has said yet what they are for.
    strangers: BTreeSet<ConnectionId>,
    /// When [`timer::DEADLINE`] comes.
    armed: Option<Mono>,
}

impl Server {
    /// A server that starts, on a node that the settings name; on any other it is nobody, and votes for
    /// nobody.
    pub fn new(boot: &Boot, settings: EnsembleSettings) -> Self {
        let mine = settings.servers.iter().find(|(_, node)| **node == boot.node);
        let id = mine.map_or(ServerId(0), |(id, _)| *id);
        let storage = Storage::load(&boot.files);
        let database = Database::load(Storage::snapshot(&boot.files), &storage);
        let nobody = Candidate { leader: id, zxid: Zxid::default(), peer_epoch: 0 };
        Self {
            election: Election::new(id, settings.servers.keys().copied().collect()),
            links: Links::new(id, &settings.servers),
            role: Role::Looking,
            vote: Vote { candidate: nobody, round: 0 },
            strangers: BTreeSet::new(),
            armed: None,
            core: Core {
                id,
                settings,
                storage,
                database,
                clients: Clients::new(boot.clock.mono),
                pipeline: None,
                session_ids: SessionIds::new(id, boot.clock.mono),
                committed: Zxid::default(),
            },
        }
    }

    /// The epoch that it leads, once that has begun.
    pub fn epoch_led(&self) -> Option<u32> {
        match &self.role {
            Role::Leading(leader) => leader.established(),
            Role::Stopping(..) | Role::Looking | Role::Following(_) => None,
        }
    }

    /// Whether it serves clients.
    pub const fn serves(&self) -> bool {
        self.core.pipeline.is_some()
    }

    /// The tree, as this server has it.
    pub const fn tree(&self) -> &DataTree {
        &self.core.database.tree
    }

    fn start(&mut self, context: &mut Context<'_>) {
        context.set_timer_at(timer::IDLE, self.core.clients.next_idle());
        self.look(context);
    }

    /// Leads or follows no longer. Source: `Leader.java`, `Follower.java`, `shutdown`.
    fn give_up(&mut self, why: GivesUp, context: &mut Context<'_>) {
        let mut after = AfterStop::FastForward;
        match &mut self.role {
            Role::Leading(leader) => {
                note("steps-down", why.to_owned(), context);
                leader.close(context);
            }
            Role::Following(follower) => {
                note("leaves", why.to_owned(), context);
                follower.close(context);
                if follower.has_unsaved_tree() {
                    after = AfterStop::Reload;
                }
            }
            Role::Stopping(..) | Role::Looking => return,
        }
        self.core.shut(context);
        self.role = Role::Stopping(self.state(), after);
        self.look_when_stopped(context);
    }

    fn look_when_stopped(&mut self, context: &mut Context<'_>) {
        let Role::Stopping(_, after) = self.role else { return };
        if !self.core.storage.is_idle() {
            return;
        }
        match after {
            AfterStop::FastForward => self.core.database.fast_forward(&self.core.storage),
            AfterStop::Reload => self.core.database.reload(&self.core.storage),
        }
        self.look(context);
    }

    fn hear(
        &mut self,
        connection: ConnectionId,
        packet: &Packet,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let is_new = self.strangers.remove(&connection);
        match packet {
            Packet::ElectionHello(from) => self.links.hello(*from, connection, context),
            Packet::Notification(heard) if self.links.has(connection) => {
                self.hear_vote(*heard, context);
            }
            Packet::Quorum(packet) => return self.hear_peer(connection, packet, context),
            Packet::Connect(connect) if is_new => match &mut self.role {
                Role::Leading(leader) => {
                    return leader.connect(connection, connect, &mut self.core, context);
                }
                Role::Following(follower) => {
                    follower.connect(connection, connect, &mut self.core, context);
                }
                Role::Stopping(..) | Role::Looking => context.close(connection),
            },
            Packet::Request { xid, op } => {
                self.core.clients.heard(connection, context.clock.mono);
                let core = &mut self.core;
                match &mut self.role {
                    Role::Leading(leader) => {
                        return leader.request(connection, *xid, op, core, context);
                    }
                    Role::Following(follower) => {
                        follower.request(connection, *xid, op, core, context);
                    }
                    Role::Stopping(..) | Role::Looking => {}
                }
            }
            _ if self.core.clients.has(connection) => self.core.clients.close(connection, context),
            _ => context.close(connection),
        }
        Ok(())
    }

    /// A leader or a follower says something. Who comes to follow finds nobody listening at a server that
    /// does not lead.
    fn hear_peer(
        &mut self,
        connection: ConnectionId,
        packet: &Quorum,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        let core = &mut self.core;
        match (&mut self.role, packet) {
            (Role::Leading(leader), Quorum::FollowerInfo { server, accepted_epoch }) => {
                leader.follower_info(connection, *server, *accepted_epoch, core, context);
            }
            (Role::Leading(leader), packet) if leader.has(connection) => {
                return leader.hear(connection, packet, core, context);
            }
            (Role::Following(follower), packet) if follower.has(connection) => {
                return follower.hear(packet, core, context);
            }
            _ => context.close(connection),
        }
        Ok(())
    }

    fn closed(
        &mut self,
        connection: ConnectionId,
        context: &mut Context<'_>,
    ) -> Result<(), GivesUp> {
        self.strangers.remove(&connection);
        self.links.closed(connection);
        if self.core.clients.has(connection) {
            self.core.clients.closed(connection);
        }
        match &mut self.role {
            Role::Leading(leader) => leader.closed(connection),
            Role::Following(follower) if follower.has(connection) => {
                return follower.closed(context);
            }
            _ => {}
        }
        Ok(())
    }

    fn timer(&mut self, timer: TimerId, context: &mut Context<'_>) -> Result<(), GivesUp> {
        match (timer, &mut self.role) {
            (timer::ELECTION, Role::Looking) => {
                let has_delivered = self.links.have_delivered();
                if !has_delivered {
                    self.links.connect_all(context);
                }
                self.vote_on(context, |election, told| election.wait_is_over(has_delivered, told));
            }
            (timer::TICK, Role::Leading(leader)) => return leader.half_tick(&self.core, context),
            (timer::SESSIONS, Role::Leading(leader)) => {
                return leader.expire_sessions(&mut self.core, context);
            }
            (timer::RETRY, Role::Following(follower)) => follower.retry(context),
            (timer::DEADLINE, role) => {
                self.armed = None;
                return match role {
                    Role::Leading(leader) => leader.check_deadlines(context),
                    Role::Following(follower) => follower.check_deadline(context),
                    Role::Stopping(..) | Role::Looking => Ok(()),
                };
            }
            (timer::IDLE, _) => {
                self.core.clients.close_idle(context);
                context.set_timer_at(timer::IDLE, self.core.clients.next_idle());
            }
            _ => {}
        }
        Ok(())
    }

    fn disk_done(&mut self, token: DiskToken, context: &mut Context<'_>) -> Result<(), GivesUp> {
        let done = self.core.storage.disk_done(token, context);
        let core = &mut self.core;
        match (&mut self.role, done) {
            (Role::Leading(leader), Some(Done::Logged(logged))) => {
                leader.logged(&logged, core, context);
            }
            (Role::Leading(leader), Some(Done::Saved)) => leader.saved(core, context),
            (Role::Following(follower), Some(Done::Logged(logged))) => {
                return follower.logged(&logged, core, context);
            }
            (Role::Following(follower), Some(Done::Saved)) => return follower.saved(core, context),
            (Role::Stopping(..), _) => self.look_when_stopped(context),
            _ => {}
        }
        Ok(())
    }

    /// Sets the timer for whoever is late next. One that comes too early is set again then.
    fn arm(&mut self, context: &mut Context<'_>) {
        let next = match &self.role {
            Role::Leading(leader) => leader.deadline(),
            Role::Following(follower) => follower.deadline(),
            Role::Stopping(..) | Role::Looking => None,
        };
        let Some(next) = next else { return };
        if self.armed.is_none_or(|armed| next < armed) {
            self.armed = Some(next);
            context.set_timer_at(timer::DEADLINE, next);
        }
    }
}

impl Machine for Server {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let outcome = match input {
            Input::Started => {
                self.start(context);
                Ok(())
            }
            Input::Accepted { connection, .. } => {
                self.strangers.insert(connection);
                Ok(())
            }
            Input::Connected { connection } => {
                if self.links.has(connection) {
                    self.links.connected(connection, context);
                } else if let Role::Following(follower) = &mut self.role
                    && follower.has(connection)
                {
                    follower.connected(&self.core, context);
                }
                Ok(())
            }
            Input::Message { connection, message: Message::ZooKeeper(packet) } => {
                self.hear(connection, packet, context)
            }
            Input::Closed { connection, .. } => self.closed(connection, context),
            Input::Timer(timer) => self.timer(timer, context),
            Input::DiskDone(token) => self.disk_done(token, context),
            Input::Message { .. } | Input::Operator { .. } => Ok(()),
        };
        if let Err(why) = outcome {
            self.give_up(why, context);
        }
        self.arm(context);
    }
}
