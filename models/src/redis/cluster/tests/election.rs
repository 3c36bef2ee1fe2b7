use super::Rig;

const TIMEOUT_MS: u64 = 5_000;

/// Fails over from the first master, and gives the host that has taken over.
fn fail_over(rig: &mut Rig) -> usize {
    rig.crash(0);
    let masters = |rig: &Rig| (3..rig.hosts.len()).find(|place| rig.is_master(*place));
    rig.wait(40_000, |rig| masters(rig).is_some()).expect("a replica takes over");
    masters(rig).expect("so it is")
}

#[test]
fn a_replica_takes_over_from_a_master_that_has_failed() {
    for seed in 0..20 {
        let mut rig = Rig::new(seed);
        let crashed_ms = rig.now_ms;
        assert_eq!(fail_over(&mut rig), 3);
        let at = |event| rig.noted(3, event, crashed_ms).expect(event) - crashed_ms;
        let (failed, planned, started, won) =
            (at("fail"), at("election-planned"), at("election-started"), at("election-won"));
        let soon = TIMEOUT_MS..TIMEOUT_MS * 3 / 2 + 1_500;
        assert!(soon.contains(&failed), "{failed}");
        assert!(planned - failed <= 100, "{planned} {failed}");
        // 500 ms and up to as many again, and a look every 100 ms.
        assert!((500..=1_100).contains(&(started - planned)), "{started} {planned}");
        // A vote there and back.
        assert_eq!(won - started, 2);
        assert_eq!(rig.details(3, "election-won"), ["epoch 7"]);
        assert_eq!(rig.details(3, "new-config-epoch"), ["7"]);
        rig.run(1_000);
        for place in [1, 2, 3, 4, 5] {
            assert_eq!(rig.owner(0, place), Some(3));
            assert!(rig.cluster(place).is_ok);
        }
        assert_eq!(rig.hosts[3].follows, None);
    }
}

#[test]
fn the_old_master_becomes_a_replica_of_the_new_one() {
    let mut rig = Rig::new(1);
    fail_over(&mut rig);
    rig.restart(0, false);
    while rig.is_master(0) {
        assert!(!rig.cluster(0).is_ok, "writes would be lost");
        rig.run(1);
    }
    assert_eq!(rig.hosts[0].follows.map(|node| node.0), Some(3));
    assert_eq!(rig.details(0, "replicates"), ["10.0.0.3:6379"]);
}

/// The one with more data goes first: the other waits a second longer.
#[test]
fn the_replica_with_more_data_goes_first() {
    for seed in 0..20 {
        let mut rig = Rig::of(3, 6, seed, |_| {});
        rig.run(6_000);
        // The replicas of the first master are the hosts 3 and 6.
        let behind = if seed % 2 == 0 { 3 } else { 6 };
        rig.hosts[behind].is_lagging = true;
        rig.hosts[0].offset += 50;
        rig.run(5_000);
        assert_eq!(fail_over(&mut rig), 9 - behind);
        let delays = rig.details(behind, "election-planned");
        assert!(delays.iter().all(|detail| detail.ends_with("rank 1")), "{delays:?}");
        rig.wait(10_000, |rig| {
            rig.hosts[behind].follows.map(|node| node.0) == Some(9 - behind as u16)
        })
        .expect("the other one follows the new master");
    }
}

/// A replica that does not know that it is behind when it plans its election finds out and waits.
#[test]
fn a_replica_that_turns_out_to_be_behind_waits_longer() {
    let mut rig = Rig::of(3, 6, 3, |_| {});
    rig.run(6_000);
    rig.crash(0);
    let planned =
        |rig: &Rig| [3, 6].iter().all(|at| rig.noted(*at, "election-planned", 0).is_some());
    rig.wait(20_000, planned).expect("both plan");
    let before_ms = rig.cluster(3).election.at_ms;
    // Any message of the other one says how far its data reach.
    rig.hosts[6].offset += 50;
    rig.publish(6, "news", true);
    rig.run(200);
    assert_eq!(rig.cluster(3).election.rank, 1);
    assert_eq!(rig.cluster(3).election.at_ms, before_ms + 1_000);
    rig.wait(5_000, |rig| rig.is_master(6)).expect("the other one is first");
}

/// Without most of the masters nobody is elected; later it is tried again, after four node timeouts.
#[test]
fn an_election_without_a_majority_fails_and_is_tried_again() {
    let mut rig = Rig::new(4);
    rig.crash(0);
    rig.wait(20_000, |rig| rig.noted(3, "election-planned", 0).is_some()).expect("planned");
    rig.crash(1);
    rig.wait(30_000, |rig| rig.noted(3, "election-failed", 0).is_some()).expect("it fails");
    assert_eq!(rig.details(3, "election-failed"), ["1 of 2 votes"]);
    let first_ms = rig.noted(3, "election-planned", 0).expect("planned");
    // The other master's replica takes over there once it can, and so does this one.
    rig.restart(1, false);
    rig.wait(60_000, |rig| rig.is_master(3)).expect("it is elected in the end");
    let plans = rig.details(3, "election-planned").len();
    assert_eq!(plans, 2);
    let second_ms = rig.noted(3, "election-planned", first_ms + 1).expect("again");
    assert!(second_ms - first_ms >= 4 * TIMEOUT_MS, "{first_ms} {second_ms}");
}

/// A replica that has been without its master for too long does not stand: ten node timeouts and the
/// period of the master's pings by default, counted after a node timeout.
#[test]
fn a_replica_without_its_master_for_too_long_does_not_stand() {
    for (factor, stands) in [(1, false), (10, true), (0, true)] {
        let mut rig = Rig::of(3, 3, 5, |settings| settings.replica_validity_factor = factor);
        rig.run(6_000);
        rig.hosts[3].is_lagging = true;
        rig.run(20_000);
        rig.crash(0);
        rig.run(15_000);
        assert_eq!(rig.is_master(3), stands, "{factor}");
        assert_eq!(rig.details(3, "replica-too-old").is_empty(), stands);
    }
}

#[test]
fn a_replica_that_must_not_stand_does_not() {
    let mut rig = Rig::of(3, 3, 6, |settings| settings.replica_no_failover = true);
    rig.run(6_000);
    rig.crash(0);
    rig.run(30_000);
    assert!(!rig.is_master(3));
    assert!(rig.noted(3, "fail", 0).is_some());
    assert!(rig.command(3, "CLUSTER FAILOVER FORCE") == crate::redis::resp::Reply::OK);
    rig.wait(5_000, |rig| rig.is_master(3)).expect("unless it is told to");
}

/// A master without slots is not replaced.
#[test]
fn nobody_replaces_a_master_without_slots() {
    let mut rig = Rig::of(4, 0, 7, |settings| {
        settings.nodes[3].slots = crate::redis::cluster::SlotSet::EMPTY;
        settings.nodes[2].slots = crate::redis::cluster::SlotSet::range(10_923..=16_383);
        settings.nodes[1].slots = crate::redis::cluster::SlotSet::range(5_461..=10_922);
        settings.nodes[0].slots = crate::redis::cluster::SlotSet::range(0..=5_460);
    });
    rig.run(6_000);
    assert_eq!(rig.cluster(0).size, 3, "it does not count either");
    rig.crash(3);
    rig.run(20_000);
    assert!(rig.cluster(0).is_ok);
}
