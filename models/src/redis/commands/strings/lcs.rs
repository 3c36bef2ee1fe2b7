//! `LCS`: what two strings have in common, in the same order.

use bytes::Bytes;

use super::STRING_MAX_BYTES;
use crate::redis::commands::{SYNTAX_ERROR, attempt, count, integer, is_option};
use crate::redis::engine::Data;
use crate::redis::keyspace::Value;
use crate::redis::resp::Reply;

#[derive(Default)]
struct Options {
    length: bool,
    indexes: bool,
    match_lengths: bool,
    match_min_bytes: i64,
}

impl Options {
    fn parse(arguments: &[Bytes]) -> Result<Self, Reply> {
        let mut options = Self::default();
        let mut rest = arguments;
        while let [option, after @ ..] = rest {
            rest = after;
            let is = |name| is_option(option, name);
            if is("len") {
                options.length = true;
            } else if is("idx") {
                options.indexes = true;
            } else if is("withmatchlen") {
                options.match_lengths = true;
            } else if let ([least, after @ ..], true) = (after, is("minmatchlen")) {
                options.match_min_bytes = integer(least)?;
                rest = after;
            } else {
                return Err(SYNTAX_ERROR);
            }
        }
        if options.length && options.indexes {
            return Err(Reply::error(
                "ERR If you want both the length and indexes, please just use IDX.",
            ));
        }
        Ok(options)
    }
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN bytes] [WITHMATCHLEN]`
pub(crate) fn lcs(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let (one, other) = (string(data, &arguments[1]), string(data, &arguments[2]));
        let (one, other) = (one?, other?);
        let options = Options::parse(&arguments[3..])?;
        let table = Table::new(&one, &other)?;
        if options.length {
            return Ok(count(table.length(one.len(), other.len())));
        }
        let (common, matches) = table.walk_back(&one, &other);
        if !options.indexes {
            return Ok(Reply::Bulk(common.into()));
        }
        let is_long = |found: &&Match| found.length as i64 >= options.match_min_bytes;
        let matches = matches.iter().filter(is_long);
        Ok(Reply::Array(vec![
            Reply::Bulk(Bytes::from_static(b"matches")),
            Reply::Array(matches.map(|found| found.reply(options.match_lengths)).collect()),
            Reply::Bulk(Bytes::from_static(b"len")),
            count(common.len()),
        ]))
    })
}

/// A missing key counts as an empty string.
fn string(data: &mut Data, key: &Bytes) -> Result<Bytes, Reply> {
    match data.read(key) {
        Some(Value::String(string)) => Ok(string.clone()),
        Some(_) => Err(Reply::error("ERR The specified keys must contain string values")),
        None => Ok(Bytes::new()),
    }
}

/// A piece that both strings have in one.
struct Match {
    one: usize,
    other: usize,
    length: usize,
}

impl Match {
    fn reply(&self, with_length: bool) -> Reply {
        let ends = |start: usize| Reply::Array(vec![count(start), count(start + self.length - 1)]);
        let mut parts = vec![ends(self.one), ends(self.other)];
        if with_length {
            parts.push(count(self.length));
        }
        Reply::Array(parts)
    }
}

/// How much the first bytes of one string have in common with the first bytes of the other, for each
/// two lengths.
struct Table {
    lengths: Vec<u32>,
    row: usize,
}

impl Table {
    fn new(one: &[u8], other: &[u8]) -> Result<Self, Reply> {
        let row = other.len() + 1;
        let cells = (one.len() + 1).saturating_mul(row);
        if cells.saturating_mul(size_of::<u32>()) > STRING_MAX_BYTES {
            return Err(Reply::error(
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
            ));
        }
        let mut table = Self { lengths: vec![0; cells], row };
        for i in 1..=one.len() {
            for j in 1..=other.len() {
                table.lengths[i * row + j] = if one[i - 1] == other[j - 1] {
                    table.lengths[(i - 1) * row + j - 1] + 1
                } else {
                    table.lengths[(i - 1) * row + j].max(table.lengths[i * row + j - 1])
                };
            }
        }
        Ok(table)
    }

    fn length(&self, one: usize, other: usize) -> usize {
        self.lengths[one * self.row + other] as usize
    }

    /// What is common, and the pieces that it consists of, the last one first.
    ///
    /// A piece that begins with the first byte of either string is the last, whatever follows.
    fn walk_back(&self, one: &[u8], other: &[u8]) -> (Vec<u8>, Vec<Match>) {
        let (mut i, mut j) = (one.len(), other.len());
        let (mut common, mut matches) = (Vec::new(), Vec::new());
        let mut current: Option<Match> = None;
        while i > 0 && j > 0 {
            if one[i - 1] == other[j - 1] {
                (i, j) = (i - 1, j - 1);
                common.push(one[i]);
                let length = current.map_or(0, |found| found.length) + 1;
                current = Some(Match { one: i, other: j, length });
                if i == 0 || j == 0 {
                    matches.extend(current.take());
                }
            } else {
                matches.extend(current.take());
                if self.length(i - 1, j) > self.length(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
        }
        common.reverse();
        (common, matches)
    }
}
