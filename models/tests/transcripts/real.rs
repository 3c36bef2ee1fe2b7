//! Real servers, and connections to them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use fencepost_models::redis::cluster::{ClusterSettings, NodeName};
use fencepost_models::redis::resp::encode_command;

use crate::play::{Side, node};
use crate::process::{Process, sleep};
use crate::servers::Servers;

/// A master's pings would lengthen the stream of writes at times that are not the same.
pub const PING_PERIOD_S: u32 = 3600;
pub const DOWN_AFTER: Duration = Duration::from_secs(5);
pub const NODE_TIMEOUT: Duration = Duration::from_secs(5);

pub struct Real {
    _processes: Vec<Process>,
    connections: Vec<Connection>,
}

struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
    closed: bool,
}

impl Real {
    pub fn start(servers: Servers) -> Self {
        let count = servers.names().len();
        let processes = (0..count).map(|at| start(servers, at)).collect();
        Self { _processes: processes, connections: Vec::new() }
    }
}

fn start(servers: Servers, at: usize) -> Process {
    let port = Servers::port(at).to_string();
    let master = Servers::port(0).to_string();
    let ping = PING_PERIOD_S.to_string();
    let timeout = NODE_TIMEOUT.as_millis().to_string();
    let mut arguments = vec!["--port", &port, "--bind", "127.0.0.1", "--save", ""];
    arguments.extend(["--enable-debug-command", "yes"]);
    arguments.extend(["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", &ping]);
    match (servers, at) {
        (Servers::Sentinel, 2) => arguments = vec!["sentinel.conf", "--sentinel"],
        (Servers::Replica | Servers::Sentinel, 1) => {
            arguments.extend(["--replicaof", "127.0.0.1", &master]);
        }
        (Servers::Cluster, _) => {
            arguments.extend(["--cluster-enabled", "yes", "--cluster-node-timeout", &timeout]);
        }
        _ => {}
    }
    if servers == Servers::Sentinel && at < 2 {
        arguments.insert(0, "redis.conf");
    }
    Process::start(Servers::port(at), &arguments, |folder| prepare(folder, servers, at))
}

/// What a server finds when it starts.
fn prepare(folder: &Path, servers: Servers, at: usize) {
    let write = |file: &str, text: String| {
        std::fs::write(folder.join(file), text).expect("a file can be written");
    };
    match (servers, at) {
        (Servers::Sentinel, 2) => {
            let (port, master) = (Servers::port(2), Servers::port(0));
            let down_after = DOWN_AFTER.as_millis();
            write(
                "sentinel.conf",
                format!(
                    "port {port}\nbind 127.0.0.1\n\
                     sentinel monitor mymaster 127.0.0.1 {master} 1\n\
                     sentinel down-after-milliseconds mymaster {down_after}\n"
                ),
            );
        }
        (Servers::Sentinel, _) => write("redis.conf", String::new()),
        (Servers::Cluster, _) => write("nodes.conf", nodes_conf(at)),
        _ => {}
    }
}

/// A node of a cluster knows the others by the names that they have in the model.
fn nodes_conf(at: usize) -> String {
    let known = ClusterSettings::of(&[node(0), node(1), node(2)], &[]).nodes;
    let mut text = String::new();
    for (other, known) in known.iter().enumerate() {
        let (name, port) = (NodeName::of(known.node), Servers::port(other));
        let (bus, epoch, slots) = (port + 10_000, known.config_epoch, &known.slots);
        let who = if other == at { "myself,master" } else { "master" };
        text.push_str(&format!(
            "{name} 127.0.0.1:{port}@{bus} {who} - 0 0 {epoch} connected {slots}\n"
        ));
    }
    text + "vars currentEpoch 3 lastVoteEpoch 0\n"
}

impl Connection {
    /// Takes what is there; waits so long for it when nothing is.
    fn read(&mut self, patience: Option<Duration>) {
        let mut buffer = [0; 65_536];
        let stream = &mut self.stream;
        stream.set_nonblocking(patience.is_none()).expect("a socket takes options");
        stream.set_read_timeout(patience).expect("a socket takes options");
        let read = stream.read(&mut buffer);
        stream.set_nonblocking(false).expect("a socket takes options");
        match read {
            Ok(0) => self.closed = true,
            Ok(length) => self.received.extend_from_slice(&buffer[..length]),
            Err(error) => self.closed |= error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

impl Side for Real {
    fn open(&mut self, server: usize) -> usize {
        let address = SocketAddr::from(([127, 0, 0, 1], Servers::port(server)));
        let stream = TcpStream::connect(address).expect("redis-server accepts");
        stream.set_nodelay(true).expect("a socket takes options");
        self.connections.push(Connection { stream, received: Vec::new(), closed: false });
        self.connections.len() - 1
    }

    fn send(&mut self, at: usize, words: &[Bytes]) {
        let mut bytes = Vec::new();
        encode_command(words, &mut bytes);
        // One that was closed says so when it is read.
        let _ = self.connections[at].stream.write_all(&bytes);
    }

    fn wait(&mut self, at: usize, at_most_ms: u64) {
        let connection = &mut self.connections[at];
        if connection.received.is_empty() && !connection.closed {
            connection.read(Some(Duration::from_millis(at_most_ms)));
        }
    }

    fn take(&mut self, at: usize) -> (Vec<u8>, bool) {
        let connection = &mut self.connections[at];
        let mut length = usize::MAX;
        while length != connection.received.len() && !connection.closed {
            length = connection.received.len();
            connection.read(None);
        }
        (std::mem::take(&mut connection.received), connection.closed)
    }

    fn sleep(&mut self, millis: u64) {
        sleep(millis);
    }
}
