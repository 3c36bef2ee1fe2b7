//! `FUNCTION`, of a server that has no functions: none can be loaded into the model, so there are none to list or to
//! delete. Clean-ups call it (Redis's own tests do, before each file). Source: `functions.c`.

use bytes::Bytes;

use super::{error, is_option, printed, wrong_subcommand};
use crate::redis::engine::Data;
use crate::redis::propagation::Consumers;
use crate::redis::resp::Reply;

/// `FUNCTION FLUSH [ASYNC | SYNC]`. It is passed on whatever there was: `functionFlushCommand`, `server.dirty++`.
pub(super) fn flush(data: &mut Data, arguments: &[Bytes]) -> Reply {
    match &arguments[2..] {
        [] => {}
        [mode] if is_option(mode, "sync") || is_option(mode, "async") => {}
        [_] => return Reply::error("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"),
        _ => return wrong_subcommand(arguments),
    }
    data.propagation.force(Consumers::All);
    Reply::OK
}

/// `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`
pub(super) fn list(_: &mut Data, arguments: &[Bytes]) -> Reply {
    let (mut with_code, mut has_name) = (false, false);
    let mut rest = arguments[2..].iter();
    while let Some(word) = rest.next() {
        if !with_code && is_option(word, "withcode") {
            with_code = true;
        } else if !has_name && is_option(word, "libraryname") {
            if rest.next().is_none() {
                return Reply::error("ERR library name argument was not given");
            }
            has_name = true;
        } else {
            return error([b"Unknown argument ", printed(word, usize::MAX)].concat());
        }
    }
    Reply::Array(Vec::new())
}
