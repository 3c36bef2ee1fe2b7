use super::Rig;

/// The node timeout of the rig.
const TIMEOUT_MS: u64 = 5_000;

fn thinks(rig: &Rig, place: usize, about: usize) -> String {
    let name = rig.cluster(about).myself.name;
    rig.cluster(place).node(name).expect("known").flags.to_string()
}

/// Measured with Redis 7.0.15, the first master stopped (`SIGSTOP`), node timeout 5 s, 14 times, and
/// here under 300 seeds; means:
///
/// | | Redis | here |
/// |---|---|---|
/// | until one of the other masters thinks that it may have failed | 6.0 s | 5.9 s |
/// | until both do | 6.7 s | 6.7 s |
/// | from there until it is called failed | 0.4 s | 0.5 s |
/// | from there until its replica is elected | 0.8 s | 0.8 s |
#[test]
fn a_node_that_is_silent_fails_when_most_masters_say_so() {
    for seed in 0..20 {
        let mut rig = Rig::new(seed);
        let cut_ms = rig.now_ms;
        rig.cut(&[0]);
        let failed = |rig: &Rig| (1..6).all(|place| thinks(rig, place, 0).ends_with(",fail"));
        rig.wait(20_000, failed).expect("it is called failed");
        let all_fail_ms = (1..6).filter_map(|place| rig.noted(place, "fail", cut_ms)).min();
        let all_fail_ms = all_fail_ms.expect("noted") - cut_ms;
        // 1 to 1.5 node timeouts, and what it takes to agree.
        let range = TIMEOUT_MS..TIMEOUT_MS * 3 / 2 + 1_500;
        assert!(range.contains(&all_fail_ms), "{all_fail_ms}");
        // Two of the three masters have to agree; the third is the one in question.
        let opinions = (1..3).filter(|place| rig.noted(*place, "pfail", cut_ms).is_some());
        assert!(opinions.count() >= 1, "somebody was first");
    }
}

#[test]
fn one_opinion_is_not_enough() {
    let mut rig = Rig::new(7);
    // The replica 3 can reach nobody, and thinks that all fail; nobody follows.
    rig.cut(&[3]);
    rig.run(30_000);
    for place in [0, 1, 2, 4, 5] {
        assert_eq!(thinks(&rig, 3, place), thinks_role(place, "fail?"));
    }
    assert!(!rig.cluster(3).is_ok);
    assert!(rig.cluster(0).is_ok);
}

fn thinks_role(place: usize, flag: &str) -> String {
    format!("{},{flag}", if place < 3 { "master" } else { "slave" })
}

#[test]
fn a_replica_that_answers_again_is_taken_back_at_once() {
    let mut rig = Rig::new(8);
    rig.crash(4);
    rig.wait(20_000, |rig| thinks(rig, 0, 4) == "slave,fail").expect("it fails");
    assert!(rig.cluster(0).is_ok, "nobody needs a replica");
    rig.restart(4, false);
    let back_ms = rig.wait(20_000, |rig| thinks(rig, 0, 4) == "slave").expect("it is back");
    assert!(back_ms < 3_000, "{back_ms}");
    assert_eq!(rig.details(0, "fail-cleared"), ["10.0.0.4:6379"]);
}

/// Nobody replaces the master, since it has no replica: it is taken back twice the node timeout after
/// it was called failed.
#[test]
fn a_master_that_nobody_replaces_is_taken_back_later() {
    let mut rig = Rig::of(3, 0, 9, |_| {});
    rig.run(6_000);
    rig.cut(&[0]);
    rig.wait(20_000, |rig| rig.noted(1, "fail", 0).is_some()).expect("it fails");
    let failed_ms = rig.now_ms;
    assert_eq!(rig.details(1, "fail"), ["10.0.0.0:6379"]);
    rig.wait(1_000, |rig| !rig.cluster(1).is_ok).expect("slots are not served");
    rig.run(1_000);
    rig.heal();
    rig.wait(60_000, |rig| rig.noted(1, "fail-cleared", 0).is_some()).expect("it is taken back");
    let after_ms = rig.now_ms - failed_ms;
    assert!((2 * TIMEOUT_MS..=3 * TIMEOUT_MS).contains(&after_ms), "{after_ms}");
    rig.wait(30_000, |rig| (0..3).all(|place| rig.cluster(place).is_ok)).expect("all is well");
}

/// What masters have said counts for twice the node timeout.
#[test]
fn reports_grow_old() {
    let mut rig = Rig::of(5, 0, 10, |_| {});
    rig.run(6_000);
    // Two of five: they complain about the others, and are not heard by them, but by each other.
    rig.cut(&[0, 1]);
    rig.run(12_000);
    let name = rig.name(4);
    let ask = format!("CLUSTER COUNT-FAILURE-REPORTS {name}");
    assert_eq!(rig.command(0, &ask), crate::redis::resp::Reply::Int(1));
    rig.crash(1);
    rig.run(9_000);
    assert_eq!(rig.command(0, &ask), crate::redis::resp::Reply::Int(1));
    rig.run(2_500);
    assert_eq!(rig.command(0, &ask), crate::redis::resp::Reply::Int(0));
    assert!(rig.details(0, "fail").is_empty());
}

/// A connection on which nothing comes is given up after half the node timeout, so that a lost one
/// does not make a node fail.
#[test]
fn a_silent_connection_is_replaced() {
    let mut rig = Rig::new(11);
    let link = |rig: &Rig| {
        let name = rig.cluster(1).myself.name;
        rig.cluster(0).node(name).and_then(|node| node.link.as_ref().map(|link| link.connection))
    };
    let first = link(&rig).expect("connected");
    rig.cut(&[1]);
    rig.run(8_500);
    assert_ne!(link(&rig), Some(first));
}
