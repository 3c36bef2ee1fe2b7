//! The command table: names, arities, and what carries each command out.

use bytes::Bytes;

use super::{Command, DataHandler, Flags, Handler, key, unknown_command};
use super::{described, expiry, functions, hashes, keys, scripting, server, strings};
use crate::redis::cluster::KeySpec;
use crate::redis::engine::Engine;
use crate::redis::resp::Reply;
use crate::redis::session::{
    self, SessionHandler, client, cluster, config, debug, following, greeting, info, migrate,
    pubsub, replicas, transaction,
};

const fn row_of(
    name: &'static str,
    full_name: &'static str,
    arity: i32,
    handler: Handler,
    subcommands: &'static [Command],
) -> Command {
    let flags = Flags::of(full_name);
    let (key, keys) = (key(name.as_bytes()), KeySpec::of(full_name));
    Command { key, full_name, arity, flags, keys, handler, subcommands }
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
pub(crate) const fn session(
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
    session("asking", "asking", 1, cluster::asking),
    session("auth", "auth", -2, greeting::auth),
    container("client", client::SUBCOMMANDS),
    session("cluster", "cluster", -2, cluster::cluster),
    row_of(
        "command",
        "command",
        -1,
        Handler::Data(described::command),
        &[
            data_part("count", "command|count", 2, greeting::command_count),
            data_part("docs", "command|docs", -2, greeting::command_docs),
            data_part("getkeys", "command|getkeys", -4, described::get_keys),
            data_part("info", "command|info", -2, described::info),
            data_part("list", "command|list", -2, greeting::command_list),
        ],
    ),
    container("config", config::SUBCOMMANDS),
    data("copy", -3, keys::copy),
    data("dbsize", 1, keys::dbsize),
    session("debug", "debug", -2, debug::debug),
    data("decr", 2, strings::decr),
    data("decrby", 3, strings::decrby),
    data("del", -2, keys::del),
    session("discard", "discard", 1, transaction::discard),
    data("echo", 2, server::echo),
    engine("eval", "eval", -3, scripting::eval),
    engine("eval_ro", "eval_ro", -3, scripting::eval_ro),
    engine("evalsha", "evalsha", -3, scripting::evalsha),
    engine("evalsha_ro", "evalsha_ro", -3, scripting::evalsha_ro),
    session("exec", "exec", 1, transaction::exec),
    data("exists", -2, keys::exists),
    data("expire", -3, expiry::expire),
    data("expireat", -3, expiry::expireat),
    data("expiretime", 2, expiry::expiretime),
    data("flushall", -1, keys::flushall),
    data("flushdb", -1, keys::flushdb),
    container(
        "function",
        &[
            data_part("flush", "function|flush", -2, functions::flush),
            data_part("list", "function|list", -2, functions::list),
        ],
    ),
    data("get", 2, strings::get),
    data("getbit", 3, strings::getbit),
    data("getdel", 2, strings::getdel),
    data("getex", -2, strings::getex),
    data("getrange", 4, strings::getrange),
    data("getset", 3, strings::getset),
    data("hdel", -3, hashes::hdel),
    session("hello", "hello", -1, greeting::hello),
    data("hexists", 3, hashes::hexists),
    data("hget", 3, hashes::hget),
    data("hgetall", 2, hashes::hgetall),
    data("hincrby", 4, hashes::hincrby),
    data("hincrbyfloat", 4, hashes::hincrbyfloat),
    data("hkeys", 2, hashes::hkeys),
    data("hlen", 2, hashes::hlen),
    data("hmget", -3, hashes::hmget),
    data("hmset", -4, hashes::hmset),
    data("hrandfield", -2, hashes::hrandfield),
    data("hscan", -3, keys::hscan),
    data("hset", -4, hashes::hset),
    data("hsetnx", 4, hashes::hsetnx),
    data("hstrlen", 3, hashes::hstrlen),
    data("hvals", 2, hashes::hvals),
    data("incr", 2, strings::incr),
    data("incrby", 3, strings::incrby),
    data("incrbyfloat", 3, strings::incrbyfloat),
    session("info", "info", -1, info::info),
    data("keys", 2, keys::keys),
    data("lcs", -3, strings::lcs),
    container(
        "memory",
        &[
            data_part("help", "memory|help", 2, keys::memory_help),
            data_part("usage", "memory|usage", -3, keys::memory_usage),
        ],
    ),
    data("mget", -2, strings::mget),
    session("migrate", "migrate", -6, migrate::migrate),
    data("move", 3, keys::move_to),
    data("mset", -3, strings::mset),
    data("msetnx", -3, strings::msetnx),
    session("multi", "multi", 1, transaction::multi),
    container(
        "object",
        &[
            data_part("encoding", "object|encoding", 3, keys::encoding),
            data_part("freq", "object|freq", 3, keys::freq),
            data_part("help", "object|help", 2, keys::help),
            data_part("idletime", "object|idletime", 3, keys::idletime),
            data_part("refcount", "object|refcount", 3, keys::refcount),
        ],
    ),
    data("persist", 2, expiry::persist),
    data("pexpire", -3, expiry::pexpire),
    data("pexpireat", -3, expiry::pexpireat),
    data("pexpiretime", 2, expiry::pexpiretime),
    data("ping", -1, server::ping),
    data("psetex", 4, strings::psetex),
    session("psubscribe", "psubscribe", -2, pubsub::psubscribe),
    session("psync", "psync", -3, replicas::psync),
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
    data("randomkey", 1, keys::randomkey),
    session("readonly", "readonly", 1, cluster::readonly),
    session("readwrite", "readwrite", 1, cluster::readwrite),
    data("rename", 3, keys::rename),
    data("renamenx", 3, keys::renamenx),
    session("replconf", "replconf", -1, replicas::replconf),
    session("replicaof", "replicaof", 3, following::replicaof),
    session("reset", "reset", 1, greeting::reset),
    data("restore", -4, keys::restore),
    data("restore-asking", -4, keys::restore),
    session("role", "role", 1, following::role),
    data("scan", -2, keys::scan),
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
    data("setbit", 4, strings::setbit),
    data("setex", 4, strings::setex),
    data("setnx", 3, strings::setnx),
    data("setrange", 4, strings::setrange),
    session("slaveof", "slaveof", 3, following::replicaof),
    data("spublish", 3, pubsub::spublish),
    session("ssubscribe", "ssubscribe", -2, pubsub::ssubscribe),
    data("strlen", 2, strings::strlen),
    session("subscribe", "subscribe", -2, pubsub::subscribe),
    data("substr", 4, strings::getrange),
    session("sunsubscribe", "sunsubscribe", -1, pubsub::sunsubscribe),
    data("swapdb", 3, server::swapdb),
    data("time", 1, server::time),
    data("touch", -2, keys::touch),
    data("ttl", 2, expiry::ttl),
    data("type", 2, keys::type_of),
    data("unlink", -2, keys::del),
    session("unsubscribe", "unsubscribe", -1, pubsub::unsubscribe),
    session("unwatch", "unwatch", 1, transaction::unwatch),
    session("wait", "wait", 3, session::wait),
    session("watch", "watch", -2, transaction::watch),
];
