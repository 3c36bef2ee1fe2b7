//! Other users of the Redis that the lock lives on: a client that sets keys of its own, one after the
//! other, and never deletes them. It does nothing to the lock. It fills the memory that the lock shares
//! with everything else, until `maxmemory` is reached and the server evicts what its policy allows: under
//! `volatile-…`, nothing but keys with an expiry, and locks are such keys.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::machine::NodeId;
use crate::message::Message;
use crate::process::{Connection, Host};

/// How much there is to do beside the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadSettings {
    /// How many keys are set each second.
    pub keys_per_second: u32,
    /// How long each value is, in bytes.
    pub value_bytes: u32,
}

impl Default for LoadSettings {
    fn default() -> Self {
        // redis-benchmark's keys are of this kind (`redis-benchmark.c`: `key:__rand_int__`); its values
        // have 3 bytes (`config.datasize = 3`), which fill no memory. A cached page or session has more.
        Self { keys_per_second: 100, value_bytes: 1_024 }
    }
}

impl LoadSettings {
    /// The time from one key to the next, at least a nanosecond.
    fn interval(&self) -> Duration {
        let interval = Duration::from_secs(1) / self.keys_per_second.max(1);
        interval.max(Duration::from_nanos(1))
    }
}

/// How many answers may be missing before no more is sent: a real client's socket is full at some time,
/// and what waits for a cut to heal is not to fill our own memory. Our own choice.
const MOST_UNANSWERED: u32 = 1_000;

/// How long to wait for a connection, and before another one is asked for. Jedis,
/// `Protocol.DEFAULT_TIMEOUT = 2000`.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Sets keys on that server for as long as the run lasts.
pub async fn set_keys(host: Host, server: NodeId, settings: LoadSettings) {
    let mut keys = Keys { count: 0, value: Bytes::from(vec![b'x'; settings.value_bytes as usize]) };
    loop {
        let connecting = host.timeout(CONNECT_TIMEOUT, host.connect(server)).await;
        match connecting {
            Ok(Ok(connection)) => {
                set_keys_over(&host, &connection, &mut keys, settings.interval()).await;
            }
            Ok(Err(_)) => host.sleep(CONNECT_TIMEOUT).await,
            Err(_) => {}
        }
    }
}

/// Goes on until the connection breaks. Whatever the server answers is fine: one that has no room left
/// says so, and hears the next command all the same.
async fn set_keys_over(host: &Host, connection: &Connection, keys: &mut Keys, interval: Duration) {
    let mut unanswered = 0;
    loop {
        if unanswered < MOST_UNANSWERED {
            connection.send(Message::Redis(keys.next_set()));
            unanswered += 1;
        }
        let due = host.mono() + interval;
        // Until the next key is due, take what answers come.
        while let Ok(answer) =
            host.timeout(due.saturating_since(host.mono()), connection.receive()).await
        {
            if answer.is_err() {
                return;
            }
            unanswered -= 1;
        }
    }
}

/// How the names of its keys begin.
pub const KEY_PREFIX: &str = "load:";

/// The keys that have been set: `load:1`, `load:2`, …, with the same value each.
struct Keys {
    count: u64,
    value: Bytes,
}

impl Keys {
    fn next_set(&mut self) -> Arc<[Bytes]> {
        self.count += 1;
        let key = Bytes::from(format!("{KEY_PREFIX}{}", self.count));
        [Bytes::from_static(b"SET"), key, self.value.clone()].into()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::machine::{CloseReason, ConnectionId, Effect, Input, TimerId};
    use crate::process::testing::Driven;
    use crate::redis::resp::Reply;
    use crate::time::Mono;

    /// A filler beside a server that answers, or does not.
    struct Bench {
        driven: Driven,
        answers: bool,
        timer: Option<Mono>,
        connections: u32,
        sent: Vec<Arc<[Bytes]>>,
    }

    impl Bench {
        fn new(answers: bool, settings: LoadSettings) -> Self {
            let driven = Driven::new(NodeId(9), |host| set_keys(host, NodeId(1), settings));
            let mut bench = Self { driven, answers, timer: None, connections: 0, sent: Vec::new() };
            bench.give(Input::Started);
            bench
        }

        fn run_for(&mut self, length: Duration) {
            let end = self.driven.now + length;
            while let Some(due) = self.timer.filter(|due| *due < end) {
                self.driven.now = due;
                self.timer = None;
                self.give(Input::Timer(TimerId(0)));
            }
            self.driven.now = end;
        }

        fn give(&mut self, input: Input<'_>) {
            let mut effects = VecDeque::from(self.driven.handle(input));
            while let Some(effect) = effects.pop_front() {
                match effect {
                    Effect::SetTimer { at, .. } => self.timer = Some(at),
                    Effect::Connect { connection, .. } => {
                        self.connections += 1;
                        effects.extend(self.driven.handle(Input::Connected { connection }));
                    }
                    Effect::Send { connection, message: Message::Redis(command) } => {
                        self.sent.push(command);
                        if self.answers {
                            let message = Message::RedisReply(Reply::Int(1));
                            let input = Input::Message { connection, message: &message };
                            effects.extend(self.driven.handle(input));
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn it_sets_so_many_keys_a_second_each_another_one() {
        let mut bench = Bench::new(true, LoadSettings { keys_per_second: 50, value_bytes: 7 });
        bench.run_for(Duration::from_secs(3));
        assert_eq!(bench.sent.len(), 150);
        let as_text = |command: &Arc<[Bytes]>| command.join(&b' ').escape_ascii().to_string();
        assert_eq!(as_text(&bench.sent[0]), "SET load:1 xxxxxxx");
        assert_eq!(as_text(&bench.sent[149]), "SET load:150 xxxxxxx");
    }

    #[test]
    fn however_many_keys_it_sets_time_goes_on_between_two() {
        for (keys_per_second, nanos) in [(0, 1_000_000_000), (1_000_000_000, 1), (u32::MAX, 1)] {
            let settings = LoadSettings { keys_per_second, value_bytes: 1 };
            assert_eq!(settings.interval(), Duration::from_nanos(nanos));
        }
    }

    #[test]
    fn it_waits_when_too_many_answers_are_missing() {
        let settings = LoadSettings { keys_per_second: 10_000, value_bytes: 1 };
        let mut bench = Bench::new(false, settings);
        bench.run_for(Duration::from_secs(1));
        assert_eq!(bench.sent.len(), MOST_UNANSWERED as usize);
    }

    #[test]
    fn it_goes_on_over_a_new_connection_when_one_breaks() {
        let mut bench = Bench::new(true, LoadSettings { keys_per_second: 10, value_bytes: 1 });
        bench.run_for(Duration::from_secs(1));
        let reason = CloseReason::Reset;
        bench.give(Input::Closed { connection: ConnectionId(0), reason });
        bench.run_for(Duration::from_secs(1));
        assert_eq!(bench.connections, 2);
        assert!((19..=21).contains(&bench.sent.len()), "{}", bench.sent.len());
    }
}
