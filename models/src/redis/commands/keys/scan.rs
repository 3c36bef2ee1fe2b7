//! Commands that walk through all keys, or through all fields of a hash.
//!
//! Redis walks along the buckets of a hash table with a random seed. Here `KEYS` gives the keys
//! sorted, and `SCAN` walks in the order of a hash function without a seed, whose next value is the
//! cursor. So the promise is kept that is made for `SCAN`: what is there from the first call to the
//! last is given, whatever comes and goes meanwhile. But a call looks at exactly `COUNT` elements,
//! where Redis looks at whole buckets, and nothing is given twice.

use bytes::Bytes;

use crate::redis::commands::{SYNTAX_ERROR, attempt, integer, is_option, printed};
use crate::redis::engine::Data;
use crate::redis::glob::{Case, fits};
use crate::redis::keyspace::Hash;
use crate::redis::resp::Reply;

/// `KEYS pattern`
pub(crate) fn keys(data: &mut Data, arguments: &[Bytes]) -> Reply {
    let wanted = |key: &&Bytes| is_wanted(&arguments[1], key) && !data.is_due(key);
    Reply::Array(data.keyspace.keys().filter(wanted).cloned().map(Reply::Bulk).collect())
}

/// `*` fits every name, also the empty one, which it does not as a pattern. Source: `db.c`,
/// `keysCommand` and `scanGenericCommand`.
fn is_wanted(pattern: &[u8], name: &[u8]) -> bool {
    pattern == b"*" || fits(pattern, name, Case::Sensitive)
}

/// `RANDOMKEY`
///
/// Keys whose time is over are removed on the way. Where they may not be removed, one of them is
/// given in the end, as by a replica of Redis; a master would look for another one for ever.
pub(crate) fn randomkey(data: &mut Data, _: &[Bytes]) -> Reply {
    /// Source: `db.c`, `dbRandomKey`.
    const TRIES_MAX: usize = 100;
    let mut tries = 0;
    loop {
        let Some(key) = any_key(data) else {
            return Reply::Nil;
        };
        if !data.expire_if_due(&key) || tries == TRIES_MAX {
            return Reply::Bulk(key);
        }
        tries += usize::from(data.keyspace.get(&key).is_some());
    }
}

fn any_key(data: &mut Data) -> Option<Bytes> {
    let place = data.random.below(data.keyspace.len() as u64) as usize;
    data.keyspace.keys().nth(place).cloned()
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub(crate) fn scan(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let cursor = cursor(&arguments[1])?;
        let query = Query::parse(&arguments[2..], Over::Keys)?;
        let keys = data.keyspace.keys().map(|key| (key, key));
        let (next, seen) = walk(keys, cursor, query.count);
        let seen: Vec<Bytes> = seen.into_iter().cloned().collect();
        let found = seen.into_iter().filter(|key| {
            query.fits(key)
                && query.type_name.is_none_or(|name| is_option(name, super::type_name(data, key)))
                && !data.expire_if_due(key)
        });
        Ok(page(next, found.map(Reply::Bulk).collect()))
    })
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count]`: a small hash is given whole.
pub(crate) fn hscan(data: &mut Data, arguments: &[Bytes]) -> Reply {
    attempt(|| {
        let cursor = cursor(&arguments[2])?;
        let Some(hash) = data.read_hash(&arguments[1])? else {
            return Ok(page(0, Vec::new()));
        };
        let query = Query::parse(&arguments[3..], Over::Fields)?;
        let (next, seen) = fields(hash, cursor, query.count);
        let seen = seen.into_iter().filter(|(field, _)| query.fits(field));
        let words = seen.flat_map(|(field, value)| [field.clone(), value.clone()]);
        Ok(page(next, words.map(Reply::Bulk).collect()))
    })
}

type Pair<'a> = (&'a Bytes, &'a Bytes);

fn fields(hash: &Hash, cursor: u64, count: usize) -> (u64, Vec<Pair<'_>>) {
    if hash.is_list() {
        return (0, hash.iter().collect());
    }
    walk(hash.iter().map(|(field, value)| (field, (field, value))), cursor, count)
}

fn page(next: u64, elements: Vec<Reply>) -> Reply {
    Reply::Array(vec![Reply::Bulk(next.to_string().into()), Reply::Array(elements)])
}

/// Reads a cursor as C's `strtoul` does: a sign may stand before it, and no digits at all are 0.
///
/// Source: `db.c`, `parseScanCursorOrReply`.
fn cursor(argument: &[u8]) -> Result<u64, Reply> {
    const INVALID: Reply = Reply::error("ERR invalid cursor");
    let text = printed(argument, usize::MAX);
    let (is_negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(INVALID);
    }
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let number = digits.iter().try_fold(0, add).ok_or(INVALID)?;
    Ok(if is_negative { number.wrapping_neg() } else { number })
}

/// What is walked through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Keys,
    Fields,
}

/// What is to be given.
struct Query<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    fn parse(options: &'a [Bytes], over: Over) -> Result<Self, Reply> {
        // Source: `db.c`, `scanGenericCommand`.
        let mut query = Self { count: 10, pattern: None, type_name: None };
        let (pairs, rest) = options.as_chunks::<2>();
        for [option, value] in pairs {
            let is = |name| is_option(option, name);
            if is("count") {
                let count = usize::try_from(integer(value)?).map_err(|_| SYNTAX_ERROR)?;
                query.count = Some(count).filter(|count| *count > 0).ok_or(SYNTAX_ERROR)?;
            } else if is("match") {
                query.pattern = Some(value);
            } else if is("type") && over == Over::Keys {
                query.type_name = Some(value);
            } else {
                return Err(SYNTAX_ERROR);
            }
        }
        if rest.is_empty() { Ok(query) } else { Err(SYNTAX_ERROR) }
    }

    fn fits(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| is_wanted(pattern, name))
    }
}

/// At least `count` elements from the cursor on, and the next cursor: 0 when there are no more.
fn walk<'a, T>(
    elements: impl Iterator<Item = (&'a Bytes, T)>,
    cursor: u64,
    count: usize,
) -> (u64, Vec<T>) {
    let placed = elements.map(|(name, element)| (place(name), element));
    let mut ahead: Vec<(u64, T)> = placed.filter(|(place, _)| *place >= cursor).collect();
    ahead.sort_by_key(|(place, _)| *place);
    let mut end = count.min(ahead.len());
    // Two elements at one place are given together: no cursor lies between them.
    while end < ahead.len() && ahead[end].0 == ahead[end - 1].0 {
        end += 1;
    }
    let next = ahead.get(end).map_or(0, |(place, _)| *place);
    ahead.truncate(end);
    (next, ahead.into_iter().map(|(_, element)| element).collect())
}

/// Where an element stands on the way: FNV-1a with 64 bits, but never at 0, where the walk begins.
///
/// Source: the Internet draft draft-eastlake-fnv, offset basis and prime.
fn place(name: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    name.iter().fold(0xCBF2_9CE4_8422_2325, mix).max(1)
}
