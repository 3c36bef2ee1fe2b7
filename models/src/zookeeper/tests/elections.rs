//! Who leads, when, and who stops.

use super::client::{Client, create};
use super::rig::Rig;
use crate::zookeeper::protocol::CreateMode;

#[test]
fn a_new_ensemble_is_led_by_the_greatest_number_within_a_second() {
    for servers in [1, 3, 5] {
        let mut rig = Rig::of(servers, 1, |_| {});
        let start = rig.now_ms();
        assert_eq!(rig.leader(), servers);
        rig.settle();
        assert!(rig.now_ms() - start < 1000, "{}", rig.now_ms() - start);
        assert_eq!(rig.events("epoch-established"), [(servers, "epoch 1".into())]);
    }
}

#[test]
fn when_a_leader_crashes_the_others_elect_one_of_them_and_it_comes_back_to_follow() {
    let mut rig = Rig::of(3, 2, |_| {});
    rig.settle();
    rig.crash(3);
    rig.pass(10);
    assert_eq!(rig.events("leaves").len(), 2, "followers hear of it at once");
    assert_eq!(rig.leader(), 2);
    rig.settle();
    rig.start(3);
    rig.settle();
    assert_eq!(rig.leader(), 2);
    let epochs = rig.events("epoch-established");
    assert_eq!(epochs, [(3, "epoch 1".into()), (2, "epoch 2".into())]);
}

#[test]
fn nobody_leads_a_minority() {
    let mut rig = Rig::of(5, 3, |_| {});
    rig.settle();
    [3, 4, 5].into_iter().for_each(|server| rig.crash(server));
    rig.pass(120_000);
    assert_eq!(rig.leads(), None);
    assert!(!rig.server(1).unwrap().serves());
    rig.start(3);
    rig.settle();
    assert!(rig.leads().is_some());
}

/// `syncLimit` is five ticks of two seconds: a leader that is cut off finds out when it has heard of too few
/// for so long, a follower when its leader has been silent for so long.
#[test]
fn a_leader_that_is_cut_off_steps_down_and_the_others_elect_another() {
    let mut rig = Rig::of(3, 4, |_| {});
    rig.settle();
    rig.pass(5000);
    let cut_at = rig.now_ms();
    rig.isolate(3);
    rig.pass(8900);
    assert_eq!(rig.events("steps-down"), [], "not before its limit");
    rig.pass(5000);
    assert_eq!(rig.events("steps-down"), [(3, "too few followers are heard of".into())]);
    let stepped_down = rig.time_of(3, "steps-down").unwrap() - cut_at;
    assert!((9000..=13_000).contains(&stepped_down), "{stepped_down}");
    assert_eq!(rig.leader(), 2);
    let elected = rig.time_of(2, "epoch-established").unwrap() - cut_at;
    assert!((9000..=12_000).contains(&elected), "{elected}");
    rig.heal();
    rig.settle();
    assert_eq!(rig.leader(), 2);
}

/// The old leader believes for a while that it leads, and a new one does already: what is asked of the old one
/// is answered by neither, since it has no majority.
#[test]
fn a_leader_that_is_cut_off_commits_nothing() {
    let mut rig = Rig::of(3, 5, |_| {});
    rig.settle();
    let mut client = Client::new(&mut rig, 3, 20_000).unwrap();
    rig.isolate(3);
    let xid = client.send(&mut rig, create("/lost", CreateMode::PERSISTENT));
    rig.pass(9000);
    client.listen(&mut rig);
    assert_eq!(client.answer(xid), None);
    assert!(rig.is_open(client.connection));
    rig.pass(20_000);
    assert!(!rig.is_open(client.connection), "its clients are sent away");
    assert_eq!(rig.leader(), 2);
    rig.heal();
    rig.settle();
    let mut other = Client::new(&mut rig, 3, 20_000).unwrap();
    assert_eq!(other.stat(&mut rig, "/lost"), None, "it is taken back");
}

/// `initLimit` is ten ticks of two seconds: whoever is elected and not followed in that time looks again.
#[test]
fn a_leader_that_nobody_comes_to_follow_gives_up_after_its_limit() {
    let mut rig = Rig::of(3, 6, |_| {});
    while rig.events("elected").is_empty() {
        rig.pass(1);
    }
    // Their votes have got through, and nothing that they say after that.
    rig.silence(1);
    rig.silence(2);
    let elected = rig.now_ms();
    rig.pass(19_900);
    assert_eq!(rig.events("steps-down"), []);
    rig.pass(200);
    assert_eq!(rig.events("steps-down"), [(3, "too few followers have come".into())]);
    let took = rig.time_of(3, "steps-down").unwrap() - elected;
    assert!((19_999..=20_001).contains(&took), "{took}");
    rig.heal();
    rig.settle();
    assert_eq!(rig.leader(), 3);
    assert_eq!(rig.events("epoch-established").len(), 1);
}
