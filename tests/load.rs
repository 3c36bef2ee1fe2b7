//! Somebody else writes to the lock's Redis. That alone does nothing to the lock.

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind;
use fencepost::scenario::{Recipe, Scenario};
use fencepost_faults::{Action, Fault, Start, Trigger};
use fencepost_models::load::LoadSettings;
use fencepost_models::note::Note;

fn busy() -> Scenario {
    Scenario::default().but(|s| {
        s.title = "A busy Redis".to_owned();
        s.shop.stock = 5;
        s.load = Some(LoadSettings { keys_per_second: 500, value_bytes: 64 });
        s.duration = Duration::from_secs(10);
        // A stuck lock takes ten seconds and more to show, even with such a lease.
        if let Recipe::SetNx(lock) = &mut s.lock {
            (lock.ttl, lock.timeout) = (Duration::from_secs(1), Duration::from_millis(500));
        }
    })
}

#[test]
fn a_load_fills_redis_at_its_rate_and_harms_nobody() {
    for kind in ViolationKind::ALL {
        busy().but(|s| s.duration = Duration::from_secs(15)).sweep(0..20).must_never(kind);
    }
    let outcome = busy().run(1).expect("runs");
    let is_load = |note: &Note| match note {
        Note::KeySet { key, value, .. } => {
            key.to_string().starts_with("load:") && value.as_bytes().len() == 64
        }
        _ => false,
    };
    let keys = outcome.run.history.notes().filter(|(_, _, note)| is_load(note)).count();
    assert!((4_990..=5_000).contains(&keys), "{keys} keys in ten seconds");
    assert_eq!(outcome.verdict.books.sold, 5);
}

#[test]
fn the_load_comes_last_so_that_everybody_else_stays_who_they_are() {
    let names = busy().node_names();
    assert_eq!(names, ["store", "redis", "buyer-1", "buyer-2", "load"]);
    let quiet = busy().but(|s| s.load = None);
    assert_eq!(quiet.node_names(), names[..4]);
}

/// Its crash is no server's: who cannot get the lock cannot get it for another reason.
#[test]
fn a_load_that_dies_for_good_excuses_no_stuck_lock() {
    let dies = |node: &str, start| Fault {
        start,
        length: None,
        action: Action::Crash { node: node.to_owned() },
    };
    let load = dies("load", Start::At(Duration::from_secs(1)));
    // Between SETNX and EXPIRE: the key stands for ever.
    let at_first = Start::When(Trigger {
        event: "key-set".to_owned(),
        node: Some("redis".to_owned()),
        nth: 1,
        after: Duration::ZERO,
    });
    let stuck = busy().but(|s| {
        if let Recipe::SetNx(lock) = &s.lock {
            s.lock = Recipe::SetnxExpire(lock.clone());
        }
        s.load = Some(LoadSettings { keys_per_second: 1, value_bytes: 64 });
        s.duration = Duration::from_secs(20);
        s.faults = vec![load.clone(), dies("buyer-1", at_first)];
    });
    let found = stuck.sweep(0..20).must_find(ViolationKind::StuckLock);
    assert!(found.outcome.run.faults.iter().all(|fault| fault.fired), "the load died too");
    let sound = busy().but(|s| {
        s.duration = Duration::from_secs(20);
        s.faults = vec![load];
    });
    sound.sweep(0..20).must_never(ViolationKind::StuckLock);
}
