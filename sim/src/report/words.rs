//! Small things in words: counts, messages, spans of time, a fault's target.

use std::borrow::Cow;
use std::time::Duration;

use fencepost_faults::{Action, Groups};
use fencepost_models::message::Message;

use crate::judge::ViolationKind;
use crate::world::SimTime;

/// `1 piece`, `2 pieces`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Seconds with three places, as [`SimTime`] shows them.
pub fn seconds(duration: Duration) -> String {
    SimTime::after(duration).to_string()
}

/// A message as a sentence calls it: `write`, `EVALSHA`, `answer`.
pub fn message(message: &Message) -> Cow<'_, str> {
    match message {
        Message::RedisReply(_) | Message::ShopReply(_) => Cow::Borrowed("answer"),
        other => other.name(),
    }
}

/// Kinds of violations, one after the other: `two-holders, oversell`.
pub fn kinds<'k>(kinds: impl IntoIterator<Item = &'k ViolationKind>) -> String {
    kinds.into_iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

/// The first so many characters of a text, and a sign where there are more.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((place, _)) => format!("{}…", &text[..place]),
        None => text.to_owned(),
    }
}

/// Whom a fault is about: `buyer-1`, `buyer-1 | redis`, `redis -> buyer-2`.
pub fn target(action: &Action) -> String {
    match action {
        Action::Pause { node }
        | Action::Crash { node }
        | Action::PowerLoss { node }
        | Action::ClockJump { node, .. }
        | Action::ClockDrift { node, .. }
        | Action::SlowDisk { node, .. }
        | Action::Failover { node } => node.clone(),
        Action::HoldMessage { from, to, .. } => format!("{from} -> {to}"),
        Action::Partition(groups)
        | Action::DropConnection(groups)
        | Action::Delay { groups, .. } => between(groups, "|"),
        Action::OneWayPartition(groups) => between(groups, "->"),
    }
}

fn between(groups: &Groups, sign: &str) -> String {
    let other = match groups.other.as_slice() {
        [] => "everybody else".to_owned(),
        names => names.join(" "),
    };
    format!("{} {sign} {other}", groups.one.join(" "))
}
