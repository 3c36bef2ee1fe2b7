//! TILT: a Sentinel that cannot trust its clock only watches.

use super::*;

#[test]
fn a_jump_of_the_clock_keeps_a_sentinel_from_acting_for_half_a_minute() {
    let mut rig = group();
    rig.notes.clear();
    rig.jump(11, 10_000);
    rig.kill(1);
    rig.pass(20_000);
    assert_eq!(events(&rig, 11)[0], "+tilt");
    assert!(!events(&rig, 11).contains(&"+sdown"), "it does not act");
    let answer = rig.ask(11, "SENTINEL is-master-down-by-addr 10.0.0.1 6379 0 *");
    let Some(Reply::Array(items)) = answer else { panic!("no answer") };
    assert_eq!(items[0], Reply::Int(0), "nor does it say that the master is down");
    assert!(!events_of(&rig, "+switch-master").is_empty(), "two others are enough");
    rig.pass(15_000);
    assert!(events(&rig, 11).contains(&"-tilt"));
}

#[test]
fn two_sentinels_in_tilt_leave_a_dead_master_in_its_place() {
    let mut rig = group();
    rig.notes.clear();
    for node in [11, 12] {
        rig.jump(node, -5000);
    }
    rig.kill(1);
    rig.pass(25_000);
    assert_eq!(events_of(&rig, "+odown"), []);
    rig.pass(40_000);
    assert!(!events_of(&rig, "+switch-master").is_empty(), "it was only put off");
}
