//! What two servers need not have in common: written beside the command whose replies it concerns.
//!
//! ```text
//! near 100       numbers may be so far apart, as long as neither is negative: what is left of a lease
//! hide REGEX     what matches in a text is not compared: run ids, times
//! only REGEX     of the lines of a text those are compared that match, in full
//! sorted         the lines of a text, the parts of a reply, in whatever order: that of a hash table
//! client         what CLIENT LIST and CLIENT INFO say of memory, sockets and the moment
//! ```

use fencepost_models::redis::resp::{Reply, ReplyDecoder};
use regex::Regex;

use crate::transcript::Heard;

/// A connection's own: addresses and descriptors, times, and what its buffers weigh.
const CLIENT: &str = r"\b(addr|laddr|fd|age|idle|qbuf|qbuf-free|argv-mem|multi-mem|rbs|rbp|obl|oll|omem|tot-mem)=\S*";

enum Mask {
    Near(u64),
    Hide(Regex),
    Only(Regex),
    Sorted,
}

/// How the replies to one step are compared.
pub struct Masks(Vec<Mask>);

impl Masks {
    /// Reads what stands beside a step.
    ///
    /// # Errors
    ///
    /// Which of them is none.
    pub fn read(lines: &[String]) -> Result<Self, String> {
        lines.iter().map(|line| read(line)).collect::<Result<_, _>>().map(Self)
    }

    /// True when two servers have said the same.
    pub fn agree(&self, expected: &[Heard], given: &[Heard]) -> bool {
        let ends = |heard: &[Heard]| {
            let mut ends: Vec<_> =
                heard.iter().map(|heard| (heard.connection.clone(), heard.closed)).collect();
            ends.sort();
            ends
        };
        ends(expected) == ends(given)
            && expected.iter().all(|expected| {
                let mut given = given.iter();
                given.any(|given| {
                    given.connection == expected.connection
                        && self.are_alike(&expected.bytes, &given.bytes)
                })
            })
    }

    fn are_alike(&self, expected: &[u8], given: &[u8]) -> bool {
        if expected == given {
            return true;
        }
        match (replies(expected), replies(given)) {
            (Some(expected), Some(given)) if expected.len() == given.len() => {
                let mut pairs = expected.into_iter().zip(given);
                pairs.all(|(one, other)| self.is_near(&self.masked(one), &self.masked(other)))
            }
            _ => false,
        }
    }

    fn is_near(&self, one: &Reply, other: &Reply) -> bool {
        let most = self.0.iter().find_map(|mask| match mask {
            Mask::Near(most) => Some(*most),
            _ => None,
        });
        match (one, other, most) {
            (Reply::Int(one), Reply::Int(other), Some(most)) => {
                one == other || *one >= 0 && *other >= 0 && one.abs_diff(*other) <= most
            }
            (Reply::Array(ones), Reply::Array(others), _)
            | (Reply::Map(ones), Reply::Map(others), _)
            | (Reply::Push(ones), Reply::Push(others), _) => {
                ones.len() == others.len()
                    && ones.iter().zip(others).all(|(one, other)| self.is_near(one, other))
            }
            _ => one == other,
        }
    }

    fn masked(&self, reply: Reply) -> Reply {
        let several = |replies: Vec<Reply>| replies.into_iter().map(|reply| self.masked(reply));
        match reply {
            Reply::Status(text) => Reply::Status(self.text(&text)),
            Reply::Error(text) => Reply::Error(self.text(&text)),
            Reply::Bulk(text) => Reply::Bulk(self.text(&text)),
            Reply::Verbatim(text) => Reply::Verbatim(self.text(&text)),
            Reply::Array(replies) => {
                let mut replies: Vec<Reply> = several(replies).collect();
                if self.0.iter().any(|mask| matches!(mask, Mask::Sorted)) {
                    replies.sort_by_cached_key(wire);
                }
                Reply::Array(replies)
            }
            Reply::Map(replies) => Reply::Map(several(replies).collect()),
            Reply::Push(replies) => Reply::Push(several(replies).collect()),
            reply => reply,
        }
    }

    fn text(&self, bytes: &[u8]) -> bytes::Bytes {
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        for mask in &self.0 {
            match mask {
                Mask::Hide(regex) => text = regex.replace_all(&text, "_").into_owned(),
                Mask::Only(regex) => {
                    let lines: Vec<&str> =
                        text.lines().filter(|line| regex.is_match(line)).collect();
                    text = lines.join("\n");
                }
                Mask::Sorted => {
                    let mut lines: Vec<&str> = text.lines().collect();
                    lines.sort_unstable();
                    text = lines.join("\n");
                }
                Mask::Near(_) => {}
            }
        }
        text.into()
    }
}

fn read(line: &str) -> Result<Mask, String> {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let regex = |text: &str| Regex::new(text).map_err(|error| format!("{line}: {error}"));
    match name {
        "near" => rest.parse().map(Mask::Near).map_err(|error| format!("{line}: {error}")),
        "hide" => regex(rest).map(Mask::Hide),
        "only" => regex(&format!("^(?:{rest})$")).map(Mask::Only),
        "sorted" => Ok(Mask::Sorted),
        "client" => regex(CLIENT).map(Mask::Hide),
        _ => Err(format!("no way to compare: {line}")),
    }
}

/// What came in, if it is nothing but whole replies.
fn replies(bytes: &[u8]) -> Option<Vec<Reply>> {
    let (mut decoder, mut replies, mut length) = (ReplyDecoder::default(), Vec::new(), 0);
    decoder.feed(bytes);
    while let Some(reply) = decoder.next_reply().ok()? {
        length += wire(&reply).len();
        replies.push(reply);
    }
    (length == bytes.len()).then_some(replies)
}

fn wire(reply: &Reply) -> Vec<u8> {
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    bytes
}

#[test]
fn a_mask_hides_what_it_names_and_nothing_else() {
    let agree = |masks: &[&str], expected: &[u8], given: &[u8]| {
        let lines: Vec<String> = masks.iter().map(|mask| (*mask).to_owned()).collect();
        let heard = |bytes: &[u8]| {
            vec![Heard { connection: "a".to_owned(), bytes: bytes.to_vec(), closed: false }]
        };
        Masks::read(&lines).expect("are masks").agree(&heard(expected), &heard(given))
    };
    assert!(agree(&[], b":5\r\n", b":5\r\n"));
    assert!(!agree(&[], b":5\r\n", b":6\r\n"));
    assert!(agree(&["near 10"], b"*1\r\n:5\r\n", b"*1\r\n:15\r\n"));
    assert!(!agree(&["near 10"], b":5\r\n", b":16\r\n"));
    assert!(!agree(&["near 10"], b":1\r\n", b":-1\r\n"), "a key that is not there");
    assert!(!agree(&["near 10"], b":5\r\n:5\r\n", b":5\r\n"), "one reply more");
    assert!(agree(&["hide [0-9a-f]{4}"], b"$6\r\nx abcd\r\n", b"$6\r\nx 1234\r\n"));
    assert!(!agree(&["hide [0-9a-f]{4}"], b"$6\r\nx abcd\r\n", b"$6\r\ny 1234\r\n"));
    assert!(agree(&["only a:.*"], b"$8\r\na:1\r\nb:2\r\n", b"$8\r\na:1\r\nb:3\r\n"));
    assert!(!agree(&["only a:.*"], b"$8\r\na:1\r\nb:2\r\n", b"$8\r\na:2\r\nb:2\r\n"));
    assert!(agree(&["sorted"], b"*2\r\n:1\r\n:2\r\n", b"*2\r\n:2\r\n:1\r\n"));
    assert!(!agree(&[], b"*2\r\n:1\r\n:2\r\n", b"*2\r\n:2\r\n:1\r\n"));
    assert!(agree(&["sorted"], b"$4\r\na\nb\n\r\n", b"$4\r\nb\na\n\r\n"));
    assert!(agree(&["client"], b"$12\r\nid=3 addr=xy\r\n", b"$12\r\nid=3 addr=yz\r\n"));
    assert!(!agree(&["client"], b"$12\r\nid=3 addr=xy\r\n", b"$12\r\nid=4 addr=xy\r\n"));
    assert!(Masks::read(&["nonsense".to_owned()]).is_err());
    assert!(Masks::read(&["hide (".to_owned()]).is_err());
}
