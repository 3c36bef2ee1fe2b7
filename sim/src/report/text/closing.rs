//! What stands under the timeline: the legend, the verdict, the books, the faults, the replay.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};
use fencepost_faults::{Action, FaultKind};
use unicode_width::UnicodeWidthStr;

use super::paint::{Painter, label, printable};
use crate::judge::Violation;
use crate::report::telling::Glyph;
use crate::report::words;
use crate::scenario::{Outcome, Scenario};
use crate::world::FaultOutcome;

/// Every sign that was drawn, and no other.
pub fn legend<W: Write>(
    painter: &mut Painter<'_, W>,
    used: &BTreeSet<Glyph>,
    hidden_buyers: usize,
    has_threads: bool,
) -> fmt::Result {
    let entry = |glyph: &Glyph| glyph.symbol().width() + 1 + glyph.meaning().width();
    let most = painter.width;
    let mut column = most;
    for glyph in used {
        let width = entry(glyph);
        if column + 3 + width > most {
            painter.end_line()?;
            painter.plain("  ")?;
            column = 2;
        } else {
            painter.plain("   ")?;
            column += 3;
        }
        painter.styled(glyph.style(), glyph.symbol())?;
        painter.styled(Style::new().dimmed(), &format!(" {}", glyph.meaning()))?;
        column += width;
    }
    painter.end_line()?;
    let (one, many) = match has_threads {
        true => ("process has", "processes have"),
        false => ("buyer has", "buyers have"),
    };
    let mut remarks = Vec::new();
    if has_threads {
        remarks.push(
            "each lane is a process: it holds, or waits, while one of its threads does".to_owned(),
        );
    }
    if hidden_buyers > 0 {
        let buyers = words::count(hidden_buyers as u64, one, many);
        remarks.push(format!("{buyers} no lane: there is no room"));
    }
    for remark in remarks {
        painter.styled(Style::new().dimmed(), &format!("  {remark}"))?;
        painter.end_line()?;
    }
    Ok(())
}

/// The verdict, the books, the faults.
pub fn verdict<W: Write>(
    painter: &mut Painter<'_, W>,
    scenario: &Scenario,
    outcome: &Outcome,
) -> fmt::Result {
    let good = AnsiColor::Green.on_default().bold();
    let bad = AnsiColor::Red.on_default().bold();
    let violations = &outcome.verdict.violations;
    let is_expected = scenario.is_met_by(&outcome.verdict);
    let found = match outcome.verdict.kinds() {
        kinds if kinds.is_empty() => "nothing was wrong".to_owned(),
        kinds => format!("violated: {}", words::kinds(&kinds)),
    };
    let expectation = match &scenario.expect {
        None => String::new(),
        Some(_) if is_expected => ", as expected".to_owned(),
        Some(kinds) if kinds.is_empty() => ", but nothing wrong was expected".to_owned(),
        Some(kinds) => format!(", but expected: {}", words::kinds(kinds)),
    };
    let idle = if is_expected { idle_faults(scenario, outcome) } else { None };
    let style = match (is_expected, &idle) {
        (true, None) => good,
        (true, Some(_)) => AnsiColor::Yellow.on_default().bold(),
        (false, _) => bad,
    };
    let remark = idle.unwrap_or_default();
    painter.paragraph(&label("verdict"), style, &format!("{found}{expectation}{remark}"))?;
    for kind in outcome.verdict.kinds() {
        let of_kind: Vec<&Violation> = violations.iter().filter(|one| one.kind == kind).collect();
        let Some(first) = of_kind.first() else { continue };
        let times = match of_kind.len() {
            1 => format!("once, at {}", first.at),
            number => format!("{number} times, first at {}", first.at),
        };
        painter.paragraph(&label(""), bad, &format!("✖ {kind}: {times}"))?;
        painter.paragraph(&format!("{}  ", label("")), Style::new(), &first.detail)?;
    }
    for unjudged in &outcome.verdict.unjudged {
        let text = format!("{}: {}", unjudged.kind, unjudged.reason);
        painter.paragraph(&label("unjudged"), Style::new().dimmed(), &text)?;
    }
    for setting in scenario.misplaced_settings() {
        painter.paragraph(&label("misplaced"), Style::new().dimmed(), &setting)?;
    }
    books(painter, outcome)?;
    faults(painter, outcome)
}

/// Says that some of the scenario's own faults did nothing: what the run shows is not their doing.
fn idle_faults(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    // The plan begins with them; those that were drawn may well come to nothing.
    let declared = outcome.run.faults.iter().take(scenario.faults.len());
    let idle = declared.filter(|fault| !fault.fired).count();
    let all = words::count(scenario.faults.len() as u64, "fault", "faults");
    (idle > 0).then(|| format!(", but {idle} of {all} never fired"))
}

fn books<W: Write>(painter: &mut Painter<'_, W>, outcome: &Outcome) -> fmt::Result {
    painter.paragraph(&label("books"), Style::new(), &books_line(outcome))?;
    painter.paragraph(&label("holders"), Style::new(), &holders_line(outcome))
}

/// `stock 1, 0 left, 2 sold: 1 oversold; 0 requests fenced off`.
pub(in crate::report) fn books_line(outcome: &Outcome) -> String {
    let books = &outcome.verdict.books;
    let missing = match books.missing() {
        0 => String::new(),
        pieces => format!(", {} neither left nor sold", words::count(pieces, "piece", "pieces")),
    };
    let doubled = match books.doubled {
        0 => String::new(),
        orders => {
            let orders = words::count(orders, "order", "orders");
            format!("; {orders} for what had been ordered already")
        }
    };
    format!(
        "stock {}, {} left, {} sold: {} oversold{missing}{doubled}; {} fenced off",
        books.initial,
        books.remaining,
        books.sold,
        books.oversold(),
        words::count(books.fenced_off, "request", "requests"),
    )
}

/// `up to 2 at once`.
pub(in crate::report) fn holders_line(outcome: &Outcome) -> String {
    match outcome.verdict.max_holders {
        0 => "nobody held a lock".to_owned(),
        1 => "never more than 1 at once".to_owned(),
        most => format!("up to {most} at once"),
    }
}

fn faults<W: Write>(painter: &mut Painter<'_, W>, outcome: &Outcome) -> fmt::Result {
    if outcome.run.faults.is_empty() {
        return painter.paragraph(&label("faults"), Style::new(), "none");
    }
    for (number, fault) in outcome.run.faults.iter().enumerate() {
        let label = label(if number == 0 { "faults" } else { "" });
        painter.paragraph(&label, Style::new(), &what_came_of(fault))?;
    }
    Ok(())
}

fn what_came_of(outcome: &FaultOutcome) -> String {
    let fault = &outcome.fault;
    match outcome.began_at {
        None => format!("{fault}: its moment never came"),
        Some(began) if matches!(fault.action, Action::HoldMessage { .. }) => match outcome.fired {
            true => format!("{fault}: armed at {began}, {}", hits(fault.kind(), outcome.hits)),
            false => format!("{fault}: armed at {began}, no such message came"),
        },
        Some(began) if !outcome.fired => format!("{fault}: began at {began}, in vain"),
        Some(began) if outcome.hits == 0 => format!("{fault}: struck at {began}"),
        Some(began) => format!("{fault}: struck at {began}, {}", hits(fault.kind(), outcome.hits)),
    }
}

/// What the hits of a fault were: `17 inputs waited`.
fn hits(kind: FaultKind, number: u64) -> String {
    let (one, many, what) = match kind {
        FaultKind::Pause => ("input", "inputs", "waited"),
        FaultKind::Crash | FaultKind::PowerLoss => ("restart", "restarts", "put off"),
        FaultKind::Partition | FaultKind::OneWayPartition => ("packet", "packets", "met it"),
        FaultKind::Delay => ("packet", "packets", "delayed"),
        FaultKind::HoldMessage => ("message", "messages", "held back"),
        FaultKind::DropConnection => ("connection", "connections", "reset"),
        // A clock is set or not: there is nothing to count.
        FaultKind::ClockJump | FaultKind::ClockDrift => ("hit", "hits", "counted"),
        FaultKind::SlowDisk => ("disk operation", "disk operations", "slowed"),
        FaultKind::Failover => ("command", "commands", "given"),
    };
    format!("{} {what}", words::count(number, one, many))
}

/// How much was simulated, the digest, and how to see the same again.
pub fn replay<W: Write>(
    painter: &mut Painter<'_, W>,
    outcome: &Outcome,
    command: Option<&str>,
) -> fmt::Result {
    let run = &outcome.run;
    let line = format!(
        "{} simulated, {}, {} delivered, seed {}",
        fencepost_faults::show(run.simulated),
        words::count(run.events, "event", "events"),
        words::count(run.history.delivered(), "message", "messages"),
        run.seed,
    );
    painter.paragraph(&label("run"), Style::new(), &line)?;
    painter.paragraph(&label("digest"), Style::new(), &run.history.digest().to_string())?;
    let Some(command) = command else { return Ok(()) };
    let command: String = command.chars().map(printable).collect();
    painter.plain(&format!("{}{command}\n", label("replay")))
}
