//! A Redis with an append-only file, on a disk that does what the test says.

mod beside_redis;
mod flushing;
mod restart;

use std::collections::VecDeque;

use bytes::Bytes;

use super::AOF_FILE;
use crate::machine::{
    Boot, ConnectionId, Context, DiskOperation, DiskToken, Effect, Files, Input, InputId, Machine,
    NodeId, TimerId,
};
use crate::message::Message;
use crate::note::Note;
use crate::random::Random;
use crate::redis::resp::CommandDecoder;
use crate::redis::server::{AppendFsync, MaxmemoryPolicy, Persistence, RedisSettings, Server};
use crate::time::{LocalClock, Mono, Wall};

const START_MS: u64 = 1_795_597_700_000;
const CRON: TimerId = TimerId(0);
const LOADED: TimerId = TimerId(1);

fn words(line: &str) -> Vec<Bytes> {
    let mut decoder = CommandDecoder::default();
    decoder.feed(line.as_bytes());
    decoder.feed(b"\n");
    decoder.next_command().expect("is well formed").expect("is complete")
}

/// A server, its clocks and its disk.
struct Bench {
    server: Server,
    settings: RedisSettings,
    policy: AppendFsync,
    now_ms: u64,
    wall_ms: u64,
    file: Vec<u8>,
    /// What the disk is at.
    under_way: VecDeque<DiskToken>,
    inputs: u32,
    /// What has happened, a line each.
    story: Vec<String>,
}

impl Bench {
    fn new(policy: AppendFsync) -> Self {
        Self::with(policy, RedisSettings::default())
    }

    fn with(policy: AppendFsync, settings: RedisSettings) -> Self {
        Self {
            server: server(settings, policy, &[], START_MS),
            settings,
            policy,
            now_ms: 0,
            wall_ms: START_MS,
            file: Vec::new(),
            under_way: VecDeque::new(),
            inputs: 0,
            story: Vec::new(),
        }
    }

    /// The process ends and begins anew with the file as it is.
    fn restart(&mut self) {
        self.server = server(self.settings, self.policy, &self.file, self.wall_ms);
        self.under_way.clear();
        self.give(Input::Started);
    }

    fn pass(&mut self, millis: u64) {
        self.now_ms += millis;
        self.wall_ms += millis;
    }

    fn give(&mut self, input: Input<'_>) {
        let clock = LocalClock {
            wall: Wall::from_nanos(self.wall_ms * 1_000_000),
            mono: Mono::from_nanos(self.now_ms * 1_000_000),
        };
        let (mut outbox, mut next_connection) = (Vec::new(), 9);
        let mut context = Context::new(clock, &mut next_connection, &mut outbox);
        context.input = Some(InputId(self.inputs));
        self.inputs += 1;
        self.server.handle(input, &mut context);
        outbox.into_iter().for_each(|effect| self.carry_out(effect));
    }

    fn carry_out(&mut self, effect: Effect) {
        let line = match effect {
            Effect::Send { connection, message: Message::RedisReply(reply) } => {
                let mut bytes = Vec::new();
                reply.encode(&mut bytes);
                format!("to {}: {}", connection.0, bytes.trim_ascii_end().escape_ascii())
            }
            Effect::Close { connection } => format!("close {}", connection.0),
            Effect::Because(input) => format!("because of {}", input.0),
            Effect::Note(note) => format!("{}: {}", note.kind(), key_of(&note)),
            Effect::Disk { token, operation } => {
                self.under_way.push_back(token);
                match operation {
                    DiskOperation::Append { file, bytes } => {
                        assert_eq!(file, AOF_FILE);
                        self.file.extend_from_slice(&bytes);
                        format!("write {} bytes", bytes.len())
                    }
                    DiskOperation::Replace { file, bytes } => {
                        assert_eq!(file, AOF_FILE);
                        self.file = bytes.to_vec();
                        format!("replace by {} bytes", bytes.len())
                    }
                    DiskOperation::Sync { .. } => "sync".to_owned(),
                }
            }
            _ => return,
        };
        self.story.push(line);
    }

    /// A client's command; gives what happens.
    fn command(&mut self, client: u32, line: &str) -> Vec<String> {
        let message = Message::Redis(words(line).into());
        self.give(Input::Message { connection: ConnectionId(client), message: &message });
        self.story()
    }

    /// The disk is done with what it was asked for first.
    fn disk(&mut self) -> Vec<String> {
        let token = self.under_way.pop_front().expect("the disk has something to do");
        self.give(Input::DiskDone(token));
        self.story()
    }

    /// `serverCron` runs.
    fn tick(&mut self) -> Vec<String> {
        self.give(Input::Timer(CRON));
        self.story()
    }

    /// Carries out a command on a disk that is done at once; gives the reply.
    fn done(&mut self, line: &str) -> String {
        let mut story = self.command(1, line);
        while !self.under_way.is_empty() {
            story.extend(self.disk());
        }
        let reply = story.iter().find_map(|line| line.strip_prefix("to 1: "));
        reply.expect("a reply").to_owned()
    }

    fn story(&mut self) -> Vec<String> {
        std::mem::take(&mut self.story)
    }

    /// What the file holds, a command each.
    fn commands(&self) -> Vec<Vec<Bytes>> {
        let mut decoder = CommandDecoder::default();
        decoder.feed(&self.file);
        let next = || decoder.next_command().expect("is well formed");
        std::iter::from_fn(next).collect()
    }
}

fn server(settings: RedisSettings, policy: AppendFsync, file: &[u8], wall_ms: u64) -> Server {
    let files = Files::from([(AOF_FILE, Bytes::copy_from_slice(file))]);
    let boot = Boot {
        node: NodeId(0),
        incarnation: 0,
        random: Random::new(1, 1),
        files: if file.is_empty() { Files::new() } else { files },
        clock: LocalClock { wall: Wall::from_nanos(wall_ms * 1_000_000), ..LocalClock::default() },
    };
    let persistence = Persistence::Aof(policy);
    Server::new(boot, RedisSettings { persistence, ..settings })
}

fn key_of(note: &Note) -> String {
    match note {
        Note::KeySet { key, value, expires_at_ms } => {
            let until =
                expires_at_ms.map(|at_ms| format!(" until {}", at_ms.saturating_sub(START_MS)));
            format!("{key} = {value}{}", until.unwrap_or_default())
        }
        Note::KeyDeleted { key } | Note::KeyExpired { key } | Note::KeyEvicted { key } => {
            key.to_string()
        }
        _ => String::new(),
    }
}
