//! Commands, and what all of them share: how they are found, how arguments are read, what is
//! answered when something is wrong. One file per family.
//!
//! Source of names, arities and flags: Redis 7.0.15, `src/commands/*.json`.

mod arguments;
mod described;
mod expiry;
mod flags;
mod functions;
mod hashes;
mod keys;
pub(super) mod listed;
mod scripting;
mod server;
mod strings;
mod table;

use bytes::Bytes;
pub(crate) use flags::Flags;

use self::arguments::{INT_RANGE, NOT_AN_INTEGER, database, float, integer_in};
pub(super) use self::arguments::{integer, is_option, printed};
pub(crate) use self::keys::dump;
pub(crate) use self::table::{COMMANDS, session};
use super::cluster::KeySpec;
use super::engine::{Data, Engine};
use super::resp::Reply;
use super::session::SessionHandler;

/// What carries out a command that works on the data alone.
pub(crate) type DataHandler = fn(&mut Data, &[Bytes]) -> Reply;

/// What carries a command out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// Works on the data alone, so that a script may call it.
    Data(DataHandler),
    /// Works on the scripts as well, so that no script may call it: Redis's flag `noscript`.
    Engine(fn(&mut Engine, &[Bytes]) -> Reply),
    /// Works on the connection as well, or on all of them: no script may call it either.
    Session(SessionHandler),
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Command {
    /// The name as a client sends it, made a number by [`key`].
    key: u128,
    /// The name as error texts give it: with its container.
    pub(crate) full_name: &'static str,
    /// How many arguments, the name included; at least so many when it is negative.
    arity: i32,
    /// What the server has to know before it carries the command out.
    pub(crate) flags: Flags,
    /// Which of its arguments are keys.
    pub(crate) keys: KeySpec,
    pub(crate) handler: Handler,
    /// What the next argument may be, in the order of the names; none for a plain command.
    subcommands: &'static [Command],
}

impl Command {
    fn takes(&self, arguments: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { arguments >= wanted } else { arguments == wanted }
    }
}

/// A command that a script called and that it cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotForScripts {
    /// An argument is neither a string nor a number.
    Arguments,
    /// There is none of that name.
    Unknown,
    /// It takes another number of arguments.
    Arity,
    /// It is flagged `noscript`, or needs more than the data.
    Forbidden,
}

/// Finds a client's command.
///
/// # Errors
///
/// The reply to give when there is no such command or it takes another number of arguments.
pub(crate) fn find(arguments: &[Bytes]) -> Result<&'static Command, Reply> {
    let Some(command) = lookup(arguments) else {
        return Err(unknown_command(arguments));
    };
    if !command.takes(arguments.len()) {
        return Err(wrong_arity(command.full_name));
    }
    Ok(command)
}

/// A command that works on the data alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataCommand {
    /// Its row in the table.
    pub(crate) row: &'static Command,
    /// What carries it out.
    pub(crate) run: DataHandler,
}

/// Finds a command that a script called.
///
/// # Errors
///
/// Why the script cannot have it. Source of the order: `script.c`, `scriptCall`.
pub(crate) fn find_for_script(arguments: &[Bytes]) -> Result<DataCommand, NotForScripts> {
    let row = lookup(arguments).ok_or(NotForScripts::Unknown)?;
    if !row.takes(arguments.len()) {
        return Err(NotForScripts::Arity);
    }
    match row.handler {
        Handler::Data(run) if !row.flags.any_of(Flags::NOSCRIPT) => Ok(DataCommand { row, run }),
        _ => Err(NotForScripts::Forbidden),
    }
}

/// True when there is such a command, whatever its arguments.
pub(crate) fn is_known(arguments: &[Bytes]) -> bool {
    lookup(arguments).is_some()
}

/// The row of a command, or of its subcommand. A container stands for itself only when nothing
/// follows it.
pub(crate) fn lookup(arguments: &[Bytes]) -> Option<&'static Command> {
    let (name, rest) = arguments.split_first()?;
    let command = row(COMMANDS, name)?;
    match rest.first() {
        Some(name) if !command.subcommands.is_empty() => row(command.subcommands, name),
        _ => Some(command),
    }
}

fn row(table: &'static [Command], name: &[u8]) -> Option<&'static Command> {
    let key = key(name);
    table.binary_search_by_key(&key, |command| command.key).ok().map(|at| &table[at])
}

/// A name as a number, in small letters, in the order of the names: every command is looked up,
/// and numbers compare faster than text. What is longer than any name is 0.
const fn key(name: &[u8]) -> u128 {
    const NAME_MAX: usize = 15;
    if name.len() > NAME_MAX {
        return 0;
    }
    let (mut key, mut place) = (0, 0);
    while place < name.len() {
        key = key << 8 | name[place].to_ascii_lowercase() as u128;
        place += 1;
    }
    // Zero bytes up to the longest name. The length tells a name from the same one with zero bytes behind it.
    (key << (8 * (NAME_MAX - name.len()))) << 8 | name.len() as u128
}

/// The reply to a key that holds the wrong kind of value.
pub(crate) const WRONG_TYPE: Reply =
    Reply::error("WRONGTYPE Operation against a key holding the wrong kind of value");

/// The reply to a command that may need memory when there is none.
///
/// Source: `server.c`, `createSharedObjects`, `shared.oomerr`.
pub(crate) const OUT_OF_MEMORY: Reply =
    Reply::error("OOM command not allowed when used memory > 'maxmemory'.");

/// The reply while the data are being read from a file. Source: the same, `shared.loadingerr`.
pub(crate) const LOADING: Reply = Reply::error("LOADING Redis is loading the dataset in memory");

pub(super) const SYNTAX_ERROR: Reply = Reply::error("ERR syntax error");

/// The two integers that stand for no and yes.
fn yes_or_no(yes: bool) -> Reply {
    Reply::Int(i64::from(yes))
}

/// A string, or that there is none.
pub(super) fn bulk_or_nil(string: Option<Bytes>) -> Reply {
    string.map_or(Reply::Nil, Reply::Bulk)
}

/// Runs a command that may end with an error; the one or the other is the reply.
fn attempt(run: impl FnOnce() -> Result<Reply, Reply>) -> Reply {
    run().unwrap_or_else(|error| error)
}

/// How many there are, as a reply counts them.
pub(super) fn count(number: usize) -> Reply {
    Reply::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// An error with text that is not known beforehand. Line breaks become spaces.
///
/// Source: `networking.c`, `addReplyErrorFormatInternal`.
pub(crate) fn error(text: impl AsRef<[u8]>) -> Reply {
    let mut line = b"ERR ".to_vec();
    line.extend_from_slice(text.as_ref());
    for byte in &mut line {
        if matches!(*byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    Reply::Error(Bytes::from(line))
}

pub(super) fn wrong_arity(full_name: &str) -> Reply {
    error(format!("wrong number of arguments for '{full_name}' command"))
}

fn invalid_expire_time(name: &str) -> Reply {
    error(format!("invalid expire time in '{name}' command"))
}

/// How much of an argument an error text shows.
const SHOWN_MAX_BYTES: usize = 128;

/// The reply to a subcommand that its command has none of. Source: `server.c`, `commandCheckExistence`.
pub(super) fn unknown_subcommand(arguments: &[Bytes]) -> Reply {
    let (command, subcommand) = (arguments[0].to_ascii_uppercase(), &arguments[1]);
    let subcommand = printed(subcommand, SHOWN_MAX_BYTES);
    error([b"unknown subcommand '", subcommand, b"'. Try ", &command, b" HELP."].concat())
}

/// The reply to a subcommand with an argument too many, where only the subcommand itself sees it.
///
/// Source: `networking.c`, `addReplySubcommandSyntaxError`.
pub(super) fn wrong_subcommand(arguments: &[Bytes]) -> Reply {
    let (command, subcommand) = (arguments[0].to_ascii_uppercase(), &arguments[1]);
    let head = b"unknown subcommand or wrong number of arguments for '";
    let subcommand = printed(subcommand, SHOWN_MAX_BYTES);
    error([&head[..], subcommand, b"'. Try ", &command, b" HELP."].concat())
}

/// The reply to a command that is not in the table.
///
/// Source: `server.c`, `commandCheckExistence`.
pub(super) fn unknown_command(arguments: &[Bytes]) -> Reply {
    let name = arguments.first().map_or(&b""[..], |name| name);
    let is_container = row(COMMANDS, name).is_some_and(|row| !row.subcommands.is_empty());
    if is_container && arguments.len() > 1 {
        return unknown_subcommand(arguments);
    }
    let mut shown = Vec::new();
    for argument in arguments.iter().skip(1) {
        if shown.len() >= SHOWN_MAX_BYTES {
            break;
        }
        let room = SHOWN_MAX_BYTES - shown.len();
        shown.extend([b"'", printed(argument, room), b"' "].concat());
    }
    let name = printed(name, SHOWN_MAX_BYTES);
    error([b"unknown command '", name, b"', with args beginning with: ", &shown].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        let in_order = |table: &[Command]| table.is_sorted_by(|one, next| one.key < next.key);
        assert!(in_order(COMMANDS));
        for command in COMMANDS {
            let found = row(COMMANDS, command.full_name.to_uppercase().as_bytes());
            assert_eq!(found.map(|found| found.full_name), Some(command.full_name));
            assert!(in_order(command.subcommands));
        }
        for unknown in [&b""[..], b"get\0", b"ge", b"gett", b"0123456789abcdef"] {
            assert!(row(COMMANDS, unknown).is_none());
        }
    }
}
