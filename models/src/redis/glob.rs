//! Glob patterns, as `PSUBSCRIBE`, `PUBSUB CHANNELS` and `CONFIG GET` take them.
//!
//! Source: `util.c`, `stringmatchlen`.

/// Whether letters that differ in their case only are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// They are different.
    Sensitive,
    /// They are the same.
    Ignored,
}

/// True when a pattern fits a whole text: `*` any bytes, `?` one, `[a-z]` and `[^a-z]` one of or
/// none of these, `\` the next byte as it is.
///
/// An empty text fits the empty pattern alone, and not `*`: so it is in Redis.
pub(crate) fn fits(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut pattern, mut text) = (pattern, text);
    // What follows the last star, and where the text goes on when that star takes one byte more. A
    // star before it need not be looked at again: taking more, it would only leave less.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        let Some((byte, after)) = text.split_first() else {
            return pattern.iter().all(|byte| *byte == b'*');
        };
        if let [b'*', rest @ ..] = pattern {
            pattern = rest;
            if pattern.is_empty() {
                return true;
            }
            retry = Some((pattern, after));
        } else if let Some(rest) = take_one(pattern, *byte, case) {
            (pattern, text) = (rest, after);
        } else {
            let Some((after_star, from)) = retry else {
                return false;
            };
            (pattern, text) = (after_star, from);
            retry = from.split_first().map(|(_, later)| (after_star, later));
        }
    }
}

/// The pattern after what stands for one byte, if it fits this one.
fn take_one(pattern: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'[', b'^', set @ ..] => take_set(set, byte, case, false),
        [b'[', set @ ..] => take_set(set, byte, case, true),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => {
            is_same(*literal, byte, case).then_some(rest)
        }
    }
}

/// The pattern after a set, if the byte is in it or not, as `wanted`. A set that is not closed goes
/// to the end of the pattern.
fn take_set(mut set: &[u8], byte: u8, case: Case, wanted: bool) -> Option<&[u8]> {
    let mut found = false;
    loop {
        match set {
            // Redis compares an escaped byte as it is, whatever the case.
            [b'\\', literal, rest @ ..] => {
                found |= *literal == byte;
                set = rest;
            }
            [b']', rest @ ..] => return (found == wanted).then_some(rest),
            [] => return (found == wanted).then_some(set),
            [one, b'-', other, rest @ ..] => {
                // The ends change places before their case is ignored, as in Redis.
                let (one, other) = (one.cast_signed(), other.cast_signed());
                let (low, high) = (one.min(other), one.max(other));
                let range = folded(low, case)..=folded(high, case);
                found |= range.contains(&folded(byte.cast_signed(), case));
                set = rest;
            }
            [literal, rest @ ..] => {
                found |= is_same(*literal, byte, case);
                set = rest;
            }
        }
    }
}

fn is_same(one: u8, other: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => one == other,
        Case::Ignored => one.eq_ignore_ascii_case(&other),
    }
}

/// What a range compares: a `char` of C, which has a sign on x86-64. Where the case is ignored it is
/// what glibc's `tolower` gives in the locale `C`, which has none but for 0xFF: that is `EOF`.
fn folded(character: i8, case: Case) -> i32 {
    match (case, character) {
        (Case::Ignored, -128..=-2) => i32::from(character.cast_unsigned()),
        (Case::Ignored, 0..) => i32::from(character.cast_unsigned().to_ascii_lowercase()),
        _ => i32::from(character),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits_text(pattern: &str, text: &str) -> bool {
        fits(pattern.as_bytes(), text.as_bytes(), Case::Sensitive)
    }

    #[test]
    fn patterns_fit_as_in_redis() {
        for (pattern, text) in [
            ("*", "x"),
            ("lock:*", "lock:"),
            ("*a*b", "xaxbab"),
            ("h?llo", "hallo"),
            ("[a-c]x", "bx"),
            ("[c-a]x", "bx"),
            ("[^a-c]x", "dx"),
            ("[ab", "b"),
            ("\\*", "*"),
            ("[\\]]", "]"),
            ("a\\", "a\\"),
            ("redisson_lock__channel:{*}", "redisson_lock__channel:{stock}"),
        ] {
            assert!(fits_text(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("*", ""),
            ("?", ""),
            ("a", "ab"),
            ("ab", "a"),
            ("[]", "x"),
            ("[^x]", "x"),
            ("a*b", "ac"),
        ] {
            assert!(!fits_text(pattern, text), "{pattern} {text}");
        }
        assert!(fits(b"MAX[m-M]*", b"maxmemory", Case::Ignored));
        assert!(!fits(b"MAX*", b"maxmemory", Case::Sensitive));
    }

    #[test]
    fn a_range_compares_signed_characters() {
        let fits = |pattern: &[u8], text: &[u8]| fits(pattern, text, Case::Sensitive);
        assert!(fits(b"[\x80-a]", b"A") && fits(b"[a-\x80]", b"\xff"), "from -128 to 97");
        assert!(!fits(b"[a-\xff]", b"\xf0"), "from -1 to 97");
        assert!(fits(b"[\xc3-\xc5]", b"\xc4") && !fits(b"[\xc3-\xc5]", b"a"));
        // From 128, which `tolower` makes of -128, to 97: nothing.
        assert!(!super::fits(b"[a-\x80]", b"A", Case::Ignored));
        assert!(super::fits(b"[a-\xff]", b"A", Case::Ignored), "from -1 to 97");
    }

    /// The same by the plainest means: a star takes nothing, or one byte and stays.
    fn plainly(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([b'*', rest @ ..], _) => {
                plainly(rest, text) || text.split_first().is_some_and(|(_, t)| plainly(pattern, t))
            }
            ([], text) => text.is_empty(),
            (_, []) => false,
            (pattern, [byte, after @ ..]) => {
                take_one(pattern, *byte, Case::Sensitive).is_some_and(|rest| plainly(rest, after))
            }
        }
    }

    proptest! {
        #[test]
        fn stars_take_as_much_as_they_need(pattern in "[ab*?]{0,8}", text in "[ab]{1,8}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(fits(pattern, text, Case::Sensitive), plainly(pattern, text));
        }
    }
}
