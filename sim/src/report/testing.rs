//! Runs by hand: a story with its scenario and its faults.

use std::time::Duration;

use fencepost_faults::{Action, Fault, Groups, Start};
use fencepost_models::machine::NodeId;
use fencepost_models::note::{Name, Note, ReleaseOutcome};

use crate::judge::judge;
use crate::judge::testing::{A, B, LOCK, REDIS, STORE, Story};
use crate::scenario::{Outcome, Scenario};
use crate::world::history::{Event, FaultId, SignedNanos};
use crate::world::{FaultOutcome, Run, SimTime};

pub fn fault(action: Action, at_ms: u64, for_ms: u64) -> Fault {
    let start = Start::At(Duration::from_millis(at_ms));
    Fault { start, length: Some(Duration::from_millis(for_ms)), action }
}

pub fn groups(one: &str, other: &str) -> Groups {
    Groups { one: vec![one.to_owned()], other: vec![other.to_owned()] }
}

/// Some of every sort, for a run of store and buyers alone.
pub fn faults_without_redis() -> Vec<Fault> {
    let one = || "buyer-1".to_owned();
    let message = Some("write".to_owned());
    vec![
        fault(Action::Pause { node: one() }, 20, 3_000),
        fault(Action::Crash { node: "store".into() }, 200, 1_500),
        fault(Action::PowerLoss { node: one() }, 5_000, 1_000),
        fault(Action::Partition(groups("buyer-1", "store")), 7_000, 2_000),
        fault(Action::HoldMessage { from: one(), to: "store".into(), message }, 9_500, 2_000),
        fault(Action::DropConnection(groups("buyer-1", "store")), 12_000, 1),
        fault(Action::ClockJump { node: one(), by_nanos: -5_000_000_000 }, 12_000, 500),
    ]
}

/// Closes a story: every fault began when it was to begin, and hit something.
pub fn outcome(mut story: Story, faults: &[Fault], seconds: u64) -> Outcome {
    let came_of = |fault: &Fault| FaultOutcome {
        fault: fault.clone(),
        began_at: match &fault.start {
            Start::At(at) => Some(SimTime::after(*at)),
            Start::When(_) => None,
        },
        fired: true,
        hits: 3,
    };
    story.history.faults = faults.iter().map(Fault::kind).collect();
    story.end_ms(seconds * 1_000);
    let verdict = judge(&story.history, &Scenario::default().judge_settings());
    let run = Run {
        seed: 7,
        history: story.history,
        faults: faults.iter().map(came_of).collect(),
        simulated: Duration::from_secs(seconds),
        events: 100,
    };
    Outcome { plan: faults.to_vec(), run, verdict }
}

pub fn scenario(title: &str) -> Scenario {
    Scenario { title: title.to_owned(), seed: 7, ..Scenario::default() }
}

/// A buyer asks Redis for the lock, and Redis sets the key.
pub fn granted(story: &mut Story, node: NodeId, ms: u64, token: u64) {
    let ask = story.at_ms(ms).send(node, REDIS, command("EVALSHA"));
    let value = Name::from(format!("value-{}-{token}", node.0).as_str());
    let set = Note::KeySet { key: Name::from(LOCK), value, expires_at_ms: Some(10_000) };
    story.at_ms(ms + 1).deliver(ask).note(REDIS, set);
    let answer = story.send_grant(node);
    story.at_ms(ms + 2).deliver(answer).acquire(node, Some(token));
}

pub fn command(name: &'static str) -> fencepost_models::message::Message {
    fencepost_models::message::Message::Redis([bytes::Bytes::from_static(name.as_bytes())].into())
}

fn reads(story: &mut Story, node: NodeId, ms: u64, stock: u64) {
    story
        .at_ms(ms)
        .served(node, stock)
        .at_ms(ms + 1)
        .note(node, Note::StockSeen { thread: 0, stock });
}

/// The holder is paused past its lease, another gets the lock, both sell the last piece.
pub fn paused_holder() -> Outcome {
    let pause = fault(Action::Pause { node: "buyer-1".into() }, 2_000, 15_000);
    let mut story = Story::of(&["store", "redis", "buyer-1", "buyer-2"]);
    story.stock(1);
    story.wait(A);
    story.wait(B);
    granted(&mut story, A, 2, 1);
    reads(&mut story, A, 1_999, 1);
    story.at_ms(2_000).event(A, Event::FaultBegan(FaultId(0))).event(A, Event::Paused);
    for poll in 1..80 {
        let ask = story.at_ms(2_000 + poll * 100).send(B, REDIS, command("EVALSHA"));
        story.deliver(ask);
    }
    story.at_ms(10_004).note(REDIS, Note::KeyExpired { key: Name::from(LOCK) });
    granted(&mut story, B, 10_091, 2);
    reads(&mut story, B, 10_095, 1);
    let write = story.at_ms(10_098).send_write(B, 1, 0);
    story.at_ms(10_099).deliver(write).taken(B, 1, 1, 0);
    story.at_ms(10_102).release(B);
    let delete = story.send(B, REDIS, command("EVALSHA"));
    story.at_ms(10_103).deliver(delete).note(REDIS, Note::KeyDeleted { key: Name::from(LOCK) });
    story.at_ms(10_104).released(B, ReleaseOutcome::Removed);
    story.note(B, Note::OrderPlaced { thread: 0, order: 1 });
    story.at_ms(17_000).event(A, Event::FaultEnded(FaultId(0))).event(A, Event::Resumed);
    let write = story.at_ms(17_001).send_write(A, 2, 0);
    story.at_ms(17_002).deliver(write).taken(A, 2, 0, 0);
    story.at_ms(17_004).release(A).at_ms(17_006).released(A, ReleaseOutcome::NotHeld);
    story.note(A, Note::OrderPlaced { thread: 0, order: 2 });
    outcome(story, &[pause], 60)
}

/// One of everything: a late write that is refused, a crash, a cut, a clock, a foreign delete.
pub fn medley() -> Outcome {
    let faults = [
        fault(
            Action::HoldMessage {
                from: "buyer-1".into(),
                to: "store".into(),
                message: Some("write".into()),
            },
            5,
            12_000,
        ),
        fault(Action::Crash { node: "buyer-2".into() }, 20_000, 2_000),
        fault(Action::Partition(groups("buyer-3", "redis")), 23_000, 1_000),
        fault(Action::ClockJump { node: "redis".into(), by_nanos: 5_000_000_000 }, 25_000, 1_000),
    ];
    let mut story = Story::new();
    story.stock(3);
    story.wait(A);
    story.wait(B);
    granted(&mut story, A, 2, 1);
    story.at_ms(5).event(A, Event::FaultBegan(FaultId(0)));
    let held = story.at_ms(6).send_write(A, 1, 2);
    story.event(A, Event::Held(held));
    story.at_ms(5_000).note(REDIS, Note::KeyExpired { key: Name::from(LOCK) });
    granted(&mut story, B, 5_010, 2);
    let delete = story.at_ms(6_000).send(A, REDIS, command("DEL"));
    story.at_ms(6_001).deliver(delete).note(REDIS, Note::KeyDeleted { key: Name::from(LOCK) });
    story.at_ms(12_005).event(A, Event::FaultEnded(FaultId(0))).deliver(held);
    story.note(STORE, Note::Fenced { from: A, write: true, token: Some(1), mark: 2 });
    story.at_ms(12_007).lose(A).note(A, Note::OrderRefused { thread: 0, order: 1, mark: 2 });
    story.at_ms(20_000).event(B, Event::FaultBegan(FaultId(1))).event(B, Event::Crashed);
    story.at_ms(22_000).event(B, Event::FaultEnded(FaultId(1)));
    story.event(B, Event::Started { incarnation: 1 });
    story.at_ms(23_000).event(NodeId(4), Event::FaultBegan(FaultId(2)));
    story.wait(NodeId(4));
    let cut = story.at_ms(23_010).send(NodeId(4), REDIS, command("EVALSHA"));
    story.event(NodeId(4), Event::Blocked(cut));
    story.at_ms(24_000).event(NodeId(4), Event::FaultEnded(FaultId(2)));
    story.at_ms(24_300).deliver(cut);
    story.at_ms(25_000).event(REDIS, Event::FaultBegan(FaultId(3)));
    story.event(REDIS, Event::ClockJumped { by_nanos: SignedNanos(5_000_000_000) });
    story.at_ms(26_000).event(REDIS, Event::FaultEnded(FaultId(3)));
    let lost = story.at_ms(27_000).send_write(NodeId(4), 9, 1);
    let reason = crate::world::history::LossReason::ConnectionGone;
    story.event(STORE, Event::Lost { message: lost, reason });
    outcome(story, &faults, 30)
}
