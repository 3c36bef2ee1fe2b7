use super::Rig;
use crate::redis::cluster::{Body, ClusterSettings, Order};
use crate::redis::resp::Reply;

/// Nodes that know nobody, one of which is told to meet the others, as `redis-cli` does.
#[test]
fn nodes_that_meet_one_come_to_know_all() {
    let mut rig = Rig::with(4, ClusterSettings::default(), 1);
    rig.run(1_000);
    for (place, slots) in ["0 5460", "5461 10922", "10923 16383"].into_iter().enumerate() {
        assert_eq!(rig.command(place, &format!("CLUSTER ADDSLOTSRANGE {slots}")), Reply::OK);
    }
    for other in 1..4 {
        assert_eq!(rig.command(0, &format!("CLUSTER MEET 10.0.0.{other} 6379")), Reply::OK);
    }
    let all_know_all = |rig: &Rig| {
        (0..4).all(|place| {
            let others = &rig.cluster(place).others;
            others.len() == 3 && others.values().all(|node| !node.is_in_handshake())
        })
    };
    rig.wait(10_000, all_know_all).expect("all know all");
    rig.wait(10_000, |rig| (0..4).all(|place| rig.cluster(place).is_ok)).expect("it works");
    for place in 0..4 {
        for (owner, slot) in [0, 5461, 16_383].into_iter().enumerate() {
            assert_eq!(rig.owner(slot, place), Some(owner), "{slot} seen by {place}");
        }
    }
}

/// Masters that begin with the same epoch end with different ones.
#[test]
fn colliding_epochs_are_resolved() {
    let mut rig = Rig::of(3, 0, 2, |settings| {
        settings.nodes.iter_mut().for_each(|node| node.config_epoch = 0);
    });
    rig.run(20_000);
    let mut epochs: Vec<u64> = (0..3).map(|at| rig.cluster(at).myself.config_epoch).collect();
    assert!((0..3).any(|place| !rig.details(place, "epoch-collision").is_empty()));
    epochs.sort_unstable();
    epochs.dedup();
    assert_eq!(epochs.len(), 3, "{epochs:?}");
    // Whose name is greatest never moves.
    let last = (0..3).max_by_key(|place| rig.name(*place)).expect("three");
    assert_eq!(rig.cluster(last).myself.config_epoch, 0);
}

/// Six nodes with a node timeout of five seconds that have nothing to do. Measured with Redis 7.0.15
/// on one machine: 649 pings in a minute, and as many pongs.
#[test]
fn an_idle_cluster_pings_as_often_as_a_real_one() {
    let mut rig = Rig::new(3);
    rig.delivered.clear();
    rig.run(60_000);
    let (pings, pongs) = (rig.delivered["bus-ping"], rig.delivered["bus-pong"]);
    assert!((600..=700).contains(&pings), "{pings}");
    assert!(pongs.abs_diff(pings) <= 6, "{pongs} {pings}");
    assert_eq!(rig.delivered.len(), 2, "{:?}", rig.delivered);
}

#[test]
fn a_ping_tells_of_three_nodes_and_of_all_that_are_not_reached() {
    let mut rig = Rig::of(7, 0, 4, |_| {});
    rig.run(6_000);
    let told = |rig: &Rig| {
        let last = rig.said.iter().rev().find_map(|(place, message)| match &message.body {
            Body::Ping(gossip) if *place == 0 => Some(gossip),
            _ => None,
        });
        let entries = last.expect("it pings").iter();
        let mut told: Vec<_> = entries.map(|entry| entry.address.expect("known").0).collect();
        told.sort_unstable();
        told
    };
    let well = told(&rig);
    assert!(well.len() <= 3 && !well.is_empty() && !well.contains(&0), "{well:?}");
    // Four of seven: too many for a majority to agree about them.
    rig.cut(&[0, 1, 2]);
    rig.run(9_000);
    let cut_off = told(&rig);
    assert!([3, 4, 5, 6].iter().all(|place| cut_off.contains(place)), "{cut_off:?}");
    assert!(cut_off.len() <= 6 && cut_off.windows(2).all(|pair| pair[0] < pair[1]), "{cut_off:?}");
}

/// A node that was forgotten is not taken in again for a minute, though others go on to tell of it.
#[test]
fn a_forgotten_node_stays_away_for_a_minute() {
    let mut rig = Rig::new(5);
    let name = rig.name(5);
    assert_eq!(rig.command(0, &format!("CLUSTER FORGET {name}")), Reply::OK);
    rig.run(55_000);
    assert_eq!(rig.cluster(0).others.len(), 4);
    rig.wait(30_000, |rig| rig.cluster(0).others.len() == 5).expect("it is told of again");
}

/// A node under another's address: it is not taken for that one.
#[test]
fn who_answers_under_another_name_has_taken_an_address() {
    let mut rig = Rig::new(6);
    rig.crash(5);
    rig.restart(5, false);
    assert_eq!(rig.command(5, "CLUSTER RESET HARD"), Reply::OK);
    rig.run(3_000);
    let strange = rig.cluster(0).others.values().find(|node| node.address.is_none());
    let strange = strange.expect("its address is known to be another's");
    assert_eq!(strange.flags.to_string(), "slave,noaddr");
}

/// A message is passed on to all nodes; on a shard's channel to the shard's.
#[test]
fn published_messages_reach_the_others() {
    let mut rig = Rig::new(7);
    rig.publish(0, "news", false);
    rig.publish(3, "lock", true);
    rig.run(10);
    let heard = |place: usize, sharded: bool| {
        let is_it =
            |order: &&Order| matches!(order, Order::Publish { sharded: of, .. } if *of == sharded);
        rig.hosts[place].orders.iter().filter(is_it).count()
    };
    let all: Vec<usize> = (0..6).map(|place| heard(place, false)).collect();
    assert_eq!(all, [0, 1, 1, 1, 1, 1]);
    let shard: Vec<usize> = (0..6).map(|place| heard(place, true)).collect();
    assert_eq!(shard, [1, 0, 0, 0, 0, 0]);
}
