//! Several locks as one.

use super::*;
use crate::locks::redisson::multi::{Needs, RedissonMultiLock};

const SERVERS: [NodeId; 3] = [NodeId(2), NodeId(3), NodeId(4)];

fn multi(needs: Needs, work_s: u64, settings: RedissonSettings) -> Bench {
    client(1, work_s, move |host| RedissonMultiLock::new(host, &SERVERS, settings, needs))
}

/// Each server grants its lock, one after the other; who asked them.
fn granted_by(bench: &mut Bench, servers: u64, lease_ms: &str) -> Vec<String> {
    let holder = |place| {
        bench.connected(place);
        let holder = holder_of(&only(bench), lease_ms);
        bench.reply(place, Reply::Nil);
        holder
    };
    (0..servers).map(holder).collect()
}

#[test]
fn each_lock_is_asked_for_when_the_one_before_it_is_granted() {
    let mut bench = multi(Needs::All, 1, settings());
    let holders = granted_by(&mut bench, 2, "30000");
    assert_eq!(grants(&bench), []);
    assert_ne!(holders[0], holders[1], "each of a Redisson object of its own");
    bench.connected(2);
    only(&mut bench);
    bench.reply(2, Reply::Nil);
    assert_eq!(grants(&bench), [(None, false)]);
}

#[test]
fn the_first_unlock_that_throws_is_the_last_and_the_rest_is_renewed() {
    let mut bench = multi(Needs::All, 1, settings());
    granted_by(&mut bench, 3, "30000");
    bench.time(1_002);
    assert_eq!(only(&mut bench)[1], "3", "the unlock of the first");
    bench.reply_on(1_003, 0, Reply::Nil);
    assert_eq!(released(&bench), Some(ReleaseOutcome::NotHeld));
    assert_eq!(only(&mut bench)[0], "DEL", "of the first request's answer, and nothing else");
    bench.time(10_002);
    let renewals = bench.commands();
    assert_eq!(renewals.len(), 2, "{renewals:?}");
    for renewal in renewals {
        holder_of(&renewal, "30000");
    }
}

#[test]
fn a_majority_does_without_the_one_that_somebody_else_has() {
    let mut bench = multi(Needs::Majority, 1, settings());
    granted_by(&mut bench, 2, "30000");
    bench.connected(2);
    only(&mut bench);
    bench.reply(2, Reply::Int(20_000));
    bench.connected(3);
    assert_eq!(only(&mut bench), ["SUBSCRIBE", CHANNEL]);
    assert_eq!(grants(&bench), []);
    // A third of four and a half seconds.
    bench.time(1_503);
    assert_eq!(grants(&bench), [(None, false)]);
    bench.time(2_503);
    let unlocks = bench.commands();
    let unlocks: Vec<&str> = unlocks.iter().map(|words| &words[1][..]).collect();
    assert_eq!(unlocks, ["3"; 3], "all of them at once");
}

#[test]
fn a_lease_of_its_own_is_set_when_all_are_there() {
    let lease = Some(Duration::from_secs(3));
    let mut bench = multi(Needs::All, 1, RedissonSettings { lease, ..settings() });
    bench.connected(0);
    let asked_for = only(&mut bench)[3].parse::<u64>().expect("milliseconds");
    // A try takes half the lease to the whole one, and each lock is asked for twice that.
    assert!((3_000..6_000).contains(&asked_for), "{asked_for}");
    bench.reply(0, Reply::Nil);
    for place in [1, 2] {
        bench.connected(place);
        only(&mut bench);
        bench.reply(place, Reply::Nil);
    }
    assert_eq!(grants(&bench), []);
    assert_eq!(bench.commands(), [["PEXPIRE", "lock:stock", "3000"]; 3]);
    for connection in 0..3 {
        bench.reply_on(4, connection, Reply::Int(1));
    }
    assert_eq!(grants(&bench), [(None, false)]);
}
