//! Plays steps against a side: the model, or real servers.

use std::collections::BTreeMap;

use bytes::Bytes;
use fencepost_models::zookeeper::jute::client;
use fencepost_models::zookeeper::protocol::{
    Connect, EventKind, Op, Password, SessionId, WatchedEvent, Zxid,
};

use crate::script::Request;
use crate::shown::Names;

/// What comes on a connection.
#[derive(Debug)]
pub enum Heard {
    Frame(Bytes),
    Closed,
    Nothing,
}

/// Servers that clients can connect to.
pub trait Side {
    fn open(&mut self, server: u16) -> usize;
    fn write(&mut self, line: usize, bytes: &[u8]);
    /// The next frame, if one comes in so many milliseconds.
    fn wait(&mut self, line: usize, limit_ms: u64) -> Heard;
    fn close(&mut self, line: usize);
    fn pass(&mut self, ms: u64);
    fn now_ms(&self) -> u64;
}

/// For how long an answer is waited for.
const LIMIT_MS: u64 = 3000;
/// After so long a silence nothing more comes.
const QUIET_MS: u64 = 100;
/// After so long a silence nobody is hanging up.
const END_MS: u64 = 20;
const USUAL_TIMEOUT_MS: u32 = 10_000;

#[derive(Clone, Default)]
struct Client {
    line: Option<usize>,
    session: SessionId,
    password: Password,
    timeout_ms: u32,
    sessions: u32,
    next_xid: i32,
    /// What it waits for, by number, in order.
    asked: Vec<(i32, Request)>,
}

/// One case as it goes on.
pub struct Play<'a> {
    side: &'a mut dyn Side,
    clients: BTreeMap<String, Client>,
    names: Names,
}

impl<'a> Play<'a> {
    /// Begins a case on an empty tree.
    pub fn begin(side: &'a mut dyn Side) -> Self {
        let names = Names { base: Zxid(0), began_ms: side.now_ms(), ..Names::default() };
        let mut play = Self { side, clients: BTreeMap::new(), names };
        play.names.base = play.sweep();
        play.names.sessions.clear();
        play.clients.clear();
        play.side.pass(30);
        play.names.began_ms = play.side.now_ms();
        play
    }

    /// Deletes all nodes; the last transaction.
    fn sweep(&mut self) -> Zxid {
        let janitor = "janitor";
        self.connect(janitor, &[]);
        self.ask_raw(janitor, &Op::Sync { path: "/".into() });
        self.sweep_below("/");
        let frame = self.ask_raw(janitor, &Op::CloseSession);
        let mut zxid = [0; 8];
        zxid.copy_from_slice(&frame[4..12]);
        Zxid(u64::from_be_bytes(zxid))
    }

    fn sweep_below(&mut self, path: &str) {
        let ask = Op::GetChildren { path: path.into(), watch: false, with_stat: false };
        let frame = self.ask_raw("janitor", &ask);
        let Some((_, Ok(fencepost_models::zookeeper::protocol::Answer::Children { names, .. }))) =
            client::read_reply(&frame, &ask)
        else {
            return;
        };
        let mut names: Vec<String> = names.iter().map(ToString::to_string).collect();
        names.sort();
        for name in names.iter().filter(|name| path != "/" || *name != "zookeeper") {
            let child = format!("{}/{name}", path.trim_end_matches('/'));
            self.sweep_below(&child);
            self.ask_raw("janitor", &Op::Delete { path: child.as_str().into(), version: -1 });
        }
    }

    fn ask_raw(&mut self, name: &str, op: &Op) -> Bytes {
        let client = self.clients.get_mut(name).expect("is connected");
        client.next_xid += 1;
        let (line, xid) = (client.line.expect("is connected"), client.next_xid);
        self.side.write(line, &client::request(xid, op));
        match self.side.wait(line, LIMIT_MS) {
            Heard::Frame(frame) => frame,
            other => panic!("{op:?} of {name}: {other:?}"),
        }
    }

    /// Carries out a step, and gives what was answered, a line each.
    pub fn step(&mut self, step: &str) -> Vec<String> {
        if let Some(ms) = step.strip_prefix("sleep ") {
            self.side.pass(ms.trim_end_matches("ms").parse().expect("milliseconds"));
            return Vec::new();
        }
        let (name, what) = step.split_once(' ').expect("a client and what it does");
        let words: Vec<&str> = what.split_whitespace().collect();
        match *words {
            ["connect", ref options @ ..] => {
                let closes = self.clients.get(name).is_some_and(|client| client.line.is_some());
                if closes {
                    // One that is closed already takes no request, and would race with its end.
                    self.hear(name, END_MS, None);
                    self.leave(name);
                }
                let old = self.clients.get(name).map_or(0, |client| client.sessions);
                self.clients.insert(name.to_owned(), Client { sessions: old, ..Client::default() });
                return self.connect(name, options);
            }
            ["reconnect", ref options @ ..] => return self.connect(name, options),
            ["takes", from, ref options @ ..] => {
                let other = self.clients.get(from).expect("is there").clone();
                let mine = Client { line: None, next_xid: 0, asked: Vec::new(), ..other };
                self.clients.insert(name.to_owned(), mine);
                return self.connect(name, options);
            }
            ["hangs", "up"] => {
                if let Some(line) = self.clients.get_mut(name).and_then(|it| it.line.take()) {
                    self.side.close(line);
                }
                return Vec::new();
            }
            ["hears"] => return self.hear(name, QUIET_MS, None),
            ["hears", "within", ms] => {
                let ms = ms.trim_end_matches("ms").parse().expect("milliseconds");
                return self.hear(name, ms, None);
            }
            _ => {}
        }
        if !self.clients.contains_key(name) {
            self.connect(name, &[]);
        }
        match what.strip_prefix("sends ") {
            Some(request) => {
                self.send(name, request);
                Vec::new()
            }
            None => match self.send(name, what) {
                Some(xid) => self.hear(name, LIMIT_MS, Some(xid)),
                None => vec!["closed".to_owned()],
            },
        }
    }

    fn send(&mut self, name: &str, request: &str) -> Option<i32> {
        let request = Request::parse(request, self.names.base);
        let client = self.clients.get_mut(name)?;
        let line = client.line?;
        client.next_xid += 1;
        let xid = request.xid(client.next_xid);
        self.side.write(line, &request.encode(xid));
        client.asked.push((xid, request));
        Some(xid)
    }

    /// What comes, up to the answer to `until`, or up to a silence.
    fn hear(&mut self, name: &str, limit_ms: u64, until: Option<i32>) -> Vec<String> {
        let mut lines = Vec::new();
        let client = self.clients.get_mut(name).expect("is there");
        while let Some(line) = client.line {
            match self.side.wait(line, limit_ms) {
                Heard::Nothing => {
                    if lines.is_empty() {
                        lines.push("nothing".to_owned());
                    }
                    break;
                }
                Heard::Closed => {
                    client.line = None;
                    lines.push("closed".to_owned());
                }
                Heard::Frame(frame) => {
                    let xid = client::read_xid(&frame).expect("has a number");
                    if xid == -1 {
                        let event = client::read_event(&frame).expect("is an event");
                        lines.push(shown_event(&event));
                        continue;
                    }
                    let place = client.asked.iter().position(|(of, _)| *of == xid);
                    let Some(place) = place else {
                        lines.push(format!("an answer to number {xid}"));
                        continue;
                    };
                    let (_, request) = client.asked.remove(place);
                    let text = self.names.reply(&frame, &request);
                    lines.extend(text.lines().map(str::to_owned));
                    // Pings share one number: the last of them is meant.
                    let is_last = client.asked.iter().all(|(of, _)| *of != xid);
                    if Some(xid) == until && is_last {
                        break;
                    }
                }
            }
        }
        lines
    }

    fn connect(&mut self, name: &str, options: &[&str]) -> Vec<String> {
        let client = self.clients.entry(name.to_owned()).or_default();
        let (mut server, mut seen, mut password) = (1, 0, client.password);
        let mut timeout_ms =
            if client.timeout_ms == 0 { USUAL_TIMEOUT_MS } else { client.timeout_ms };
        for option in options.chunks(2) {
            match *option {
                ["server", number] => server = number.parse().expect("a server"),
                ["timeout", ms] => timeout_ms = ms.parse().expect("milliseconds"),
                ["seen", ahead] => {
                    seen = self.names.base.0 + ahead.parse::<u64>().expect("a number")
                }
                ["password", _] => password = Password([7; 16]),
                ["session", _] => client.session = SessionId(0x0100_0000_1234_5678),
                _ => panic!("no option: {option:?}"),
            }
        }
        // Who comes back has left its connection, not closed it.
        let line = self.side.open(server);
        let session = client.session;
        let hello = Connect { last_zxid_seen: Zxid(seen), timeout_ms, session, password };
        self.side.write(line, &client::connect(&hello));
        client.line = Some(line);
        client.asked.clear();
        let heard = self.side.wait(line, LIMIT_MS);
        let Heard::Frame(frame) = heard else {
            client.line = None;
            return vec![format!("{heard:?}").to_lowercase()];
        };
        let connected = client::read_connected(&frame).expect("is an answer");
        if connected.session == SessionId::NONE {
            client.line = None;
            let then = match self.side.wait(line, LIMIT_MS) {
                Heard::Closed => "closed",
                _ => "left open",
            };
            return vec![format!("no session for {} ms, {then}", connected.timeout_ms)];
        }
        client.session = connected.session;
        client.password = connected.password;
        client.timeout_ms = connected.timeout_ms;
        if session == SessionId::NONE {
            client.sessions += 1;
            let count =
                if client.sessions > 1 { client.sessions.to_string() } else { String::new() };
            self.names.sessions.insert(connected.session, format!("{name}{count}"));
        }
        let given = if connected.password == connected.session.password() {
            ""
        } else {
            ", another password"
        };
        let session = self.names.sessions.get(&connected.session).map_or("unknown", String::as_str);
        vec![format!("session {session} for {} ms{given}", connected.timeout_ms)]
    }

    /// Ends a client's session, so that it does not expire in a later case.
    fn leave(&mut self, name: &str) {
        let Some(client) = self.clients.get(name) else { return };
        if client.line.is_none() && client.session != SessionId::NONE {
            self.connect(name, &[]);
        }
        if self.clients.get(name).is_some_and(|client| client.line.is_some()) {
            self.step(&format!("{name} close"));
        }
        if let Some(line) = self.clients.get_mut(name).and_then(|it| it.line.take()) {
            self.side.close(line);
        }
    }

    /// Ends the case: what clients have heard and no step has taken, and no session is left.
    pub fn end(mut self) -> Vec<(String, Vec<String>)> {
        let mut left = Vec::new();
        let names: Vec<String> = self.clients.keys().cloned().collect();
        for name in &names {
            let lines = self.hear(name, END_MS, None);
            if !lines.is_empty() && lines != ["nothing"] {
                left.push((format!("{name} hears"), lines));
            }
        }
        names.iter().for_each(|name| self.leave(name));
        left
    }
}

fn shown_event(event: &WatchedEvent) -> String {
    let kind = match event.kind {
        EventKind::NodeCreated => "created",
        EventKind::NodeDeleted => "deleted",
        EventKind::NodeDataChanged => "data-changed",
        EventKind::NodeChildrenChanged => "children-changed",
    };
    format!("event {kind} {}", event.path)
}
