//! The numbers of requests. Source: `ZooDefs.java`, `OpCode`.

use super::super::protocol::{CreateMode, Op};

/// `create`
pub const CREATE: i32 = 1;
/// `delete`
pub const DELETE: i32 = 2;
/// `exists`
pub const EXISTS: i32 = 3;
/// `getData`
pub const GET_DATA: i32 = 4;
/// `setData`
pub const SET_DATA: i32 = 5;
/// `getACL`
pub const GET_ACL: i32 = 6;
/// `getChildren`
pub const GET_CHILDREN: i32 = 8;
/// `sync`
pub const SYNC: i32 = 9;
/// `ping`
pub const PING: i32 = 11;
/// `getChildren2`
pub const GET_CHILDREN2: i32 = 12;
/// `check`
pub const CHECK: i32 = 13;
/// `multi`
pub const MULTI: i32 = 14;
/// `create2`
pub const CREATE2: i32 = 15;
/// `reconfig`
pub(super) const RECONFIG: i32 = 16;
/// `createTTL`
pub(super) const CREATE_TTL: i32 = 21;
/// `createContainer`
pub const CREATE_CONTAINER: i32 = 19;
/// `auth`
pub const AUTH: i32 = 100;
/// `setWatches`
pub const SET_WATCHES: i32 = 101;
/// `setWatches2`
pub const SET_WATCHES2: i32 = 105;
/// `closeSession`
pub const CLOSE_SESSION: i32 = -11;
/// In a `multi`: that part has failed, or was not carried out.
pub const ERROR: i32 = -1;

/// The number of a request.
pub const fn of(op: &Op) -> i32 {
    match op {
        Op::Create { with_stat: false, .. } => CREATE,
        Op::Create { with_stat: true, .. } => CREATE2,
        Op::Delete { .. } => DELETE,
        Op::Exists { .. } => EXISTS,
        Op::GetData { .. } => GET_DATA,
        Op::SetData { .. } => SET_DATA,
        Op::GetChildren { with_stat: false, .. } => GET_CHILDREN,
        Op::GetChildren { with_stat: true, .. } => GET_CHILDREN2,
        Op::Check { .. } => CHECK,
        Op::Multi(_) => MULTI,
        Op::Sync { .. } => SYNC,
        Op::Ping => PING,
        Op::SetWatches(_) => SET_WATCHES,
        Op::CloseSession => CLOSE_SESSION,
    }
}

/// The numbers of the parts of a `multi`: without them its answer cannot be written.
pub fn of_parts(op: &Op) -> Vec<i32> {
    match op {
        Op::Multi(parts) => parts.iter().map(of).collect(),
        _ => Vec::new(),
    }
}

/// Source: `CreateMode.java`, `toFlag`.
pub(super) const fn flags(mode: CreateMode) -> i32 {
    mode.ephemeral as i32 | (mode.sequential as i32) << 1
}

/// The mode that flags stand for; a container is taken for a node that stays. Nothing for nodes with a time to
/// live, and for what is none.
pub(super) const fn mode(flags: i32) -> Option<CreateMode> {
    match flags {
        0 | 4 => Some(CreateMode::PERSISTENT),
        1 => Some(CreateMode::EPHEMERAL),
        2 => Some(CreateMode::PERSISTENT_SEQUENTIAL),
        3 => Some(CreateMode::EPHEMERAL_SEQUENTIAL),
        _ => None,
    }
}

/// Whether flags stand for nodes with a time to live.
pub(super) const fn has_ttl(flags: i32) -> bool {
    matches!(flags, 5 | 6)
}
