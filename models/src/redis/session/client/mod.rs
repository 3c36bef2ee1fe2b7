//! `CLIENT`. Source: `networking.c`, `clientCommand`.

mod kill;
mod list;

use bytes::Bytes;

pub(super) use self::kill::{client_type, kill};
pub(super) use self::list::{info, list};
use super::Call;
use super::connection::{Replies, Session};
use crate::redis::commands::{Command, SYNTAX_ERROR, bulk_or_nil, session};
use crate::redis::resp::Reply;

/// The subcommands, in the order of their names.
pub(in crate::redis) const SUBCOMMANDS: &[Command] = &[
    session("caching", "client|caching", 3, caching),
    session("getname", "client|getname", 2, getname),
    session("getredir", "client|getredir", 2, getredir),
    session("id", "client|id", 2, id),
    session("info", "client|info", 2, info),
    session("kill", "client|kill", -3, kill),
    session("list", "client|list", -2, list),
    session("no-evict", "client|no-evict", 3, no_evict),
    session("pause", "client|pause", -3, super::blocking::pause),
    session("reply", "client|reply", 3, reply),
    session("setname", "client|setname", 3, setname),
    session("unblock", "client|unblock", -3, super::blocking::unblock),
    session("unpause", "client|unpause", 2, super::blocking::unpause),
];

/// `CLIENT ID`
fn id(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    Some(Reply::Int(call.session().id))
}

/// `CLIENT GETNAME`
fn getname(call: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    Some(bulk_or_nil(call.session().name.clone()))
}

/// `CLIENT SETNAME name`
fn setname(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let named = name_connection(call.session(), &arguments[2]);
    Some(named.map_or_else(|error| error, |()| Reply::OK))
}

/// Gives a connection a name; an empty one takes it away.
///
/// Source: `networking.c`, `clientSetNameOrReply`.
///
/// # Errors
///
/// The reply to give when the name has a character that would spoil `CLIENT LIST`.
pub(super) fn name_connection(session: &mut Session, name: &Bytes) -> Result<(), Reply> {
    if !name.iter().all(u8::is_ascii_graphic) {
        return Err(Reply::error(
            "ERR Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    session.name = (!name.is_empty()).then(|| name.clone());
    Ok(())
}

/// `CLIENT REPLY ON | OFF | SKIP`
fn reply(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let mode = &arguments[2];
    let session = call.session();
    if mode.eq_ignore_ascii_case(b"on") {
        session.replies = Replies::On;
        return Some(Reply::OK);
    }
    if mode.eq_ignore_ascii_case(b"off") {
        session.replies = Replies::Off;
    } else if mode.eq_ignore_ascii_case(b"skip") {
        if session.replies != Replies::Off {
            session.replies = Replies::SkipNext;
        }
    } else {
        return Some(SYNTAX_ERROR);
    }
    None
}

/// `CLIENT NO-EVICT ON | OFF`: shown in `CLIENT LIST`; no client is evicted anyway.
fn no_evict(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let on = arguments[2].eq_ignore_ascii_case(b"on");
    if !on && !arguments[2].eq_ignore_ascii_case(b"off") {
        return Some(SYNTAX_ERROR);
    }
    call.session().no_evict = on;
    Some(Reply::OK)
}

/// `CLIENT GETREDIR`: nobody is tracked.
fn getredir(_: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    Some(Reply::Int(-1))
}

/// `CLIENT CACHING YES | NO`: nobody is tracked.
fn caching(_: &mut Call<'_>, _: &[Bytes]) -> Option<Reply> {
    Some(Reply::error(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or \
         OPTOUT mode enabled",
    ))
}
