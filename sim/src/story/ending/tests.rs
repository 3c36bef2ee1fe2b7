use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::machine::NodeId;
use fencepost_models::zookeeper::protocol::{SessionId, Zxid};

use super::*;
use crate::judge::ViolationKind::TwoHolders;
use crate::judge::holds;
use crate::judge::testing::{A, B, C, LOCK, REDIS, Story};
use crate::scenario::{Backend, Outcome, Recipe, Scenario, ZooKeeper};
use crate::story::two_grants;
use crate::world::history::Event;

const LEASE: Duration = Duration::from_secs(10);

/// How the earlier grants ended, for each two-holders of a run.
fn endings_of(scenario: &Scenario, outcome: &Outcome) -> Vec<Ending> {
    let history = &outcome.run.history;
    let holds = holds(history);
    let of_kind = outcome.verdict.violations.iter().filter(|one| one.kind == TwoHolders);
    let two = of_kind.map(|violation| two_grants(outcome, violation, &holds).expect("two"));
    two.map(|[one, other]| ending(history, one, other, scenario.lock.lease())).collect()
}

fn endings(name: &str) -> Vec<Ending> {
    let path = format!("{}/seeds/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("a scenario of the corpus");
    let scenario = Scenario::from_toml(name, &text).expect("a scenario");
    endings_of(&scenario, &scenario.run(scenario.seed).expect("runs"))
}

#[test]
fn what_the_corpus_shows_ends_as_it_says() {
    let cases = [
        ("paused-holder", Ending::Expired),
        ("slow-client-clock", Ending::Expired),
        ("clock-jump-forward", Ending::ExpiredEarly),
        ("restart-without-persistence", Ending::Forgotten),
        ("power-loss-aof-everysec", Ending::Forgotten),
        ("evicted-lock", Ending::Evicted),
        ("sentinel-lost-lock", Ending::NeverThere),
        ("cluster-lost-lock", Ending::NeverThere),
        ("redlock-paused-holder", Ending::Expired),
        ("redlock-clock-jump", Ending::ExpiredEarly),
        ("redlock-power-loss-everysec", Ending::Forgotten),
        ("redisson-paused-holder", Ending::Expired),
        ("jvm-two-processes", Ending::NotEnded),
    ];
    for (name, ending) in cases {
        assert_eq!(endings(name).first(), Some(&ending), "{name}");
    }
    // First it is the lease of the one who sleeps; then that one deletes whatever is there.
    assert_eq!(endings("plain-del")[..2], [Ending::Expired, Ending::Deleted]);
}

#[test]
fn a_session_expires_with_its_znode() {
    let start = Start::When(Trigger {
        node: Some("buyer-1".to_owned()),
        event: "acquired".to_owned(),
        nth: 1,
        after: Duration::ZERO,
    });
    let action = Action::Pause { node: "buyer-1".to_owned() };
    let asleep = Scenario::default().but(|s| {
        s.backend = Some(Backend::ZooKeeper(ZooKeeper::default()));
        s.lock = Recipe::all().into_iter().find(|one| one.as_str() == "zookeeper").unwrap();
        (s.shop.stock, s.duration) = (20, Duration::from_secs(150));
        s.faults = vec![Fault { start, length: Some(Duration::from_secs(90)), action }];
    });
    let outcome = asleep.run(1).unwrap();
    assert_eq!(endings_of(&asleep, &outcome).first(), Some(&Ending::SessionExpired));
}

/// How the first of two holds ended in a history by hand: the first and the last that began.
fn by_hand(story: &Story, lease: Duration) -> Ending {
    let holds = holds(&story.history);
    let [first, .., last] = &holds[..] else { panic!("{holds:?}") };
    ending(&story.history, first, last, Some(lease))
}

/// A client asks for the lock and is granted it.
fn grant<'s>(story: &'s mut Story, client: NodeId, mark: &str) -> &'s mut Story {
    story.wait(client);
    let ask = story.send_command(client, REDIS, "SET");
    story.deliver(ask).key_set(REDIS, LOCK, mark).acquire(client, None)
}

#[test]
fn a_lease_that_was_renewed_is_as_long_as_its_last_renewal() {
    for (expires_ms, ending) in [(14_000, Ending::Expired), (13_000, Ending::ExpiredEarly)] {
        let mut story = Story::new();
        grant(story.at_ms(0), A, "a");
        let renew = story.at_ms(4_000).send_command(A, REDIS, "EVALSHA");
        story.deliver(renew).key_set(REDIS, LOCK, "a");
        story.at_ms(expires_ms).key_expired(REDIS, LOCK);
        grant(&mut story, B, "b");
        assert_eq!(by_hand(&story, LEASE), ending);
    }
}

#[test]
fn what_somebody_else_had_in_between_does_not_count() {
    let mut story = Story::new();
    grant(story.at_ms(0), A, "a");
    story.at_ms(10_000).key_expired(REDIS, LOCK);
    grant(&mut story, C, "c");
    let release = story.at_ms(11_000).release(C).send_command(C, REDIS, "EVALSHA");
    story.deliver(release).key_deleted(REDIS, LOCK);
    grant(story.at_ms(12_000), B, "b");
    assert_eq!(by_hand(&story, LEASE), Ending::Expired, "C's was deleted, A's had expired");
}

#[test]
fn news_that_come_late_do_not_make_a_grant_later() {
    let mut story = Story::new();
    story.wait(A).wait(B);
    let ask = story.send_command(A, REDIS, "SET");
    story.deliver(ask).key_set(REDIS, LOCK, "a");
    let slow = story.send_grant(A);
    story.at_ms(10_000).key_expired(REDIS, LOCK);
    let ask = story.send_command(B, REDIS, "SET");
    story.deliver(ask).key_set(REDIS, LOCK, "b");
    let fast = story.send_grant(B);
    story.at_ms(10_001).deliver(fast).acquire(B, None);
    story.at_ms(12_000).deliver(slow).acquire(A, None);
    assert_eq!(by_hand(&story, LEASE), Ending::Expired);
}

#[test]
fn what_is_there_again_after_a_restart_has_not_been_forgotten() {
    let mut story = Story::new();
    grant(story.at_ms(0), A, "a");
    story.at_ms(1_000).event(REDIS, Event::Crashed);
    story.at_ms(2_000).key_set(REDIS, LOCK, "a").at_ms(10_000).key_expired(REDIS, LOCK);
    grant(&mut story, B, "b");
    assert_eq!(by_hand(&story, LEASE), Ending::Expired);
    let mut story = Story::new();
    grant(story.at_ms(0), A, "a");
    story.at_ms(1_000).event(REDIS, Event::Crashed);
    grant(story.at_ms(2_000), B, "b");
    assert_eq!(by_hand(&story, LEASE), Ending::Forgotten);
}

/// A znode that makes its client the first in the queue, or the next.
fn enqueue(story: &mut Story, client: NodeId, number: u32, zxid: Zxid) {
    let path = Name::from(format!("{LOCK}/x-{number:010}").as_str());
    let session = SessionId(client.0.into());
    story.wait(client).note(REDIS, Note::ZnodeCreated { path, session, zxid });
}

#[test]
fn what_the_next_leader_has_not_in_its_log_has_been_forgotten() {
    let mut story = Story::new();
    let says = |event, detail: &str| Note::ZooKeeper { event, detail: detail.into() };
    enqueue(&mut story, A, 0, Zxid::new(1, 1));
    story.acquire(A, None);
    story.note(REDIS, says("looking", "last transaction 0x0"));
    story.note(REDIS, says("epoch-established", "epoch 2"));
    enqueue(&mut story, B, 0, Zxid::new(2, 1));
    story.acquire(B, None);
    assert_eq!(by_hand(&story, LEASE), Ending::Forgotten);
}

#[test]
fn every_ending_has_a_name_of_its_own() {
    let mut names = Ending::ALL.map(Ending::as_str);
    names.sort_unstable();
    assert!(names.is_sorted_by(|one, next| one < next), "{names:?}");
}
