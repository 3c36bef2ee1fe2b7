//! The two servers side by side.

use fencepost_models::redis::resp::{Reply, ReplyDecoder, encode_command};

use crate::model::Model;
use crate::process::sleep;
use crate::real::{Real, Received};

/// How many connections a story has. The last one is only for the probe that tells when the real
/// server has done what came before.
pub const CONNECTIONS: usize = 5;
const PROBE: usize = CONNECTIONS;

/// Both servers, with the same connections in the same order.
pub struct Both {
    real: Real,
    model: Model,
    story: String,
    log: Vec<String>,
    compared: usize,
    messages: usize,
    /// Where the two first went apart; nothing is sent any more then.
    difference: Option<String>,
}

impl Both {
    pub fn start() -> Self {
        let (mut real, mut model) = (Real::start(), Model::new());
        for at in 0..=PROBE {
            real.connect(at);
            model.connect(at);
        }
        let (story, log) = (String::new(), Vec::new());
        Self { real, model, story, log, compared: 0, messages: 0, difference: None }
    }

    /// Ends both servers, and goes on with others after something that needs the port.
    pub fn interrupted_by(self, something: impl FnOnce()) -> Self {
        let Self { real, compared, messages, .. } = self;
        drop(real);
        something();
        Self { compared, messages, ..Self::start() }
    }

    /// How many commands were compared.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// How many replies and messages they brought.
    pub fn messages(&self) -> usize {
        self.messages
    }

    /// Where the two first went apart.
    pub fn difference(&self) -> Option<&str> {
        self.difference.as_deref()
    }

    /// Begins anew: no keys, fresh connections.
    pub fn begin(&mut self, story: &str) {
        self.story = story.to_owned();
        self.log.clear();
        for at in 0..CONNECTIONS {
            self.step(&format!("{at} CLIENT REPLY ON"));
            self.step(&format!("{at} RESET"));
        }
        self.step("0 CONFIG SET notify-keyspace-events ''");
        self.step("0 FLUSHALL");
        self.step("0 SCRIPT FLUSH");
    }

    /// One line of a story: `2 SET k v` is a command of connection 2, `sleep 50` milliseconds.
    /// `$id2` and `$addr2` stand for what each server knows connection 2 by.
    pub fn step(&mut self, line: &str) {
        if line.is_empty() || self.difference.is_some() {
            return;
        }
        self.log.push(line.to_owned());
        if let Some(millis) = line.strip_prefix("sleep ") {
            let millis = millis.parse().expect("a number of milliseconds");
            sleep(millis);
            self.model.pass(millis);
            return self.compare("");
        }
        let (at, command) = line.split_once(' ').expect("a connection and a command");
        let at: usize = at.parse().expect("a connection's number");
        self.model.send(at, &words(command, |what, at| self.model.known(what, at)));
        self.model.pass_until_awake();
        let bytes = wire(&words(command, |what, at| self.real.known(what, at)));
        self.real.send(at, &bytes);
        self.compared += 1;
        self.compare(command);
    }

    /// What has been received must be the same.
    fn compare(&mut self, command: &str) {
        let expected = self.model.received();
        // Whatever brings a reply is done when the reply is there. The probe's is there when
        // everything that was sent before it is done, unless it has to wait as well.
        let holds = command.to_ascii_uppercase().contains("PAUSE");
        if expected[..PROBE].iter().all(Received::is_empty) && !holds && !self.model.is_paused() {
            self.real.send(PROBE, b"*1\r\n$4\r\nPING\r\n");
            let pong = self.real.receive(PROBE, 7);
            assert_eq!(pong.bytes, b"+PONG\r\n", "{}", self.story());
            self.model.send(PROBE, &["PING".to_owned()]);
            self.model.received();
        } else if self.model.is_paused() {
            sleep(3);
        }
        for (at, expected) in expected.iter().enumerate().take(PROBE) {
            let received = self.real.receive(at, expected.wanted());
            let same = received.bytes == expected.bytes
                || comparable(&received.bytes) == comparable(&expected.bytes);
            if !same || received.closed != expected.closed {
                self.difference = Some(format!(
                    "connection {at} received\n  {}\nand the model said\n  {}\n{}",
                    shown(&received),
                    shown(expected),
                    self.story()
                ));
                return;
            }
            self.messages += expected.messages;
            if expected.closed {
                self.real.connect(at);
                self.model.connect(at);
            }
        }
    }

    fn story(&self) -> String {
        let from = self.log.len().saturating_sub(60);
        format!("{}:\n{}", self.story, self.log[from..].join("\n"))
    }
}

/// The words of a command, each server's own names put in; `''` is the empty one.
fn words(command: &str, known: impl Fn(&str, usize) -> String) -> Vec<String> {
    let word = |word: &str| {
        let name = ["$id", "$addr"].into_iter().find(|name| word.starts_with(name));
        match name.and_then(|name| word[name.len()..].parse().ok().map(|at| (name, at))) {
            Some((name, at)) => known(&name[1..], at),
            None if word == "''" => String::new(),
            None => word.replace('_', " "),
        }
    };
    command.split(' ').map(word).collect()
}

fn wire(words: &[String]) -> Vec<u8> {
    let words: Vec<bytes::Bytes> = words.iter().cloned().map(bytes::Bytes::from).collect();
    let mut bytes = Vec::new();
    encode_command(&words, &mut bytes);
    bytes
}

/// What two servers can have in common: of the lists of clients and facts, what does not depend on
/// memory, on addresses, or on the moment.
fn comparable(bytes: &[u8]) -> Vec<u8> {
    let (mut decoder, mut kept) = (ReplyDecoder::default(), Vec::new());
    decoder.feed(bytes);
    while let Ok(Some(reply)) = decoder.next_reply() {
        without_own(reply).encode(&mut kept);
    }
    kept
}

fn without_own(reply: Reply) -> Reply {
    match reply {
        Reply::Bulk(text) if text.starts_with(b"id=") => {
            Reply::Bulk(clients(&String::from_utf8_lossy(&text)).into())
        }
        Reply::Bulk(text) if text.starts_with(b"# ") => {
            Reply::Bulk(facts(&String::from_utf8_lossy(&text)).into())
        }
        Reply::Array(replies) => Reply::Array(replies.into_iter().map(without_own).collect()),
        reply => reply,
    }
}

fn clients(text: &str) -> String {
    const OWN: [&str; 15] = [
        "addr",
        "laddr",
        "fd",
        "age",
        "idle",
        "qbuf",
        "qbuf-free",
        "argv-mem",
        "multi-mem",
        "rbs",
        "rbp",
        "obl",
        "oll",
        "omem",
        "tot-mem",
    ];
    let field = |field: &str| match field.split_once('=') {
        Some((name, _)) if OWN.contains(&name) => name.to_owned(),
        _ => field.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(field).collect::<Vec<String>>().join(" ");
    // A real server turns its list of clients round and round.
    let mut lines: Vec<String> = text.lines().map(line).collect();
    lines.sort();
    lines.join("\n")
}

fn facts(text: &str) -> String {
    const SAME: [&str; 14] = [
        "role",
        "db0",
        "db1",
        "db2",
        "db3",
        "db15",
        "redis_version",
        "hz",
        "connected_clients",
        "blocked_clients",
        "clients_in_timeout_table",
        "pubsub_channels",
        "pubsub_patterns",
        "pubsubshard_channels",
    ];
    let line = |line: &str| match line.split_once(':') {
        Some((name, _)) if !SAME.contains(&name) => name.to_owned(),
        // How long keys have left on average Redis finds out little by little.
        _ => line.split(",avg_ttl").next().unwrap_or_default().to_owned(),
    };
    text.split("\r\n").map(line).collect::<Vec<String>>().join("\n")
}

fn shown(received: &Received) -> String {
    let closed = if received.closed { " and was closed" } else { "" };
    format!("{}{closed}", received.bytes.escape_ascii())
}
