//! A curve as a page to read: a bar for each point, and the moment at which the run was lost.

use std::fmt::{self, Write};
use std::num::NonZeroU64;

use anstyle::{AnsiColor, Style};

use super::{Curve, Point, Turn};
use crate::hunt::wilson;
use crate::report::paint::{PAGE_WIDTH, Painter, label};
use crate::report::words::count;

/// The bar of a point from which every future violates.
const BAR_WIDTH: u32 = 30;

/// How to show a curve.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions<'a> {
    /// With terminal colours.
    pub colour: bool,
    /// The command that shows the run, but for ` --seed N` at its end.
    pub replay: Option<&'a str>,
}

/// A curve as a page.
pub fn text(curve: &Curve, options: &TextOptions<'_>) -> String {
    let mut page = String::new();
    // Writing into a string cannot fail.
    let _ = write(curve, options, &mut page);
    page
}

fn write(curve: &Curve, options: &TextOptions<'_>, page: &mut String) -> fmt::Result {
    let mut painter = Painter { out: page, colour: options.colour, width: PAGE_WIDTH };
    let Curve { scenario, seed, violation, futures, points, lost, sealed } = curve;
    painter.paragraph("", Style::new().bold(), scenario)?;
    painter.paragraph(&label("seed"), Style::new(), &seed.to_string())?;
    let found = format!("✖ {} at event {}, {}: ", violation.kind, violation.record.0, violation.at);
    painter.paragraph(&label("shows"), Style::new(), &format!("{found}{}", violation.detail))?;
    let tried = count(u64::from(*futures), "future", "futures");
    painter.paragraph(&label("tried"), Style::new(), &format!("{tried} from each point"))?;

    let head = format!(
        "\n{:>9}{:>12}{:>10}  {:^18}{:>9}{:>6}  how many of the futures violate\n",
        "event", "time", "violate", "95 % interval", "one does", "not"
    );
    painter.styled(Style::new().dimmed(), &head)?;
    for point in points {
        line(&mut painter, point, *futures)?;
    }
    painter.end_line()?;
    tell(&mut painter, "lost", "half of the futures or more violate", lost.as_ref())?;
    // Where it was lost and sealed in one, that has been told.
    if sealed != lost {
        tell(&mut painter, "sealed", "all futures violate", sealed.as_ref())?;
    }
    options.replay.map_or(Ok(()), |command| replay(&mut painter, command, curve))
}

/// The commands that show the run, and a future of each kind from where it was lost: one that violates from there on,
/// and one from right before that does not.
fn replay<W: Write>(painter: &mut Painter<'_, W>, command: &str, curve: &Curve) -> fmt::Result {
    let seed = curve.seed;
    painter.plain(&format!("{}{command} --seed {seed}\n", label("replay")))?;
    let lost = curve.lost.as_ref();
    let before = lost.map(|lost| lost.before.unwrap_or(lost.from));
    let shown = lost.and_then(|lost| Some((lost.from, lost.from.first_violating?, "violates")));
    let unharmed = before.and_then(|point| Some((point, point.first_harmless?, "does not")));
    for (point, future, said) in shown.into_iter().chain(unharmed) {
        let from = format!("--from {} --future {future}", point.event.0);
        painter.plain(&format!("{}{command} --seed {seed} {from}", label("")))?;
        painter.styled(Style::new().dimmed(), &format!("  # {said}\n"))?;
    }
    Ok(())
}

fn line<W: Write>(painter: &mut Painter<'_, W>, point: &Point, futures: u32) -> fmt::Result {
    let Point { event, at, violating, failed, first_violating, first_harmless } = *point;
    let [_, low, high] = wilson(u64::from(violating), u64::from(futures)).percents();
    let number = |future: Option<NonZeroU64>| future.map_or("-".to_owned(), |one| one.to_string());
    let row = format!(
        "{:>9}{:>12}{violating:>10}  {:^18}{:>9}{:>6}  ",
        event.0,
        at.to_string(),
        format!("{low} to {high}"),
        number(first_violating),
        number(first_harmless),
    );
    painter.plain(&row)?;
    let full = u64::from(violating) * u64::from(BAR_WIDTH) / u64::from(futures.max(1));
    let full = usize::try_from(full).unwrap_or_default();
    painter.styled(AnsiColor::Red.on_default(), &"█".repeat(full))?;
    // None and some must not look the same.
    let some = if violating > 0 && full == 0 { "▏" } else { "" };
    painter.styled(AnsiColor::Red.on_default(), some)?;
    if failed > 0 {
        painter.styled(AnsiColor::Yellow.on_default(), &format!("  {failed} failed"))?;
    }
    painter.end_line()
}

/// From when on so many violate, and what happened right before.
fn tell<W: Write>(
    painter: &mut Painter<'_, W>,
    name: &str,
    share: &str,
    turn: Option<&Turn>,
) -> fmt::Result {
    let Some(Turn { from, before, is_exact, between }) = turn else {
        return painter.paragraph(&label(name), Style::new(), "that cannot be said");
    };
    let said = match before {
        None => format!("from the begin on {share}"),
        Some(before) => format!(
            "from event {} on, {}, {share}: {} there, {} at event {}",
            from.event.0, from.at, from.violating, before.violating, before.event.0,
        ),
    };
    painter.paragraph(&label(name), Style::new().bold(), &said)?;
    for (number, moment) in between.iter().enumerate() {
        let first = if *is_exact { "between  " } else { "last     " };
        let first = if number == 0 { first } else { "         " };
        painter.paragraph(&format!("{}{first}", label("")), Style::new(), &moment.to_string())?;
    }
    if *is_exact {
        return Ok(());
    }
    let more = "there are other points between the two: with more points the event can be told";
    painter.paragraph(&label(""), Style::new().dimmed(), more)
}
