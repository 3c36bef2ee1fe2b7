use super::*;
use crate::judge::testing::{A, B, LOCK, STORE, Story};
use crate::report::testing;

/// Each line in short: `time process type f`, with the error, if there is one.
fn told(outcome: &Outcome) -> Vec<String> {
    let lines = lines(&testing::scenario("Operations"), outcome);
    let short = lines.iter().map(|line| {
        let error = line.get("error").map_or_else(String::new, |error| format!(": {error}"));
        let (process, kind, f) = (&line["process"], &line["type"], &line["f"]);
        let (kind, f) = (kind.as_str().unwrap(), f.as_str().unwrap());
        format!("{} {process} {kind} {f}{error}", line["time"])
    });
    short.collect()
}

fn lines(scenario: &Scenario, outcome: &Outcome) -> Vec<Value> {
    let mut out = Vec::new();
    operations(scenario, outcome, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn read(story: &mut Story, from: NodeId) {
    story.send(from, STORE, Message::Shop(ShopRequest::Read { token: None }));
}

#[test]
fn one_of_everything() {
    let mut out = Vec::new();
    operations(&testing::scenario("A medley"), &testing::medley(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn an_order_from_the_wait_to_the_release() {
    let mut story = Story::new();
    story.stock(1).wait(A).at(1).acquire(A, Some(7)).at(2);
    read(&mut story, A);
    story.at(3);
    story.answer(A, ShopReply::Stock { stock: 1 });
    story.at(4).send_write(A, 5, 0);
    story.at(5);
    story.answer(A, ShopReply::Taken);
    story.at(6).release(A).at(7).released(A, ReleaseOutcome::Removed);
    let outcome = testing::outcome(story, &[], 1);
    assert_eq!(
        told(&outcome),
        [
            "0 0 invoke acquire",
            "1 0 ok acquire",
            "2 0 invoke read",
            "3 0 ok read",
            "4 0 invoke order",
            "5 0 ok order",
            "6 0 invoke release",
            "7 0 ok release",
        ]
    );
    let lines = lines(&testing::scenario("Operations"), &outcome);
    let value = |index: usize| lines[index]["value"].clone();
    assert_eq!(value(1), json!({ "lock": LOCK, "token": 7 }));
    assert_eq!(value(3), json!({ "stock": 1, "token": null }));
    assert_eq!(value(5), json!({ "order": 5, "stock": 0, "token": null }));
    assert_eq!(value(7), value(1));
    assert_eq!(lines[0]["name"], "buyer-1");
}

#[test]
fn who_does_not_learn_what_became_of_it_goes_on_under_another_number() {
    let mut story = Story::new();
    story.wait(A).wait(B).at(1).give_up(A).at(2).wait(A).at(3).acquire(A, None);
    read(&mut story, A);
    // Its connection is that of its number in these stories.
    let connection = ConnectionId(u32::from(A.0));
    story.at(4).event(A, Event::Closed(connection)).at(5).release(A);
    story.at(6).released(A, ReleaseOutcome::NotHeld);
    story.at(7).wait(A).at(8).event(A, Event::Crashed);
    story.at(9).event(A, Event::Started { incarnation: 1 }).wait(A);
    assert_eq!(
        told(&testing::outcome(story, &[], 1)),
        [
            "0 0 invoke acquire",
            "0 1 invoke acquire",
            "1 0 info acquire: \"gave up\"",
            "2 2 invoke acquire",
            "3 2 ok acquire",
            "3 2 invoke read",
            "4 2 info read: \"no answer\"",
            "5 4 invoke release",
            "6 4 fail release: \"not held\"",
            "7 4 invoke acquire",
            "8 4 info acquire: \"the process crashed\"",
            "9 6 invoke acquire",
        ]
    );
}

#[test]
fn who_does_something_else_has_dropped_what_it_was_about() {
    let mut story = Story::new();
    story.wait(A).at(1).acquire(A, None);
    read(&mut story, A);
    story.at(2).release(A);
    assert_eq!(
        told(&testing::outcome(story, &[], 1))[2..],
        ["1 0 invoke read", "2 0 info read: \"dropped\"", "2 1 invoke release"]
    );
}

#[test]
fn threads_are_processes_of_their_own() {
    let mut story = Story::new();
    for thread in [1, 2] {
        story.note(A, Note::Acquiring { lock: LOCK.into(), thread });
    }
    story.at(1).acquire_on_thread(A, 2, None);
    // Nobody says whose connection that is.
    read(&mut story, A);
    let outcome = testing::outcome(story, &[], 1);
    assert_eq!(
        told(&outcome),
        ["0 0 invoke acquire", "0 1 invoke acquire", "1 1 ok acquire", "1 2 invoke read"]
    );
    let lines = lines(&testing::scenario("Operations"), &outcome);
    assert_eq!(lines[2]["name"], "thread 2 of buyer-1");
}

#[test]
fn with_two_stores_the_stock_is_written_and_the_order_is_recorded() {
    let mut story = Story::new();
    story.send_write(A, 5, 0);
    story.answer(A, ShopReply::Taken);
    story.send(A, STORE, Message::Shop(ShopRequest::Record { order: 5 }));
    story.answer(A, ShopReply::TakenBefore);
    let outcome = testing::outcome(story, &[], 1);
    let two_stores =
        testing::scenario("Two stores").but(|s| s.shop.buyer.orders = Orders::AfterStock);
    let lines = lines(&two_stores, &outcome);
    let functions: Vec<_> = lines.iter().map(|line| line["f"].as_str().unwrap()).collect();
    assert_eq!(functions, ["write", "write", "order", "order"]);
    assert_eq!(lines[3]["repeated"], true);
}

#[test]
fn a_request_that_is_refused_has_failed() {
    let mut story = Story::new();
    read(&mut story, A);
    story.answer(A, ShopReply::Fenced { mark: 9 });
    story.send(A, STORE, Message::Shop(ShopRequest::Take { order: 5 }));
    story.answer(A, ShopReply::SoldOut);
    assert_eq!(
        told(&testing::outcome(story, &[], 1)),
        [
            "0 0 invoke read",
            "0 0 fail read: {\"fenced\":9}",
            "0 0 invoke order",
            "0 0 fail order: \"sold out\"",
        ]
    );
}
