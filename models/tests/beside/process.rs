//! A real Redis that runs for a test and ends with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The process, on a port of this machine's loopback, and a folder of its own.
pub struct Process {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Process {
    /// Starts a server; `arguments` are those of `redis-server`. Its folder is made before, for what
    /// `prepare` puts there. Waits until the server listens.
    ///
    /// Nobody connects for that: each connection is a client that the server numbers, so the kernel is asked.
    pub fn start(port: u16, arguments: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        assert!(!is_listened_on(port), "port {port} is taken: by another run of these tests?");
        let folder = std::env::temp_dir().join(format!("fencepost-redis-{port}"));
        // What a run has left that was killed.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        prepare(&folder);
        let child = Command::new("redis-server")
            .args(arguments)
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is on the path");
        let process = Self { child, folder, port };
        process.wait_until_it_listens();
        process
    }

    fn wait_until_it_listens(&self) {
        for _ in 0..500 {
            if is_listened_on(self.port) {
                return;
            }
            sleep(10);
        }
        panic!("redis-server does not listen on port {}", self.port);
    }
}

fn is_listened_on(port: u16) -> bool {
    let listening = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    listening.contains(&format!(":{port:04X} 00000000:0000 0A"))
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing is left to do where this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Lets so many real milliseconds pass.
#[expect(clippy::disallowed_methods, reason = "a real server lives in real time")]
pub fn sleep(millis: u64) {
    std::thread::sleep(Duration::from_millis(millis));
}
