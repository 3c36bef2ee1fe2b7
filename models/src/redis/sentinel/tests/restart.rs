//! What a Sentinel still knows after a restart.

use super::*;

#[test]
fn a_sentinel_that_comes_back_knows_the_new_master_and_the_others() {
    let mut rig = group();
    rig.kill(1);
    rig.pass(25_000);
    let new = master_by(&mut rig, 13).expect("a master");
    let epoch = field(&mut rig, 13, "config-epoch");
    rig.kill(13);
    start_sentinel(&mut rig, 13, 1);
    assert_eq!(master_by(&mut rig, 13), Some(new));
    assert_eq!(field(&mut rig, 13, "config-epoch"), epoch);
    assert_eq!(field(&mut rig, 13, "num-other-sentinels").as_deref(), Some("2"));
    assert_eq!(field(&mut rig, 13, "num-slaves").as_deref(), Some("2"));
}

#[test]
fn a_sentinel_that_slept_through_a_failover_learns_of_it() {
    let mut rig = group();
    rig.kill(13);
    rig.kill(1);
    rig.pass(25_000);
    let new = master_by(&mut rig, 11).expect("a master");
    rig.notes.clear();
    start_sentinel(&mut rig, 13, 1);
    rig.pass(5000);
    assert_eq!(master_by(&mut rig, 13), Some(new));
    assert_eq!(events_of(&rig, "+config-update-from").len(), 1);
}
