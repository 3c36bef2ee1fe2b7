//! Who leads, when, and who stops.

use super::rig::Rig;

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
