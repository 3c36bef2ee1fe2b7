//! The disk under faults. What a power loss and a crash leave is shown with those.

use fencepost_models::machine::{DiskOperation, DiskToken};

use super::super::DiskSpeed;
use super::super::history::FaultId;
use super::*;

fn slow(by_ms: u64) -> Action {
    Action::SlowDisk { node: "client".to_owned(), by: ms(by_ms) }
}

/// A client that syncs every 100 ms and waits for each.
fn run_syncing(faults: Vec<Fault>) -> Run {
    let mut world = world();
    let client = world.add_client("client", |_boot| {
        acts(|input, context| match input {
            Input::Started => context.set_timer(TimerId(1), ms(100)),
            Input::Timer(_) => {
                context.disk(DiskToken(1), DiskOperation::Sync { file: "log" });
                context.set_timer(TimerId(1), ms(100));
            }
            _ => {}
        })
    });
    world.set_disk_speed(client, DiskSpeed { sync: ms(2), ..DiskSpeed::default() });
    world.inject(faults);
    world.run(ms(550)).unwrap()
}

#[test]
fn a_slow_disk_delays_what_is_asked_for_while_it_lasts() {
    let run = run_syncing(vec![fault(150, 200, slow(30))]);
    assert_eq!(
        story(&run, "client"),
        [102, 232, 332, 402, 502].map(|at| format!("{at}ms disk done"))
    );
    assert_eq!(fired(&run, 0), (true, 2));
}

#[test]
fn a_slow_disk_is_slow_until_the_last_that_it_has_slowed_is_done() {
    let run = run_syncing(vec![fault(150, 100, slow(300)), fault(110, 80, slow(30))]);
    let slowed_until = |fault| run.history.slowed_until(FaultId(fault)).as_millis();
    assert_eq!([slowed_until(0), slowed_until(1)], [502, 0], "asked for at 200 ms");
}

#[test]
fn slow_disks_add_up_and_stay_for_ever_without_a_length() {
    let run = run_syncing(vec![fault(150, 100, slow(30)), for_ever(150, slow(5))]);
    assert_eq!(
        story(&run, "client"),
        [102, 237, 307, 407, 507].map(|at| format!("{at}ms disk done"))
    );
    assert_eq!((fired(&run, 0), fired(&run, 1)), ((true, 1), (true, 4)));
}

#[test]
fn a_slow_disk_that_nobody_uses_has_not_fired() {
    let run = run_syncing(vec![fault(110, 80, slow(30))]);
    assert_eq!(fired(&run, 0), (false, 0));
}

#[test]
fn a_sync_on_a_slow_disk_is_not_safe_before_it_is_done() {
    let found = |lost_at: u64| {
        let mut world = world();
        world.add_client("client", |boot| {
            acts(move |input, context| match input {
                Input::Started if boot.incarnation == 0 => {
                    let bytes = "x".into();
                    context.disk(DiskToken(1), DiskOperation::Replace { file: "log", bytes });
                    context.set_timer(TimerId(1), ms(10));
                }
                Input::Started => context.note(remark(boot.files.len())),
                Input::Timer(_) => {
                    context.disk(DiskToken(2), DiskOperation::Sync { file: "log" });
                }
                _ => {}
            })
        });
        world.inject(vec![fault(5, 10, slow(100)), fault(lost_at, 1, power_loss("client"))]);
        only(&world.run(ms(1000)).unwrap(), "client", "ms ").pop().unwrap()
    };
    assert_eq!(found(110), "111ms 0");
    assert_eq!(found(112), "113ms 1");
}

#[test]
fn a_slow_disk_counts_what_it_slows_in_its_last_instant() {
    // The timer for 200 ms was set before the fault began, so it comes before the fault's end.
    let run = run_syncing(vec![fault(150, 50, slow(30))]);
    assert_eq!(
        story(&run, "client"),
        [102, 232, 302, 402, 502].map(|at| format!("{at}ms disk done"))
    );
    assert_eq!(fired(&run, 0), (true, 1));
}

#[test]
fn a_disk_that_is_slow_by_nothing_has_not_fired() {
    let run = run_syncing(vec![for_ever(150, slow(0))]);
    assert_eq!(fired(&run, 0), (false, 0));
}
