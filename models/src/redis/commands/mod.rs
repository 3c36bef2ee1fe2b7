//! The command table, and what all commands share: how they are found, how arguments are read,
//! what is answered when something is wrong. One file per family.
//!
//! Source of names, arities and flags: Redis 7.0.15, `src/commands/*.json`.

mod expiry;
mod flags;
mod hashes;
mod keys;
mod scripting;
mod server;
mod strings;

use bytes::Bytes;
pub(crate) use flags::Flags;

use super::engine::{Data, Engine};
use super::number::parse_i64;
use super::resp::Reply;
use super::session::{self, SessionHandler, client, config, greeting, info, pubsub, transaction};

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

const fn row_of(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    handler: Handler,
    subcommands: &'static [Command],
) -> Command {
    let flags = Flags::of(full_name);
    Command { key: key(name.as_bytes()), full_name, arity, flags, handler, subcommands }
}

const fn data(name: &'static str, arity: i32, run: DataHandler) -> Command {
    row_of(name, name, arity, Handler::Data(run), &[])
}

const fn engine(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    run: fn(&mut Engine, &[Bytes]) -> Reply,
) -> Command {
    row_of(name, full_name, arity, Handler::Engine(run), &[])
}

/// A subcommand that works on the data alone.
const fn data_part(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    run: DataHandler,
) -> Command {
    row_of(name, full_name, arity, Handler::Data(run), &[])
}

/// A command or a subcommand that works on the connection.
pub(super) const fn session(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    run: SessionHandler,
) -> Command {
    row_of(name, full_name, arity, Handler::Session(run), &[])
}

/// A command that is nothing without a subcommand.
const fn container(name: &'static str, subcommands: &'static [Command]) -> Command {
    let unknown = Handler::Engine(|_, arguments| unknown_command(arguments));
    row_of(name, name, -2, unknown, subcommands)
}

/// The table, in the order of the names.
pub(crate) static COMMANDS: &[Command] = &[
    data("append", 3, strings::append),
    session("auth", "auth", -2, greeting::auth),
    container("client", client::SUBCOMMANDS),
    container(
        "command",
        &[
            data_part("count", "command|count", 2, greeting::command_count),
            data_part("docs", "command|docs", -2, greeting::command_docs),
            data_part("list", "command|list", -2, greeting::command_list),
        ],
    ),
    container("config", config::SUBCOMMANDS),
    data("dbsize", 1, keys::dbsize),
    data("decr", 2, strings::decr),
    data("decrby", 3, strings::decrby),
    data("del", -2, keys::del),
    session("discard", "discard", 1, transaction::discard),
    data("echo", 2, server::echo),
    engine("eval", "eval", -3, scripting::eval),
    engine("evalsha", "evalsha", -3, scripting::evalsha),
    session("exec", "exec", 1, transaction::exec),
    data("exists", -2, keys::exists),
    data("expire", -3, expiry::expire),
    data("expireat", -3, expiry::expireat),
    data("expiretime", 2, expiry::expiretime),
    data("flushall", -1, keys::flushall),
    data("get", 2, strings::get),
    data("getdel", 2, strings::getdel),
    data("getex", -2, strings::getex),
    data("getset", 3, strings::getset),
    data("hdel", -3, hashes::hdel),
    session("hello", "hello", -1, greeting::hello),
    data("hexists", 3, hashes::hexists),
    data("hget", 3, hashes::hget),
    data("hgetall", 2, hashes::hgetall),
    data("hincrby", 4, hashes::hincrby),
    data("hlen", 2, hashes::hlen),
    data("hset", -4, hashes::hset),
    data("incr", 2, strings::incr),
    data("incrby", 3, strings::incrby),
    session("info", "info", -1, info::info),
    data("mget", -2, strings::mget),
    session("multi", "multi", 1, transaction::multi),
    data("persist", 2, expiry::persist),
    data("pexpire", -3, expiry::pexpire),
    data("pexpireat", -3, expiry::pexpireat),
    data("pexpiretime", 2, expiry::pexpiretime),
    data("ping", -1, server::ping),
    data("psetex", 4, strings::psetex),
    session("psubscribe", "psubscribe", -2, pubsub::psubscribe),
    data("pttl", 2, expiry::pttl),
    data("publish", 3, pubsub::publish),
    container(
        "pubsub",
        &[
            data_part("channels", "pubsub|channels", -2, pubsub::channels),
            data_part("numpat", "pubsub|numpat", 2, pubsub::numpat),
            data_part("numsub", "pubsub|numsub", -2, pubsub::numsub),
            data_part("shardchannels", "pubsub|shardchannels", -2, pubsub::shard_channels),
            data_part("shardnumsub", "pubsub|shardnumsub", -2, pubsub::shard_numsub),
        ],
    ),
    session("punsubscribe", "punsubscribe", -1, pubsub::punsubscribe),
    session("quit", "quit", -1, greeting::quit),
    session("reset", "reset", 1, greeting::reset),
    session("role", "role", 1, info::role),
    container(
        "script",
        &[
            engine("exists", "script|exists", -3, scripting::exists),
            engine("flush", "script|flush", -2, scripting::flush),
            engine("help", "script|help", 2, scripting::help),
            engine("kill", "script|kill", 2, scripting::kill),
            engine("load", "script|load", 3, scripting::load),
        ],
    ),
    data("select", 2, server::select),
    data("set", -3, strings::set),
    data("setex", 4, strings::setex),
    data("setnx", 3, strings::setnx),
    data("spublish", 3, pubsub::spublish),
    session("ssubscribe", "ssubscribe", -2, pubsub::ssubscribe),
    data("strlen", 2, strings::strlen),
    session("subscribe", "subscribe", -2, pubsub::subscribe),
    session("sunsubscribe", "sunsubscribe", -1, pubsub::sunsubscribe),
    data("time", 1, server::time),
    data("ttl", 2, expiry::ttl),
    data("type", 2, keys::type_of),
    data("unlink", -2, keys::del),
    session("unsubscribe", "unsubscribe", -1, pubsub::unsubscribe),
    session("unwatch", "unwatch", 1, transaction::unwatch),
    session("wait", "wait", 3, session::wait),
    session("watch", "watch", -2, transaction::watch),
];

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
    while place < NAME_MAX {
        let letter = if place < name.len() { name[place].to_ascii_lowercase() } else { 0 };
        key = key << 8 | letter as u128;
        place += 1;
    }
    // The length tells a name from the same one with zero bytes behind it.
    key << 8 | name.len() as u128
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
const NOT_AN_INTEGER: Reply = Reply::error("ERR value is not an integer or out of range");

/// The two integers that stand for no and yes.
fn yes_or_no(yes: bool) -> Reply {
    Reply::Int(i64::from(yes))
}

/// A string, or that there is none.
pub(super) fn bulk_or_nil(string: Option<Bytes>) -> Reply {
    string.map_or(Reply::Nil, Reply::Bulk)
}

/// Reads an argument as an integer.
pub(super) fn integer(argument: &[u8]) -> Result<i64, Reply> {
    parse_i64(argument).ok_or(NOT_AN_INTEGER)
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

/// At most `most` bytes of an argument, and only up to a zero byte: Redis prints a C string.
fn printed(argument: &[u8], most: usize) -> &[u8] {
    let end = argument.iter().position(|byte| *byte == 0).unwrap_or(argument.len());
    &argument[..end.min(most)]
}

/// The reply to a subcommand with an argument too many, where only the subcommand itself sees it.
///
/// Source: `networking.c`, `addReplySubcommandSyntaxError`.
pub(super) fn wrong_subcommand(arguments: &[Bytes]) -> Reply {
    const SHOWN_MAX_BYTES: usize = 128;
    let (command, subcommand) = (arguments[0].to_ascii_uppercase(), &arguments[1]);
    let head = b"unknown subcommand or wrong number of arguments for '";
    let subcommand = printed(subcommand, SHOWN_MAX_BYTES);
    error([&head[..], subcommand, b"'. Try ", &command, b" HELP."].concat())
}

/// The reply to a command that is not in the table.
///
/// Source: `server.c`, `commandCheckExistence`.
fn unknown_command(arguments: &[Bytes]) -> Reply {
    const SHOWN_MAX_BYTES: usize = 128;
    let name = arguments.first().map_or(&b""[..], |name| name);
    let is_container = row(COMMANDS, name).is_some_and(|row| !row.subcommands.is_empty());
    if let (true, Some(subcommand)) = (is_container, arguments.get(1)) {
        let subcommand = printed(subcommand, SHOWN_MAX_BYTES);
        let upper = name.to_ascii_uppercase();
        return error(
            [b"unknown subcommand '", subcommand, b"'. Try ", &upper, b" HELP."].concat(),
        );
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
