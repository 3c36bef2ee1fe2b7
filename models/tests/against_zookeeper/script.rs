//! A request as it stands in a transcript.

use bytes::Bytes;
use fencepost_models::zookeeper::jute::{client, kind};
use fencepost_models::zookeeper::protocol::{CreateMode, Op, Path, SetWatches, Zxid};

/// What a client sends.
#[derive(Clone, Debug)]
pub enum Request {
    /// What the model knows.
    Op(Op),
    /// Any other: its kind and its body.
    Raw(i32, Vec<u8>),
}

impl Request {
    /// Reads a request. `base` is the transaction that `@0` stands for.
    pub fn parse(text: &str, base: Zxid) -> Self {
        let words: Vec<&str> = text.split_whitespace().collect();
        match *words {
            ["raw", kind, ref fields @ ..] => {
                let mut body = Vec::new();
                fields.iter().for_each(|one| write_field(one, &mut body));
                Self::Raw(kind.parse().expect("a kind"), body)
            }
            ["set-watches", since, ref lists @ ..] => {
                let since: u64 = since.trim_start_matches('@').parse().expect("a transaction");
                let mut watches =
                    SetWatches { relative_zxid: Zxid(base.0 + since), ..SetWatches::default() };
                for list in lists.chunks(2) {
                    let paths = list[1].split(',').map(word).collect();
                    match list[0] {
                        "data" => watches.data = paths,
                        "exist" => watches.exist = paths,
                        "child" => watches.child = paths,
                        other => panic!("no watch: {other}"),
                    }
                }
                Self::Op(Op::SetWatches(watches))
            }
            ["multi", ..] => {
                let parts = text.trim_start()["multi".len()..].split(';');
                let parts = parts.map(str::trim).filter(|part| !part.is_empty());
                let parts = parts.map(|part| op(&part.split_whitespace().collect::<Vec<_>>()));
                Self::Op(Op::Multi(parts.collect()))
            }
            _ => Self::Op(op(&words)),
        }
    }

    /// The request's number: some have one of their own. Source: `ClientCnxn.java`.
    pub const fn xid(&self, next: i32) -> i32 {
        match self {
            Self::Op(Op::Ping) => -2,
            Self::Op(Op::SetWatches(_)) => -8,
            Self::Raw(kind::AUTH, _) => -4,
            _ => next,
        }
    }

    /// As a frame.
    pub fn encode(&self, xid: i32) -> Vec<u8> {
        match self {
            Self::Op(op) => client::request(xid, op),
            Self::Raw(kind, body) => {
                let length = i32::try_from(8 + body.len()).expect("is short");
                let head = [length, xid, *kind].map(i32::to_be_bytes).concat();
                [head, body.clone()].concat()
            }
        }
    }
}

fn op(words: &[&str]) -> Op {
    let version = |text: &str| if text == "any" { -1 } else { text.parse().expect("a version") };
    match *words {
        [create @ ("create" | "create2"), path, mode, ref data @ ..] => Op::Create {
            path: word(path),
            data: bytes(data),
            mode: CreateMode {
                ephemeral: mode.contains("ephemeral"),
                sequential: mode.contains("sequential"),
            },
            with_stat: create == "create2",
        },
        ["delete", path, of] => Op::Delete { path: word(path), version: version(of) },
        ["check", path, of] => Op::Check { path: word(path), version: version(of) },
        ["set", path, of, ref data @ ..] => {
            Op::SetData { path: word(path), data: bytes(data), version: version(of) }
        }
        ["exists", path, ref rest @ ..] => Op::Exists { path: word(path), watch: watch(rest) },
        ["get", path, ref rest @ ..] => Op::GetData { path: word(path), watch: watch(rest) },
        [children @ ("children" | "children2"), path, ref rest @ ..] => Op::GetChildren {
            path: word(path),
            watch: watch(rest),
            with_stat: children == "children2",
        },
        ["sync", path] => Op::Sync { path: word(path) },
        ["ping"] => Op::Ping,
        ["close"] => Op::CloseSession,
        _ => panic!("no request: {words:?}"),
    }
}

fn watch(rest: &[&str]) -> bool {
    assert!(matches!(rest, [] | ["watch"]), "{rest:?}");
    !rest.is_empty()
}

fn bytes(data: &[&str]) -> Bytes {
    Bytes::from(data.join(" ").into_bytes())
}

/// A path: `""` is none, `\u{7f}` a character, `\_` a blank.
fn word(text: &str) -> Path {
    if text == "\"\"" {
        return "".into();
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('_') {
            out.push(' ');
            rest = after;
        } else {
            let code = after.strip_prefix("u{").expect("an escape");
            let (code, after) = code.split_once('}').expect("an end");
            let code = u32::from_str_radix(code, 16).expect("hexadecimal");
            out.push(char::from_u32(code).expect("a character"));
            rest = after;
        }
    }
    out.push_str(rest);
    out.into()
}

/// `i:` and `l:` a number of four and eight bytes, `b:` a byte, `s:` a text, `v:` a list of texts, `acl:open`,
/// `acl:none`, `acl:read`.
fn write_field(field: &str, body: &mut Vec<u8>) {
    let (kind, value) = field.split_once(':').expect("a field");
    let text = |value: &str, body: &mut Vec<u8>| {
        body.extend((value.len() as u32).to_be_bytes());
        body.extend(value.bytes());
    };
    match kind {
        "i" => body.extend(value.parse::<i32>().expect("a number").to_be_bytes()),
        "l" => body.extend(value.parse::<i64>().expect("a number").to_be_bytes()),
        "b" => body.push(value.parse().expect("a byte")),
        "s" => text(&word(value), body),
        "v" => {
            let all: Vec<&str> = value.split(',').filter(|one| !one.is_empty()).collect();
            body.extend((all.len() as u32).to_be_bytes());
            all.iter().for_each(|one| text(&word(one), body));
        }
        "acl" => {
            body.extend(u32::from(value != "none").to_be_bytes());
            if value != "none" {
                body.extend(if value == "read" { 1_i32 } else { 31 }.to_be_bytes());
                text("world", body);
                text("anyone", body);
            }
        }
        _ => panic!("no field: {field}"),
    }
}
