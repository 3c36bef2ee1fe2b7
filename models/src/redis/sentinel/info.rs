//! What `INFO` says, as far as a Sentinel reads it.

use super::instance::Role;
use crate::machine::NodeId;
use crate::redis::address;

/// The fields of an `INFO`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) run_id: Option<String>,
    pub(super) role: Option<Role>,
    /// The replicas that a master names.
    pub(super) replicas: Vec<NodeId>,
    /// Whom a replica follows.
    pub(super) master: Option<NodeId>,
    pub(super) is_link_up: bool,
    /// For how long its link has been down; 0 where it is up, less where it never was.
    pub(super) link_down_ms: i64,
    pub(super) priority: Option<u32>,
    pub(super) offset: Option<i64>,
}

impl Info {
    /// Reads it line by line. Source: `sentinelRefreshInstanceInfo`.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut info = Self::default();
        let mut master_host = &b""[..];
        for line in text.split(|byte| *byte == b'\n') {
            // Most of the two hundred lines are about nothing that matters here.
            if !matches!(line.first(), Some(b'r' | b'm' | b's')) {
                continue;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            match name {
                b"run_id" => info.run_id = text_of(value).map(str::to_owned),
                b"role" if value == b"master" => info.role = Some(Role::Master),
                b"role" if value == b"slave" => info.role = Some(Role::Replica),
                b"master_host" => master_host = value,
                b"master_port" => info.master = address::node(master_host, value),
                b"master_link_status" => info.is_link_up = value == b"up",
                b"master_link_down_since_seconds" => {
                    info.link_down_ms = parse::<i64>(value).unwrap_or(0).saturating_mul(1000);
                }
                b"slave_priority" => info.priority = parse(value),
                b"slave_repl_offset" => info.offset = parse(value),
                name if is_replica_line(name) => info.replicas.extend(replica(value)),
                _ => {}
            }
        }
        info
    }
}

fn text_of(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn parse<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    text_of(value)?.parse().ok()
}

/// `slave0`, and not `slave_priority`.
fn is_replica_line(name: &[u8]) -> bool {
    let number = name.strip_prefix(b"slave").unwrap_or_default();
    !number.is_empty() && number.iter().all(u8::is_ascii_digit)
}

/// The node of `ip=10.0.0.2,port=6379,state=online,offset=14,lag=0`.
fn replica(value: &[u8]) -> Option<NodeId> {
    let mut parts = value.split(|byte| *byte == b',');
    let ip = parts.find_map(|part| part.strip_prefix(b"ip="))?;
    address::node(ip, parts.find_map(|part| part.strip_prefix(b"port="))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_master_and_what_a_replica_say_is_read() {
        let master = "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n\
                      slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0\r\n";
        let info = Info::parse(master.as_bytes());
        assert_eq!((info.role, &info.replicas[..]), (Some(Role::Master), &[NodeId(2)][..]));

        let replica = "run_id:abc\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nmaster_link_status:down\r\n\
                       slave_repl_offset:77\r\nmaster_link_down_since_seconds:5\r\n\
                       slave_priority:0\r\n";
        let expected = Info {
            run_id: Some("abc".to_owned()),
            role: Some(Role::Replica),
            master: Some(NodeId(1)),
            link_down_ms: 5000,
            priority: Some(0),
            offset: Some(77),
            ..Info::default()
        };
        assert_eq!(Info::parse(replica.as_bytes()), expected);
    }
}
