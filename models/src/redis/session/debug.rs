//! `DEBUG`: the part of it that lock clients are tried with. Source: `debug.c`.

use std::time::Duration;

use bytes::Bytes;

use super::Call;
use crate::redis::commands::{printed, wrong_subcommand};
use crate::redis::resp::Reply;

/// What is answered unless `enable-debug-command` is set. Source: `server.c`, `processCommand`.
pub(super) const NOT_ALLOWED: Reply = Reply::error(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can \
     run it from a local connection, otherwise you need to set this option in the configuration \
     file, and then restart the server.",
);

/// `DEBUG SET-ACTIVE-EXPIRE 0|1`: whether keys go by themselves.
///
/// `DEBUG SLEEP seconds`: the thread for commands sleeps, and with it the whole server. The reply
/// waits, as everything that this turn of the event loop has to say. What follows in a transaction is
/// done before the sleep here and after it in Redis; nobody can look in between.
pub(in crate::redis) fn debug(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    match &arguments[1..] {
        [word, seconds] if word.eq_ignore_ascii_case(b"sleep") => {
            call.sessions.sleep = call.sessions.sleep.saturating_add(duration(seconds));
            Some(Reply::OK)
        }
        // Source: `debug.c`: what `atoi` makes of it, 0 for what is no number.
        [word, on] if word.eq_ignore_ascii_case(b"set-active-expire") => {
            call.engine.data.is_active_expiry_off = duration(on).as_secs() == 0;
            Some(Reply::OK)
        }
        _ => Some(wrong_subcommand(arguments)),
    }
}

/// Reads seconds as C's `strtod` does, in whole microseconds: as much of the text as is a number. What
/// is none, and what is below zero, is no time. Hexadecimal fractions are not known.
fn duration(text: &[u8]) -> Duration {
    const MICROS_DIGITS: i64 = 6;
    let text = printed(text, usize::MAX).trim_ascii_start();
    let text = text.strip_prefix(b"+").unwrap_or(text);
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix(b".").map_or((&b""[..], rest), digits);
    let exponent = match rest {
        [b'e' | b'E', b'-', exponent @ ..] => -number(digits(exponent).0),
        [b'e' | b'E', b'+', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            number(digits(exponent).0)
        }
        _ => 0,
    };
    let places = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let wanted = places.saturating_add(MICROS_DIGITS).saturating_add(exponent);
    let mut all = whole.iter().chain(fraction);
    // As many digits as make whole microseconds; beyond twenty nobody lives to see the end.
    let micros = (0..wanted.min(20)).fold(0_u64, |sum, _| {
        let digit = all.next().map_or(0, |digit| u64::from(digit - b'0'));
        sum.saturating_mul(10).saturating_add(digit)
    });
    Duration::from_micros(micros)
}

/// The digits that a text begins with, and what follows them.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// A number of a few digits; of more, a large one.
fn number(digits: &[u8]) -> i64 {
    const LARGE: i64 = 1 << 32;
    digits.iter().fold(0, |sum, digit| (sum * 10 + i64::from(digit - b'0')).min(LARGE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_strtod_reads_them() {
        for (text, micros) in [
            ("0", 0),
            ("1", 1_000_000),
            ("0.25", 250_000),
            (".5", 500_000),
            (" +1.5x", 1_500_000),
            ("1e-1", 100_000),
            ("25e-3s", 25_000),
            ("2.5E1", 25_000_000),
            ("0.0000019", 1),
            ("1e", 1_000_000),
            ("-1", 0),
            ("x", 0),
            ("", 0),
            ("1e-400", 0),
        ] {
            assert_eq!(duration(text.as_bytes()), Duration::from_micros(micros), "{text}");
        }
        assert!(duration(b"1e99999999999999999999") > Duration::from_secs(1 << 40));
    }
}
