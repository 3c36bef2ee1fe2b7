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
    assert_eq!(bench.commands(), [["EVALSHA", "1", "lock:stock", "3000"]; 3]);
    for connection in 0..3 {
        bench.reply_on(4, connection, Reply::Int(1));
    }
    assert_eq!(grants(&bench), [(None, false)]);
}

/// The locks that were asked to be left since this was last asked.
fn left(bench: &mut Bench) -> usize {
    bench.commands().iter().filter(|words| words[..2] == ["EVALSHA", "3"]).count()
}

#[test]
fn who_needs_all_gives_back_what_it_has_when_one_is_not_granted_in_time() {
    let mut bench = multi(Needs::All, 1, settings());
    granted_by(&mut bench, 1, "30000");
    bench.connected(0);
    only(&mut bench);
    bench.reply(0, Reply::Int(20_000));
    // It waits for the second, subscribed, for four seconds and a half in all.
    bench.connected(0);
    assert_eq!(only(&mut bench), ["SUBSCRIBE", CHANNEL]);
    bench.reply(0, Reply::Array(vec![bulk("subscribe"), bulk(CHANNEL), Reply::Int(1)]));
    only(&mut bench);
    bench.reply_on(0, 1, Reply::Int(20_000));
    bench.time(4_499);
    nothing(&mut bench);
    bench.time(4_500);
    assert_eq!(left(&mut bench), 1);
    bench.reply_on(4_501, 0, Reply::Int(1));
    let again = bench.commands();
    let asks = |words: &Vec<String>| words[..2] == ["EVALSHA", "1"];
    assert_eq!(again.iter().filter(|words| asks(words)).count(), 1, "it begins anew: {again:?}");
    assert_eq!(grants(&bench), []);
}

#[test]
fn a_majority_passes_over_one_that_does_not_answer_and_gives_it_back() {
    let mut bench = multi(Needs::Majority, 1, settings());
    granted_by(&mut bench, 1, "30000");
    bench.connected(0);
    only(&mut bench);
    bench.time(3_000);
    // Unheard, on a connection of its own.
    bench.connected(3_000);
    assert_eq!(left(&mut bench), 1);
    bench.reply(3_001, Reply::Nil);
    bench.commands();
    bench.connected(3_002);
    let third = bench.commands();
    holder_of(&third[0], "30000");
    bench.reply(3_002, Reply::Nil);
    assert_eq!(grants(&bench), [(None, false)]);
}

#[test]
fn a_lease_that_cannot_be_given_makes_lock_throw() {
    let lease = Some(Duration::from_secs(10));
    let mut bench = multi(Needs::All, 1, RedissonSettings { lease, ..settings() });
    for at_ms in 0..3 {
        bench.connected(at_ms);
        only(&mut bench);
        bench.reply(at_ms, Reply::Nil);
    }
    bench.commands();
    bench.reply_on(3, 0, Reply::Int(1));
    bench.reply_on(3, 1, Reply::Int(1));
    bench.reply_on(3, 2, Reply::error("OOM command not allowed when used memory > 'maxmemory'."));
    assert_eq!(grants(&bench), []);
    bench.time(103);
    assert_eq!(only(&mut bench)[..3], ["EVALSHA", "1", "lock:stock"], "it calls lock() again");
}
