//! How a node is created, and found again, and where it is not.

use super::*;
use crate::locks::zookeeper::Token;
use crate::zookeeper::protocol::CreateMode;

/// What stands before the number, with digits and letters where they are random.
fn shape(path: &str) -> String {
    path.chars().map(|one| if one.is_ascii_hexdigit() { 'x' } else { one }).collect()
}

#[test]
fn the_first_in_the_queue_holds_the_lock_and_its_czxid_is_the_token() {
    let mut bench = Bench::connected(|_| {});
    let create = bench.answer("create2", Err(ErrorCode::NoNode));
    let Op::Create { path: prefix, data, mode, .. } = create.clone() else { unreachable!() };
    assert_eq!(shape(&prefix), shape("/locks/stock/_c_00000000-0000-4000-8000-000000000000-lock-"));
    assert_eq!((data, mode), (Bytes::new(), CreateMode::EPHEMERAL_SEQUENTIAL));
    // The parents are made, and the creation is asked for once more.
    bench.answer("exists", Err(ErrorCode::NoNode));
    bench.answer("create", Err(ErrorCode::NodeExists));
    bench.answer("exists", Err(ErrorCode::NoNode));
    let path = Path::from("/locks/stock");
    let parent = bench.answer("create", Ok(Answer::Created { path: path.clone(), stat: None }));
    let mode = CreateMode::PERSISTENT;
    assert_eq!(parent, Op::Create { path, data: Bytes::new(), mode, with_stat: false });
    let (xid, again) = bench.take("create2");
    assert_eq!(again, create);
    let (path, stat) = (created(&again, 3), Some(stat(3)));
    let own = name(&path);
    bench.reply(xid, Ok(Answer::Created { path, stat }));
    let listed = bench.list(&[&other(4), &own]);
    assert_eq!(bench.desk.tokens(), [token(3)]);
    let granted_by = bench.desk.notes.iter().find_map(|note| match note {
        Note::Acquired { granted_by, .. } => Some(*granted_by),
        _ => None,
    });
    assert_eq!(granted_by, Some(Some(listed)));
    bench.idle(HELD_FOR - SECOND);
    bench.desk.pass(SECOND);
    bench.delete(&own, Ok(Answer::Done));
    assert_eq!(
        (bench.desk.outcomes(), bench.desk.losses()),
        (vec![ReleaseOutcome::Removed], vec![])
    );
    // The next one's name is another, and so is its token.
    let next = bench.create(5);
    assert_ne!(own.rsplit_once("-lock-").unwrap().0, next.rsplit_once("-lock-").unwrap().0);
    bench.list(&[&next]);
    assert_eq!(bench.desk.tokens(), [token(3), token(5)]);
}

#[test]
fn the_number_in_the_name_may_be_the_token() {
    let mut bench = Bench::connected(|settings| settings.token = Token::Sequence);
    let own = bench.create(7);
    bench.list(&[&own]);
    assert_eq!(bench.desk.tokens(), [Some(7)]);
}

/// The creation that is asked for is carried out, but its answer is lost with the connection; the node's name.
fn lose_creation(bench: &mut Bench, number: u32) -> String {
    let (_, op) = bench.take("create2");
    bench.disconnect();
    name(&created(&op, number))
}

/// The answer to a creation, and what its node is called.
fn created_as(op: &Op, number: u32, own: &mut String) -> Result<Answer, ErrorCode> {
    let (path, stat) = (created(op, number), Some(stat(number)));
    *own = name(&path);
    Ok(Answer::Created { path, stat })
}

#[test]
fn a_node_whose_creation_was_not_answered_is_found_again() {
    let mut bench = Bench::connected(|_| {});
    let own = lose_creation(&mut bench, 4);
    bench.admit(SESSION);
    // The first wait is as long as the base.
    bench.desk.pass(SECOND);
    bench.list(&[&other(3), &own]);
    // Nothing is created: the queue is looked at, and where its turn comes, the token asked for.
    bench.list(&[&own]);
    let exists = bench.answer("exists", Ok(Answer::Stat(stat(4))));
    assert_eq!(exists, Op::Exists { path: path(&own), watch: false });
    assert_eq!(bench.desk.tokens(), [token(4)]);
}

#[test]
fn one_that_was_not_carried_out_is_asked_for_again_by_the_same_name() {
    let mut bench = Bench::connected(|_| {});
    let (_, first) = bench.take("create2");
    bench.disconnect();
    bench.admit(SESSION);
    bench.desk.pass(SECOND);
    bench.list(&[&other(3)]);
    let (xid, again) = bench.take("create2");
    assert_eq!(again, first);
    let own = name(&created(&again, 4));
    bench.reply(xid, Ok(Answer::Created { path: path(&own), stat: Some(stat(4)) }));
    bench.list(&[&own]);
    assert_eq!(bench.desk.tokens(), [token(4)]);
}

#[test]
fn without_protection_a_second_node_is_created_and_waits_for_the_first() {
    let mut bench = Bench::connected(|settings| settings.protection = false);
    let lost = lose_creation(&mut bench, 4);
    assert_eq!(lost, "lock-0000000004");
    bench.admit(SESSION);
    bench.desk.pass(SECOND);
    let own = bench.create(5);
    bench.list(&[&lost, &own]);
    let watch = bench.answer("getData", data());
    assert_eq!(watch, Op::GetData { path: path(&lost), watch: true });
    // Its session goes on, and so do they.
    bench.idle(1000 * SECOND);
    assert_eq!(bench.desk.tokens(), []);
}

/// So does the real one: `RetryLoop.callWithRetry` of the look ends the loop that it shares with the creation
/// (`ThreadLocalRetryLoop`). Seen at Curator 5.4.0 on ZooKeeper 3.8.0: `acquire()` throws an
/// `IllegalArgumentException`, "Path cannot be null", and the node stays.
#[test]
fn a_creation_that_is_lost_again_after_a_look_leaves_its_node_in_everybodys_way() {
    let mut bench = Bench::connected(|_| {});
    // Not carried out.
    bench.take("create2");
    bench.disconnect();
    bench.admit(SESSION);
    bench.desk.pass(SECOND);
    bench.list(&[]);
    let orphan = lose_creation(&mut bench, 4);
    bench.admit(SESSION);
    bench.desk.pass(3 * SECOND);
    // It looks at the queue before it finds out that it has no path to look for.
    bench.list(&[&orphan]);
    bench.desk.pass(SECOND);
    // Its user calls again; nobody has deleted the first node.
    let own = bench.create(5);
    assert_ne!(orphan.split("-lock-").next(), own.split("-lock-").next());
    bench.list(&[&orphan, &own]);
    bench.answer("getData", data());
    bench.idle(1000 * SECOND);
    assert_eq!(bench.desk.tokens(), []);
}

#[test]
fn a_creation_that_is_given_up_is_looked_for_and_deleted() {
    let mut bench = Bench::connected(|settings| settings.max_retries = 0);
    let lost = lose_creation(&mut bench, 4);
    bench.admit(SESSION);
    bench.desk.pass(SECOND);
    // Its user calls again, and so two things are asked for at the same time.
    let mut own = String::new();
    bench.answer_all(|op| match op {
        Op::Create { .. } => created_as(op, 5, &mut own),
        _ => children(&[&lost]),
    });
    let asked = bench.answer_all(|op| match op {
        Op::Delete { .. } => Ok(Answer::Done),
        _ => children(&[&own]),
    });
    assert!(asked.contains(&deletion(&lost)), "{asked:?}");
    assert_eq!((asked.len(), bench.desk.tokens()), (2, vec![token(5)]));
}

#[test]
fn what_is_looked_for_in_the_background_takes_its_time_whatever_the_retry_policy() {
    for (max_retries, retry_base) in [(0, SECOND), (3, Duration::ZERO), (3, SECOND)] {
        let mut bench = Bench::connected(|settings| {
            settings.max_retries = max_retries;
            settings.retry_base = retry_base;
            settings.connection_timeout = SECOND;
        });
        let lost = lose_creation(&mut bench, 4);
        // Longer than all retries, several times.
        bench.desk.pass(200 * SECOND);
        assert_eq!(bench.requests(), []);
        bench.admit(NEXT_SESSION);
        let mut asked = Vec::new();
        for _ in 0..20 {
            asked.extend(bench.answer_all(|op| match op {
                Op::Create { .. } => created_as(op, 5, &mut String::new()),
                Op::GetChildren { .. } => children(&[&lost]),
                Op::Delete { .. } => Ok(Answer::Done),
                _ => data(),
            }));
            bench.desk.pass(SECOND);
        }
        assert!(asked.contains(&deletion(&lost)), "{max_retries}, {retry_base:?}: {asked:?}");
    }
}

#[test]
fn a_node_of_a_session_that_is_over_is_no_use_and_is_deleted() {
    let mut bench = Bench::connected(|_| {});
    let lost = lose_creation(&mut bench, 4);
    bench.expire();
    bench.desk.pass(SECOND);
    bench.list(&[&lost]);
    let mut own = String::new();
    let asked = bench.answer_all(|op| match op {
        Op::Create { .. } => created_as(op, 5, &mut own),
        _ => Ok(Answer::Done),
    });
    assert!(asked.contains(&deletion(&lost)), "{asked:?}");
    bench.list(&[&own]);
    assert_eq!((asked.len(), bench.desk.tokens()), (2, vec![token(5)]));
}

#[test]
fn who_is_interrupted_while_its_node_is_created_has_it_deleted() {
    let mut bench = Bench::interrupted();
    let (xid, create) = bench.take("create2");
    bench.desk.pass(5 * SECOND);
    let lost = created(&create, 4);
    let (path, lost) = (lost.clone(), name(&lost));
    bench.reply(xid, Ok(Answer::Created { path, stat: Some(stat(4)) }));
    bench.list(&[&lost]);
    bench.delete(&lost, Ok(Answer::Done));
    assert!(bench.desk.notes.iter().any(|note| matches!(note, Note::GaveUp { .. })));
}
