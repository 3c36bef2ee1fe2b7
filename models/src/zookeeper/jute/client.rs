//! The client's half: it writes requests, and reads answers. Each request is a whole frame.

use super::super::codec::{Reader, Writer};
use super::super::protocol::{
    Answer, Connect, Connected, ErrorCode, EventKind, Op, Password, SessionId, SetWatches,
    WatchedEvent, Zxid,
};
use super::frames::frame;
use super::records::{buffer, flag, stat, text, texts, write_texts};
use super::{acl, kind};

/// What a client says first.
pub fn connect(connect: &Connect) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.i32(0);
    writer.u64(connect.last_zxid_seen.0);
    writer.u32(connect.timeout_ms);
    writer.u64(connect.session.0);
    writer.data(&connect.password.0);
    writer.u8(0);
    frame(&writer.finish())
}

/// A request.
pub fn request(xid: i32, op: &Op) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.i32(xid);
    writer.i32(kind::of(op));
    write_op(&mut writer, op);
    frame(&writer.finish())
}

fn write_op(writer: &mut Writer, op: &Op) {
    match op {
        Op::Create { path, data, mode, .. } => {
            writer.path(path);
            writer.data(data);
            acl::write_open(writer);
            writer.i32(kind::flags(*mode));
        }
        Op::Delete { path, version } | Op::Check { path, version } => {
            writer.path(path);
            writer.i32(*version);
        }
        Op::Exists { path, watch }
        | Op::GetData { path, watch }
        | Op::GetChildren { path, watch, .. } => {
            writer.path(path);
            writer.u8(u8::from(*watch));
        }
        Op::SetData { path, data, version } => {
            writer.path(path);
            writer.data(data);
            writer.i32(*version);
        }
        Op::Sync { path } => writer.path(path),
        Op::Ping | Op::CloseSession => {}
        Op::SetWatches(SetWatches { relative_zxid, data, exist, child }) => {
            writer.u64(relative_zxid.0);
            [data, exist, child].into_iter().for_each(|paths| write_texts(writer, paths));
        }
        Op::Multi(parts) => {
            for part in parts {
                write_part_head(writer, kind::of(part), false);
                write_op(writer, part);
            }
            write_part_head(writer, -1, true);
        }
    }
}

fn write_part_head(writer: &mut Writer, kind: i32, is_done: bool) {
    writer.i32(kind);
    writer.u8(u8::from(is_done));
    writer.i32(-1);
}

/// What a client is answered first.
pub fn read_connected(frame: &[u8]) -> Option<Connected> {
    let mut reader = Reader::new(frame);
    let _protocol = reader.i32()?;
    let timeout_ms = u32::try_from(reader.i32()?).unwrap_or(0);
    let session = SessionId(reader.u64()?);
    let password = Password(buffer(&mut reader)?[..].try_into().ok()?);
    Some(Connected { timeout_ms, session, password })
}

/// Whom a frame answers: the client's number for a request, -1 for an event.
pub fn read_xid(frame: &[u8]) -> Option<i32> {
    Reader::new(frame).i32()
}

/// The answer to a request, and the last transaction that the server has carried out. What it says depends on
/// what was asked.
pub fn read_reply(frame: &[u8], asked: &Op) -> Option<(Zxid, Result<Answer, ErrorCode>)> {
    let mut reader = Reader::new(frame);
    let (_xid, zxid, error) = (reader.i32()?, Zxid(reader.u64()?), reader.i32()?);
    let is_multi = matches!(asked, Op::Multi(_));
    if error != 0 && !is_multi {
        return Some((zxid, Err(ErrorCode::from_code(error)?)));
    }
    Some((zxid, Ok(read_answer(&mut reader, asked)?)))
}

fn read_answer(reader: &mut Reader<'_>, asked: &Op) -> Option<Answer> {
    Some(match asked {
        Op::Create { with_stat, .. } => {
            let path = text(reader)?;
            Answer::Created { path, stat: if *with_stat { Some(stat(reader)?) } else { None } }
        }
        Op::Exists { .. } | Op::SetData { .. } => Answer::Stat(stat(reader)?),
        Op::GetData { .. } => Answer::Data { data: buffer(reader)?, stat: stat(reader)? },
        Op::GetChildren { with_stat, .. } => {
            let names = texts(reader)?;
            Answer::Children { names, stat: if *with_stat { Some(stat(reader)?) } else { None } }
        }
        Op::Sync { .. } => Answer::Synced { path: text(reader)? },
        Op::Multi(parts) => {
            let mut results = Vec::new();
            for part in parts {
                let (kind, _is_done, error) = (reader.i32()?, flag(reader)?, reader.i32()?);
                results.push(if kind == kind::ERROR {
                    let _again = reader.i32()?;
                    Err(ErrorCode::from_code(error)?)
                } else if kind == kind::CREATE {
                    // Also to what was asked for as a `create2`.
                    Ok(Answer::Created { path: text(reader)?, stat: None })
                } else {
                    Ok(read_answer(reader, part)?)
                });
            }
            Answer::Multi(results)
        }
        Op::Delete { .. } | Op::Check { .. } | Op::Ping | Op::SetWatches(_) | Op::CloseSession => {
            Answer::Done
        }
    })
}

/// An event.
pub fn read_event(frame: &[u8]) -> Option<WatchedEvent> {
    let mut reader = Reader::new(frame);
    let (_xid, _zxid, _error) = (reader.i32()?, reader.u64()?, reader.i32()?);
    let kind = match reader.i32()? {
        1 => EventKind::NodeCreated,
        2 => EventKind::NodeDeleted,
        3 => EventKind::NodeDataChanged,
        4 => EventKind::NodeChildrenChanged,
        _ => return None,
    };
    let _state = reader.i32()?;
    Some(WatchedEvent { kind, path: text(&mut reader)? })
}
