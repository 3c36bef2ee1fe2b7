//! Two runs as a page to read: what was set, where they part, how each of them ends.

use std::fmt::{self, Write};

use anstyle::{AnsiColor, Style};

use super::{Compared, Moment, Parting};
use crate::judge::ViolationKind;
use crate::report::paint::{PAGE_WIDTH, Painter, label};
use crate::report::words::{self, count};
use crate::scenario::Outcome;

/// What a row of the table is about.
const NAME_WIDTH: usize = 18;

/// One run's column of it.
const COLUMN_WIDTH: usize = 32;

/// How to show two runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions<'a> {
    /// With terminal colours.
    pub colour: bool,
    /// The command that shows the run as it is, but for ` --seed N` at its end.
    pub replay: Option<&'a str>,
}

/// Two runs as a page.
pub fn text(compared: &Compared, options: &TextOptions<'_>) -> String {
    let mut page = String::new();
    // Writing into a string cannot fail.
    let _ = write(compared, options, &mut page);
    page
}

fn write(compared: &Compared, options: &TextOptions<'_>, page: &mut String) -> fmt::Result {
    let mut painter = Painter { out: page, colour: options.colour, width: PAGE_WIDTH };
    let (scenario, as_is) = &compared.as_is;
    let seed = as_is.run.seed;
    painter.paragraph("", Style::new().bold(), &scenario.title)?;
    painter.paragraph(&label("seed"), Style::new(), &seed.to_string())?;
    for (number, change) in compared.changes.iter().enumerate() {
        let label = label(if number == 0 { "what if" } else { "" });
        painter.paragraph(&label, Style::new(), &change.to_string())?;
    }
    parting(&mut painter, compared)?;
    table(&mut painter, compared)?;
    details(&mut painter, compared)?;
    painter.end_line()?;
    verdict(&mut painter, compared)?;
    match options.replay {
        Some(command) => painter.plain(&format!("{}{command} --seed {seed}\n", label("replay"))),
        None => Ok(()),
    }
}

fn parting<W: Write>(painter: &mut Painter<'_, W>, compared: &Compared) -> fmt::Result {
    painter.end_line()?;
    let Some(Parting { event, as_is, changed }) = &compared.parting else {
        let all = compared.as_is.1.run.history.records().len() as u64;
        let same = format!("never: all {} are the same", count(all, "event", "events"));
        return painter.paragraph(&label("part"), Style::new().bold(), &same);
    };
    let before = match event.0 {
        0 => "at the first event".to_owned(),
        number => format!("at event {number}: the {number} before it are the same"),
    };
    painter.paragraph(&label("part"), Style::new().bold(), &before)?;
    for (which, moment) in [("as it is  ", as_is), ("changed   ", changed)] {
        let said = moment.as_ref().map_or_else(|| "the run is over".to_owned(), Moment::to_string);
        painter.paragraph(&format!("{}{which}", label("")), Style::new(), &said)?;
    }
    let remarks = [
        (
            compared.nodes_differ(),
            "the nodes are others, or have other numbers, and with them other draws",
        ),
        (compared.faults_differ(), "the faults are others: the settings are about them"),
    ];
    for (_, remark) in remarks.into_iter().filter(|(is_so, _)| *is_so) {
        painter.paragraph(&label(""), AnsiColor::Yellow.on_default(), remark)?;
    }
    Ok(())
}

/// How the two end, side by side.
fn table<W: Write>(painter: &mut Painter<'_, W>, compared: &Compared) -> fmt::Result {
    let outcomes = [&compared.as_is.1, &compared.changed.1];
    painter.end_line()?;
    let head = ["as it is", "changed"].map(ToOwned::to_owned);
    row(painter, Style::new().dimmed(), "outcome", &head)?;
    let kinds = |outcome: &Outcome| outcome.verdict.kinds();
    for kind in &kinds(outcomes[0]) | &kinds(outcomes[1]) {
        let told = outcomes.map(|outcome| times(outcome, kind));
        row(painter, AnsiColor::Red.on_default(), kind.as_str(), &told)?;
    }
    type Figure = fn(&Outcome) -> String;
    let figures: [(&str, Figure); 7] = [
        ("stock left", |outcome| outcome.verdict.books.remaining.to_string()),
        ("sold", |outcome| outcome.verdict.books.sold.to_string()),
        ("oversold", |outcome| outcome.verdict.books.oversold().to_string()),
        ("fenced off", |outcome| outcome.verdict.books.fenced_off.to_string()),
        ("holders at most", |outcome| outcome.verdict.max_holders.to_string()),
        ("faults that fired", |outcome| {
            let fired = outcome.run.faults.iter().filter(|fault| fault.fired).count();
            format!("{fired} of {}", outcome.run.faults.len())
        }),
        ("events", |outcome| outcome.run.history.records().len().to_string()),
    ];
    for (name, figure) in figures {
        row(painter, Style::new(), name, &outcomes.map(figure))?;
    }
    Ok(())
}

/// How often a kind of violation is there: `3 times, first at 2.013 s`.
fn times(outcome: &Outcome, kind: ViolationKind) -> String {
    let of_kind = || outcome.verdict.violations.iter().filter(|one| one.kind == kind);
    match (of_kind().count(), of_kind().next()) {
        (1, Some(first)) => format!("once, at {}", first.at),
        (times, Some(first)) => format!("{times} times, first at {}", first.at),
        (_, None) => match outcome.verdict.why_unjudged(kind) {
            Some(_) => "could not be seen".to_owned(),
            None => "-".to_owned(),
        },
    }
}

fn row<W: Write>(
    painter: &mut Painter<'_, W>,
    style: Style,
    name: &str,
    [as_is, changed]: &[String; 2],
) -> fmt::Result {
    painter.styled(style, &format!("{name:<NAME_WIDTH$}"))?;
    painter.plain(&format!("{as_is:<COLUMN_WIDTH$}{changed}\n"))
}

/// The first violation of each kind, of both runs, in full.
fn details<W: Write>(painter: &mut Painter<'_, W>, compared: &Compared) -> fmt::Result {
    let sides = [("as it is", &compared.as_is.1), ("changed", &compared.changed.1)];
    for (side, outcome) in sides {
        for (number, kind) in outcome.verdict.kinds().into_iter().enumerate() {
            let Some(first) = outcome.verdict.first(kind) else { continue };
            if number == 0 {
                painter.end_line()?;
            }
            let label = label(if number == 0 { side } else { "" });
            painter.paragraph(&label, Style::new(), &format!("✖ {kind}: {}", first.detail))?;
        }
    }
    Ok(())
}

fn verdict<W: Write>(painter: &mut Painter<'_, W>, compared: &Compared) -> fmt::Result {
    let (gone, new) = (compared.gone(), compared.brought());
    let (good, bad) = (AnsiColor::Green.on_default().bold(), AnsiColor::Red.on_default().bold());
    let (style, said) = match (gone.is_empty(), new.is_empty()) {
        (true, true) if compared.as_is.1.verdict.violations.is_empty() => {
            (Style::new().bold(), "nothing was wrong, and nothing is".to_owned())
        }
        (true, true) => {
            (bad, format!("no difference: {}", words::kinds(&compared.as_is.1.verdict.kinds())))
        }
        (false, true) => (good, format!("gone: {}", words::kinds(&gone))),
        (true, false) => (bad, format!("new: {}", words::kinds(&new))),
        (false, false) => {
            (bad, format!("gone: {}; new: {}", words::kinds(&gone), words::kinds(&new)))
        }
    };
    painter.paragraph(&label("verdict"), style, &said)?;
    if !gone.is_empty() && compared.idle_faults() > 0 {
        let faults = count(compared.idle_faults() as u64, "fault that", "faults that");
        let remark = format!(
            "{faults} fired as it is did not after the change: it may be gone for that alone"
        );
        painter.paragraph(&label(""), AnsiColor::Yellow.on_default(), &remark)?;
    }
    Ok(())
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.at, self.node, self.did)
    }
}
