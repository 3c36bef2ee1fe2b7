mod faults;
mod gaps;
mod heading;

use std::collections::BTreeSet;
use std::time::Duration;

use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::locks::redis::RedisLockSettings;
use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note};
use fencepost_models::random::Random;
use fencepost_models::shop::Fencing;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::judge::ViolationKind;
use crate::judge::testing::{LOCK, REDIS, STORE, Story};
use crate::report::testing;
use crate::scenario::{Recipe, Scenario};

fn page(scenario: &Scenario, outcome: &Outcome, options: TextOptions<'_>) -> String {
    let mut page = String::new();
    write_text(scenario, outcome, &options, &mut page).unwrap();
    page
}

/// The digest covers all that happened, and changes with more than is shown.
fn without_digest(page: &str) -> String {
    let lines = page.lines().map(|line| match line.strip_prefix("digest") {
        Some(_) => "digest    (left out)",
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

const REPLAY: TextOptions<'static> = TextOptions {
    colour: false,
    max_rows: 60,
    width: 100,
    replay: Some("fencepost run paused-holder.toml --seed 7"),
};

#[test]
fn a_paused_holder() {
    let scenario = testing::scenario("The holder that slept past its lease");
    let page = page(&scenario, &testing::paused_holder(), REPLAY);
    insta::assert_snapshot!(page);
}

#[test]
fn one_of_everything() {
    let scenario = testing::scenario("A medley").but(|s| {
        s.explain = "One of every kind of line, so that a change to any of them shows.".into();
        s.expect = Some(BTreeSet::new());
    });
    insta::assert_snapshot!(page(&scenario, &testing::medley(), TextOptions::default()));
}

#[test]
fn without_any_lock() {
    let scenario = Scenario::default().but(|s| {
        s.title = "The race itself".into();
        (s.lock, s.backend) = (Recipe::None, None);
        s.duration = Duration::from_secs(1);
    });
    let outcome = scenario.run(1).unwrap();
    insta::assert_snapshot!(without_digest(&text(&scenario, &outcome)));
}

#[test]
fn an_order_without_a_token_is_not_behind_another_one() {
    let mut story = Story::new();
    story.stock(1).note(NodeId(2), Note::OrderRefused { thread: 0, order: 1, mark: 0 });
    story.note(NodeId(3), Note::OrderRefused { thread: 0, order: 2, mark: 7 });
    let page =
        page(&testing::scenario("x"), &testing::outcome(story, &[], 1), TextOptions::default());
    assert!(page.contains("buyer-1 gives its order up: it has no token"), "{page}");
    assert!(page.contains("buyer-2 gives its order up: token 7 was there before"), "{page}");
}

#[test]
fn a_long_run_is_cut_down_and_says_what_is_missing() {
    let scenario = Scenario::default().but(|s| {
        s.title = "Two thousand orders without a lock".into();
        (s.lock, s.backend) = (Recipe::ConditionalUpdate, None);
        s.shop.stock = 2_000;
        s.shop.buyers = 20;
    });
    let outcome = scenario.run(1).unwrap();
    let page = page(&scenario, &outcome, TextOptions { max_rows: 12, ..Default::default() });
    insta::assert_snapshot!(without_digest(&page));
}

#[test]
fn colour_adds_escapes_and_nothing_else() {
    let (scenario, outcome) = (testing::scenario("In colour"), testing::paused_holder());
    let plain = page(&scenario, &outcome, TextOptions::default());
    let coloured = page(&scenario, &outcome, TextOptions { colour: true, ..Default::default() });
    assert!(coloured.contains("\u{1b}["));
    let mut stripped = String::new();
    for (number, part) in coloured.split("\u{1b}[").enumerate() {
        let text = if number == 0 { part } else { part.split_once('m').unwrap().1 };
        stripped.push_str(text);
    }
    assert_eq!(stripped, plain);
}

/// `SET NX` on a real Redis, with a holder that pauses for longer than its lease.
fn real_paused_holder() -> Scenario {
    let when = Trigger {
        node: Some("buyer-1".to_owned()),
        event: "stock-seen".to_owned(),
        nth: 1,
        after: Duration::ZERO,
    };
    let lock = RedisLockSettings { ttl: Duration::from_secs(10), ..RedisLockSettings::default() };
    Scenario::default().but(|s| {
        s.title = "The holder that paused".into();
        s.lock = Recipe::SetNx(lock);
        s.shop.buyers = 3;
        s.faults = vec![Fault {
            start: Start::When(when),
            length: Some(Duration::from_secs(15)),
            action: Action::Pause { node: "buyer-1".into() },
        }];
    })
}

#[test]
fn a_real_paused_holder() {
    let scenario = real_paused_holder();
    let mut outcomes = (0..50).map(|seed| scenario.run(seed).unwrap());
    let oversold = |outcome: &Outcome| outcome.verdict.first(ViolationKind::Oversell).is_some();
    let outcome = outcomes.find(oversold).unwrap();
    insta::assert_snapshot!(without_digest(&text(&scenario, &outcome)));
}

#[test]
fn real_runs_on_redis_are_readable() {
    for seed in 0..30 {
        let scenario = real_paused_holder().but(|s| {
            (s.shop.stock, s.shop.buyers) = (20, 2 + seed as u16 % 9);
            s.shop.fencing = Fencing::ReadsAndWrites;
            let crash = Action::Crash { node: "redis".into() };
            s.faults.push(testing::fault(crash, 30_000, 2_000));
        });
        let outcome = scenario.run(seed).unwrap();
        assert!(outcome.run.faults.iter().any(|fault| fault.fired));
        assert_readable(&scenario, &outcome, &format!("seed {seed}"));
    }
}

/// A run of notes at random: whatever happens in whatever order, it can be shown.
fn random_outcome(seed: u64) -> Outcome {
    let mut random = Random::new(seed, 0);
    let mut draw = |bound: u64| random.range(0..=bound - 1);
    let buyers = 1 + draw(14);
    let names: Vec<String> = (1..=buyers).map(|number| format!("buyer-{number}")).collect();
    let mut nodes = vec!["store", "redis"];
    nodes.extend(names.iter().map(String::as_str));
    let mut story = Story::of(&nodes);
    story.stock(draw(2) * u64::MAX + draw(1));
    let mut now = 0;
    for _ in 0..draw(400) {
        now += [0, 1_000, 3_000_000, 900_000_000, 4_000_000_000_000][draw(5) as usize];
        let node = NodeId(2 + draw(buyers) as u16);
        let (lock, token) = (Name::from(LOCK), Some(draw(9)));
        story.at(now);
        if draw(4) == 0 {
            let message = story.send_write(node, draw(9), 1);
            if draw(2) == 0 {
                now += 700_000_000;
                story.at(now).deliver(message);
            } else {
                story.event(node, Event::Blocked(message));
            }
        }
        match draw(21) {
            0 => story.note(node, Note::Acquiring { lock, thread: 0 }),
            1 | 2 => story.acquire(node, token),
            3 => story.release(node),
            4 => story.lose(node),
            5 => story.taken(node, draw(9), draw(5), draw(5)),
            6 => story.note(STORE, Note::Fenced { from: node, write: true, token, mark: u64::MAX }),
            7 => story
                .note(REDIS, Note::KeySet { key: lock.clone(), value: lock, expires_at_ms: None }),
            8 => story.note(REDIS, Note::KeyExpired { key: lock }),
            20 => story.note(REDIS, Note::KeyEvicted { key: lock }),
            9 => story.event(node, Event::Paused),
            10 => story.event(node, Event::Resumed),
            11 => story.event(node, Event::Crashed),
            12 => story.event(node, Event::Started { incarnation: 1 }),
            13 => story.event(node, Event::TimerFired),
            14 => story.note(REDIS, Note::KeyDeleted { key: lock }),
            15 => story.note(node, Note::StockSeen { thread: 0, stock: draw(9) }),
            16 => story.served(node, draw(9)),
            17 => story.note(node, Note::SoldOut { thread: 0 }),
            18 => story.event(
                [STORE, REDIS][draw(2) as usize],
                [Event::Crashed, Event::PowerLost, Event::Paused][draw(3) as usize],
            ),
            19 => story.note(node, Note::GaveUp { lock, thread: 0 }),
            _ => story
                .note(node, Note::Remark { text: "long ".repeat(draw(60) as usize) + "x\u{7}" }),
        };
    }
    testing::outcome(story, &[], 60)
}

/// The part of the page with lanes, row by row.
fn rows(page: &str) -> impl Iterator<Item = &str> {
    page.lines()
        .skip_while(|line| !line.ends_with("sold"))
        .skip(1)
        .take_while(|line| !line.is_empty())
}

/// No line is too long; every sign that is drawn is explained, and no other.
fn assert_readable(scenario: &Scenario, outcome: &Outcome, what: &str) {
    for width in [72, 80, 100, 160] {
        assert_readable_at(width, scenario, outcome, what);
    }
}

fn assert_readable_at(wide: usize, scenario: &Scenario, outcome: &Outcome, what: &str) {
    let page = page(scenario, outcome, TextOptions { width: wide, ..REPLAY });
    for line in page.lines() {
        assert!(line.width() <= wide, "{what}: {} columns: {line}", line.width());
    }
    let width = Columns::new(outcome, &Cast::of(&outcome.run.history), wide).width();
    let legend = page.split("\n\n").nth(2).unwrap();
    let explained: BTreeSet<&str> = legend
        .lines()
        .flat_map(|line| line.trim().split("   "))
        .map(|entry| entry.strip_prefix("a ").unwrap_or(entry))
        .filter_map(|entry| entry.split(' ').next())
        .collect();
    let mut drawn = BTreeSet::new();
    for row in rows(&page) {
        let lanes: String = row.chars().take(width).collect();
        drawn.extend(
            lanes.chars().filter(|sign| !sign.is_ascii_alphanumeric() && !" .".contains(*sign)),
        );
    }
    for sign in &drawn {
        assert!(explained.contains(&*sign.to_string()), "{what}: {sign} is not explained\n{page}");
    }
    let has_lanes = |sign: &&&str| sign.chars().count() == 1 && !sign.chars().all(char::is_numeric);
    for sign in explained.iter().filter(has_lanes) {
        let is_drawn = drawn.iter().any(|one| **sign == one.to_string());
        assert!(is_drawn, "{what}: {sign} is explained and never drawn\n{page}");
    }
}

#[test]
fn whatever_happens_is_readable() {
    for seed in 0..300 {
        let scenario = testing::scenario(&"A title without end ".repeat(9));
        assert_readable(&scenario, &random_outcome(seed), &format!("seed {seed}"));
    }
}

#[test]
fn real_runs_with_real_faults_are_readable() {
    for seed in 0..30 {
        let scenario = Scenario::default().but(|s| {
            (s.lock, s.backend) = (Recipe::None, None);
            (s.shop.stock, s.shop.buyers) = (50, 1 + seed as u16 % 12);
            s.faults = testing::faults_without_redis();
        });
        let outcome = scenario.run(seed).unwrap();
        assert!(outcome.run.faults.iter().any(|fault| fault.fired));
        assert_readable(&scenario, &outcome, &format!("seed {seed}"));
    }
}

#[test]
fn the_rows_stay_within_their_bound() {
    for seed in 0..50 {
        let outcome = random_outcome(seed);
        let page = page(&testing::scenario("x"), &outcome, TextOptions { max_rows: 20, ..REPLAY });
        let columns = Columns::new(&outcome, &Cast::of(&outcome.run.history), 100);
        let begins = rows(&page).filter(|row| {
            let mark = row.chars().nth(columns.width() - 2).unwrap_or(' ');
            !row[..10].trim().is_empty() || mark == '…'
        });
        assert!(begins.count() <= 20, "seed {seed}\n{page}");
    }
}
