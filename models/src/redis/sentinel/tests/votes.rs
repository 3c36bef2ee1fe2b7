//! Votes: one for each epoch.

use super::*;

fn ask_for_vote(rig: &mut Rig, epoch: u64, id: &str) -> (String, i64) {
    let line = format!("SENTINEL is-master-down-by-addr 10.0.0.1 6379 {epoch} {id}");
    let Some(Reply::Array(items)) = rig.ask(11, &line) else { panic!("no answer") };
    let [Reply::Int(_), Reply::Bulk(leader), Reply::Int(epoch)] = &items[..] else {
        panic!("another answer: {items:?}");
    };
    (String::from_utf8_lossy(leader).into_owned(), *epoch)
}

#[test]
fn who_asks_first_in_an_epoch_gets_the_vote() {
    let mut rig = group();
    assert_eq!(ask_for_vote(&mut rig, 7, "*"), ("*".to_owned(), 0), "nobody wants a vote");
    assert_eq!(ask_for_vote(&mut rig, 7, "first"), ("first".to_owned(), 7));
    assert_eq!(ask_for_vote(&mut rig, 7, "second"), ("first".to_owned(), 7));
    assert_eq!(
        ask_for_vote(&mut rig, 6, "second"),
        ("first".to_owned(), 7),
        "an epoch that is over"
    );
    assert_eq!(ask_for_vote(&mut rig, 8, "second"), ("second".to_owned(), 8));
}

#[test]
fn a_vote_survives_a_restart() {
    let mut rig = group();
    assert_eq!(ask_for_vote(&mut rig, 7, "first"), ("first".to_owned(), 7));
    rig.kill(11);
    start_sentinel(&mut rig, 11, 1);
    rig.pass(100);
    let (leader, epoch) = ask_for_vote(&mut rig, 7, "second");
    assert_eq!(
        (leader.as_str(), epoch),
        ("*", 7),
        "for whom it was is forgotten, that it was is not"
    );
}

#[test]
fn whoever_has_voted_for_another_does_not_try_itself_for_twice_the_timeout() {
    let mut rig = group();
    ask_for_vote(&mut rig, 7, "somebody");
    for node in [12, 13] {
        rig.kill(node);
        start_sentinel(&mut rig, node, 1);
    }
    rig.notes.clear();
    rig.kill(1);
    rig.pass(25_000);
    let tried = events_of(&rig, "+try-failover");
    assert!(tried.iter().all(|(node, _)| *node != 11), "{tried:?}");
    assert!(!events_of(&rig, "+switch-master").is_empty());
}
