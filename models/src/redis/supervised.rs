//! A Redis whose supervisor waits before it starts it again: the delayed restart that RedLock asks for.
//!
//! The first start is at once. After a crash or a power loss the host is up again, and so is the supervisor,
//! but no Redis yet: who connects is hung up on. When the delay is over, Redis starts with the files that it
//! left. Whatever it may have forgotten has expired by then, if the delay is longer than any lock's time to
//! live, so a restart hands no lock to a second holder.
//!
//! Source: redis.io, "Distributed Locks with Redis", "Performance, Crash Recovery and fsync": a node that
//! has crashed stays away for a bit more than the longest time to live. How is left to whoever runs it; the
//! usual way is systemd's `RestartSec=`, which is what this does.

use std::time::Duration;

use super::server::{RedisSettings, Server};
use crate::machine::{Boot, Context, Input, Machine, TimerId};
use crate::note::Note;

/// A supervisor and the Redis that it starts, as one machine.
#[derive(Debug)]
pub struct Supervised {
    settings: RedisSettings,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// There is no Redis before the delay is over.
    Waiting {
        boot: Option<Boot>,
        delay: Duration,
    },
    Running(Box<Server>),
}

impl Supervised {
    /// The delay is over. No timer of Redis's own has that number.
    const START: TimerId = TimerId(u32::MAX);

    /// A supervisor that starts Redis at once the first time, and after `delay` on the host's monotonic
    /// clock from then on.
    pub fn new(boot: Boot, settings: RedisSettings, delay: Duration) -> Self {
        let stage = if boot.incarnation == 0 || delay.is_zero() {
            Stage::Running(Box::new(Server::new(boot, settings)))
        } else {
            Stage::Waiting { boot: Some(boot), delay }
        };
        Self { settings, stage }
    }

    /// Starts Redis. What it is given is what the supervisor was given, but for the time.
    fn start(&mut self, context: &mut Context<'_>) {
        let Stage::Waiting { boot, .. } = &mut self.stage else { return };
        let Some(boot) = boot.take() else { return };
        let mut server = Server::new(Boot { clock: context.clock, ..boot }, self.settings);
        context.note(Note::Remark { text: "starts Redis".to_owned() });
        server.handle(Input::Started, context);
        self.stage = Stage::Running(Box::new(server));
    }
}

impl Machine for Supervised {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        match (&mut self.stage, input) {
            (Stage::Running(server), input) => server.handle(input, context),
            (Stage::Waiting { delay, .. }, Input::Started) => {
                context.set_timer(Self::START, *delay);
                let text = format!("waits for {} ms before it starts Redis", delay.as_millis());
                context.note(Note::Remark { text });
            }
            (Stage::Waiting { .. }, Input::Accepted { connection, .. }) => {
                context.close(connection);
            }
            (Stage::Waiting { .. }, Input::Timer(Self::START)) => self.start(context),
            (Stage::Waiting { .. }, _) => {}
        }
    }

    fn takes_sockets_first(&self) -> bool {
        match &self.stage {
            Stage::Waiting { .. } => false,
            Stage::Running(server) => server.takes_sockets_first(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::machine::{ConnectionId, Effect, Files, NodeId};
    use crate::message::Message;
    use crate::random::Random;
    use crate::redis::persistence::AOF_FILE;
    use crate::redis::resp::{Reply, encode_command};
    use crate::redis::server::{AppendFsync, Persistence};
    use crate::time::{LocalClock, Mono, Wall};

    const DELAY: Duration = Duration::from_secs(12);
    const CLIENT: ConnectionId = ConnectionId(3);

    fn clock(at_ms: u64) -> LocalClock {
        let wall = Wall::from_nanos((1_000_000 + at_ms) * 1_000_000);
        LocalClock { wall, mono: Mono::from_nanos(at_ms * 1_000_000) }
    }

    fn supervised(incarnation: u32) -> Supervised {
        let mut file = Vec::new();
        for line in ["SELECT 0", "SET lock mine PXAT 1010000", "SET kept yes"] {
            let words: Vec<Bytes> = line.split(' ').map(word).collect();
            encode_command(&words, &mut file);
        }
        let files = Files::from([(AOF_FILE, Bytes::from(file))]);
        let (node, random) = (NodeId(1), Random::new(1, 1));
        let boot = Boot { node, incarnation, random, files, clock: clock(0) };
        let persistence = Persistence::Aof(AppendFsync::EverySecond);
        let settings = RedisSettings { persistence, ..RedisSettings::default() };
        Supervised::new(boot, settings, DELAY)
    }

    fn word(word: &str) -> Bytes {
        Bytes::copy_from_slice(word.as_bytes())
    }

    fn give(machine: &mut Supervised, at_ms: u64, input: Input<'_>) -> Vec<Effect> {
        let (mut outbox, mut next_connection) = (Vec::new(), 9);
        let mut context = Context::new(clock(at_ms), &mut next_connection, &mut outbox);
        machine.handle(input, &mut context);
        outbox
    }

    fn accept(machine: &mut Supervised, at_ms: u64) -> Vec<Effect> {
        give(machine, at_ms, Input::Accepted { connection: CLIENT, peer: NodeId(2) })
    }

    fn get(machine: &mut Supervised, at_ms: u64, key: &str) -> Option<Reply> {
        let words = ["GET", key].map(word);
        let message = &Message::Redis(words.into());
        let effects = give(machine, at_ms, Input::Message { connection: CLIENT, message });
        effects.into_iter().find_map(|effect| match effect {
            Effect::Send { message: Message::RedisReply(reply), .. } => Some(reply),
            _ => None,
        })
    }

    /// The timers that were set, and to when.
    fn timers(effects: &[Effect]) -> Vec<(TimerId, u64)> {
        let timer = |effect: &Effect| match effect {
            Effect::SetTimer { timer, at } => Some((*timer, at.as_millis())),
            _ => None,
        };
        effects.iter().filter_map(timer).collect()
    }

    #[test]
    fn the_first_start_is_at_once() {
        let mut machine = supervised(0);
        for (timer, at_ms) in timers(&give(&mut machine, 0, Input::Started)) {
            give(&mut machine, at_ms, Input::Timer(timer));
        }
        accept(&mut machine, 5);
        assert_eq!(get(&mut machine, 6, "lock"), Some(Reply::Bulk(Bytes::from_static(b"mine"))));
    }

    #[test]
    fn a_later_one_hangs_up_on_everybody_until_the_delay_is_over() {
        let mut machine = supervised(1);
        let started = give(&mut machine, 0, Input::Started);
        assert_eq!(timers(&started), [(Supervised::START, 12_000)]);
        let accepted = accept(&mut machine, 11_999);
        assert!(matches!(accepted[..], [Effect::Close { connection: CLIENT }]), "{accepted:?}");
        assert_eq!(get(&mut machine, 11_999, "kept"), None);
        let begun = give(&mut machine, 12_000, Input::Timer(Supervised::START));
        for (timer, at_ms) in timers(&begun) {
            give(&mut machine, at_ms, Input::Timer(timer));
        }
        assert!(!accept(&mut machine, 12_010).iter().any(|it| matches!(it, Effect::Close { .. })));
        assert_eq!(
            get(&mut machine, 12_011, "kept"),
            Some(Reply::Bulk(Bytes::from_static(b"yes")))
        );
        assert_eq!(get(&mut machine, 12_012, "lock"), Some(Reply::Nil), "it is over by the clock");
    }

    #[test]
    fn without_a_delay_there_is_no_waiting() {
        let boot = Boot {
            node: NodeId(1),
            incarnation: 3,
            random: Random::new(1, 1),
            files: Files::new(),
            clock: clock(0),
        };
        let mut machine = Supervised::new(boot, RedisSettings::default(), Duration::ZERO);
        give(&mut machine, 0, Input::Started);
        accept(&mut machine, 1);
        assert_eq!(get(&mut machine, 1, "lock"), Some(Reply::Nil));
    }
}
