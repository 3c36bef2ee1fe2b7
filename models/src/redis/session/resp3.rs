//! Replies as they are said to a client that has asked for RESP3 (`HELLO 3`).
//!
//! Commands answer in RESP2; what differs is put into its other form here. Source: the callers of `addReplyMapLen`,
//! `addReplyVerbatim`, `addReplyPushLen` and `addReplyNull` in Redis 7.0.15.

use bytes::Bytes;

use crate::redis::resp::Reply;

/// The protocol that a client has asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::redis) enum Protocol {
    /// What every client begins with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// Its number.
    pub(in crate::redis) const fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }

    /// The one of that number.
    pub(in crate::redis) const fn numbered(number: i64) -> Option<Self> {
        match number {
            2 => Some(Self::Resp2),
            3 => Some(Self::Resp3),
            _ => None,
        }
    }

    /// The answer to a command, as it is said in this protocol.
    pub(in crate::redis) fn answer(
        self,
        command: &str,
        arguments: &[Bytes],
        reply: Reply,
    ) -> Reply {
        match self {
            Self::Resp2 => reply,
            Self::Resp3 => nulls(shaped(command, arguments, reply)),
        }
    }

    /// The same of a Sentinel's. Source: `sentinel.c`, `addReplySentinelRedisInstance`,
    /// `addReplyDictOfRedisInstances`.
    pub(in crate::redis) fn answer_of_sentinel(self, arguments: &[Bytes], reply: Reply) -> Reply {
        if self == Self::Resp2 {
            return reply;
        }
        let word = |at: usize| arguments.get(at).map(|word| word.to_ascii_lowercase());
        let (name, option) = (word(0).unwrap_or_default(), word(1).unwrap_or_default());
        nulls(match (&name[..], &option[..]) {
            (b"hello", _) | (b"sentinel", b"master") => map(reply),
            (b"sentinel", b"masters" | b"replicas" | b"slaves" | b"sentinels") => each(reply, map),
            (b"info", _) => verbatim(reply),
            _ => reply,
        })
    }

    /// What nobody has asked for just now: what was published, and what concerns subscriptions.
    pub(in crate::redis) fn push(self, message: Reply) -> Reply {
        match (self, message) {
            (Self::Resp3, Reply::Array(items)) => nulls(Reply::Push(items)),
            (_, message) => message,
        }
    }
}

fn shaped(command: &str, arguments: &[Bytes], reply: Reply) -> Reply {
    let says = |at: usize, word: &[u8]| {
        arguments.get(at).is_some_and(|argument| argument.eq_ignore_ascii_case(word))
    };
    match command {
        "hello" | "hgetall" | "config|get" | "command|docs" | "lcs" => map(reply),
        "info" | "client|list" | "client|info" => verbatim(reply),
        "cluster" if says(1, b"nodes") || says(1, b"info") => verbatim(reply),
        "cluster" if says(1, b"shards") => each(reply, shard),
        "hrandfield" if says(3, b"withvalues") => pairs(reply),
        _ => reply,
    }
}

/// Names and values in turn.
fn map(reply: Reply) -> Reply {
    match reply {
        Reply::Array(items) => Reply::Map(items),
        other => other,
    }
}

fn verbatim(reply: Reply) -> Reply {
    match reply {
        Reply::Bulk(text) => Reply::Verbatim(text),
        other => other,
    }
}

fn each(reply: Reply, shape: fn(Reply) -> Reply) -> Reply {
    match reply {
        Reply::Array(items) => Reply::Array(items.into_iter().map(shape).collect()),
        other => other,
    }
}

/// A list of lists of two, in place of one list.
fn pairs(reply: Reply) -> Reply {
    match reply {
        Reply::Array(items) => {
            Reply::Array(items.chunks(2).map(|pair| Reply::Array(pair.to_vec())).collect())
        }
        other => other,
    }
}

/// A shard is a map, and so is each of its nodes.
fn shard(reply: Reply) -> Reply {
    let Reply::Array(mut fields) = reply else { return reply };
    if let Some(nodes) = fields.get_mut(3) {
        *nodes = each(std::mem::replace(nodes, Reply::Nil), map);
    }
    Reply::Map(fields)
}

/// There is one kind of nothing.
fn nulls(reply: Reply) -> Reply {
    let all = |items: Vec<Reply>| items.into_iter().map(nulls).collect();
    match reply {
        Reply::Nil | Reply::NilArray => Reply::Null,
        Reply::Array(items) => Reply::Array(all(items)),
        Reply::Map(items) => Reply::Map(all(items)),
        Reply::Push(items) => Reply::Push(all(items)),
        other => other,
    }
}
