//! How faults are told: what met them, and what is down because of them.

use fencepost_faults::FaultKind;
use fencepost_models::machine::{CloseReason, ConnectionId};

use super::*;
use crate::judge::testing::{A, B};
use crate::world::history::FaultId;

/// A page of a story with one fault from 1 s to 6 s.
fn told(action: Action, tell: impl FnOnce(&mut Story)) -> String {
    let mut story = Story::new();
    story.stock(1);
    tell(&mut story);
    let outcome = testing::outcome(story, &[testing::fault(action, 1_000, 5_000)], 10);
    text(&testing::scenario("x"), &outcome)
}

/// A connection that a buyer asks the store for.
const ASKED: ConnectionId = ConnectionId(9);

fn asks(story: &mut Story, ms: u64) -> &mut Story {
    story.at_ms(ms).event(A, Event::Connecting { connection: ASKED, peer: STORE })
}

fn cut() -> Action {
    Action::Partition(testing::groups("store", "buyer-1"))
}

fn assert_has(page: &str, row: &str) {
    let words: Vec<&str> = page.split_whitespace().collect();
    assert!(words.join(" ").contains(row), "{row} is missing\n{page}");
}

#[test]
fn a_request_for_a_connection_that_meets_a_cut_is_told_and_so_is_its_success() {
    let page = told(cut(), |story| {
        asks(story, 999).at_ms(1_000).event(STORE, Event::FaultBegan(FaultId(0)));
        story.at_ms(6_000).event(STORE, Event::FaultEnded(FaultId(0)));
        story.at_ms(7_999).event(A, Event::Connected(ASKED));
    });
    assert!(page.contains("buyer-1 asks store for a connection: the request is about to meet"));
    assert!(page.contains("buyer-1 is connected to store after 7.000s"));
    let page = told(cut(), |story| {
        story.at_ms(1_000).event(STORE, Event::FaultBegan(FaultId(0)));
        asks(story, 2_000)
            .at_ms(129_000)
            .event(A, Event::ConnectionLost { connection: ASKED, reason: CloseReason::TimedOut });
    });
    assert!(page.contains("buyer-1 asks store for a connection: the request meets the cut"));
    assert!(page.contains("buyer-1 gets no connection to store: timed out after 127.000s"));
    let page = told(cut(), |story| {
        story.at_ms(1_000).event(STORE, Event::FaultBegan(FaultId(0)));
        asks(story, 2_000).at_ms(4_000).event(A, Event::Closed(ASKED));
    });
    assert!(page.contains("buyer-1 gives up asking store after 2.000s"));
}

#[test]
fn a_request_that_succeeds_at_once_is_not_worth_a_line() {
    let page = told(cut(), |story| {
        asks(story, 10).at_ms(12).event(A, Event::Connected(ASKED));
    });
    assert!(!rows(&page).any(|row| row.contains("buyer-1")), "{page}");
}

#[test]
fn a_cut_between_others_is_no_reason() {
    let others = Action::Partition(testing::groups("redis", "buyer-1"));
    let page = told(others, |story| {
        story.at_ms(1_000).event(REDIS, Event::FaultBegan(FaultId(0)));
        asks(story, 2_000).at_ms(3_000).event(A, Event::Connected(ASKED));
    });
    assert!(page.contains("buyer-1 asks store for a connection, and waits for it"), "{page}");
}

#[test]
fn a_host_without_power_is_not_told_as_a_cut() {
    let page = told(Action::PowerLoss { node: "store".into() }, |story| {
        let fault = Event::FaultBegan(FaultId(0));
        story.at_ms(1_000).event(STORE, fault).event(STORE, Event::PowerLost);
        asks(story, 2_000);
        let write = story.at_ms(2_500).send_write(B, 1, 0);
        story.event(B, Event::Blocked(write));
        story.at_ms(6_000).event(STORE, Event::Started { incarnation: 1 });
        story.at_ms(6_001).event(B, Event::Blocked(write));
    });
    assert_has(&page, "buyer-1 asks store for a connection and reaches nobody: store is");
    assert_has(&page, "the write from buyer-2 to store reaches nobody: store is without");
    assert_has(&page, "the write from buyer-2 to store waits behind what has not got");
    assert!(!page.contains("the cut"), "{page}");
}

#[test]
fn a_store_that_is_down_or_paused_has_a_sign() {
    for (event, sign) in [(Event::Crashed, '×'), (Event::PowerLost, '×'), (Event::Paused, '░')]
    {
        let page = told(cut(), |story| {
            story.at_ms(20).note(A, Note::StockSeen { thread: 0, stock: 1 });
            story.at_ms(1_000).event(STORE, event).note(A, Note::StockSeen { thread: 0, stock: 1 });
            let back = [Event::Started { incarnation: 1 }, Event::Resumed];
            story.at_ms(2_000).event(STORE, back[usize::from(sign == '░')]);
        });
        let signs: Vec<bool> = rows(&page).map(|row| row.contains(sign)).collect();
        assert_eq!(signs, [false, false, true, true, true, false, false], "{page}");
        assert!(page.contains(&format!("{sign} ")), "{page}");
    }
}

#[test]
fn two_holders_show_though_both_are_paused() {
    let page = told(cut(), |story| {
        story.at_ms(1).acquire(A, Some(1)).event(A, Event::Paused);
        story.at_ms(2).note(A, Note::StockSeen { thread: 0, stock: 1 });
        story.at_ms(3).acquire(B, Some(2)).event(B, Event::Paused);
        story.at_ms(4).note(B, Note::StockSeen { thread: 0, stock: 1 });
        story.at_ms(5).event(B, Event::Resumed);
    });
    for lanes in ["▓ · ·", "▚ █ ·", "▚ ▚ ·"] {
        assert!(rows(&page).any(|row| row.contains(lanes)), "{lanes} is missing\n{page}");
    }
    assert!(page.contains("▚ paused, and believes so while another does too"));
}

#[test]
fn a_message_to_hold_is_armed_first_and_strikes_later() {
    let hold = || Action::HoldMessage { from: "buyer-1".into(), to: "store".into(), message: None };
    let page = told(hold(), |story| {
        story.at_ms(1_000).event(A, Event::FaultBegan(FaultId(0)));
        let write = story.at_ms(1_500).send_write(A, 1, 0);
        story.event(A, Event::Held(write));
    });
    let strikes: Vec<&str> = rows(&page).filter(|row| row.contains('↯')).collect();
    assert_eq!(strikes.len(), 1, "{page}");
    assert!(strikes[0].contains("the write from buyer-1 to store is held back"), "{page}");
    assert_has(&page, "armed: hold-message buyer-1 -> store for 5s");
    assert!(page.contains("armed at 1.000s, 3 messages held back"), "{page}");

    let mut story = Story::new();
    story.stock(1);
    let mut outcome = testing::outcome(story, &[testing::fault(hold(), 1_000, 5_000)], 10);
    outcome.run.faults[0].fired = false;
    let page = text(&testing::scenario("x"), &outcome);
    assert!(page.contains("armed at 1.000s, no such message came"), "{page}");
}

#[test]
fn hits_have_their_unit() {
    let mut faults = testing::faults_without_redis();
    faults.push(testing::fault(
        Action::Delay { groups: testing::groups("store", "buyer-1"), by: Duration::from_secs(1) },
        0,
        1,
    ));
    let slow = Action::SlowDisk { node: "store".into(), by: Duration::from_secs(1) };
    faults.push(testing::fault(slow, 0, 1));
    let mut story = Story::new();
    story.stock(1);
    let options = TextOptions { width: 120, ..REPLAY };
    let page = page(&testing::scenario("x"), &testing::outcome(story, &faults, 10), options);
    for (kind, unit) in [
        (FaultKind::Pause, "3 inputs waited"),
        (FaultKind::Crash, "3 restarts put off"),
        (FaultKind::Partition, "3 packets met it"),
        (FaultKind::HoldMessage, "3 messages held back"),
        (FaultKind::DropConnection, "3 connections reset"),
        (FaultKind::Delay, "3 packets delayed"),
        (FaultKind::SlowDisk, "3 disk operations slowed"),
    ] {
        let line = page.lines().find(|line| line.contains(&format!("{} ", kind.as_str())));
        assert!(line.is_some_and(|line| line.ends_with(unit)), "{unit} is missing\n{page}");
    }
}
