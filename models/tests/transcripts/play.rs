//! A case is played the same way to the model and to real servers.

use std::collections::BTreeMap;

use bytes::Bytes;
use fencepost_models::locks;
use fencepost_models::machine::NodeId;
use fencepost_models::redis::cluster::NodeName;
use fencepost_models::redis::resp::CommandDecoder;

use crate::servers::Servers;
use crate::transcript::{Act, Case, Heard};

/// How long a reply may take.
const PATIENCE_MS: u64 = 5000;

/// Servers that have just been started, and connections to them.
pub trait Side {
    /// Connects to a server; connections are numbered from 0 on.
    fn open(&mut self, server: usize) -> usize;

    /// Sends a command.
    fn send(&mut self, at: usize, words: &[Bytes]);

    /// Waits until something was received or the connection is closed; at most so long.
    fn wait(&mut self, at: usize, at_most_ms: u64);

    /// What has been received, and whether the connection was closed.
    fn take(&mut self, at: usize) -> (Vec<u8>, bool);

    /// Time passes.
    fn sleep(&mut self, millis: u64);
}

/// A case on its way.
struct Player<'a> {
    side: &'a mut dyn Side,
    servers: Servers,
    /// A connection to each server that finds out when the server has done what came before.
    probes: Vec<usize>,
    connections: BTreeMap<String, usize>,
    /// What servers know connections by, where a case asks for it.
    known: BTreeMap<String, String>,
}

/// Waits until the servers have found each other, then plays a case; gives what was heard at each step.
///
/// # Errors
///
/// What in it cannot be played.
pub fn play(case: &Case, servers: Servers, side: &mut dyn Side) -> Result<Vec<Vec<Heard>>, String> {
    let probes = (0..servers.names().len()).map(|server| side.open(server)).collect();
    let (connections, known) = (BTreeMap::new(), BTreeMap::new());
    let mut player = Player { side, servers, probes, connections, known };
    player.wait_until_ready()?;
    let mut all = Vec::new();
    for step in &case.steps {
        let heard = match &step.act {
            Act::Comment(_) => Vec::new(),
            Act::Sleep(millis) => {
                player.side.sleep(*millis);
                player.hear("")
            }
            Act::Command { connection, waits, text } => {
                player.command(case, connection, *waits, text)?
            }
        };
        all.push(heard);
    }
    Ok(all)
}

impl Player<'_> {
    fn wait_until_ready(&mut self) -> Result<(), String> {
        for (server, question, wanted) in self.servers.ready() {
            let mut is_ready = || {
                let answer = self.ask(self.probes[*server], &words(question)?);
                if answer.contains(wanted) {
                    return Ok(true);
                }
                self.side.sleep(50);
                Ok::<bool, String>(false)
            };
            if !(0..600).map(|_| is_ready()).any(|ready| ready == Ok(true)) {
                return Err(format!("never says {wanted} to {question}"));
            }
        }
        Ok(())
    }

    fn command(
        &mut self,
        case: &Case,
        connection: &str,
        waits: bool,
        text: &str,
    ) -> Result<Vec<Heard>, String> {
        let mut command = words(text)?;
        let at = self.connection(case, connection)?;
        for word in &mut command {
            if let Some(value) = self.meant(case, word)? {
                *word = value;
            }
        }
        self.side.send(at, &command);
        if waits {
            self.side.wait(at, PATIENCE_MS);
        }
        Ok(self.hear(connection))
    }

    /// The connection of a name. Where the case speaks of how the server knows it, that is found out first.
    fn connection(&mut self, case: &Case, name: &str) -> Result<usize, String> {
        if let Some(at) = self.connections.get(name) {
            return Ok(*at);
        }
        let server = self.servers.of(name).ok_or_else(|| format!("no such server: {name}"))?;
        let at = self.side.open(server);
        self.connections.insert(name.to_owned(), at);
        let speaks_of = |step: &crate::transcript::Step| match &step.act {
            Act::Command { text, .. } => text
                .split(' ')
                .any(|word| word.starts_with('$') && word.ends_with(&format!(":{name}"))),
            _ => false,
        };
        if case.steps.iter().any(speaks_of) {
            let info = self.ask(at, &words("CLIENT INFO")?);
            for field in info.split([' ', '\n']).filter_map(|field| field.split_once('=')) {
                self.known.insert(format!("{}:{name}", field.0), field.1.to_owned());
            }
        }
        Ok(at)
    }

    /// What a word stands for that does not stand for itself: `$script:redlock-release`.
    fn meant(&mut self, case: &Case, word: &[u8]) -> Result<Option<Bytes>, String> {
        let text = std::str::from_utf8(word).unwrap_or_default();
        let Some((kind, name)) = text.strip_prefix('$').and_then(|text| text.split_once(':'))
        else {
            return Ok(None);
        };
        let server = |name| self.servers.names().iter().position(|server| *server == name);
        let value = match kind {
            "script" => script(name).map(str::to_owned),
            "sha" => script(name).map(|text| sha1_smol::Sha1::from(text).digest().to_string()),
            "port" => server(name).map(|at| Servers::port(at).to_string()),
            "node" => server(name).map(|at| NodeName::of(node(at)).to_string()),
            "id" | "addr" => {
                self.connection(case, name)?;
                self.known.get(&format!("{kind}:{name}")).cloned()
            }
            _ => None,
        };
        value
            .map(|value| Some(Bytes::from(value)))
            .ok_or_else(|| format!("stands for nothing: {text}"))
    }

    /// What all connections have received once every server has done what it was asked for; first on the
    /// one that has just sent something.
    fn hear(&mut self, first: &str) -> Vec<Heard> {
        // What goes from one server to another takes its time, though nobody waits for it.
        if self.probes.len() > 1 {
            self.side.sleep(20);
        }
        // What is done in the same turn of a server's loop as the first probe is sent before the second.
        for _ in 0..2 {
            for probe in self.probes.clone() {
                self.ask(probe, &[Bytes::from_static(b"PING")]);
            }
        }
        let mut heard = Vec::new();
        for (name, at) in &self.connections {
            let (bytes, closed) = self.side.take(*at);
            if !bytes.is_empty() || closed {
                heard.push(Heard { connection: name.clone(), bytes, closed });
            }
        }
        heard.sort_by_key(|heard| heard.connection != first);
        // One that was closed is another one from now on.
        self.connections
            .retain(|name, _| !heard.iter().any(|heard| heard.closed && heard.connection == *name));
        heard
    }

    fn ask(&mut self, at: usize, words: &[Bytes]) -> String {
        self.side.send(at, words);
        self.side.wait(at, 2 * PATIENCE_MS);
        let (bytes, _) = self.side.take(at);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// The node of the model that a server is.
pub fn node(server: usize) -> NodeId {
    NodeId(server as u16 + 1)
}

fn script(name: &str) -> Option<&'static str> {
    locks::scripts().find(|script| script.0 == name).map(|script| script.1)
}

/// A line as `redis-cli` takes it apart.
fn words(line: &str) -> Result<Vec<Bytes>, String> {
    let mut decoder = CommandDecoder::default();
    decoder.feed(line.as_bytes());
    decoder.feed(b"\n");
    match decoder.next_command() {
        Ok(Some(words)) => Ok(words),
        other => Err(format!("no command: {line} ({other:?})")),
    }
}
