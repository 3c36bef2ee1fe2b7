//! Commands about scripts. Source: `eval.c`.

use bytes::Bytes;

use super::{attempt, integer, yes_or_no};
use crate::redis::engine::{Data, Engine};
use crate::redis::resp::Reply;
use crate::redis::script::Digest;

const NO_SCRIPT: Reply = Reply::error("NOSCRIPT No matching script. Please use EVAL.");

/// `EVAL script numkeys [key …] [arg …]`
pub(super) fn eval(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    run(engine, arguments, by_source)
}

/// `EVAL_RO script numkeys [key …] [arg …]`: the script may not write.
pub(super) fn eval_ro(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    run_read_only(engine, arguments, by_source)
}

/// `EVALSHA sha1 numkeys [key …] [arg …]`
pub(super) fn evalsha(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    run(engine, arguments, by_digest)
}

/// `EVALSHA_RO sha1 numkeys [key …] [arg …]`
pub(super) fn evalsha_ro(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    run_read_only(engine, arguments, by_digest)
}

/// Finds a script and runs it.
type Runner = fn(&mut Engine, &[Bytes]) -> Result<Reply, Reply>;

/// Runs a script. What it selects is over with it. Source: `script.c`, `scriptPrepareForRun`: a client
/// of the script's own is given the caller's database.
fn run(engine: &mut Engine, arguments: &[Bytes], runner: Runner) -> Reply {
    let database = engine.data.keyspace.selected();
    let reply = attempt(|| runner(engine, arguments));
    engine.data.keyspace.select(database);
    reply
}

/// The same, and it may not write. Source: `script.c`, `SCRIPT_READ_ONLY`.
fn run_read_only(engine: &mut Engine, arguments: &[Bytes], runner: Runner) -> Reply {
    engine.data.is_read_only = true;
    let reply = run(engine, arguments, runner);
    engine.data.is_read_only = false;
    reply
}

fn by_source(engine: &mut Engine, arguments: &[Bytes]) -> Result<Reply, Reply> {
    let keys = key_count(arguments)?;
    let digest = engine.scripts.load(&arguments[1])?;
    let Engine { scripts, data, .. } = engine;
    unless_stale(data)?;
    scripts.run(data, digest, keys, &arguments[3..]).ok_or(NO_SCRIPT)
}

/// Redis looks at the length of the digest first, then at the number of keys, then for the script.
fn by_digest(engine: &mut Engine, arguments: &[Bytes]) -> Result<Reply, Reply> {
    if arguments[1].len() != Digest::HEX_LEN {
        return Err(NO_SCRIPT);
    }
    let keys = key_count(arguments)?;
    let Engine { scripts, data, .. } = engine;
    let is_known = || Digest::parse(&arguments[1]).is_some_and(|digest| scripts.knows(digest));
    if data.standing.is_stale && is_known() {
        unless_stale(data)?;
    }
    scripts.run_by_digits(data, &arguments[1], keys, &arguments[3..]).ok_or(NO_SCRIPT)
}

/// A replica that has lost its master may run no script, if it may not answer from old data. Source:
/// `script.c`, `scriptPrepareForRun`.
fn unless_stale(data: &Data) -> Result<(), Reply> {
    data.standing.refuses_stale().map_or(Ok(()), Err)
}

/// How many of the arguments are keys.
fn key_count(arguments: &[Bytes]) -> Result<usize, Reply> {
    let number = integer(&arguments[2])?;
    match usize::try_from(number) {
        Ok(keys) if keys <= arguments.len() - 3 => Ok(keys),
        Ok(_) => Err(Reply::error("ERR Number of keys can't be greater than number of args")),
        Err(_) => Err(Reply::error("ERR Number of keys can't be negative")),
    }
}

/// `SCRIPT LOAD script`
pub(super) fn load(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    match engine.scripts.load(&arguments[2]) {
        Ok(digest) => Reply::Bulk(digest.to_hex()),
        Err(reply) => reply,
    }
}

/// `SCRIPT EXISTS sha1 …`
pub(super) fn exists(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    let known = |sha1: &Bytes| Digest::parse(sha1).is_some_and(|it| engine.scripts.knows(it));
    Reply::Array(arguments[2..].iter().map(|sha1| yes_or_no(known(sha1))).collect())
}

/// `SCRIPT FLUSH [ASYNC | SYNC]`
pub(super) fn flush(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    let valid = match &arguments[2..] {
        [] => true,
        [mode] => mode.eq_ignore_ascii_case(b"sync") || mode.eq_ignore_ascii_case(b"async"),
        _ => false,
    };
    if !valid {
        return Reply::error("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
    }
    engine.scripts.flush();
    Reply::OK
}

/// `SCRIPT KILL`: a script runs to its end before the next command is looked at.
pub(super) fn kill(_: &mut Engine, _: &[Bytes]) -> Reply {
    Reply::error("NOTBUSY No scripts in execution right now.")
}

/// `SCRIPT HELP`
pub(super) fn help(_: &mut Engine, _: &[Bytes]) -> Reply {
    const LINES: [&str; 17] = [
        "SCRIPT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DEBUG (YES|SYNC|NO)",
        "    Set the debug mode for subsequent scripts executed.",
        "EXISTS <sha1> [<sha1> ...]",
        "    Return information about the existence of the scripts in the script cache.",
        "FLUSH [ASYNC|SYNC]",
        "    Flush the Lua scripts cache. Very dangerous on replicas.",
        "    When called without the optional mode argument, the behavior is determined by the",
        "    lazyfree-lazy-user-flush configuration directive. Valid modes are:",
        "    * ASYNC: Asynchronously flush the scripts cache.",
        "    * SYNC: Synchronously flush the scripts cache.",
        "KILL",
        "    Kill the currently executing Lua script.",
        "LOAD <script>",
        "    Load a script into the scripts cache without executing it.",
        "HELP",
        "    Prints this help.",
    ];
    Reply::Array(LINES.into_iter().map(Reply::status).collect())
}
