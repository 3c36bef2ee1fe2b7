//! How the lock is given back.

use super::*;

/// A bench whose client gives the lock back, and waits for the answer.
fn releasing(change: impl FnOnce(&mut CuratorSettings)) -> (Bench, String) {
    let (mut bench, own) = Bench::holding(change);
    bench.idle(HELD_FOR - SECOND);
    bench.desk.pass(SECOND);
    let (_, delete) = bench.take("delete");
    assert_eq!(delete, deletion(&own));
    (bench, own)
}

#[test]
fn a_deletion_that_was_not_answered_is_asked_for_again() {
    for (answer, outcome) in [
        (Ok(Answer::Done), ReleaseOutcome::Removed),
        // The first request may have deleted it, or somebody else: the session's end, say.
        (Err(ErrorCode::NoNode), ReleaseOutcome::Unknown),
    ] {
        let (mut bench, own) = releasing(|_| {});
        bench.disconnect();
        bench.admit(SESSION);
        bench.desk.pass(SECOND);
        bench.delete(&own, answer);
        assert_eq!(bench.desk.outcomes(), [outcome]);
    }
}

/// `release()` throws; the next `acquire()` is about a new node, which waits for the old one to go.
#[test]
fn a_deletion_whose_retries_are_used_up_goes_on_in_the_background() {
    let (mut bench, own) = releasing(|settings| settings.max_retries = 0);
    bench.disconnect();
    assert_eq!(bench.desk.outcomes(), [ReleaseOutcome::Unknown]);
    // Longer than the connection timeout and all retries.
    bench.desk.pass(50 * SECOND);
    assert_eq!(bench.requests(), []);
    bench.admit(SESSION);
    let is_deletion = |(_, op): &(i32, Op)| *op == deletion(&own);
    // Both are asked for as soon as there is a connection, in whatever order.
    bench.desk.pass(SECOND);
    let requests = bench.requests();
    assert_eq!(requests.iter().filter(|request| is_deletion(request)).count(), 1, "{requests:?}");
    let (_, creation) = requests.iter().find(|request| !is_deletion(request)).unwrap();
    // The connection goes once more, with both.
    let lost = name(&created(creation, 5));
    bench.disconnect();
    bench.admit(SESSION);
    bench.desk.pass(SECOND);
    let mut next = String::new();
    let asked = bench.answer_all(|op| match op {
        Op::Delete { .. } => Ok(Answer::Done),
        Op::GetChildren { .. } => children(&[&lost]),
        _ => {
            next = name(&created(op, 6));
            Ok(Answer::Created { path: path(&next), stat: Some(stat(6)) })
        }
    });
    assert!(asked.contains(&deletion(&own)), "{asked:?}");
    // What the creation has left is deleted, too.
    let asked = bench.answer_all(|op| match op {
        Op::Delete { .. } => Ok(Answer::Done),
        _ => children(&[&next]),
    });
    assert!(asked.contains(&deletion(&lost)), "{asked:?}");
    assert_eq!(bench.desk.tokens(), [token(3), token(6)], "each hold has a token of its own");
    bench.idle(100 * SECOND);
}
