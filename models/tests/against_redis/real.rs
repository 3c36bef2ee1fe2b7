//! A real Redis, started for a test and stopped after it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use bytes::Bytes;
use fencepost_models::redis::resp::{Reply, ReplyDecoder, encode_command};
use fencepost_models::time::Wall;

use crate::process::Process;

/// The server, and a connection to it.
pub struct Real {
    _server: Process,
    port: u16,
    connection: Connection,
}

impl Real {
    /// Starts a server without persistence.
    pub fn start() -> Self {
        // The system chooses a port that is free.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("has an address").port();
        drop(listener);
        let server = Process::start(
            port,
            &[
                &["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""][..],
                // A reply without end shall end the connection, not the machine.
                &["--client-output-buffer-limit", "normal 64mb 0 0"],
            ]
            .concat(),
            |_| {},
        );
        let mut real = Self { _server: server, port, connection: Connection::open(port) };
        let info = real.info("server");
        assert!(info.contains("redis_version:7.0.15"), "another version: {info}");
        real
    }

    /// One more connection.
    pub fn connect(&self) -> Connection {
        Connection::open(self.port)
    }

    /// Sends a command and waits for its reply.
    pub fn call(&mut self, command: &[Bytes]) -> Reply {
        self.connection.send(command);
        self.connection.receive()
    }

    /// Sends a command; gives what time the server had just before, and the reply.
    pub fn call_at(&mut self, command: &[Bytes]) -> (Wall, Reply) {
        self.connection.send(&[Bytes::from_static(b"TIME")]);
        self.connection.send(command);
        let Reply::Array(parts) = self.connection.receive() else {
            panic!("no time");
        };
        let part = |place: usize| match &parts[place] {
            Reply::Bulk(text) => String::from_utf8_lossy(text).parse::<u64>().expect("a number"),
            _ => panic!("no time"),
        };
        let wall = Wall::from_nanos(part(0) * 1_000_000_000 + part(1) * 1000);
        (wall, self.connection.receive())
    }

    /// How many modifications the server has counted, how many keys that were read and were there,
    /// and how many that were not.
    pub fn counts(&mut self) -> [u64; 3] {
        let info = self.info("everything");
        ["rdb_changes_since_last_save:", "keyspace_hits:", "keyspace_misses:"].map(|name| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|number| number.parse().ok()).expect("is counted")
        })
    }

    /// Which database the connection has selected.
    pub fn database(&mut self) -> Bytes {
        let info = self.text(&["CLIENT", "INFO"]);
        let field = info.split(' ').find_map(|field| field.strip_prefix("db="));
        Bytes::from(field.expect("is shown").to_owned())
    }

    fn info(&mut self, section: &'static str) -> String {
        self.text(&["INFO", section])
    }

    fn text(&mut self, command: &[&'static str]) -> String {
        let command: Vec<Bytes> = command.iter().copied().map(Bytes::from).collect();
        match self.call(&command) {
            Reply::Bulk(text) => String::from_utf8_lossy(&text).into_owned(),
            reply => panic!("no text: {reply:?}"),
        }
    }
}

/// A connection to a real server.
pub struct Connection {
    stream: TcpStream,
    decoder: ReplyDecoder,
}

impl Connection {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("redis-server listens");
        stream.set_nodelay(true).expect("can be set");
        Self { stream, decoder: ReplyDecoder::default() }
    }

    /// Sends a command.
    pub fn send(&mut self, command: &[Bytes]) {
        let mut bytes = Vec::new();
        encode_command(command, &mut bytes);
        self.stream.write_all(&bytes).expect("is connected");
    }

    /// Waits for a reply.
    pub fn receive(&mut self) -> Reply {
        let mut buffer = [0; 4096];
        loop {
            if let Some(reply) = self.decoder.next_reply().expect("is well formed") {
                return reply;
            }
            let length = self.stream.read(&mut buffer).expect("is connected");
            assert!(length > 0, "the server has hung up");
            self.decoder.feed(&buffer[..length]);
        }
    }
}
