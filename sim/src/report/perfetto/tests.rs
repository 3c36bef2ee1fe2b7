use fencepost_models::machine::NodeId;

use super::*;
use crate::judge::testing::{A, B, REDIS, STORE, Story};
use crate::report::testing;

fn events(outcome: &Outcome) -> Vec<Value> {
    let mut out = Vec::new();
    perfetto(&testing::scenario("A trace"), outcome, &mut out).unwrap();
    let trace: Value = serde_json::from_slice(&out).unwrap();
    trace["traceEvents"].as_array().unwrap().clone()
}

/// `ts+dur` of the slices of a category.
fn slices(events: &[Value], category: &str) -> Vec<String> {
    let slices = events.iter().filter(|event| event["cat"] == category && event["ph"] == "X");
    slices.map(|slice| format!("{}+{} {}", slice["ts"], slice["dur"], slice["name"])).collect()
}

#[test]
fn one_of_everything() {
    let mut out = Vec::new();
    perfetto(&testing::scenario("A medley"), &testing::medley(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn no_nanosecond_is_lost() {
    let mut story = Story::new();
    story.at(4_503_599_627_370_497_001).acquire(A, None).at(4_503_599_627_370_498_003).release(A);
    let mut out = Vec::new();
    let outcome = testing::outcome(story, &[], 1);
    perfetto(&testing::scenario("Long ago"), &outcome, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("\"ts\":4503599627370497.001,\"dur\":1.002,"), "{text}");
}

#[test]
fn messages_stand_side_by_side_and_no_arrow_points_backwards() {
    let mut story = Story::new();
    let first = story.send_command(A, REDIS, "ONE");
    let second = story.send_command(A, REDIS, "TWO");
    story.at(20).deliver(second);
    story.at(1_500).send_command(A, REDIS, "THREE");
    story.at(5_000).deliver(first).send_command(REDIS, B, "FOUR");
    let events = events(&testing::outcome(story, &[], 1));
    assert_eq!(
        slices(&events, "message"),
        [
            r#"0.0+1.0 "ONE""#,
            r#"1.0+1.0 "TWO""#,
            r#"2.0+1.0 "TWO""#,
            r#"2.0+1.0 "THREE""#,
            r#"5.0+1.0 "ONE""#,
            r#"6.0+1.0 "FOUR""#,
        ]
    );
    let is_arrow = |event: &&Value| !event["id"].is_null();
    let arrows: Vec<_> =
        events.iter().filter(is_arrow).map(|it| [it["ph"].clone(), it["ts"].clone()]).collect();
    let expected = [("s", 0.5), ("s", 1.5), ("f", 2.5), ("f", 5.5)];
    assert_eq!(arrows, expected.map(|(ph, ts)| [json!(ph), json!(ts)]), "FOUR never arrives");
}

#[test]
fn a_process_is_paused_or_down_but_not_both() {
    let mut story = Story::new();
    story.at(1_000).event(A, Event::Paused).at(3_000).event(A, Event::Crashed);
    story.at(4_000).event(A, Event::Started { incarnation: 1 });
    story.at(6_000).event(B, Event::PowerLost);
    let mut outcome = testing::outcome(story, &[], 0);
    outcome.run.simulated = std::time::Duration::from_micros(10);
    assert_eq!(
        slices(&events(&outcome), "process"),
        [r#"1.0+2.0 "paused""#, r#"3.0+1.0 "down""#, r#"6.0+4.0 "without power""#]
    );
}

#[test]
fn clients_stand_above_servers_and_these_above_the_store() {
    let mut story = Story::of(&["store", "redis", "buyer-1", "operator"]);
    story.stock(1);
    let events = events(&testing::outcome(story, &[], 1));
    let order = |node: NodeId| {
        let pid = u64::from(node.0) + 1;
        let is_it = |event: &&Value| event["pid"] == pid && event["name"] == "process_sort_index";
        events.iter().find(is_it).unwrap()["args"]["sort_index"].as_u64().unwrap()
    };
    let places = [A, REDIS, STORE, NodeId(3)].map(order);
    assert!(places.is_sorted_by(|one, other| one < other), "{places:?}");
}
