//! A master that is cut off with the minority goes on to take writes for a while.

use super::Rig;
use crate::redis::cluster::Query;
use crate::redis::cluster::slots::Redirect;

const TIMEOUT_MS: u64 = 5_000;

fn refuses(rig: &Rig, place: usize) -> bool {
    let host = &rig.hosts[place];
    // `bar` lies in slot 5061, the first master's.
    let query = Query { writes: true, ..Query::default() };
    let answer = host.cluster.check([&b"bar"[..]].into_iter(), query, &host.keys);
    answer == Err(Redirect::Down)
}

/// Between 1 and 1.5 node timeouts, and a turn of the clock. Measured with Redis 7.0.15, node timeout
/// 5 s, the master cut off in a network namespace of its own, 42 times: 5.6 to 7.7 s, the median 6.8 s.
/// Here, under 300 seeds: 5.2 to 7.7 s, the median 6.7 s.
#[test]
fn a_minority_master_takes_writes_for_one_to_one_and_a_half_node_timeouts() {
    let mut shortest = u64::MAX;
    let mut longest = 0;
    for seed in 0..60 {
        let mut rig = Rig::new(seed);
        rig.run(seed * 97 % 2_500);
        assert!(!refuses(&rig, 0));
        rig.cut(&[0]);
        let took_ms = rig.wait(20_000, |rig| refuses(rig, 0)).expect("it notices");
        shortest = shortest.min(took_ms);
        longest = longest.max(took_ms);
    }
    assert!(shortest >= TIMEOUT_MS, "{shortest}");
    assert!(longest <= TIMEOUT_MS * 3 / 2 + 200, "{longest}");
    assert!(longest - shortest > 500, "chance decides: {shortest} {longest}");
}

/// Now and then the replica is promoted before the old master has noticed anything: two masters take
/// writes for the same slots, and what the old one takes is lost.
///
/// In those 42 runs it was so four times, for half a second at most. The replica took writes after 6.5
/// to 9.2 s, the median 7.8 s; here after 6.3 to 10.0 s, the median 8.0 s. Once the partition had healed
/// the old master took none in any run.
#[test]
fn for_a_moment_there_may_be_two_masters() {
    let mut longest_ms = 0;
    for seed in 0..300 {
        let mut rig = Rig::new(seed);
        rig.run(seed * 97 % 2_500);
        rig.cut(&[0]);
        rig.wait(20_000, |rig| rig.is_master(3)).expect("promoted");
        let both_ms = rig.wait(20_000, |rig| refuses(rig, 0)).expect("it notices");
        longest_ms = longest_ms.max(both_ms);
    }
    assert!((50..1_500).contains(&longest_ms), "{longest_ms}");
}

/// It has been replaced meanwhile; when it comes back it serves nothing before it knows.
#[test]
fn a_replaced_master_comes_back_as_a_replica_and_serves_nothing_in_between() {
    for seed in 0..20 {
        let mut rig = Rig::new(seed);
        rig.cut(&[0]);
        rig.wait(20_000, |rig| rig.is_master(3)).expect("its replica takes over");
        rig.wait(20_000, |rig| refuses(rig, 0)).expect("it notices");
        rig.heal();
        while rig.is_master(0) {
            assert!(refuses(&rig, 0), "writes would be lost");
            rig.run(1);
        }
        rig.wait(30_000, |rig| (0..6).all(|at| rig.owner(5061, at) == Some(3))).expect("agreed");
        assert_eq!(rig.hosts[0].follows.map(|node| node.0), Some(3));
        assert_eq!(rig.details(0, "slots-lost"), ["0-5460 to 10.0.0.3:6379"]);
    }
}

/// A master that was with the minority, and that nobody has replaced, waits before it serves again:
/// the node timeout, at most five seconds.
#[test]
fn a_master_that_was_with_the_minority_waits_before_it_serves_again() {
    let mut rig = Rig::of(3, 0, 1, |_| {});
    rig.run(6_000);
    rig.cut(&[0]);
    rig.wait(20_000, |rig| refuses(rig, 0)).expect("it notices");
    rig.run(3_000);
    rig.heal();
    let healed_ms = rig.wait(30_000, |rig| !refuses(rig, 0)).expect("it serves again");
    assert!((5_000..8_500).contains(&healed_ms), "{healed_ms}");
}

/// Reads may be allowed while the cluster is down; writes never are.
#[test]
fn reads_may_be_served_when_the_cluster_is_down() {
    let mut rig = Rig::of(3, 3, 2, |settings| settings.allow_reads_when_down = true);
    rig.run(6_000);
    rig.cut(&[0]);
    rig.wait(20_000, |rig| !rig.cluster(0).is_ok).expect("it notices");
    let host = &rig.hosts[0];
    let ask = |writes| {
        let query = Query { writes, ..Query::default() };
        host.cluster.check([&b"bar"[..]].into_iter(), query, &host.keys)
    };
    assert_eq!(ask(false), Ok(()));
    assert_eq!(ask(true), Err(Redirect::DownForWrites));
}

/// Without full coverage a cluster serves the slots that are left.
#[test]
fn full_coverage_need_not_be_required() {
    for (required, is_ok) in [(true, false), (false, true)] {
        let mut rig = Rig::of(3, 0, 3, |settings| settings.require_full_coverage = required);
        rig.run(6_000);
        rig.crash(2);
        rig.wait(20_000, |rig| rig.noted(0, "fail", 0).is_some()).expect("it fails");
        rig.run(1_000);
        assert_eq!(rig.cluster(0).is_ok, is_ok);
    }
}
