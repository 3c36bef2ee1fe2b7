//! What clients say when they come and go: `HELLO`, `AUTH`, `RESET`, `QUIT`. And what they ask about
//! commands.
//!
//! Source: `networking.c`; `acl.c`, `authCommand`; `server.c`, `commandCommand`.

use bytes::Bytes;

use super::Call;
use super::client;
use super::connection::{End, Replies};
use super::resp3::Protocol;
use crate::redis::commands::{self, COMMANDS, SYNTAX_ERROR, count, error, integer};
use crate::redis::engine::Data;
use crate::redis::keyspace::Database;
use crate::redis::resp::Reply;

/// The version that this is a model of.
pub(in crate::redis) const VERSION: &str = "7.0.15";

/// `HELLO [protover [AUTH user password] [SETNAME name]]`
pub(in crate::redis) fn hello(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    Some(try_hello(call, arguments).unwrap_or_else(|error| error))
}

fn try_hello(call: &mut Call<'_>, arguments: &[Bytes]) -> Result<Reply, Reply> {
    let mut protocol = call.session().protocol;
    if let Some(version) = arguments.get(1) {
        const NOT_AN_INTEGER: Reply =
            Reply::error("ERR Protocol version is not an integer or out of range");
        let version = integer(version).map_err(|_| NOT_AN_INTEGER)?;
        let known = Protocol::numbered(version);
        protocol = known.ok_or(const { Reply::error("NOPROTO unsupported protocol version") })?;
    }
    let mut options = arguments.get(2..).unwrap_or_default();
    while let [option, rest @ ..] = options {
        options = match rest {
            [user, _, rest @ ..] if option.eq_ignore_ascii_case(b"auth") => {
                authenticate(user)?;
                rest
            }
            [name, rest @ ..] if option.eq_ignore_ascii_case(b"setname") => {
                client::name_connection(call.session(), name)?;
                rest
            }
            _ => {
                return Err(error([b"Syntax error in HELLO option '", &option[..], b"'"].concat()));
            }
        };
    }
    let bulk = |text: &'static str| Reply::Bulk(Bytes::from_static(text.as_bytes()));
    call.session().protocol = protocol;
    let id = call.session().id;
    let mode = if call.sessions.is_in_cluster() { "cluster" } else { "standalone" };
    let role = if call.sessions.replication.master.is_some() { "replica" } else { "master" };
    Ok(Reply::Array(vec![
        bulk("server"),
        bulk("redis"),
        bulk("version"),
        bulk(VERSION),
        bulk("proto"),
        Reply::Int(protocol.number()),
        bulk("id"),
        Reply::Int(id),
        bulk("mode"),
        bulk(mode),
        bulk("role"),
        bulk(role),
        bulk("modules"),
        Reply::Array(Vec::new()),
    ]))
}

/// The one user there is needs no password, so that any will do. Source: `acl.c`,
/// `ACLCheckUserCredentials`.
fn authenticate(user: &[u8]) -> Result<(), Reply> {
    if user == b"default" {
        return Ok(());
    }
    Err(Reply::error("WRONGPASS invalid username-password pair or user is disabled."))
}

/// `AUTH [username] password`
pub(in crate::redis) fn auth(_: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    Some(match &arguments[1..] {
        [_] => Reply::error(
            "ERR AUTH <password> called without any password configured for the default user. Are \
             you sure your configuration is correct?",
        ),
        [user, _] => authenticate(user).map_or_else(|error| error, |()| Reply::OK),
        _ => SYNTAX_ERROR,
    })
}

/// `RESET`: as if the client had just connected; its number stays.
///
/// Source: `networking.c`, `clearClientConnectionState`. It leaves `CLIENT NO-EVICT` alone, and a
/// `CLIENT REPLY SKIP` that concerns `RESET` itself.
pub(in crate::redis) fn reset(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    super::transaction::forget(call);
    let connection = call.connection();
    for (kind, name) in call.session().subscriptions.take_all() {
        call.data().channels.unsubscribe(kind, &name, connection);
    }
    call.data().keyspace.select(Database::default());
    let session = call.session();
    session.name = None;
    session.protocol = Protocol::default();
    if session.replies != Replies::Skip {
        session.replies = Replies::On;
    }
    Some(Reply::status("RESET"))
}

/// `QUIT`
pub(in crate::redis) fn quit(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    call.sessions.say(call.at, Reply::OK);
    call.sessions.end(call.at, End::AfterReply, call.engine);
    None
}

/// `COMMAND COUNT`: how many there are here, which is fewer than in Redis.
pub(in crate::redis) fn command_count(_: &mut Data, _: &[Bytes]) -> Reply {
    count(COMMANDS.len())
}

/// `COMMAND LIST`, without its filters.
pub(in crate::redis) fn command_list(_: &mut Data, arguments: &[Bytes]) -> Reply {
    if arguments.len() > 2 {
        return commands::SYNTAX_ERROR;
    }
    let name = |name: &'static str| Reply::Bulk(Bytes::from_static(name.as_bytes()));
    Reply::Array(COMMANDS.iter().map(|command| name(command.full_name)).collect())
}

/// `COMMAND DOCS [command …]`: the model has no documentation of any.
pub(in crate::redis) fn command_docs(_: &mut Data, _: &[Bytes]) -> Reply {
    Reply::Array(Vec::new())
}
