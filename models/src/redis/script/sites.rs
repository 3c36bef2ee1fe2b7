//! Calls of `redis.call` whose words the text of a script says.

use bytes::Bytes;

use super::strings::owned;

/// The function that carries out a call by its number.
pub(super) const NUMBERED_CALL: &str = "numbered_call";

/// A word of a command that a script calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// What stands there literally.
    Text(Bytes),
    /// `KEYS[n]`.
    Key(usize),
    /// `ARGV[n]`.
    Argument(usize),
}

/// Gives every call a number whose words are literal strings, `KEYS[n]` and `ARGV[n]`, and puts
/// `numbered_call(n)` in its place. Most calls are of that kind.
///
/// A word that crosses from Lua to Rust takes as long as a whole `GET`: mlua makes an object of
/// it, and the object has to be let go again. Of a numbered call only the number crosses, and its
/// command need not be looked for. In the paused-holder run that is worth an eighth.
///
/// What the text says is only true of a plain script ([`is_plain`](super::plain::is_plain)): no
/// other value can come to be called `redis`, `KEYS` or `ARGV` there, nor be in them.
pub(super) fn number_calls(source: &[u8]) -> (Vec<u8>, Vec<Vec<Word>>) {
    /// Comments, long strings and escapes: a text that has any of them is left as it is, so that
    /// whatever stands between two equal quotes is a string, and the rest is code.
    const LEFT_ALONE: [&[u8]; 5] = [b"--", b"[[", b"[=", b"\\", NUMBERED_CALL.as_bytes()];
    let has = |word: &[u8]| source.windows(word.len()).any(|window| window == word);
    if LEFT_ALONE.into_iter().any(has) {
        return (source.to_vec(), Vec::new());
    }
    let (mut text, mut calls) = (Vec::new(), Vec::new());
    let mut rest = source;
    while let Some(first) = rest.first() {
        if let Some((words, after)) = call(rest).filter(|_| begins_a_name(&text)) {
            calls.push(words);
            text.extend_from_slice(format!("{NUMBERED_CALL}({})", calls.len()).as_bytes());
            rest = after;
            continue;
        }
        let length = if matches!(first, b'\'' | b'"') {
            let end = rest[1..].iter().position(|byte| byte == first);
            end.map_or(rest.len(), |end| end + 2)
        } else {
            1
        };
        let (taken, after) = rest.split_at(length);
        text.extend_from_slice(taken);
        rest = after;
    }
    (text, calls)
}

/// True when a name that follows the text is neither the end of a longer one nor a field's.
fn begins_a_name(text: &[u8]) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let last = text.trim_ascii_end().last();
    !text.last().is_some_and(is_word) && !matches!(last, Some(b'.' | b':'))
}

/// The words of the call that the text begins with, and what follows it.
fn call(text: &[u8]) -> Option<(Vec<Word>, &[u8])> {
    let mut rest = text.strip_prefix(b"redis.call(")?;
    let mut words = Vec::new();
    loop {
        let (word, after) = word(skip_blanks(rest))?;
        words.push(word);
        match skip_blanks(after).split_first()? {
            (b',', after) => rest = after,
            (b')', after) => return Some((words, after)),
            _ => return None,
        }
    }
}

fn word(text: &[u8]) -> Option<(Word, &[u8])> {
    let (quote, after) = text.split_first()?;
    if matches!(quote, b'\'' | b'"') {
        let end = after.iter().position(|byte| byte == quote || *byte == b'\n')?;
        let (literal, rest) = after.split_at(end);
        return Some((Word::Text(owned(literal)), rest.strip_prefix(&[*quote])?));
    }
    let (make, after): (fn(usize) -> Word, _) = match text.strip_prefix(b"KEYS[") {
        Some(after) => (Word::Key, after),
        None => (Word::Argument, text.strip_prefix(b"ARGV[")?),
    };
    let (number, rest) = after.split_at(after.iter().position(|byte| *byte == b']')?);
    if !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some((make(number), &rest[1..]))
}

/// Blanks on one line: the lines of the script keep their numbers.
fn skip_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    &text[start.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(source: &str) -> (String, Vec<Vec<Word>>) {
        let (text, calls) = number_calls(source.as_bytes());
        (String::from_utf8(text).unwrap(), calls)
    }

    fn text(word: &'static str) -> Word {
        Word::Text(Bytes::from_static(word.as_bytes()))
    }

    #[test]
    fn calls_get_numbers_in_the_order_of_the_text() {
        let source = "if redis.call('GET', KEYS[1]) == ARGV[1] then\n  \
                      return redis.call(\"SET\",KEYS[2] , 'it is) \"', ARGV[12])\nend";
        let expected = "if numbered_call(1) == ARGV[1] then\n  return numbered_call(2)\nend";
        let first = vec![text("GET"), Word::Key(1)];
        let second = vec![text("SET"), Word::Key(2), text("it is) \""), Word::Argument(12)];
        assert_eq!(numbered(source), (expected.to_owned(), vec![first, second]));
    }

    #[test]
    fn what_is_not_said_by_the_text_is_left_alone() {
        for source in [
            "redis.call('GET', KEYS[1] .. 'x')",
            "redis.call('GET', KEYS[n])",
            "redis.call('GET', KEYS[-1])",
            "redis.call('GET', KEYS[])",
            "redis.call('GET', 'a' .. 'b')",
            "redis.call('GET', key)",
            "redis.call('INCRBY', KEYS[1], 1)",
            "redis.call('GET',\nKEYS[1])",
            "redis.call()",
            "redis.call('GET', KEYS[1]",
            "redis.call('GET",
            "redis.pcall('GET', KEYS[1])",
            "xredis.call('GET', KEYS[1])",
            "x.redis.call('GET', KEYS[1])",
            "x. redis.call('GET', KEYS[1])",
            "return \"redis.call('GET', KEYS[1])\"",
            "return [[redis.call('GET', KEYS[1])]]",
            "return [=[redis.call('GET', KEYS[1])]=]",
            "return '\\'redis.call('GET', KEYS[1])'",
            "redis.call('GET', KEYS[1]) -- '",
            "local numbered_call = 1 redis.call('GET', KEYS[1])",
        ] {
            assert_eq!(numbered(source), (source.to_owned(), vec![]));
        }
    }
}
