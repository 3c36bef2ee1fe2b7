//! The comparison over few seeds: what it says, and that it says it of cells that are there.

mod advice;
mod pages;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;
use crate::judge::ViolationKind::{Oversell, TwoHolders};

/// A few rows over three seeds.
static REPORT: LazyLock<CompareReport> = LazyLock::new(|| compare(1).run().expect("runs"));

fn compare(jobs: usize) -> Compare {
    let names = ["none", "conditional-update", "jvm-2", "set-nx", "redlock", "zookeeper"];
    let rows = rows().into_iter().filter(|row| names.contains(&row.name)).collect();
    Compare::new(rows, 0..3).jobs(NonZeroUsize::new(jobs).expect("some"))
}

fn load(row: &str, clients: Clients) -> &'static Load {
    REPORT.row(row).and_then(|row| row.quiet.load(clients)).expect("measured")
}

#[test]
fn any_number_of_jobs_gives_the_same() {
    assert_eq!(*REPORT, compare(2).run().expect("runs"));
}

#[test]
fn rows_have_names_of_their_own_that_a_shell_and_a_cell_can_take() {
    let rows = rows();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len());
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
        assert!(name.len() <= 22, "{name} has no room in the table");
    }
}

#[test]
fn a_row_is_a_lock_that_fits_and_none_of_its_settings_is_misplaced() {
    for Row { name, scenario, .. } in rows() {
        assert!(scenario.lock.fits(scenario.backend.as_ref()), "{name}");
        assert_eq!(scenario.misplaced_settings(), Vec::<String>::new(), "{name}");
        let lease = scenario.lock.lease();
        assert!(lease.is_none_or(|lease| lease == rows::LEASE), "{name}: {lease:?}");
    }
}

#[test]
fn the_scenario_of_every_cell_is_a_file_that_says_the_same() {
    let rows = rows();
    for (row, column) in rows.iter().flat_map(|row| Column::all().map(move |column| (row, column)))
    {
        let name = format!("{}:{column}", row.name);
        match (column.scenario(row), scenario_of(&rows, &name)) {
            (Ok(scenario), Ok(named)) => {
                assert_eq!(scenario, named, "{name}");
                let file = Scenario::from_toml(&name, &scenario.to_toml()).expect("a scenario");
                assert_eq!(file, scenario, "{name}");
            }
            (Err(why), Err(NoCell::Empty { why: told, .. })) => assert_eq!(why, told),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_cell_is_the_hunt_in_its_scenario() {
    let cell = REPORT.row("set-nx").and_then(|row| row.cell(Column::Mixed)).expect("a cell");
    let scenario = scenario_of(&rows(), "set-nx:mixed").expect("a cell");
    let hunt = Hunt::new(scenario, 0..3).run().expect("runs");
    assert_eq!(cell.violations_by_kind, hunt.violations_by_kind);
    assert_eq!(cell.first, hunt.first);
}

#[test]
fn the_control_group_sells_what_there_is_and_the_race_does_not() {
    for cell in &REPORT.row("conditional-update").expect("a row").cells {
        assert_eq!(cell.violations_by_kind.len(), 0, "{}", cell.cell);
    }
    let race = REPORT.row("none").and_then(|row| row.cell(Column::Calm)).expect("a cell");
    assert_eq!(race.count(Oversell), 3);
    let two = REPORT.row("jvm-2").and_then(|row| row.cell(Column::Calm)).expect("a cell");
    assert_eq!(two.count(TwoHolders), 3);
}

#[test]
fn alone_an_acquire_and_its_release_are_two_requests_with_their_answers() {
    let alone = load("set-nx", Clients::One);
    let messages = |load: &Load| load.messages_per_1000_grants.expect("grants");
    // A script that a server does not know yet is sent once more.
    assert!((4_000..4_050).contains(&messages(alone)), "{alone:?}");
    assert_eq!(alone.wake_ups_per_1000_grants, Some(0));
    assert_eq!(alone.in_turn_permille, None, "nobody else waited");
    assert_eq!(alone.evenness_permille, Some(1_000));
    // Five servers, two requests with their answers to each.
    assert!((20_000..20_250).contains(&messages(load("redlock", Clients::One))));
    assert_eq!(load("jvm-2", Clients::Eight).messages_per_1000_grants, Some(0));
    assert_eq!(load("none", Clients::Eight).messages_per_1000_grants, None, "no lock, no grants");
}

#[test]
fn a_queue_serves_in_turn_and_polling_does_not() {
    let (queue, polling) = (load("zookeeper", Clients::Eight), load("set-nx", Clients::Eight));
    assert!(queue.in_turn_permille > Some(900), "{queue:?}");
    assert!(polling.in_turn_permille < Some(500), "{polling:?}");
    assert!(queue.wait_p99_us < polling.wait_p99_us);
    let in_order = |load: &Load| load.wait_p50_us <= load.wait_p99_us;
    assert!(in_order(queue) && in_order(polling));
}

#[test]
fn a_crashed_holder_blocks_the_others_for_a_lease_and_only_some_keep_asking() {
    let crash = |row| REPORT.row(row).and_then(|row| row.quiet.crash.as_ref()).expect("measured");
    for row in ["set-nx", "redlock", "zookeeper"] {
        let crash = crash(row);
        assert_eq!((crash.crashes, crash.freed), (3, 3), "{row}");
        assert!((9_000..16_000).contains(&crash.free_p50_ms.expect("freed")), "{crash:?}");
    }
    // Polls are 100 to 150 ms apart.
    let asks = crash("set-nx").asks_per_1000_s.expect("somebody waited");
    assert!((6_600..10_000).contains(&asks), "{asks}");
    assert!(crash("zookeeper").asks_per_1000_s < Some(1_000));
    assert_eq!(REPORT.row("jvm-2").map(|row| row.quiet.crash.is_none()), Some(true));
}

#[test]
fn hunts_for_the_first_two_holders_are_those_of_the_mixed_cell() {
    let first = REPORT.row("jvm-2").and_then(|row| row.first.as_ref()).expect("measured");
    assert_eq!((first.median, first.found, first.hunts), (Some(1), 20, 20));
    assert!(first.replay.ends_with("fencepost hunt jvm-2.mixed.toml --seeds 0..3"), "{first:?}");
    assert_eq!(REPORT.row("none").map(|row| row.first.is_none()), Some(true));
}

#[test]
fn whoever_breaks_it_off_gets_no_table() {
    let mut told = 0;
    let broken = compare(1).watch(|_| {
        told += 1;
        ControlFlow::Break(())
    });
    assert!(matches!(broken, Err(CompareError::Interrupted)), "{broken:?}");
    assert!(told > 0);
}

#[test]
fn a_name_that_is_none_is_answered_with_those_that_there_are() {
    let rows = rows();
    let said = |name: &str| scenario_of(&rows, name).expect_err("no cell").to_string();
    assert!(said("set-nx").contains("write ROW:COLUMN"));
    assert!(said("nobody:pause").contains("there is no row `nobody` (there are: none, "));
    assert!(said("set-nx:rain").contains("there is no column `rain` (there are: calm, pause, "));
    assert_eq!(said("set-nx:failover"), "the cell set-nx:failover is empty: no such fault");
    assert_eq!(said("redlock:fenced"), "the cell redlock:fenced is empty: no token");
}
