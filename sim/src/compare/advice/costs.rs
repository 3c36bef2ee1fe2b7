//! What the table without faults suggests.

use super::{Rule, Sentence, listed};
use crate::compare::column::Clients;
use crate::compare::figures::thousandths;
use crate::compare::quiet::{Crash, Load};
use crate::compare::report::{CompareReport, RowReport};

pub const RULES: &[Rule] =
    &[latency, busy_waiting, herds, messages, many_clients, in_turn, crashes];

/// Whose lock lives on servers: others cost no messages, and say nothing to other processes.
fn loads(report: &CompareReport, clients: Clients) -> Vec<&Load> {
    let rows = report.locks().filter(|row| row.is_on_servers());
    rows.filter_map(|row| row.quiet.load(clients)).collect()
}

/// The load with the least of a figure, and the one with the most.
fn extremes(loads: Vec<&Load>, figure: fn(&Load) -> Option<u64>) -> Option<[(&Load, u64); 2]> {
    let figures = loads.into_iter().filter_map(|load| Some((load, figure(load)?)));
    let figures: Vec<(&Load, u64)> = figures.collect();
    // Of several the first one.
    let least = *figures.iter().min_by_key(|(_, figure)| *figure)?;
    let most = *figures.iter().rev().max_by_key(|(_, figure)| *figure)?;
    (least.1 < most.1).then_some([least, most])
}

fn of_both(text: String, [least, most]: [(&Load, u64); 2]) -> Sentence {
    Sentence::new(text, [least.0.cell.clone(), most.0.cell.clone()])
}

fn latency(report: &CompareReport) -> Option<Sentence> {
    let both = extremes(loads(report, Clients::One), |load| load.wait_p50_us)?;
    let [(quick, least), (slow, most)] = both;
    let text = format!(
        "For a lock that is rarely contended, look at what one costs: {} ms with {}, {} ms with {}.",
        thousandths(least),
        quick.cell.row,
        thousandths(most),
        slow.cell.row,
    );
    Some(of_both(text, both))
}

/// What waiting costs while the lock stands, which no grant is the measure of.
fn busy_waiting(report: &CompareReport) -> Option<Sentence> {
    let crashes = report.locks().filter_map(|row| row.quiet.crash.as_ref());
    let asks = crashes.filter_map(|crash| Some((crash, crash.asks_per_1000_s?)));
    let asks: Vec<(&Crash, u64)> = asks.collect();
    let (calm, least) = *asks.iter().min_by_key(|(_, asks)| *asks)?;
    let (busy, most) = *asks.iter().rev().max_by_key(|(_, asks)| *asks)?;
    if least == most {
        return None;
    }
    let text = format!(
        "Against busy waiting, look at what those do who wait for a lock that stands: each asked {} times in a \
         second with {}, {} times with {}.",
        thousandths(least),
        calm.cell.row,
        thousandths(most),
        busy.cell.row,
    );
    Some(Sentence::new(text, [calm.cell.clone(), busy.cell.clone()]))
}

/// Who is woken although it is not its turn.
fn herds(report: &CompareReport) -> Option<Sentence> {
    let both = extremes(loads(report, Clients::ThirtyTwo), |load| load.wake_ups_per_1000_grants)?;
    let [(calm, least), (busy, most)] = both;
    let text = format!(
        "With many who wait, look at how many are woken for one grant: of 32 clients those who waited asked again \
         {} times for each grant with {}, {} times with {}.",
        thousandths(least),
        calm.cell.row,
        thousandths(most),
        busy.cell.row,
    );
    Some(of_both(text, both))
}

fn messages(report: &CompareReport) -> Option<Sentence> {
    let both = extremes(loads(report, Clients::ThirtyTwo), |load| load.messages_per_1000_grants)?;
    let [(few, least), (many, most)] = both;
    let text = format!(
        "To spare the network under contention: a grant to one of 32 clients took {} messages with {}, {} \
         with {}.",
        thousandths(least),
        few.cell.row,
        thousandths(most),
        many.cell.row,
    );
    Some(of_both(text, both))
}

/// Who gets more done with many clients, and who collapses.
fn many_clients(report: &CompareReport) -> Option<Sentence> {
    let many = loads(report, Clients::OneHundredTwentyEight);
    let [(slow, least), (quick, most)] =
        extremes(many.clone(), |load| Some(load.orders_per_1000_s))?;
    let few = loads(report, Clients::Eight);
    let before = |load: &Load| few.iter().find(|other| other.cell.row == load.cell.row).copied();
    let halved = |load: &&Load| {
        before(load).filter(|before| load.orders_per_1000_s * 2 < before.orders_per_1000_s)
    };
    let collapsed: Vec<(&Load, &Load)> =
        many.into_iter().filter_map(|load| Some((load, halved(&load)?))).collect();
    let mut text = format!(
        "For many clients, look at the orders in a second with 128 of them: {} with {}, {} with {}",
        thousandths(most),
        quick.cell.row,
        thousandths(least),
        slow.cell.row,
    );
    let mut cells = vec![quick.cell.clone(), slow.cell.clone()];
    if collapsed.is_empty() {
        text.push('.');
    } else {
        let rows: Vec<String> = collapsed.iter().map(|(load, _)| load.cell.row.clone()).collect();
        text += &format!("; less than half of what 8 clients get done with {}.", listed(&rows));
        cells.extend(
            collapsed.iter().flat_map(|(load, before)| [&load.cell, &before.cell]).cloned(),
        );
        cells.dedup();
    }
    Some(Sentence::new(text, cells))
}

fn in_turn(report: &CompareReport) -> Option<Sentence> {
    let eight = loads(report, Clients::Eight);
    let share = |load: &Load| load.in_turn_permille;
    let queues: Vec<&Load> = eight
        .iter()
        .filter(|load| share(load).is_some_and(|share| share >= 900))
        .copied()
        .collect();
    let [(crowd, least), _] = extremes(eight, share)?;
    if queues.is_empty() {
        return None;
    }
    let rows: Vec<String> = queues.iter().map(|load| load.cell.row.clone()).collect();
    let text = format!(
        "Where nobody may be passed over, take a queue: of 8 clients the one that had waited longest got the \
         lock in 90 of 100 grants or more with {}; with {} in {} of 100.",
        listed(&rows),
        crowd.cell.row,
        least / 10,
    );
    let cells = queues.iter().map(|load| load.cell.clone()).chain([crowd.cell.clone()]);
    Some(Sentence::new(text, cells))
}

fn crashes(report: &CompareReport) -> Option<Sentence> {
    let crash = |row: &RowReport| row.quiet.crash.clone();
    let mut crashes: Vec<Crash> = report.locks().filter_map(crash).collect();
    let freed =
        |crash: &Crash| (crash.freed == crash.crashes).then_some(crash.free_p50_ms).flatten();
    crashes.retain(|crash| crash.crashes > 0);
    let always = crashes.iter().filter_map(|crash| Some((crash, freed(crash)?)));
    let (quick, least) = always.clone().min_by_key(|(_, ms)| *ms)?;
    let (slow, most) = always.rev().max_by_key(|(_, ms)| *ms)?;
    if least == most {
        return None;
    }
    let text = format!(
        "How long a lease may be is how long a crashed holder may block the others: with leases of {} s the \
         lock was free again after {} s with {}, after {} s with {}, in half of the runs.",
        report.lease_ms / 1_000,
        thousandths(least),
        quick.cell.row,
        thousandths(most),
        slow.cell.row,
    );
    Some(Sentence::new(text, [quick.cell.clone(), slow.cell.clone()]))
}
