//! Commands about scripts. Source: `eval.c`.

use bytes::Bytes;

use super::{integer, yes_or_no};
use crate::redis::engine::Engine;
use crate::redis::resp::Reply;
use crate::redis::script::Digest;

const NO_SCRIPT: Reply = Reply::error("NOSCRIPT No matching script. Please use EVAL.");

/// `EVAL script numkeys [key …] [arg …]`
pub(super) fn eval(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    let keys = match key_count(arguments) {
        Ok(keys) => keys,
        Err(reply) => return reply,
    };
    match engine.scripts.load(&arguments[1]) {
        Ok(digest) => {
            let Engine { scripts, data, .. } = engine;
            scripts.run(data, digest, keys, &arguments[3..]).unwrap_or(NO_SCRIPT)
        }
        Err(reply) => reply,
    }
}

/// `EVALSHA sha1 numkeys [key …] [arg …]`
pub(super) fn evalsha(engine: &mut Engine, arguments: &[Bytes]) -> Reply {
    // Redis looks at the length of the digest first, then at the number of keys, then for the
    // script.
    if arguments[1].len() != Digest::HEX_LEN {
        return NO_SCRIPT;
    }
    let keys = match key_count(arguments) {
        Ok(keys) => keys,
        Err(reply) => return reply,
    };
    let Engine { scripts, data, .. } = engine;
    scripts.run_by_digits(data, &arguments[1], keys, &arguments[3..]).unwrap_or(NO_SCRIPT)
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
