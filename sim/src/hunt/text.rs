//! A hunt as a page to read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use super::report::{HuntReport, Pace};
use super::shard::Part;
use super::stories::StoryCount;
use super::wilson::wilson;
use crate::judge::ViolationKind;
use crate::report::paint::{PAGE_WIDTH, Painter, label};
use crate::report::words::{self, count};
use crate::seeds::show_range;

/// So many failures are shown one by one.
const MAX_SHOWN: usize = 5;

/// So many stories of a kind are shown: those that most seeds have.
const MAX_STORIES: usize = 12;

/// How to show a hunt.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions<'a> {
    /// With terminal colours.
    pub colour: bool,
    /// The command that replays a seed, but for ` --seed N` at its end.
    pub replay: Option<&'a str>,
    /// How long it took.
    pub pace: Option<Pace>,
}

/// A hunt as a page: how often each kind was found and where first, which
/// faults fired, what failed, and how to see it again.
pub fn text(report: &HuntReport, options: &TextOptions<'_>) -> String {
    let mut page = String::new();
    // Writing into a string cannot fail.
    let _ = write(report, options, &mut page);
    page
}

fn write(report: &HuntReport, options: &TextOptions<'_>, page: &mut String) -> fmt::Result {
    let mut painter = Painter { out: page, colour: options.colour, width: PAGE_WIDTH };
    painter.paragraph("", Style::new().bold(), &report.scenario)?;
    painter.paragraph(&label("seeds"), Style::new(), &seeds(report))?;
    violations(&mut painter, report)?;
    faults(&mut painter, report)?;
    stories(&mut painter, report)?;
    shrunk(&mut painter, report)?;
    failures(&mut painter, report)?;
    painter.end_line()?;
    verdict(&mut painter, report)?;
    totals(&mut painter, report, options.pace)?;
    options.replay.map_or(Ok(()), |command| replay(&mut painter, report, command))
}

fn seeds(report: &HuntReport) -> String {
    let (range, asked) = (show_range(&report.range), show_range(&report.asked));
    let shard = |part: &Part| format!(" (shard {} of {})", part.shard, show_range(&part.of));
    let shard = report.part.as_ref().map(shard).unwrap_or_default();
    if report.range == report.asked {
        return format!("{range}{shard}, all {} run", report.seeds);
    }
    let why = if report.interrupted { "interrupted" } else { "stopped at the first finding" };
    let all = report.asked.end.saturating_sub(report.asked.start);
    format!("{range} of {asked}{shard}, {} of {all} run: {why}", report.seeds)
}

/// A line for each kind, and one for any of them.
fn violations<W: Write>(painter: &mut Painter<'_, W>, report: &HuntReport) -> fmt::Result {
    let head = format!(
        "\n{:<18}{:>10}  {:>10}  {:^23}  first seed\n",
        "violation", "seeds", "rate", "95 % interval"
    );
    painter.styled(Style::new().dimmed(), &head)?;
    for (kind, seeds) in &report.violations_by_kind {
        line(painter, report, kind.as_str(), *seeds, report.first.get(kind))?;
    }
    line(painter, report, "any", report.violating_seeds, report.first.values().min())
}

fn line<W: Write>(
    painter: &mut Painter<'_, W>,
    report: &HuntReport,
    name: &str,
    seeds: u64,
    first: Option<&u64>,
) -> fmt::Result {
    let [rate, low, high] = wilson(seeds, report.seeds).percents();
    let first = first.map_or_else(|| "-".to_owned(), u64::to_string);
    let style = if seeds > 0 { AnsiColor::Red.on_default() } else { Style::new() };
    painter.styled(style, &format!("{name:<18}"))?;
    let interval = format!("{low} to {high}");
    painter.plain(&format!("{seeds:>10}  {rate:>10}  {interval:^23}  {first}\n"))
}

fn faults<W: Write>(painter: &mut Painter<'_, W>, report: &HuntReport) -> fmt::Result {
    if report.faults.is_empty() {
        return Ok(());
    }
    let head = format!("\n{:<18}{:>14}{:>16}\n", "fault", "runs with it", "where it fired");
    painter.styled(Style::new().dimmed(), &head)?;
    for (kind, runs) in &report.faults {
        painter.plain(&format!("{:<18}{:>14}{:>16}", kind.as_str(), runs.planned, runs.fired))?;
        if runs.fired == 0 {
            let warning = "  never fired: these runs say nothing about it";
            painter.styled(AnsiColor::Yellow.on_default(), warning)?;
        }
        painter.end_line()?;
    }
    Ok(())
}

/// What the first seeds of each kind have in common.
fn stories<W: Write>(painter: &mut Painter<'_, W>, report: &HuntReport) -> fmt::Result {
    let Some(stories) = &report.stories else { return Ok(()) };
    let mut kinds = stories.seeds.keys().filter(|kind| stories.told(**kind) > 0).peekable();
    if kinds.peek().is_some() {
        let head = format!(
            "\n{:<18}{:>10}  {:>10}  {:^23}  first seed\n",
            "story", "seeds", "share", "95 % interval"
        );
        painter.styled(Style::new().dimmed(), &head)?;
    }
    for kind in kinds {
        let told = stories.told(*kind);
        let which = match report.violations_by_kind.get(kind) {
            Some(all) if *all > told => format!("{told} of {all} seeds"),
            _ => count(told, "seed", "seeds"),
        };
        painter.paragraph("", Style::new(), &format!("{kind}, {which}, each shrunk:"))?;
        let counts = stories.of(*kind);
        let (shown, others) = counts.split_at(counts.len().min(MAX_STORIES));
        for StoryCount { story, seeds, first } in shown {
            let [share, low, high] = wilson(*seeds, told).percents();
            let interval = format!("{low} to {high}");
            painter.plain(&format!("{seeds:>28}  {share:>10}  {interval:^23}  {first}\n"))?;
            painter.paragraph("  ", AnsiColor::Red.on_default(), &story.in_words())?;
        }
        if !others.is_empty() {
            let seeds: u64 = others.iter().map(|other| other.seeds).sum();
            let stories = count(others.len() as u64, "other story", "other stories");
            let more = format!("{seeds:>28}  of {stories}, which the JSON has\n");
            painter.styled(Style::new().dimmed(), &more)?;
        }
    }
    Ok(())
}

/// Each kind's first run as small as it can be: how many faults are left of how many, and which.
fn shrunk<W: Write>(painter: &mut Painter<'_, W>, report: &HuntReport) -> fmt::Result {
    if report.shrunk.is_empty() {
        return Ok(());
    }
    let head = format!(
        "\n{:<18}{:>10}{:>10}  the run under its first seed, shrunk\n",
        "shrunk", "faults", "runs"
    );
    painter.styled(Style::new().dimmed(), &head)?;
    for (kind, run) in &report.shrunk {
        let left = match run.faults.as_slice() {
            [] => "no fault is needed".to_owned(),
            faults => faults.join("; "),
        };
        let faults = format!("{} → {}", run.faults_before, run.faults.len());
        let label = format!("{:<18}{faults:>10}{:>10}  ", kind.as_str(), run.runs);
        painter.paragraph(&label, Style::new(), &left)?;
    }
    Ok(())
}

fn failures<W: Write>(painter: &mut Painter<'_, W>, report: &HuntReport) -> fmt::Result {
    if report.failed_seeds == 0 {
        return Ok(());
    }
    let bad = AnsiColor::Red.on_default();
    painter.end_line()?;
    let failed = count(report.failed_seeds, "seed has", "seeds have");
    painter.paragraph("", bad, &format!("{failed} no run to judge:"))?;
    for failure in report.failures.iter().take(MAX_SHOWN) {
        let at = failure.at.as_ref().map(|at| format!(" ({at})")).unwrap_or_default();
        let line = format!("{}: {}{at}", failure.kind.as_str(), failure.message);
        painter.paragraph(&format!("  seed {}  ", failure.seed), Style::new(), &line)?;
    }
    let more = report.failed_seeds.saturating_sub(MAX_SHOWN as u64);
    if more > 0 { painter.plain(&format!("  and {more} more\n")) } else { Ok(()) }
}

fn verdict<W: Write>(painter: &mut Painter<'_, W>, report: &HuntReport) -> fmt::Result {
    let mut found = match words::kinds(report.violations_by_kind.keys()) {
        none if none.is_empty() => "nothing was wrong".to_owned(),
        kinds => format!("found: {kinds}"),
    };
    if report.failed_seeds > 0 {
        write!(found, ", and {} failed", count(report.failed_seeds, "seed", "seeds"))?;
    }
    let is_expected = report.is_as_expected();
    let expectation = match &report.expected {
        None => String::new(),
        Some(_) if is_expected => ", as expected".to_owned(),
        Some(kinds) if kinds.is_empty() => ", but nothing wrong was expected".to_owned(),
        Some(kinds) => format!(", but expected: {}", words::kinds(kinds)),
    };
    let colour = if is_expected { AnsiColor::Green } else { AnsiColor::Red };
    let style = colour.on_default().bold();
    painter.paragraph(&label("verdict"), style, &format!("{found}{expectation}"))
}

fn totals<W: Write>(
    painter: &mut Painter<'_, W>,
    report: &HuntReport,
    pace: Option<Pace>,
) -> fmt::Result {
    let totals = format!(
        "{} s simulated, {}, {} delivered",
        report.simulated.as_secs(),
        count(report.events, "event", "events"),
        count(report.messages, "message", "messages"),
    );
    painter.paragraph(&label("total"), Style::new(), &totals)?;
    let Some(pace) = pace else { return Ok(()) };
    let pace = format!(
        "{:.2} s on {}: {:.0} runs and {:.0} simulated seconds per second",
        pace.elapsed.as_secs_f64(),
        count(pace.jobs as u64, "thread", "threads"),
        pace.runs_per_second(report),
        pace.simulated_seconds_per_second(report),
    );
    painter.paragraph(&label("pace"), Style::new(), &pace)
}

/// One command for each seed that is the first of something.
fn replay<W: Write>(
    painter: &mut Painter<'_, W>,
    report: &HuntReport,
    command: &str,
) -> fmt::Result {
    let mut firsts: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for (kind, seed) in &report.first {
        firsts.entry(*seed).or_default().insert(ViolationKind::as_str(*kind));
    }
    if let Some(failure) = report.failures.first() {
        firsts.entry(failure.seed).or_default().insert(failure.kind.as_str());
    }
    let mut before = label("replay");
    for (seed, kinds) in firsts {
        // Never broken: it is there to be pasted.
        painter.plain(&format!("{before}{command} --seed {seed}"))?;
        before = label("");
        let kinds = format!("  # {}", kinds.into_iter().collect::<Vec<_>>().join(", "));
        painter.styled(Style::new().dimmed(), &kinds)?;
        painter.end_line()?;
    }
    Ok(())
}
