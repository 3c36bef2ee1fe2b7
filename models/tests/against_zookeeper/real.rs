//! Real servers of ZooKeeper 3.8.0 on 127.0.0.1, in a folder of their own, stopped when dropped.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fencepost_models::zookeeper::jute::Frames;

use crate::play::{Heard, Side};

/// Jars whose names begin so are needed.
const NEEDED: [&str; 9] = [
    "zookeeper",
    "netty",
    "slf4j-api",
    "slf4j-simple",
    "jackson",
    "metrics",
    "snappy",
    "commons-cli",
    "audience",
];

struct Line {
    stream: TcpStream,
    frames: Frames,
}

/// The servers, and connections to them.
pub struct Real {
    folder: PathBuf,
    processes: Vec<Child>,
    ports: Vec<u16>,
    lines: Vec<Line>,
}

impl Real {
    /// Starts servers; of three, the third leads, as in the model.
    pub fn of(servers: u16, tick_ms: u64) -> Self {
        for _ in 0..10 {
            let real = Self::start(servers, tick_ms);
            if servers == 1 || real.says(servers - 1, "Mode: leader") {
                return real;
            }
        }
        panic!("the last server never leads")
    }

    fn start(servers: u16, tick_ms: u64) -> Self {
        // The system chooses ports that are free.
        let listeners: Vec<TcpListener> = (0..3 * servers)
            .map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free"))
            .collect();
        let ports: Vec<u16> =
            listeners.iter().map(|one| one.local_addr().expect("has an address").port()).collect();
        drop(listeners);
        let folder = std::env::temp_dir().join(format!("fencepost-zookeeper-{}", ports[0]));
        let peers: String = (0..servers)
            .filter(|_| servers > 1)
            .map(|one| {
                let place = usize::from(3 * one);
                format!("server.{}=127.0.0.1:{}:{}\n", one + 1, ports[place + 1], ports[place + 2])
            })
            .collect();
        let mut real = Self {
            folder: folder.clone(),
            processes: Vec::new(),
            ports: (0..servers).map(|one| ports[usize::from(3 * one)]).collect(),
            lines: Vec::new(),
        };
        for server in 1..=servers {
            let data = folder.join(server.to_string());
            std::fs::create_dir_all(&data).expect("can be made");
            std::fs::write(data.join("myid"), server.to_string()).expect("can be written");
            let config = format!(
                "tickTime={tick_ms}\ninitLimit=10\nsyncLimit=5\ndataDir={}\nclientPort={}\n\
                 clientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n\
                 4lw.commands.whitelist=srvr\n{peers}",
                data.display(),
                real.ports[usize::from(server) - 1],
            );
            let file = folder.join(format!("{server}.cfg"));
            std::fs::write(&file, config).expect("can be written");
            let process = Command::new("java")
                .args(["-Xmx128m", "-cp", &class_path()])
                .arg("org.apache.zookeeper.server.quorum.QuorumPeerMain")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("java is installed");
            real.processes.push(process);
        }
        for server in 0..servers {
            let serves = (0..300).any(|_| {
                sleep(100);
                real.says(server, "Zookeeper version: 3.8.0") && real.says(server, "Mode: ")
            });
            assert!(serves, "server {} does not serve", server + 1);
        }
        real
    }

    /// Whether a server's `srvr` has this in it.
    fn says(&self, server: u16, what: &str) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.ports[usize::from(server)]))
        else {
            return false;
        };
        let mut text = String::new();
        // Somebody else may listen there, who never says anything.
        stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok()
            && stream.write_all(b"srvr").is_ok()
            && stream.read_to_string(&mut text).is_ok()
            && text.contains(what)
    }
}

fn class_path() -> String {
    let folder = std::env::var("ZOOKEEPER_JARS").unwrap_or_else(|_| "/usr/share/java".to_owned());
    let names = std::fs::read_dir(folder).expect("the jars are there");
    let mut jars: Vec<String> = names
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            name.is_some_and(|name| {
                name.ends_with(".jar") && NEEDED.iter().any(|needed| name.starts_with(needed))
            })
        })
        .map(|path| path.display().to_string())
        .collect();
    jars.sort();
    jars.join(":")
}

#[expect(clippy::disallowed_methods, reason = "real servers take real time")]
fn sleep(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

impl Drop for Real {
    fn drop(&mut self) {
        // Nothing is left to do where this fails.
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Side for Real {
    fn open(&mut self, server: u16) -> usize {
        let port = self.ports[usize::from(server) - 1];
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
        stream.set_nodelay(true).expect("can be set");
        self.lines.push(Line { stream, frames: Frames::default() });
        self.lines.len() - 1
    }

    fn write(&mut self, line: usize, bytes: &[u8]) {
        // Whoever has hung up is noticed when its answer is waited for.
        let _ = self.lines[line].stream.write_all(bytes);
    }

    fn wait(&mut self, line: usize, limit_ms: u64) -> Heard {
        let Line { stream, frames } = &mut self.lines[line];
        let mut buffer = [0; 65_536];
        loop {
            if let Some(frame) = frames.next_frame().expect("is well formed") {
                return Heard::Frame(frame);
            }
            stream.set_read_timeout(Some(Duration::from_millis(limit_ms))).expect("can be set");
            match stream.read(&mut buffer) {
                Ok(0) => return Heard::Closed,
                Ok(length) => frames.feed(&buffer[..length]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Heard::Nothing;
                }
                Err(_) => return Heard::Closed,
            }
        }
    }

    fn close(&mut self, line: usize) {
        let _ = self.lines[line].stream.shutdown(std::net::Shutdown::Both);
    }

    fn pass(&mut self, ms: u64) {
        sleep(ms);
    }

    #[expect(clippy::disallowed_methods, reason = "the real server's clock is the host's")]
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("is after 1970");
        u64::try_from(since.as_millis()).expect("fits")
    }
}
