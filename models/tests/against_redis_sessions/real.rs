//! A real Redis, and connections to it.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::process::Process;

const PORT: u16 = 7463;
/// How long to wait for bytes that the model says must come.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What a connection has received.
#[derive(Default)]
pub struct Received {
    pub bytes: Vec<u8>,
    pub closed: bool,
    /// In how many replies and messages, as far as that is known.
    pub messages: usize,
}

impl Received {
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.closed
    }

    /// How many bytes to wait for; one more for the end.
    pub fn wanted(&self) -> usize {
        self.bytes.len() + usize::from(self.closed)
    }
}

/// The process, and its clients by their number.
pub struct Real {
    _process: Process,
    connections: Vec<TcpStream>,
    ids: Vec<String>,
}

impl Real {
    pub fn start() -> Self {
        let port = PORT.to_string();
        let arguments =
            ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes"];
        let process = Process::start(PORT, &arguments, |_| {});
        Self { _process: process, connections: Vec::new(), ids: Vec::new() }
    }

    /// Connects, in place of a connection that was closed.
    pub fn connect(&mut self, at: usize) {
        let address = SocketAddr::from(([127, 0, 0, 1], PORT));
        let stream = TcpStream::connect(address).expect("redis-server accepts");
        stream.set_nodelay(true).expect("a socket takes options");
        if at == self.connections.len() {
            self.connections.push(stream);
            self.ids.push(String::new());
        } else {
            self.connections[at] = stream;
        }
        self.send(at, b"*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n");
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n") {
            let more = self.receive(at, 1).bytes;
            assert!(!more.is_empty(), "no answer to CLIENT ID");
            bytes.extend(more);
        }
        self.ids[at] = String::from_utf8_lossy(&bytes[1..bytes.len() - 2]).into_owned();
    }

    pub fn known(&self, what: &str, at: usize) -> String {
        match what {
            "id" => self.ids[at].clone(),
            _ => self.connections[at].local_addr().expect("a socket has an address").to_string(),
        }
    }

    pub fn send(&mut self, at: usize, bytes: &[u8]) {
        self.connections[at].write_all(bytes).expect("redis-server reads");
    }

    /// What a connection has received: waits for so many bytes, and takes what is there besides.
    pub fn receive(&mut self, at: usize, wanted: usize) -> Received {
        let stream = &mut self.connections[at];
        let mut received = Received::default();
        let mut buffer = [0; 65_536];
        loop {
            let wait = received.bytes.len() < wanted && !received.closed;
            let patience = if wait { PATIENCE } else { Duration::from_nanos(1) };
            stream.set_nonblocking(!wait).expect("a socket takes options");
            stream.set_read_timeout(Some(patience)).expect("a socket takes options");
            let result = stream.read(&mut buffer);
            stream.set_nonblocking(false).expect("a socket takes options");
            match result {
                Ok(0) => {
                    received.closed = true;
                    return received;
                }
                Ok(bytes) => received.bytes.extend_from_slice(&buffer[..bytes]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                    received.closed = true;
                    return received;
                }
                Err(_) => return received,
            }
        }
    }
}
