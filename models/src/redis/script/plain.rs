//! Which scripts need no sandbox.

/// True when a script runs straight through and can write neither to its globals nor to `KEYS` and
/// `ARGV` nor to any other table, whatever happens.
///
/// Most scripts about locks are of that kind. They need no proxies around globals, no new tables
/// for each run and nobody who counts their instructions, which together are a quarter of the time
/// that they take. The text alone says so, and when in doubt it says no:
///
/// * There is no loop, and no function that could call itself.
/// * There is no assignment but `local name = …`; a function's name would be assigned to as well.
/// * Nothing that writes to a table is called: no `rawset`, `setmetatable`, `table.insert`.
/// * The tables are not passed on: `KEYS` and `ARGV` are always indexed, and so is `redis`.
/// * There is no way to get at them by a name in a string: no `_G`, `load`, `loadstring`.
/// * No address is shown: `tostring` counts them, and a new `KEYS` tells it that a run begins.
pub(super) fn is_plain(source: &[u8]) -> bool {
    const REFUSED: [&[u8]; 10] = [
        b"function",
        b"for",
        b"while",
        b"repeat",
        b"load",
        b"_G",
        b"tostring",
        b"rawset",
        b"setmetatable",
        b"table.",
    ];
    let has = |word: &[u8]| source.windows(word.len()).any(|window| window == word);
    let always_before = |name: &[u8], mark: &[u8]| {
        let mut rests = (0..source.len()).filter_map(|at| source[at..].strip_prefix(name));
        rests.all(|rest| rest.starts_with(mark))
    };
    let assigns = |at: usize| {
        let (before, after) = (&source[..at], &source[at + 1..]);
        let compares =
            matches!(before.last(), Some(b'=' | b'~' | b'<' | b'>')) || after.starts_with(b"=");
        source[at] == b'=' && !compares && !declares(before)
    };
    !REFUSED.into_iter().any(has)
        && always_before(b"KEYS", b"[")
        && always_before(b"ARGV", b"[")
        && always_before(b"redis", b".")
        && !(0..source.len()).any(assigns)
}

/// True when the text ends with `local name`, all on one line.
fn declares(text: &[u8]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let end = |text: &[u8], of: &dyn Fn(&u8) -> bool| {
        text.iter().rposition(|byte| !of(byte)).map_or(0, |last| last + 1)
    };
    let text = &text[..end(text, &is_blank)];
    let (text, name) = text.split_at(end(text, &is_word));
    let (text, blank) = text.split_at(end(text, &is_blank));
    let word = &text[end(text, &is_word)..];
    !name.is_empty() && !blank.is_empty() && word == b"local"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_and_calls_is_plain() {
        for script in [
            "return 1",
            "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end",
            "local n = tonumber(ARGV[1]) local\tm=n if n <= 1 or n >= 2 or n ~= m then return n end",
        ] {
            assert!(is_plain(script.as_bytes()), "{script}");
        }
    }

    #[test]
    fn whatever_might_write_is_not() {
        for script in [
            "KEYS[1] = 'x'",
            "KEYS[1], x = 1, 2",
            "redis=nil",
            "KEYS.x = 1",
            "ARGV = {}",
            "local t = KEYS",
            "return KEYS",
            "table.insert(ARGV, 1)",
            "rawset(_G, 'x', 1)",
            "loadstring('x = 1')()",
            "function f() end",
            "--local \nx = 1",
            "xlocal y = 1",
            "f 'local'x = 1",
            "local x, y = KEYS, 1",
            "setmetatable(KEYS, {})",
            "rawset(redis, 'call', 1)",
            "rawset(redis.call('SET', KEYS[1], 'x'), 'ok', 'y')",
            "table.insert(redis.call('SET', KEYS[1], 'x'), 'y')",
            "setmetatable(redis.call('SET', KEYS[1], 'x'), {})",
            "while true do redis.call('INCR', KEYS[1]) end",
            "repeat until false",
            "return tostring({})",
            "for _ in pairs({}) do end",
        ] {
            assert!(!is_plain(script.as_bytes()), "{script}");
        }
    }
}
