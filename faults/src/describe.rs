//! A fault in words: one line, the same everywhere.

use std::fmt;
use std::time::Duration;

use crate::plan::{Action, Fault, Groups, Start, Trigger};

/// A duration in its largest whole unit: `90s`, `1500ms`, `250us`, `7ns`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(fencepost_faults::show(Duration::from_millis(1500)), "1500ms");
/// assert_eq!(fencepost_faults::show(Duration::ZERO), "0s");
/// ```
pub fn show(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    for (unit, size) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanos.is_multiple_of(size) {
            return format!("{}{unit}", nanos / size);
        }
    }
    format!("{nanos}ns")
}

/// A signed number of nanoseconds, as [`show`] with a sign: `+5s`, `-250ms`.
pub fn show_signed(nanos: i64) -> String {
    let sign = if nanos < 0 { '-' } else { '+' };
    format!("{sign}{}", show(Duration::from_nanos(nanos.unsigned_abs())))
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.action, self.start)?;
        match self.length {
            Some(length) => write!(f, " for {}", show(length)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => write!(f, "at {}", show(*at)),
            Self::When(trigger) => trigger.fmt(f),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.after.is_zero() {
            f.write_str("at ")?;
        } else {
            write!(f, "{} after ", show(self.after))?;
        }
        let node = self.node.as_deref().unwrap_or("anybody");
        let ending = if node.ends_with('s') { "'" } else { "'s" };
        write!(f, "{node}{ending} {}", self.event)?;
        if self.nth > 1 { write!(f, " no. {}", self.nth) } else { Ok(()) }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        match self {
            Self::Pause { node }
            | Self::Crash { node }
            | Self::PowerLoss { node }
            | Self::Failover { node } => write!(f, " {node}"),
            Self::Partition(groups) | Self::DropConnection(groups) => {
                write!(f, " {}", Between(groups, "|"))
            }
            Self::OneWayPartition(groups) => write!(f, " {}", Between(groups, "->")),
            Self::Delay { groups, by } => {
                write!(f, " {} by {}", Between(groups, "|"), show(*by))
            }
            Self::HoldMessage { from, to, message } => {
                write!(f, " {from} -> {to}")?;
                message.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            Self::ClockJump { node, by_nanos } => {
                write!(f, " {node} by {}", show_signed(*by_nanos))
            }
            Self::ClockDrift { node, ppm } => write!(f, " {node} by {ppm:+} ppm"),
            Self::SlowDisk { node, by } => write!(f, " {node} by {}", show(*by)),
        }
    }
}

/// Two groups and the sign between them.
struct Between<'a>(&'a Groups, &'static str);

impl fmt::Display for Between<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Groups { one, other }, sign) = self;
        let other = if other.is_empty() { "everybody else".to_owned() } else { other.join(" ") };
        write!(f, "{} {sign} {other}", one.join(" "))
    }
}
