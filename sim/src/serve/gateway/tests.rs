//! What bounds what the gateway holds.

use bytes::Bytes;
use fencepost_models::machine::Effect;
use fencepost_models::redis::resp::Reply;
use fencepost_models::time::LocalClock;

use super::super::resp::Resp;
use super::*;
use crate::world::SimTime;

const CLIENT: ClientId = ClientId(1);
const SERVER: NodeId = NodeId(0);
const GATEWAY: NodeId = NodeId(1);
const CONNECTION: ConnectionId = ConnectionId(0);

/// A gateway with one client of a Redis, whose connection is open.
struct Bench {
    gateway: Gateway,
    history: History,
    outbox: Vec<Effect>,
    next_connection: u32,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self {
            gateway: Gateway::default(),
            history: History::new(vec!["redis".to_owned(), "client".to_owned()], Vec::new()),
            outbox: Vec::new(),
            next_connection: CONNECTION.0,
        };
        bench.gateway.come(CLIENT, SERVER, Box::new(Resp::default()));
        bench.speak();
        bench.told(Input::Connected { connection: CONNECTION });
        bench.outbox.clear();
        bench
    }

    fn speak(&mut self) {
        let Self { gateway, outbox, next_connection, .. } = self;
        gateway.speak(&mut Context::new(LocalClock::default(), next_connection, outbox));
    }

    fn told(&mut self, input: Input<'_>) {
        let Self { gateway, outbox, next_connection, .. } = self;
        gateway.told(input, &mut Context::new(LocalClock::default(), next_connection, outbox));
    }

    fn answer(&mut self, bytes: usize) {
        let reply = Message::RedisReply(Reply::Bulk(Bytes::from(vec![0; bytes])));
        self.told(Input::Message { connection: CONNECTION, message: &reply });
    }

    /// The messages that went out, which are now under way.
    fn sent(&mut self) -> Vec<Message> {
        let sent = self.outbox.drain(..).filter_map(|effect| match effect {
            Effect::Send { message, .. } => Some(message),
            _ => None,
        });
        sent.collect()
    }

    /// The server is given these.
    fn deliver(&mut self, messages: Vec<Message>) {
        for message in messages {
            let way = [GATEWAY, SERVER];
            let id = self.history.push_sent(SimTime::ZERO, None, way, CONNECTION, message);
            let record = self.history.push(SimTime::ZERO, None, SERVER, Event::Delivered(id));
            let news = *self.history.record(record).unwrap();
            self.gateway.hear(&self.history, &[news]);
        }
    }
}

fn command(bytes: usize) -> Vec<u8> {
    let head = format!("*1\r\n${bytes}\r\n");
    [head.as_bytes(), &vec![b'x'; bytes], b"\r\n"].concat()
}

#[test]
fn a_client_is_heard_until_so_much_is_under_way_and_again_when_it_has_arrived() {
    let mut bench = Bench::new();
    for _ in 0..8 {
        bench.gateway.feed(CLIENT, &command(WINDOW_BYTES / 4));
    }
    bench.speak();
    let under_way = bench.sent();
    assert_eq!(under_way.len(), 4);
    assert!(!bench.gateway.listens_to(CLIENT));
    bench.deliver(under_way);
    assert!(bench.gateway.has_to_speak() && bench.gateway.listens_to(CLIENT));
    bench.speak();
    assert_eq!(bench.sent().len(), 4);
}

#[test]
fn small_messages_count_too() {
    let mut bench = Bench::new();
    bench.gateway.feed(CLIENT, &command(1).repeat(WINDOW_BYTES / MESSAGE_BYTES + 10));
    bench.speak();
    assert!(bench.sent().len() <= WINDOW_BYTES / MESSAGE_BYTES + 1);
    assert!(!bench.gateway.listens_to(CLIENT));
}

#[test]
fn who_does_not_read_is_asked_for_nothing_more_and_in_the_end_hung_up_on() {
    let mut bench = Bench::new();
    bench.answer(ENOUGH_OUTPUT_BYTES);
    assert!(!bench.gateway.listens_to(CLIENT));
    bench.gateway.wrote(CLIENT, ENOUGH_OUTPUT_BYTES);
    assert!(bench.gateway.listens_to(CLIENT), "he has read it");
    bench.answer(OUTPUT_BYTES);
    assert_eq!(bench.gateway.output(CLIENT).1, Fate::Stays, "one reply may be as long as it likes");
    bench.answer(1);
    assert_eq!(bench.gateway.output(CLIENT).1, Fate::Breaks);
    assert!(matches!(bench.outbox[..], [.., Effect::Close { connection: CONNECTION }]));
    bench.gateway.lose(CLIENT);
    bench.speak();
    assert!(bench.gateway.clients.is_empty() && bench.gateway.by_connection.is_empty());
}

#[test]
fn whatever_ends_a_connection_ends_both_halves() {
    for reason in [CloseReason::ByPeer, CloseReason::Reset, CloseReason::TimedOut] {
        let mut bench = Bench::new();
        bench.told(Input::Closed { connection: CONNECTION, reason });
        let fate = if reason == CloseReason::ByPeer { Fate::Ends } else { Fate::Breaks };
        assert_eq!(bench.gateway.output(CLIENT).1, fate);
    }
    let mut bench = Bench::new();
    bench.gateway.end(CLIENT);
    bench.speak();
    assert!(matches!(bench.outbox[..], [.., Effect::Close { connection: CONNECTION }]));
}

#[test]
fn an_answer_that_is_still_to_come_is_waited_for_a_moment() {
    let mut bench = Bench::new();
    bench.gateway.feed(CLIENT, &command(4));
    bench.gateway.end(CLIENT);
    bench.speak();
    assert!(matches!(bench.outbox[..], [Effect::Send { .. }, Effect::SetTimer { .. }]));
    bench.answer(4);
    bench.told(Input::Timer(TimerId(CONNECTION.0)));
    let (output, fate) = bench.gateway.output(CLIENT);
    assert_eq!((output, fate), (&b"$4\r\n\0\0\0\0\r\n"[..], Fate::Ends));
}
