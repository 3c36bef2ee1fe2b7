//! `CLIENT KILL`.

use bytes::Bytes;

use super::super::Call;
use super::super::connection::{End, Session};
use super::list::{Kind, address, local_address};
use crate::redis::commands::{SYNTAX_ERROR, count, error, integer};
use crate::redis::resp::Reply;

/// Which connections are meant: all that fit everything that is said.
#[derive(Default)]
struct Filter<'a> {
    id: Option<i64>,
    kind: Option<Kind>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    not_me: bool,
}

/// `CLIENT KILL ip:port`, `CLIENT KILL filter value …`
pub(in super::super) fn kill(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    let old_form = arguments.len() == 3;
    let filter = if old_form {
        // In this form a client can kill itself.
        Filter { address: Some(&arguments[2]), ..Filter::default() }
    } else {
        match Filter::read(&arguments[2..]) {
            Ok(filter) => filter,
            Err(error) => return Some(error),
        }
    };
    let killed = kill_all(call, &filter);
    match (old_form, killed) {
        (false, killed) => call.sessions.say(call.at, count(killed)),
        (true, 0) => return Some(Reply::error("ERR No such client")),
        (true, _) => call.sessions.say(call.at, Reply::OK),
    }
    let node = call.sessions.identity.node();
    if filter.fits(call.session(), true, node) {
        call.sessions.end(call.at, End::AfterReply, call.engine);
    }
    None
}

/// Closes all that fit, but for the client itself, who is told first; counts it as well.
fn kill_all(call: &mut Call<'_>, filter: &Filter<'_>) -> usize {
    let node = call.sessions.identity.node();
    let mut killed = 0;
    for at in 0..call.sessions.list.len() {
        let is_me = at == call.at;
        if filter.fits(&call.sessions.list[at], is_me, node) {
            killed += 1;
            if !is_me {
                call.sessions.end(at, End::Now, call.engine);
            }
        }
    }
    killed
}

impl<'a> Filter<'a> {
    fn read(mut options: &'a [Bytes]) -> Result<Self, Reply> {
        let mut filter = Self { not_me: true, ..Self::default() };
        while let [option, rest @ ..] = options {
            let [value, rest @ ..] = rest else {
                return Err(SYNTAX_ERROR);
            };
            filter.take(&option.to_ascii_lowercase(), value)?;
            options = rest;
        }
        Ok(filter)
    }

    fn take(&mut self, option: &[u8], value: &'a Bytes) -> Result<(), Reply> {
        match option {
            b"id" => {
                let id = integer(value).ok().filter(|id| *id > 0);
                let wrong = Reply::error("ERR client-id should be greater than 0");
                self.id = Some(id.ok_or(wrong)?);
            }
            b"type" => self.kind = Some(client_type(value)?),
            b"addr" => self.address = Some(value),
            b"laddr" => self.local_address = Some(value),
            // There is one user, so that it fits everybody.
            b"user" if &value[..] == b"default" => {}
            b"user" => return Err(error([b"No such user '", &value[..], b"'"].concat())),
            b"skipme" if value.eq_ignore_ascii_case(b"yes") => self.not_me = true,
            b"skipme" if value.eq_ignore_ascii_case(b"no") => self.not_me = false,
            _ => return Err(SYNTAX_ERROR),
        }
        Ok(())
    }

    fn fits(&self, session: &Session, is_me: bool, node: crate::machine::NodeId) -> bool {
        let is_address = |text: String, wanted: &[u8]| text.as_bytes() == wanted;
        session.end != End::Now
            && !(is_me && self.not_me)
            && self.id.is_none_or(|id| id == session.id)
            && self.kind.is_none_or(|kind| kind == Kind::of(session))
            && self.address.is_none_or(|wanted| is_address(address(session), wanted))
            && self.local_address.is_none_or(|wanted| is_address(local_address(node), wanted))
    }
}

/// The kind of a client by its name. Source: `networking.c`, `getClientTypeByName`.
///
/// # Errors
///
/// The reply to give when there is none of that name.
pub(in super::super) fn client_type(name: &[u8]) -> Result<Kind, Reply> {
    match &name.to_ascii_lowercase()[..] {
        b"normal" => Ok(Kind::Normal),
        b"pubsub" => Ok(Kind::Subscriber),
        b"slave" | b"replica" => Ok(Kind::Replica),
        b"master" => Ok(Kind::Master),
        _ => Err(error([b"Unknown client type '", name, b"'"].concat())),
    }
}
