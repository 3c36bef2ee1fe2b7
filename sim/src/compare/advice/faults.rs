//! What the table of faults suggests.

use fencepost_faults::FaultKind;

use super::{Rule, Sentence, by_kind, counted, listed, names, rows_of};
use crate::compare::cell::Cell;
use crate::compare::column::Column;
use crate::compare::first::SeedsToFirst;
use crate::compare::report::CompareReport;
use crate::judge::ViolationKind::{
    self, ForeignRelease, Oversell, StuckLock, TokenRegression, TwoHolders,
};
use crate::report::words::count;

pub const RULES: &[Rule] = &[
    no_lock,
    not_shared,
    pauses,
    unbroken_pauses,
    clocks,
    fencing,
    tokens_that_go_back,
    no_tokens,
    failovers,
    waiting_for_replicas,
    syncing,
    syncing_redlock,
    disconnected,
    bare_del,
    two_commands,
    soonest,
];

/// A statement that checks and writes at once has no window.
fn no_lock(report: &CompareReport) -> Option<Sentence> {
    let row = report.row("conditional-update")?;
    let race = report.cell("none", Column::Mixed).filter(|cell| cell.count(Oversell) > 0)?;
    let says_something = |cell: &Cell| cell.is_telling() && cell.failed_seeds == 0;
    if row.cells.iter().any(|cell| cell.count(Oversell) > 0 || !says_something(cell)) {
        return None;
    }
    let seeds: u64 = row.cells.iter().map(|cell| cell.seeds).sum();
    let text = format!(
        "If the store can check and write in one statement, use that and no lock: in {} nothing was sold \
         that was not there, where reading and then writing sold too much in {} of {}.",
        count(seeds, "run", "runs"),
        race.count(Oversell),
        race.seeds,
    );
    Some(Sentence::new(text, names(row.cells.iter().chain([race]))))
}

/// A lock that each process has for itself.
fn not_shared(report: &CompareReport) -> Option<Sentence> {
    let cells = report.locks().filter_map(|row| row.cell(Column::Calm));
    let cells: Vec<&Cell> = cells.filter(|cell| cell.count(TwoHolders) > 0).collect();
    let first = *cells.first()?;
    let text = format!(
        "A lock has to be shared by all who want it: without any fault there were two holders, of {}, with {}.",
        count(first.seeds, "seed", "seeds"),
        counted(&cells, TwoHolders),
    );
    Some(Sentence::new(text, names(cells)))
}

/// Whose holder is paused, of those that others can follow.
fn pauses(report: &CompareReport) -> Option<Sentence> {
    let (broken, _) = by_kind(report.told(kind(FaultKind::Pause), TwoHolders), TwoHolders);
    let first = *broken.first()?;
    let text = format!(
        "Do not count on a lock alone where processes can be paused: pauses made two holders of one, of {}, \
         with {}.",
        count(first.seeds, "seed", "seeds"),
        counted(&broken, TwoHolders),
    );
    Some(Sentence::new(text, names(broken)))
}

fn unbroken_pauses(report: &CompareReport) -> Option<Sentence> {
    let (broken, unbroken) = by_kind(report.told(kind(FaultKind::Pause), TwoHolders), TwoHolders);
    let first = *unbroken.first().filter(|_| !broken.is_empty())?;
    let text = format!(
        "The same pauses made no two holders in {} with {}.",
        count(first.seeds, "seed", "seeds"),
        rows_of(&unbroken),
    );
    Some(Sentence::new(text, names(unbroken)))
}

/// Whose leases are measured on a clock that can be set.
fn clocks(report: &CompareReport) -> Option<Sentence> {
    two_holders(
        report,
        FaultKind::ClockJump,
        "If clocks can be set while the system runs, avoid what measures a lease on them: jumps made two holders",
    )
}

/// The pairs of cells `mixed` and `fenced` where the first sold too much.
fn fenced(report: &CompareReport) -> Vec<(&Cell, &Cell)> {
    let pair = |mixed| {
        let row = report.locks().find(|row| row.cell(Column::Mixed) == Some(mixed))?;
        let fenced = row.cell(Column::Fenced)?;
        (mixed.count(Oversell) > 0 && fenced.failed_seeds == 0).then_some((mixed, fenced))
    };
    report.told(Column::Mixed, Oversell).into_iter().filter_map(pair).collect()
}

fn fencing(report: &CompareReport) -> Option<Sentence> {
    let pairs = fenced(report).into_iter().filter(|(_, fenced)| fenced.count(Oversell) == 0);
    let (mixed, fenced): (Vec<&Cell>, Vec<&Cell>) = pairs.unzip();
    let first = *mixed.first()?;
    let text = format!(
        "Have the store check a fencing token on reads and writes: under mixed faults that left no oversell \
         in {} with {}; without it, there was one with {}.",
        count(first.seeds, "seed", "seeds"),
        rows_of(&fenced),
        counted(&mixed, Oversell),
    );
    Some(Sentence::new(text, names(fenced.into_iter().chain(mixed))))
}

fn tokens_that_go_back(report: &CompareReport) -> Option<Sentence> {
    let bad = |(_, fenced): &(&Cell, &Cell)| {
        fenced.count(Oversell) > 0 && fenced.count(TokenRegression) > 0
    };
    let cells: Vec<&Cell> = fenced(report).into_iter().filter(bad).map(|(_, cell)| cell).collect();
    let first = *cells.first()?;
    let text = format!(
        "Take the tokens from one counter that cannot forget: a fenced store still sold too much, of {}, with \
         {}, and with each of them tokens went backwards.",
        count(first.seeds, "seed", "seeds"),
        counted(&cells, Oversell),
    );
    Some(Sentence::new(text, names(cells)))
}

fn no_tokens(report: &CompareReport) -> Option<Sentence> {
    let gives_none = |cell: &&Cell| {
        cell.count(Oversell) > 0 && report.row(&cell.cell.row).is_some_and(|row| !row.gives_tokens)
    };
    let cells = report.told(Column::Mixed, Oversell);
    let cells: Vec<&Cell> = cells.into_iter().filter(gives_none).collect();
    let first = *cells.first()?;
    let text = format!(
        "Where the harm of two holders is real, pass over locks that give no token to check; mixed faults \
         sold too much, of {}, with {}.",
        count(first.seeds, "seed", "seeds"),
        counted(&cells, Oversell),
    );
    Some(Sentence::new(text, names(cells)))
}

/// What a replica has need not be what its master has granted.
fn failovers(report: &CompareReport) -> Option<Sentence> {
    two_holders(
        report,
        FaultKind::Failover,
        "Do not take a failover for invisible: asked for by an operator, with no other fault, it made two holders",
    )
}

/// Which locks have two holders under a kind of fault, and which have not.
fn two_holders(report: &CompareReport, fault: FaultKind, begin: &str) -> Option<Sentence> {
    let (broken, unbroken) = by_kind(report.told(kind(fault), TwoHolders), TwoHolders);
    let first = *broken.first()?;
    let mut text = format!(
        "{begin}, of {}, with {}",
        count(first.seeds, "seed", "seeds"),
        counted(&broken, TwoHolders),
    );
    if unbroken.is_empty() {
        text.push('.');
    } else {
        text += &format!("; in none with {}.", rows_of(&unbroken));
    }
    Some(Sentence::new(text, names(broken.into_iter().chain(unbroken))))
}

fn waiting_for_replicas(report: &CompareReport) -> Option<Sentence> {
    fewer_two_holders(
        report,
        ["set-nx-sentinel", "set-nx-sentinel-wait"],
        &[FaultKind::Failover, FaultKind::Crash, FaultKind::PowerLoss, FaultKind::Partition],
        "With replicas, ask for an acknowledgement (WAIT) before a grant counts: under failovers, crashes, power \
         losses and partitions",
    )
}

fn syncing(report: &CompareReport) -> Option<Sentence> {
    fewer_two_holders(
        report,
        ["set-nx", "set-nx-fsync"],
        &[FaultKind::Crash, FaultKind::PowerLoss],
        "Have a single Redis sync every write if it may restart: under crashes and power losses",
    )
}

fn syncing_redlock(report: &CompareReport) -> Option<Sentence> {
    fewer_two_holders(
        report,
        ["redlock", "redlock-fsync"],
        &[FaultKind::Crash, FaultKind::PowerLoss],
        "Have RedLock's servers sync every vote if they may restart: under crashes and power losses",
    )
}

fn disconnected(report: &CompareReport) -> Option<Sentence> {
    fewer_two_holders(
        report,
        ["zookeeper-ignores", "zookeeper"],
        &[FaultKind::Partition, FaultKind::OneWayPartition],
        "On ZooKeeper, stop when the client is told that it is disconnected: under partitions",
    )
}

/// A setting that leaves fewer runs with two holders: the second row has it.
fn fewer_two_holders(
    report: &CompareReport,
    rows: [&str; 2],
    faults: &[FaultKind],
    begin: &str,
) -> Option<Sentence> {
    let columns: Vec<Column> = faults.iter().copied().map(kind).collect();
    let (without, with, pairs) = fewer(report, rows, &columns, TwoHolders)?;
    let text = format!("{begin} that left {} with two holders in place of {without}.", runs(with));
    Some(Sentence::new(text, names(pairs)))
}

fn bare_del(report: &CompareReport) -> Option<Sentence> {
    let columns: Vec<Column> = Column::of_faults().collect();
    let rows = ["set-nx-plain-del", "set-nx"];
    let (without, with, pairs) = fewer(report, rows, &columns, ForeignRelease)?;
    let text = format!(
        "Release by compare-and-delete: a bare DEL removed somebody else's lock in {}, \
         compare-and-delete in {with}.",
        runs(without),
    );
    Some(Sentence::new(text, names(pairs)))
}

fn two_commands(report: &CompareReport) -> Option<Sentence> {
    let columns: Vec<Column> = Column::of_faults().collect();
    let (without, with, pairs) = fewer(report, ["setnx-expire", "set-nx"], &columns, StuckLock)?;
    let text = format!(
        "Set the key and its expiry in one command: with SETNX and then EXPIRE the lock was stuck in {}, \
         with SET NX PX in {with}.",
        runs(without),
    );
    Some(Sentence::new(text, names(pairs)))
}

/// Who breaks soonest under mixed faults, and who latest.
fn soonest(report: &CompareReport) -> Option<Sentence> {
    let cells = report.told(Column::Mixed, TwoHolders);
    let rows = cells.into_iter().filter_map(|cell| report.row(&cell.cell.row));
    let mut firsts: Vec<_> = rows.filter_map(|row| row.first.as_ref()).collect();
    // A hunt that found nothing within its seeds took longer than all others.
    let rank = |first: &SeedsToFirst| first.median.unwrap_or(u64::MAX);
    firsts.sort_by_key(|first| rank(first));
    let soonest = *firsts.first()?;
    let latest =
        *firsts.iter().find(|first| Some(rank(first)) == firsts.last().map(|last| rank(last)))?;
    let least = soonest.median?;
    if latest.median == Some(least) {
        return None;
    }
    let same = firsts.iter().filter(|first| first.median == Some(least));
    let rows: Vec<String> = same.clone().map(|first| first.cell.row.clone()).collect();
    let most = latest
        .median
        .map_or_else(|| format!("more than {}", latest.seeds_at_most), |median| median.to_string());
    let text = format!(
        "Hunt before you trust: mixed faults showed two holders of {} after {} in half of the hunts, of {} \
         after {most}.",
        listed(&rows),
        count(least, "seed", "seeds"),
        latest.cell.row,
    );
    let cells = same.map(|first| first.cell.clone()).chain([latest.cell.clone()]);
    Some(Sentence::new(text, cells))
}

/// In how many runs of these columns the first row shows a kind, and in how many the second, if those are fewer
/// by more than chance has it; with the cells of both. Cells that say nothing make the comparison none.
///
/// Of as many runs each, counts that are rare and independent differ by twice the root of their sum in one of
/// twenty comparisons of what is alike; the square of it needs no root.
fn fewer<'r>(
    report: &'r CompareReport,
    [one, other]: [&str; 2],
    columns: &[Column],
    kind: ViolationKind,
) -> Option<(u64, u64, Vec<&'r Cell>)> {
    let pairs = columns
        .iter()
        .filter_map(|column| Some([report.cell(one, *column)?, report.cell(other, *column)?]));
    let pairs: Vec<[&Cell; 2]> = pairs.collect();
    let is_told = |cell: &Cell| cell.is_telling() && cell.failed_seeds == 0;
    if !pairs.iter().flatten().all(|cell| is_told(cell)) {
        return None;
    }
    let sum = |place: usize| pairs.iter().map(|pair| pair[place].count(kind)).sum::<u64>();
    let (without, with) = (sum(0), sum(1));
    let difference = without.checked_sub(with).filter(|difference| *difference > 0)?;
    let is_clear = difference * difference >= 4 * (without + with);
    is_clear.then(|| (without, with, pairs.into_iter().flatten().collect()))
}

fn runs(runs: u64) -> String {
    count(runs, "run", "runs")
}

const fn kind(kind: FaultKind) -> Column {
    Column::Kind(kind)
}
