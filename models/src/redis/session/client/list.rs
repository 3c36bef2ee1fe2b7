//! `CLIENT LIST` and `CLIENT INFO`.

use bytes::Bytes;

use super::super::connection::{End, Session};
use super::super::{Call, Sessions};
use super::client_type;
use crate::machine::NodeId;
use crate::redis::address::{host, redis_port};
use crate::redis::channels::Kind as Subscription;
use crate::redis::commands::{SYNTAX_ERROR, integer};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;
use crate::redis::unix_time::seconds;

/// What a client is. Source: `networking.c`, `getClientType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// It sends commands.
    Normal,
    /// It has subscribed to something.
    Subscriber,
    /// It is a replica.
    Replica,
    /// It is this server's master. Its connection is not among the clients' here.
    Master,
}

impl Kind {
    pub(in super::super) fn of(session: &Session) -> Self {
        match session.is_replica {
            true => Self::Replica,
            false if session.is_subscriber() => Self::Subscriber,
            false => Self::Normal,
        }
    }
}

/// `CLIENT INFO`
pub(in super::super) fn info(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    let session = &call.sessions.list[call.at];
    Some(Reply::Bulk(line(call.sessions, &call.engine.data, session).into()))
}

/// `CLIENT LIST [TYPE type] [ID id …]`: in the order in which they came.
pub(in super::super) fn list(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    Some(match &arguments[2..] {
        [] => lines(call, |_| true),
        [option, name] if option.eq_ignore_ascii_case(b"type") => match client_type(name) {
            Ok(kind) => lines(call, |session| Kind::of(session) == kind),
            Err(error) => error,
        },
        [option, ids @ ..] if option.eq_ignore_ascii_case(b"id") && !ids.is_empty() => {
            by_ids(call, ids)
        }
        _ => SYNTAX_ERROR,
    })
}

fn lines(call: &Call<'_>, wanted: impl Fn(&Session) -> bool) -> Reply {
    let listed = call.sessions.list.iter().filter(|session| session.end != End::Now);
    let mut sessions: Vec<&Session> = listed.filter(|session| wanted(session)).collect();
    sessions.sort_unstable_by_key(|session| session.id);
    let line = |session: &&Session| line(call.sessions, &call.engine.data, session);
    Reply::Bulk(sessions.iter().map(line).collect::<String>().into())
}

/// Those that are named, in the order in which they are.
fn by_ids(call: &Call<'_>, ids: &[Bytes]) -> Reply {
    let mut text = String::new();
    for id in ids {
        let Ok(id) = integer(id) else {
            return Reply::error("ERR Invalid client ID");
        };
        let is_it = |session: &&Session| session.id == id && session.end != End::Now;
        if let Some(session) = call.sessions.list.iter().find(is_it) {
            text.push_str(&line(call.sessions, &call.engine.data, session));
        }
    }
    Reply::Bulk(text.into())
}

/// What is known of a connection. What is about buffers and memory is zero: messages are no bytes
/// here. Source: `networking.c`, `catClientInfoString`.
fn line(sessions: &Sessions, data: &Data, session: &Session) -> String {
    let now_s = seconds(sessions.clock.wall);
    let queued = session
        .transaction
        .as_ref()
        .map_or(-1, |transaction| i64::try_from(transaction.queued()).unwrap_or(i64::MAX));
    let subscriptions = |kind| session.subscriptions.of(kind).len();
    format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} \
         multi={queued} qbuf=0 qbuf-free=0 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll=0 omem=0 \
         tot-mem=0 events=r cmd={} user=default redir=-1 resp={}\n",
        session.id,
        address(session),
        local_address(sessions.identity.node()),
        file_descriptor(session),
        String::from_utf8_lossy(session.name.as_deref().unwrap_or_default()),
        now_s.saturating_sub(session.since_s),
        now_s.saturating_sub(session.active_s),
        flags(sessions, session, data),
        session.database.number(),
        subscriptions(Subscription::Channel),
        subscriptions(Subscription::Pattern),
        subscriptions(Subscription::Shard),
        session.last_command,
        session.protocol.number(),
    )
}

fn flags(sessions: &Sessions, session: &Session, data: &Data) -> String {
    let flags = [
        ('S', session.is_replica),
        ('P', session.is_subscriber()),
        ('x', session.transaction.is_some()),
        ('b', session.blocked.is_some()),
        ('d', data.watched.is_dirty(session.connection)),
        ('c', matches!(session.end, End::AfterReply | End::Written)),
        ('u', sessions.unblocked.contains(&session.connection)),
        ('e', session.no_evict),
    ];
    let set: String = flags.iter().filter(|(_, set)| *set).map(|(flag, _)| flag).collect();
    if set.is_empty() { "N".to_owned() } else { set }
}

/// Descriptors are not given out again here, unlike in a kernel. The first is the one that a real
/// server gives its first client.
fn file_descriptor(session: &Session) -> i64 {
    session.id.saturating_add(5)
}

/// A client's address; the port is one of those that Linux gives to clients, 32768 to 60999.
pub(super) fn address(session: &Session) -> String {
    let port = 32_768 + session.connection.0 % 28_232;
    format!("{}:{port}", host(session.peer.unwrap_or(NodeId(0))))
}

/// The server's own address, at Redis's own port.
pub(super) fn local_address(node: NodeId) -> String {
    format!("{}:{}", host(node), redis_port(node))
}
