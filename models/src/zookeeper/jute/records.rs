//! The parts that requests and answers are made of. Source: `zookeeper.jute`.

use bytes::Bytes;

use super::super::codec::{Reader, Writer};
use super::super::protocol::{Path, SessionId, Stat, Zxid};

/// A length that stands for nothing at all. Source: `BinaryOutputArchive.java`, `writeString`, `writeBuffer`.
const NULL: u32 = u32::MAX;

pub(super) fn flag(reader: &mut Reader<'_>) -> Option<bool> {
    reader.u8().map(|byte| byte != 0)
}

/// A text; what is no UTF-8 becomes what Java makes of it.
pub(super) fn text(reader: &mut Reader<'_>) -> Option<Path> {
    let bytes = reader.data()?;
    Some(Path::from(String::from_utf8_lossy(&bytes)))
}

/// Data; none at all counts as none.
pub(super) fn buffer(reader: &mut Reader<'_>) -> Option<Bytes> {
    nullable(reader).map(Option::unwrap_or_default)
}

/// Data or a text, or none at all.
pub(super) fn nullable(reader: &mut Reader<'_>) -> Option<Option<Bytes>> {
    match reader.u32()? {
        NULL => Some(None),
        length => reader.bytes(usize::try_from(length).ok()?).map(Some),
    }
}

/// Several texts. No room is made for what is only announced.
pub(super) fn texts(reader: &mut Reader<'_>) -> Option<Vec<Path>> {
    let mut all = Vec::new();
    for _ in 0..announced(reader)? {
        all.push(text(reader)?);
    }
    Some(all)
}

/// How many come; none where there is no list.
pub(super) fn announced(reader: &mut Reader<'_>) -> Option<u32> {
    reader.u32().map(|count| if count == NULL { 0 } else { count })
}

pub(super) fn write_texts(writer: &mut Writer, texts: &[Path]) {
    writer.count(texts.len());
    texts.iter().for_each(|text| writer.path(text));
}

pub(super) fn write_stat(writer: &mut Writer, stat: &Stat) {
    writer.u64(stat.czxid.0);
    writer.u64(stat.mzxid.0);
    writer.u64(stat.ctime_ms);
    writer.u64(stat.mtime_ms);
    writer.i32(stat.version);
    writer.i32(stat.cversion);
    // How often its ACL has changed: never.
    writer.i32(0);
    writer.u64(stat.ephemeral_owner.0);
    writer.u32(stat.data_length);
    writer.u32(stat.num_children);
    writer.u64(stat.pzxid.0);
}

pub(super) fn stat(reader: &mut Reader<'_>) -> Option<Stat> {
    let (czxid, mzxid) = (Zxid(reader.u64()?), Zxid(reader.u64()?));
    let (ctime_ms, mtime_ms) = (reader.u64()?, reader.u64()?);
    let (version, cversion, _) = (reader.i32()?, reader.i32()?, reader.i32()?);
    let ephemeral_owner = SessionId(reader.u64()?);
    let (data_length, num_children) = (reader.u32()?, reader.u32()?);
    let pzxid = Zxid(reader.u64()?);
    Some(Stat {
        czxid,
        mzxid,
        pzxid,
        ctime_ms,
        mtime_ms,
        version,
        cversion,
        ephemeral_owner,
        data_length,
        num_children,
    })
}
