//! What the holder makes of what becomes of its connection.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::locks::curator::framework::ConnectionState::{
    Connected as First, Lost, Reconnected, Suspended,
};
use crate::locks::curator::framework::{ConnectionState, Framework, Settings};
use crate::locks::curator::retry::RetryPolicy;
use crate::locks::curator::{OnReconnected, Reaction};
use crate::zookeeper::client::ClientSettings;

const SUSPENDED: &str = "its connection is suspended";
const LOST: &str = "its connection is lost";
const GONE: &str = "its node is gone";

/// Who does not stop for want of a connection.
fn careless(settings: &mut CuratorSettings) {
    settings.on_suspended = Reaction::GoesOn;
    settings.on_lost = Reaction::GoesOn;
}

#[test]
fn a_careful_holder_stops_when_its_connection_is_suspended() {
    let (mut bench, own) = Bench::holding(|_| {});
    bench.idle(30 * SECOND);
    bench.disconnect();
    assert_eq!(bench.desk.losses(), [SUSPENDED]);
    assert!(bench.has_begun_to_release(), "its user has heard of it");
    // Its node is still there, and is deleted as soon as there is a connection.
    bench.admit(SESSION);
    bench.delete(&own, Ok(Answer::Done));
    assert_eq!(bench.desk.losses(), [SUSPENDED], "once");
}

#[test]
fn another_stops_when_a_server_says_that_its_session_is_over() {
    let (mut bench, own) = Bench::holding(|settings| settings.on_suspended = Reaction::GoesOn);
    bench.disconnect();
    assert_eq!(bench.desk.losses(), [""; 0]);
    bench.expire();
    assert_eq!(bench.desk.losses(), [LOST]);
    bench.delete(&own, Err(ErrorCode::NoNode));
    assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::NotHeld]);
}

#[test]
fn or_when_its_connection_has_been_suspended_for_as_long_as_its_session_lasts() {
    let (mut bench, _) = Bench::holding(|settings| settings.on_suspended = Reaction::GoesOn);
    bench.disconnect();
    bench.desk.pass(60 * SECOND - Duration::from_millis(1));
    assert_eq!(bench.desk.losses(), [""; 0]);
    bench.desk.pass(Duration::from_millis(1));
    assert_eq!(bench.desk.losses(), [LOST]);
    assert_eq!(bench.open(), SessionId::NONE, "it begins a new session");
}

#[test]
fn a_careless_holder_hears_of_nothing_and_gives_back_what_it_does_not_have() {
    let (mut bench, own) = Bench::holding(careless);
    bench.disconnect();
    bench.expire();
    bench.idle(HELD_FOR - 10 * SECOND);
    bench.desk.pass(10 * SECOND);
    bench.delete(&own, Err(ErrorCode::NoNode));
    assert_eq!(
        (bench.desk.losses(), bench.desk.outcomes()),
        (vec![], vec![ReleaseOutcome::NotHeld])
    );
}

#[test]
fn who_looks_for_its_node_when_it_is_connected_again_knows_whether_it_is_there() {
    let somebody_elses = Stat { czxid: Zxid::new(2, 1), ..Stat::default() };
    for (answer, losses) in [
        (Ok(Answer::Stat(stat(3))), &[][..]),
        (Ok(Answer::Stat(somebody_elses)), &[GONE]),
        (Err(ErrorCode::NoNode), &[GONE]),
    ] {
        let (mut bench, own) = Bench::holding(|settings| {
            careless(settings);
            settings.on_reconnected = OnReconnected::Checks;
        });
        bench.disconnect();
        bench.admit(SESSION);
        let exists = bench.answer("exists", answer);
        assert_eq!(exists, Op::Exists { path: path(&own), watch: false });
        assert_eq!(bench.desk.losses(), losses);
        assert_eq!(bench.has_begun_to_release(), !losses.is_empty());
    }
}

#[test]
fn a_look_that_is_not_answered_says_nothing_and_is_made_again() {
    let (mut bench, _) = Bench::holding(|settings| {
        careless(settings);
        settings.max_retries = 0;
        settings.on_reconnected = OnReconnected::Checks;
    });
    bench.disconnect();
    bench.admit(SESSION);
    bench.take("exists");
    bench.disconnect();
    assert_eq!(bench.desk.losses(), [""; 0]);
    bench.admit(SESSION);
    bench.answer("exists", Err(ErrorCode::NoNode));
    assert_eq!(bench.desk.losses(), [GONE]);
}

#[test]
fn nobody_looks_for_a_node_that_is_given_back() {
    let (mut bench, own) =
        Bench::holding(|settings| settings.on_reconnected = OnReconnected::Checks);
    bench.disconnect();
    bench.admit(SESSION);
    // It has stopped already, and deletes its node.
    bench.delete(&own, Ok(Answer::Done));
    bench.take("create2");
}

/// The mutex itself believes what it did before: `threadData` is not touched by the connection's states.
#[test]
fn a_thread_that_enters_again_is_counted_and_asks_nobody() {
    let mut desk = Desk::new(|host| async move {
        let mut settings = CuratorSettings::default();
        careless(&mut settings);
        let mutex = InterProcessMutex::new(host.clone(), &SERVERS, settings);
        let mut lock = Guarded::new(host.clone(), mutex);
        let outer = lock.acquire().await;
        host.sleep(100 * SECOND).await;
        let inner = lock.acquire().await;
        lock.release(inner).await;
        lock.release(outer).await;
        host.sleep(1000 * SECOND).await;
    });
    desk.admit(SESSION, SESSION_TIMEOUT_MS);
    let mut bench = Bench { desk, zxid: 100 };
    let own = bench.create(3);
    bench.list(&[&own]);
    bench.disconnect();
    bench.expire();
    bench.idle(80 * SECOND);
    bench.desk.pass(20 * SECOND);
    let entered: Vec<(Option<u64>, bool)> = bench
        .desk
        .notes
        .iter()
        .filter_map(|note| match note {
            Note::Acquired { token, reentered, .. } => Some((*token, *reentered)),
            _ => None,
        })
        .collect();
    assert_eq!(entered, [(token(3), false), (token(3), true)]);
    // The first release counts; the second deletes.
    assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::Removed]);
    bench.delete(&own, Err(ErrorCode::NoNode));
    assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::Removed, ReleaseOutcome::NotHeld]);
}

/// What a listener is told.
struct Listening {
    bench: Bench,
    told: Rc<RefCell<Vec<ConnectionState>>>,
}

impl Listening {
    fn new() -> Self {
        let told = Rc::new(RefCell::new(Vec::new()));
        let listener = Rc::clone(&told);
        let desk = Desk::new(move |host| async move {
            let settings = Settings {
                client: ClientSettings { servers: SERVERS.to_vec(), session_timeout: 60 * SECOND },
                connection_timeout: 15 * SECOND,
                policy: RetryPolicy::new(SECOND, 3),
            };
            let _framework = Framework::start(&host, settings, move |_, state| {
                listener.borrow_mut().push(state)
            });
            host.sleep(10_000 * SECOND).await;
        });
        Self { bench: Bench { desk, zxid: 100 }, told }
    }

    fn told(&self) -> Vec<ConnectionState> {
        std::mem::take(&mut self.told.borrow_mut())
    }
}

#[test]
fn a_listener_is_told_what_changes_and_once() {
    let mut listening = Listening::new();
    assert_eq!(listening.told(), []);
    listening.bench.admit(SESSION);
    assert_eq!(listening.told(), [First]);
    listening.bench.disconnect();
    assert_eq!(listening.told(), [Suspended]);
    listening.bench.desk.pass(2 * SECOND);
    listening.bench.desk.close(CloseReason::Refused);
    listening.bench.desk.pass(2 * SECOND);
    assert_eq!(listening.told(), [], "it is suspended already");
    listening.bench.admit(SESSION);
    assert_eq!(listening.told(), [Reconnected]);
    listening.bench.disconnect();
    listening.bench.expire();
    assert_eq!(listening.told(), [Suspended, Lost, Reconnected]);
}

#[test]
fn who_never_finds_a_server_is_suspended_then_lost_and_connected_for_the_first_time() {
    let mut listening = Listening::new();
    listening.bench.desk.close(CloseReason::Refused);
    assert_eq!(listening.told(), [Suspended]);
    listening.bench.desk.pass(60 * SECOND);
    assert_eq!(listening.told(), [Lost]);
    // Lost is no more suspended: the new session is waited for without end.
    listening.bench.desk.pass(600 * SECOND);
    assert_eq!(listening.told(), []);
    listening.bench.admit(SESSION);
    assert_eq!(listening.told(), [First]);
}

#[test]
fn a_session_lasts_as_long_as_the_servers_have_granted() {
    let mut listening = Listening::new();
    listening.bench.open();
    let (session, password) = (SESSION, SESSION.password());
    let connected = Connected { timeout_ms: 40_000, session, password };
    listening.bench.desk.say(Packet::Connected(connected));
    listening.bench.disconnect();
    listening.bench.desk.pass(40 * SECOND - Duration::from_millis(1));
    assert_eq!(listening.told(), [First, Suspended]);
    listening.bench.desk.pass(Duration::from_millis(1));
    assert_eq!(listening.told(), [Lost]);
    // Before a server has said something about it, the new one lasts as long as the last one.
    listening.bench.admit(SESSION);
    assert_eq!(listening.told(), [Reconnected]);
}
