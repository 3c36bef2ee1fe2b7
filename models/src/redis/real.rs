//! A real Redis that runs beside a test, and the real time that it lives in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::redis::resp::{Reply, ReplyDecoder, encode_command};

/// A server on a port of its own, and a connection to it. It ends with the test.
pub(crate) struct Redis {
    process: Child,
    folder: PathBuf,
    port: u16,
    connection: TcpStream,
    decoder: ReplyDecoder,
}

impl Redis {
    /// Starts a server without snapshots, with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        // The system chooses a port that is free.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("has an address").port();
        drop(listener);
        let folder = std::env::temp_dir().join(format!("fencepost-beside-{port}"));
        std::fs::create_dir_all(&folder).expect("can be made");
        let mut process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
            .args(arguments)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let connect = |_| {
            sleep(20);
            TcpStream::connect(("127.0.0.1", port)).ok()
        };
        let Some(connection) = (0..100).find_map(connect) else {
            process.kill().expect("is there");
            panic!("redis-server does not answer");
        };
        Self { process, folder, port, connection, decoder: ReplyDecoder::default() }
    }

    /// Where it keeps its files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it listens.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Sends a command and waits for its reply.
    pub(crate) fn call(&mut self, command: &[Bytes]) -> Reply {
        let mut bytes = Vec::new();
        encode_command(command, &mut bytes);
        self.connection.write_all(&bytes).expect("is open");
        let mut chunk = [0; 4096];
        loop {
            if let Some(reply) = self.decoder.next_reply().expect("is well formed") {
                return reply;
            }
            let length = self.connection.read(&mut chunk).expect("is open");
            self.decoder.feed(&chunk[..length]);
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[expect(clippy::disallowed_methods, reason = "a real server lives in real time")]
pub(crate) fn sleep(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}

#[expect(clippy::disallowed_methods, reason = "a real server lives in real time")]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("is later");
    since.as_millis() as u64
}
