//! Commands on hashes. Source: `t_hash.c`.

mod random;
mod read;
mod write;

pub(super) use random::hrandfield;
pub(super) use read::{hexists, hget, hgetall, hkeys, hlen, hmget, hstrlen, hvals};
pub(super) use write::{hdel, hincrby, hincrbyfloat, hmset, hset, hsetnx};
