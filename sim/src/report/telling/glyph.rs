//! Every sign that the timeline draws, with what it means and how it is coloured. One column each.

use anstyle::{AnsiColor, Style};

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Glyph {
    Idle,
    Waits,
    Begins,
    Holds,
    Doubly,
    Ends,
    Reads,
    Paused,
    PausedHolder,
    PausedDoubly,
    Down,
    NoKey,
    Owner,
    Stranger,
    Looks,
    Follows,
    Fault,
    Over,
    Violation,
    Expired,
    Evicted,
    Refused,
    Late,
    Gap,
}

impl Glyph {
    /// The sign itself; an owner is drawn as the buyer's number.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Idle => "·",
            Self::Waits => "┊",
            Self::Begins => "┏",
            Self::Holds => "┃",
            Self::Doubly => "█",
            Self::Ends => "┗",
            Self::Reads => "○",
            Self::Paused => "░",
            Self::PausedHolder => "▓",
            Self::PausedDoubly => "▚",
            Self::Down => "×",
            Self::NoKey => "-",
            Self::Owner => "a number:",
            Self::Stranger => "?",
            Self::Looks => "~",
            Self::Follows => "↳",
            Self::Fault => "↯",
            Self::Over => "↺",
            Self::Violation => "✖",
            Self::Expired => "∅",
            Self::Evicted => "⊖",
            Self::Refused => "⊘",
            Self::Late => "⇢",
            Self::Gap => "…",
        }
    }

    /// What the legend says of it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Idle => "at rest",
            Self::Waits => "waits for the lock",
            Self::Begins => "believes from here on that it holds the lock",
            Self::Holds => "believes that it holds the lock",
            Self::Doubly => "believes so while another does too",
            Self::Ends => "gives it back, or knows that it lost it",
            Self::Reads => "has read the stock, and is not done with it",
            Self::Paused => "paused",
            Self::PausedHolder => "paused, and believes that it holds the lock",
            Self::PausedDoubly => "paused, and believes so while another does too",
            Self::Down => "down",
            Self::NoKey => "the lock is nobody's on the server",
            Self::Owner => "the lock is that buyer's on the server",
            Self::Stranger => "the lock is a stranger's on the server",
            Self::Looks => "the server looks for a leader",
            Self::Follows => "the server follows the leader",
            Self::Fault => "a fault strikes",
            Self::Over => "a fault is over",
            Self::Violation => "a violation",
            Self::Expired => "a key or a session expires",
            Self::Evicted => "the key has to make room",
            Self::Refused => "refused for its token",
            Self::Late => "sent long before",
            Self::Gap => "left out; the lanes show how it ends",
        }
    }

    /// Its colour, for whoever wants one.
    pub const fn style(self) -> Style {
        let plain = Style::new();
        match self {
            Self::Idle | Self::NoKey | Self::Gap | Self::Waits | Self::Looks | Self::Follows => {
                plain.dimmed()
            }
            Self::Begins | Self::Holds | Self::Ends => AnsiColor::Green.on_default().bold(),
            Self::Doubly | Self::PausedDoubly | Self::Violation => {
                AnsiColor::Red.on_default().bold()
            }
            Self::Fault | Self::Down | Self::Expired | Self::Evicted => {
                AnsiColor::Yellow.on_default().bold()
            }
            Self::Paused | Self::PausedHolder | Self::Late => AnsiColor::Yellow.on_default(),
            Self::Over | Self::Reads | Self::Owner | Self::Stranger => AnsiColor::Cyan.on_default(),
            Self::Refused => AnsiColor::Magenta.on_default().bold(),
        }
    }
}
