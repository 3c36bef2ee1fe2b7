//! How a turn is waited for.

use super::*;

/// A bench whose client waits for the node number 2 with its own, number 3.
fn waiting(change: impl FnOnce(&mut CuratorSettings)) -> (Bench, String) {
    let mut bench = Bench::connected(change);
    let own = bench.create(3);
    queue_up(&mut bench, &other(2), &own);
    (bench, own)
}

/// It looks at the queue, and watches the node before its own.
fn queue_up(bench: &mut Bench, previous: &str, own: &str) {
    bench.list(&[previous, own]);
    let watch = bench.answer("getData", data());
    assert_eq!(watch, Op::GetData { path: path(previous), watch: true });
    assert_eq!((bench.requests(), bench.desk.tokens()), (vec![], vec![]));
}

fn gone(bench: &mut Bench, name: &str) {
    bench.desk.event(EventKind::NodeDeleted, &path(name));
}

#[test]
fn the_node_before_its_own_is_watched_and_no_other() {
    let mut bench = Bench::connected(|_| {});
    let own = bench.create(3);
    // In the order of the numbers, whatever stands before them.
    let (first, second) = ("a-lock-0000000001", "_c_0-lock-0000000002");
    bench.list(&[second, &own, "0-lock-0000000004", first]);
    let watch = bench.answer("getData", data());
    assert_eq!(watch, Op::GetData { path: path(second), watch: true });
    bench.idle(100 * SECOND);
    gone(&mut bench, second);
    queue_up(&mut bench, first, &own);
    gone(&mut bench, first);
    bench.list(&[&own]);
    assert_eq!(bench.desk.tokens(), [token(3)]);
}

#[test]
fn a_node_that_is_gone_before_it_is_watched_is_not_waited_for() {
    let mut bench = Bench::connected(|_| {});
    let own = bench.create(3);
    bench.list(&[&other(2), &own]);
    bench.answer("getData", Err(ErrorCode::NoNode));
    bench.list(&[&own]);
    assert_eq!(bench.desk.tokens(), [token(3)]);
}

#[test]
fn who_waits_looks_again_whenever_its_connection_changes() {
    let (mut bench, own) = waiting(|_| {});
    bench.disconnect();
    // The look waits for a connection, and not for ever: an answer is lost with each attempt to have one.
    bench.admit(SESSION);
    bench.list(&[&other(2), &own]);
    bench.answer("getData", data());
    assert_eq!(bench.requests(), []);
    gone(&mut bench, &other(2));
    bench.list(&[&own]);
    assert_eq!((bench.desk.tokens(), bench.desk.losses()), (vec![token(3)], vec![]));
}

#[test]
fn who_has_lost_its_session_and_its_node_queues_up_again() {
    let (mut bench, own) = waiting(|_| {});
    bench.disconnect();
    bench.expire();
    bench.list(&[&other(2)]);
    bench.delete(&own, Err(ErrorCode::NoNode));
    // The retry policy has it wait.
    bench.desk.pass(SECOND - Duration::from_millis(1));
    assert_eq!(bench.requests(), []);
    bench.desk.pass(Duration::from_millis(1));
    let next = bench.create(8);
    queue_up(&mut bench, &other(2), &next);
    gone(&mut bench, &other(2));
    bench.list(&[&next]);
    assert_eq!((bench.desk.tokens(), bench.desk.losses()), (vec![token(8)], vec![]));
}

/// The servers have not given up the old session: the node is still in the queue, keeps its place there, and is what
/// the lock is held by. Nobody tells the client when it goes. Seen at Curator 5.4.0 on ZooKeeper 3.8.0, whose server was
/// away for longer than the session lasts.
#[test]
fn who_has_given_its_session_up_may_be_granted_the_lock_by_a_node_of_that_session() {
    let (mut bench, own) = waiting(|_| {});
    bench.disconnect();
    assert_eq!(bench.open(), SESSION);
    // No server answers for a minute, and there is a new session then.
    bench.desk.pass(61 * SECOND);
    assert_eq!(bench.open(), SessionId::NONE);
    bench.take_up(NEXT_SESSION);
    bench.desk.pass(4 * SECOND);
    queue_up(&mut bench, &other(2), &own);
    gone(&mut bench, &other(2));
    bench.list(&[&own]);
    assert_eq!((bench.desk.tokens(), bench.desk.losses()), (vec![token(3)], vec![]));
}

/// Four calls by default, then `acquire()` throws: the node is deleted, and its user calls again.
#[test]
fn who_gets_no_answer_gives_its_place_up() {
    let (mut bench, own) = waiting(|_| {});
    gone(&mut bench, &other(2));
    for call in 1..=4 {
        bench.take("getChildren");
        bench.disconnect();
        bench.admit(SESSION);
        // The waits: the base, and then up to 3 and 7 times as much.
        bench.desk.pass([SECOND, 3 * SECOND, 7 * SECOND, Duration::ZERO][call - 1]);
    }
    bench.delete(&own, Ok(Answer::Done));
    bench.desk.pass(SECOND);
    let next = bench.create(5);
    bench.list(&[&next]);
    assert_eq!(bench.desk.tokens(), [token(5)]);
}

#[test]
fn who_is_interrupted_while_it_waits_has_its_node_deleted() {
    let mut bench = Bench::interrupted();
    let own = bench.create(3);
    queue_up(&mut bench, &other(2), &own);
    bench.desk.pass(5 * SECOND);
    bench.delete(&own, Ok(Answer::Done));
}
