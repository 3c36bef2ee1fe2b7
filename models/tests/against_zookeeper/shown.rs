//! An answer as it stands in a transcript.
//!
//! One rule masks what no two runs share: a transaction is `@N`, the N-th since the case began; a session has its
//! client's name; a time is `now` when it lies within the case, or `before`. The names of children are sorted: the
//! real server's come in the order of a hash set.

use std::collections::BTreeMap;

use fencepost_models::zookeeper::jute::client;
use fencepost_models::zookeeper::protocol::{Answer, ErrorCode, Op, SessionId, Stat, Zxid};

use crate::script::Request;

/// What is said of numbers and times in a case.
#[derive(Debug, Default)]
pub struct Names {
    /// The last transaction before the case.
    pub base: Zxid,
    /// When the case began.
    pub began_ms: u64,
    pub sessions: BTreeMap<SessionId, String>,
}

const STAT_BYTES: usize = 68;
const HEAD_BYTES: usize = 16;

/// Errors that the model has none of. Source: `KeeperException.java`, `Code`.
const OTHER_ERRORS: [(i32, &str); 13] = [
    (-1, "system-error"),
    (-3, "data-inconsistency"),
    (-5, "marshalling-error"),
    (-6, "unimplemented"),
    (-7, "operation-timeout"),
    (-13, "new-config-no-quorum"),
    (-14, "reconfig-in-progress"),
    (-102, "no-auth"),
    (-114, "invalid-acl"),
    (-115, "auth-failed"),
    (-119, "not-read-only"),
    (-121, "no-watcher"),
    (-123, "reconfig-disabled"),
];

impl Names {
    pub fn zxid(&self, zxid: Zxid) -> String {
        let (base, zxid) = (self.base, zxid);
        if zxid.0 == 0 {
            "@none".to_owned()
        } else if zxid.epoch() != base.epoch() {
            format!("@{}:{}", i64::from(zxid.epoch()) - i64::from(base.epoch()), zxid.counter())
        } else if zxid < base && zxid.0 > 0 {
            "@before".to_owned()
        } else {
            format!("@{}", zxid.0 - base.0)
        }
    }

    fn time(&self, ms: u64) -> &'static str {
        match ms {
            0 => "none",
            ms if ms >= self.began_ms => "now",
            _ => "before",
        }
    }

    fn session(&self, session: SessionId) -> &str {
        match session {
            SessionId::NONE => "none",
            session => self.sessions.get(&session).map_or("unknown", String::as_str),
        }
    }

    fn stat(&self, stat: &Stat) -> String {
        format!(
            "version {} cversion {} owner {} length {} children {} czxid {} mzxid {} pzxid {} ctime {} mtime {}",
            stat.version,
            stat.cversion,
            self.session(stat.ephemeral_owner),
            stat.data_length,
            stat.num_children,
            self.zxid(stat.czxid),
            self.zxid(stat.mzxid),
            self.zxid(stat.pzxid),
            self.time(stat.ctime_ms),
            self.time(stat.mtime_ms),
        )
    }

    fn answer(&self, answer: &Answer) -> String {
        match answer {
            Answer::Done => "ok".to_owned(),
            Answer::Created { path, stat: None } => escaped(path),
            Answer::Created { path, stat: Some(stat) } => {
                format!("{} {}", escaped(path), self.stat(stat))
            }
            Answer::Stat(stat) => self.stat(stat),
            Answer::Data { data, stat } => {
                format!("\"{}\" {}", data.escape_ascii(), self.stat(stat))
            }
            Answer::Children { names, stat } => {
                let mut names: Vec<String> = names.iter().map(|name| escaped(name)).collect();
                names.sort();
                let stat = stat.as_ref().map(|stat| format!(" {}", self.stat(stat)));
                format!("[{}]{}", names.join(" "), stat.unwrap_or_default())
            }
            Answer::Synced { path } => escaped(path),
            Answer::Multi(parts) => {
                let part = |part: &Result<Answer, ErrorCode>| match part {
                    Ok(answer) => format!("\n    {}", self.answer(answer)),
                    Err(error) => format!("\n    {}", error_name(error.code())),
                };
                format!("multi{}", parts.iter().map(part).collect::<String>())
            }
        }
    }

    /// A reply's frame.
    pub fn reply(&self, frame: &[u8], asked: &Request) -> String {
        let word = |at: usize| frame[at..at + 4].try_into().map_or(0, i32::from_be_bytes);
        let mut zxid = [0; 8];
        zxid.copy_from_slice(&frame[4..12]);
        let (zxid, error) = (self.zxid(Zxid(u64::from_be_bytes(zxid))), word(12));
        let text = match asked {
            Request::Op(op) if error == 0 || matches!(op, Op::Multi(_)) => {
                match client::read_reply(frame, op) {
                    Some((_, Ok(answer))) => self.answer(&answer),
                    _ if error != 0 => error_name(error),
                    _ => format!("unreadable: {}", frame[HEAD_BYTES..].escape_ascii()),
                }
            }
            _ if error != 0 => error_name(error),
            Request::Raw(6 | 7 | 19, _) if frame.len() >= HEAD_BYTES + STAT_BYTES => {
                let end = frame.len() - STAT_BYTES;
                format!("{} and a stat", frame[HEAD_BYTES..end].escape_ascii())
            }
            _ => format!("\"{}\"", frame[HEAD_BYTES..].escape_ascii()),
        };
        format!("{zxid} {text}")
    }
}

/// An error's name.
pub fn error_name(code: i32) -> String {
    if let Some(error) = ErrorCode::from_code(code) {
        return error.to_string().replace(' ', "-");
    }
    let known = OTHER_ERRORS.iter().find(|(number, _)| *number == code);
    known.map_or_else(|| format!("error {code}"), |(_, name)| (*name).to_owned())
}

/// A path without what a line cannot hold.
fn escaped(path: &str) -> String {
    if path.is_empty() {
        return "\"\"".to_owned();
    }
    let one = |character: char| match character {
        ' ' => "\\_".to_owned(),
        plain if plain.is_ascii_graphic() || plain.is_alphanumeric() => plain.to_string(),
        other => format!("\\u{{{:x}}}", u32::from(other)),
    };
    path.chars().map(one).collect()
}
