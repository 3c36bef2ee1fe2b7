//! What stands over and under the timeline: the lock, the widths, the remarks of the verdict.

use super::*;

fn line<'a>(page: &'a str, start: &str) -> &'a str {
    page.lines().find(|line| line.starts_with(start)).unwrap()
}

#[test]
fn the_heading_names_the_lease() {
    let scenario = real_paused_holder();
    let page = text(&scenario, &testing::paused_holder());
    assert!(page.contains("lock set-nx on redis, lease 10s, fencing off; 1 piece for 3 buyers"));
}

#[test]
fn without_a_lock_there_is_no_lane_and_no_sign_of_one() {
    for (lock, words) in
        [(Recipe::None, "no lock, "), (Recipe::ConditionalUpdate, "no lock, conditional-update, ")]
    {
        let scenario = Scenario::default().but(|s| s.lock = lock);
        let page = text(&scenario, &scenario.run(1).unwrap());
        line(&page, &format!("{words}fencing off; 1 piece for 2 buyers; seed 1"));
        assert!(!page.contains("redis") && !page.contains("server"), "{page}");
    }
}

#[test]
fn an_owner_is_explained_whatever_its_number() {
    let mut story = Story::new();
    testing::granted(&mut story, NodeId(4), 2, 1);
    let page = text(&testing::scenario("x"), &testing::outcome(story, &[], 1));
    assert!(page.contains("    0.003s  3      · · "), "{page}");
    assert!(page.contains("a number: the lock is that buyer's on the server"), "{page}");
}

#[test]
fn the_replay_is_one_line_however_long() {
    let command = format!("fencepost run '{}.toml' --seed 7", "a long name ".repeat(20));
    let options = TextOptions { replay: Some(&command), width: 72, ..REPLAY };
    let page = page(&testing::scenario("x"), &testing::paused_holder(), options);
    assert_eq!(page.lines().last().unwrap(), format!("replay    {command}"));
}

#[test]
fn a_narrow_page_has_room_for_words() {
    let buyers: Vec<String> = (1..=8).map(|number| format!("buyer-{number}")).collect();
    let nodes = ["store", "redis"].into_iter().chain(buyers.iter().map(String::as_str));
    let mut story = Story::of(&nodes.collect::<Vec<_>>());
    for buyer in 2..10 {
        story.note(NodeId(buyer), Note::Acquiring { lock: Name::from(LOCK), thread: 0 });
    }
    story.event(STORE, Event::Paused);
    let outcome = testing::outcome(story, &[], 1);
    let page = |width| page(&testing::scenario("x"), &outcome, TextOptions { width, ..REPLAY });
    assert!(page(72).contains("  2 buyers have no lane: there is no room"), "{}", page(72));
    assert!(!page(100).contains("no lane"));
    assert_eq!(page(0), page(72), "less than 72 is taken for 72");
}

#[test]
fn a_verdict_says_when_a_fault_did_nothing() {
    let mut outcome = testing::paused_holder();
    let scenario = testing::scenario("x").but(|s| {
        s.expect = Some(outcome.verdict.kinds());
        s.faults = outcome.plan.clone();
    });
    let verdict = |outcome: &Outcome| line(&text(&scenario, outcome), "verdict").to_owned();
    assert!(verdict(&outcome).ends_with(", as expected"));
    outcome.run.faults[0].fired = false;
    assert!(verdict(&outcome).ends_with(", as expected, but 1 of 1 fault never fired"));
    outcome.run.faults[0].began_at = None;
    assert!(verdict(&outcome).ends_with(", as expected, but 1 of 1 fault never fired"));

    let drawn = scenario.but(|s| s.faults.clear());
    let page = text(&drawn, &outcome);
    assert!(line(&page, "verdict").ends_with(", as expected"), "drawn faults may come to nothing");
}
