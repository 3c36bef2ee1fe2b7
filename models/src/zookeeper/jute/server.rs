//! The server's half: it reads requests, and writes answers. Each answer is a whole frame.

use super::super::codec::{Reader, Writer};
use super::super::protocol::{
    Answer, Connect, Connected, CreateMode, ErrorCode, EventKind, Op, Password, SessionId,
    SetWatches, Stat, WatchedEvent, Zxid,
};
use super::acl::{self, Acl};
use super::frames::frame;
use super::records::{buffer, flag, nullable, text, texts, write_stat, write_texts};
use super::{Asked, RECONFIG_DISABLED, UNIMPLEMENTED, kind};

/// The number of an event, for which nobody has asked. Source: `ClientCnxn.java`, `NOTIFICATION_XID`.
const NOTIFICATION: i32 = -1;

/// An event comes from a server that the client is connected to. Source: `Watcher.java`, `SyncConnected`.
const SYNC_CONNECTED: i32 = 3;

/// What a client says first, and whether it wants to hear in the answer whether it may only read, as all but
/// very old ones do.
pub fn read_connect(frame: &[u8]) -> Option<(Connect, bool)> {
    let mut reader = Reader::new(frame);
    let _protocol = reader.i32()?;
    let last_zxid_seen = Zxid(reader.u64()?);
    let timeout_ms = u32::try_from(reader.i32()?).unwrap_or(0);
    let session = SessionId(reader.u64()?);
    // One of another length is the wrong one.
    let password = buffer(&mut reader)?;
    let password = Password(password[..].try_into().unwrap_or_default());
    let is_new = flag(&mut reader).is_some();
    Some((Connect { last_zxid_seen, timeout_ms, session, password }, is_new))
}

/// A request: the client's number for it, and what it asks for. Nothing where not even that can be read, or the client
/// says who it is and that cannot be read.
pub fn read_request(frame: &[u8]) -> Option<(i32, Asked)> {
    let mut reader = Reader::new(frame);
    let (xid, kind) = (reader.i32()?, reader.i32()?);
    let asked = match kind {
        // Source: `ZooKeeperServer.java`, `processPacket`: read before it is queued.
        kind::AUTH => {
            let (_type, scheme) = (reader.i32()?, nullable(&mut reader)?);
            Asked::Auth { scheme, proof: nullable(&mut reader)? }
        }
        kind => read_body(&mut reader, kind).unwrap_or(Asked::Malformed),
    };
    Some((xid, asked))
}

fn read_body(reader: &mut Reader<'_>, kind: i32) -> Option<Asked> {
    Some(match kind {
        kind::CREATE | kind::CREATE2 | kind::CREATE_CONTAINER => {
            let (op, acl) = read_create(reader, kind)?;
            match (op, acl) {
                (Err(error), _) | (_, Acl::Refused(error)) => Asked::Refused(error),
                (Ok(op), Acl::OfCreator) => Asked::OfCreator(op),
                (Ok(op), Acl::Taken) => Asked::Op(op),
            }
        }
        kind::CREATE_TTL => Asked::Refused(UNIMPLEMENTED),
        kind::RECONFIG => Asked::Refused(RECONFIG_DISABLED),
        kind::GET_ACL => Asked::Acl(text(reader)?),
        kind::SET_WATCHES2 => {
            let watches = read_watches(reader)?;
            let (persistent, recursive) = (texts(reader)?, texts(reader)?);
            match persistent.is_empty() && recursive.is_empty() {
                true => Asked::Op(Op::SetWatches(watches)),
                false => Asked::Unknown(kind),
            }
        }
        kind => match read_op(reader, kind)? {
            Some(op) => Asked::Op(op),
            None => Asked::Unknown(kind),
        },
    })
}

/// A request that the model knows; `Some(None)` for one that it does not.
fn read_op(reader: &mut Reader<'_>, kind: i32) -> Option<Option<Op>> {
    Some(Some(match kind {
        // Of a `multi`: who may do what is not looked at there.
        kind::CREATE | kind::CREATE2 => return read_create(reader, kind).map(|(op, _)| op.ok()),
        kind::DELETE => Op::Delete { path: text(reader)?, version: reader.i32()? },
        kind::EXISTS => Op::Exists { path: text(reader)?, watch: flag(reader)? },
        kind::GET_DATA => Op::GetData { path: text(reader)?, watch: flag(reader)? },
        kind::SET_DATA => {
            let (path, data) = (text(reader)?, buffer(reader)?);
            Op::SetData { path, data, version: reader.i32()? }
        }
        kind::GET_CHILDREN | kind::GET_CHILDREN2 => {
            let (path, watch) = (text(reader)?, flag(reader)?);
            Op::GetChildren { path, watch, with_stat: kind == kind::GET_CHILDREN2 }
        }
        kind::CHECK => Op::Check { path: text(reader)?, version: reader.i32()? },
        kind::SYNC => Op::Sync { path: text(reader)? },
        kind::PING => Op::Ping,
        kind::SET_WATCHES => Op::SetWatches(read_watches(reader)?),
        kind::CLOSE_SESSION => Op::CloseSession,
        kind::MULTI => return read_multi(reader),
        _ => return Some(None),
    }))
}

/// A creation, or the error that its flags have, and what becomes of its list of who may do what. Source:
/// `PrepRequestProcessor.java`, `pRequest2TxnCreate`, `validateCreateRequest`.
fn read_create(reader: &mut Reader<'_>, kind: i32) -> Option<(Result<Op, i32>, Acl)> {
    let (path, data, acl) = (text(reader)?, buffer(reader)?, Acl::read(reader)?);
    let flags = reader.i32()?;
    let create = match kind::mode(flags) {
        Some(_) if kind == kind::CREATE_CONTAINER => Ok(CreateMode::PERSISTENT),
        Some(mode) => Ok(mode),
        None if kind::has_ttl(flags) => Err(UNIMPLEMENTED),
        None => Err(ErrorCode::BadArguments.code()),
    };
    let create =
        create.map(|mode| Op::Create { path, data, mode, with_stat: kind != kind::CREATE });
    Some((create, acl))
}

/// Source: `SetWatches` in `zookeeper.jute`.
fn read_watches(reader: &mut Reader<'_>) -> Option<SetWatches> {
    let relative_zxid = Zxid(reader.u64()?);
    let (data, exist, child) = (texts(reader)?, texts(reader)?, texts(reader)?);
    Some(SetWatches { relative_zxid, data, exist, child })
}

/// Parts, each with its number before it, until one that says that it is none. Source:
/// `MultiOperationRecord.java`, `deserialize`.
fn read_multi(reader: &mut Reader<'_>) -> Option<Option<Op>> {
    let mut parts = Vec::new();
    loop {
        let (kind, is_done, _error) = (reader.i32()?, flag(reader)?, reader.i32()?);
        if is_done {
            return Some(Some(Op::Multi(parts)));
        }
        match kind {
            // Another kind in there cannot be read, not even over.
            kind::CREATE | kind::CREATE2 | kind::DELETE | kind::SET_DATA | kind::CHECK => {}
            _ => return Some(None),
        }
        match read_op(reader, kind)? {
            // The real one forgets the difference, so that its answer has no stat.
            Some(Op::Create { path, data, mode, .. }) => {
                parts.push(Op::Create { path, data, mode, with_stat: false });
            }
            Some(part) => parts.push(part),
            None => return Some(None),
        }
    }
}

/// The answer to [`Connect`].
pub fn connected(connected: &Connected, is_new: bool) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.i32(0);
    writer.u32(connected.timeout_ms);
    writer.u64(connected.session.0);
    writer.data(&connected.password.0);
    if is_new {
        writer.u8(0);
    }
    frame(&writer.finish())
}

/// The answer to a request. `parts` are those of a `multi`, as [`kind::of_parts`] gives them.
pub fn reply(xid: i32, zxid: Zxid, result: &Result<Answer, ErrorCode>, parts: &[i32]) -> Vec<u8> {
    let mut writer = head(xid, zxid, result.as_ref().map_or_else(|error| error.code(), |_| 0));
    if let Ok(answer) = result {
        write_answer(&mut writer, answer, parts);
    }
    frame(&writer.finish())
}

/// An answer without anything in it, with an error's number, or 0.
pub fn bare_reply(xid: i32, zxid: Zxid, error: i32) -> Vec<u8> {
    frame(&head(xid, zxid, error).finish())
}

/// The answer to `getACL`: everybody may do everything with the node that has this stat.
pub fn open_acl(xid: i32, zxid: Zxid, stat: &Stat) -> Vec<u8> {
    let mut writer = head(xid, zxid, 0);
    acl::write_open(&mut writer);
    write_stat(&mut writer, stat);
    frame(&writer.finish())
}

/// A watch has fired.
pub fn event(event: &WatchedEvent) -> Vec<u8> {
    // No transaction is named. Source: `NIOServerCnxn.java`, `process`.
    let mut writer = head(NOTIFICATION, Zxid(u64::MAX), 0);
    writer.i32(match event.kind {
        EventKind::NodeCreated => 1,
        EventKind::NodeDeleted => 2,
        EventKind::NodeDataChanged => 3,
        EventKind::NodeChildrenChanged => 4,
    });
    writer.i32(SYNC_CONNECTED);
    writer.path(&event.path);
    frame(&writer.finish())
}

/// Source: `ReplyHeader` in `zookeeper.jute`.
fn head(xid: i32, zxid: Zxid, error: i32) -> Writer {
    let mut writer = Writer::default();
    writer.i32(xid);
    writer.u64(zxid.0);
    writer.i32(error);
    writer
}

fn write_answer(writer: &mut Writer, answer: &Answer, parts: &[i32]) {
    match answer {
        Answer::Done => {}
        Answer::Created { path, stat } => {
            writer.path(path);
            if let Some(stat) = stat {
                write_stat(writer, stat);
            }
        }
        Answer::Stat(stat) => write_stat(writer, stat),
        Answer::Data { data, stat } => {
            writer.data(data);
            write_stat(writer, stat);
        }
        Answer::Children { names, stat } => {
            write_texts(writer, names);
            if let Some(stat) = stat {
                write_stat(writer, stat);
            }
        }
        Answer::Synced { path } => writer.path(path),
        Answer::Multi(results) => {
            for (result, kind) in results.iter().zip(parts) {
                write_part(writer, result, *kind);
            }
            write_part_head(writer, kind::ERROR, true, -1);
        }
    }
}

/// Source: `MultiResponse.java`, `serialize`.
fn write_part(writer: &mut Writer, result: &Result<Answer, ErrorCode>, kind: i32) {
    match result {
        Ok(answer) => {
            write_part_head(writer, kind, false, 0);
            write_answer(writer, answer, &[]);
        }
        Err(error) => {
            write_part_head(writer, kind::ERROR, false, error.code());
            writer.i32(error.code());
        }
    }
}

fn write_part_head(writer: &mut Writer, kind: i32, is_done: bool, error: i32) {
    writer.i32(kind);
    writer.u8(u8::from(is_done));
    writer.i32(error);
}
