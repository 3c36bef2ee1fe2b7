//! The options of `SET` and `GETEX`.

use bytes::Bytes;

use crate::redis::commands::expiry::{Since, Unit, expire_at};
use crate::redis::commands::{SYNTAX_ERROR, is_option};
use crate::redis::engine::Data;
use crate::redis::resp::Reply;

/// What `SET` and `GETEX` may be told besides key and value.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) nx: bool,
    pub(super) xx: bool,
    pub(super) get: bool,
    pub(super) keep_ttl: bool,
    pub(super) persist: bool,
    expire: Option<(Since, Unit, &'a Bytes)>,
}

/// Which of the two commands the options belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Set,
    Get,
}

impl<'a> Options<'a> {
    /// Source: `t_string.c`, `parseExtendedStringArgumentsOrReply`. The same kind of expiry may
    /// be given twice, and the last one counts; different kinds may not be mixed.
    pub(super) fn parse(arguments: &'a [Bytes], family: Family) -> Result<Self, Reply> {
        let mut options = Self::default();
        let mut rest = arguments;
        while let [option, after @ ..] = rest {
            rest = after;
            let is = |name| is_option(option, name);
            if family == Family::Set && is("nx") && !options.xx {
                options.nx = true;
            } else if family == Family::Set && is("xx") && !options.nx {
                options.xx = true;
            } else if family == Family::Set && is("get") {
                options.get = true;
            } else if family == Family::Set && is("keepttl") && options.expire.is_none() {
                options.keep_ttl = true;
            } else if family == Family::Get && is("persist") && options.expire.is_none() {
                options.persist = true;
            } else {
                let kind = expire_option(option).ok_or(SYNTAX_ERROR)?;
                let [time, after @ ..] = rest else {
                    return Err(SYNTAX_ERROR);
                };
                let other = |(since, unit, _)| (since, unit) != kind;
                if options.keep_ttl || options.persist || options.expire.is_some_and(other) {
                    return Err(SYNTAX_ERROR);
                }
                options.expire = Some((kind.0, kind.1, time));
                rest = after;
            }
        }
        Ok(options)
    }

    /// When the key is to expire, in Unix milliseconds.
    pub(super) fn expires_at_ms(&self, data: &Data, name: &str) -> Result<Option<i64>, Reply> {
        self.expire.map(|(since, unit, time)| expire_at(data, time, since, unit, name)).transpose()
    }

    /// True when a date was given, which may be over, and not a time to live.
    pub(super) fn is_date(&self) -> bool {
        self.expire.is_some_and(|(since, ..)| since == Since::Epoch)
    }
}

fn expire_option(option: &[u8]) -> Option<(Since, Unit)> {
    let is = |name| is_option(option, name);
    if is("px") {
        Some((Since::Now, Unit::Millis))
    } else if is("ex") {
        Some((Since::Now, Unit::Seconds))
    } else if is("pxat") {
        Some((Since::Epoch, Unit::Millis))
    } else if is("exat") {
        Some((Since::Epoch, Unit::Seconds))
    } else {
        None
    }
}
