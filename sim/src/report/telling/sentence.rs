//! One sentence for each record that is worth one.

use std::time::Duration;

use fencepost_faults::Action;
use fencepost_models::message::Message;
use fencepost_models::note::{Name, Note, ReleaseOutcome};
use fencepost_models::zookeeper::protocol::Packet;

use super::connection;
use super::fault::{begin_of, end_of, resumption};
use super::glyph::Glyph;
use super::state::State;
use super::zookeeper::ensemble_line;
use crate::report::words;
use crate::world::history::{Envelope, Event, LossReason, MessageId, Record, RecordId};

/// From how long on a message counts as late. Ordinary latencies lie far below it, the leases of
/// locks mostly above.
pub const LATE: Duration = Duration::from_millis(250);

/// How much a reader misses who does not see a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It happens all the time.
    Quiet,
    /// It changes something, as it should.
    Ordinary,
    /// It is out of the ordinary.
    Telling,
    /// A fault strikes or is over.
    Turn,
    /// The first violation of its kind.
    Violation,
}

/// A line of the timeline.
#[derive(Clone, Debug)]
pub struct Sentence {
    pub weight: Weight,
    pub mark: Option<Glyph>,
    pub text: String,
}

impl Sentence {
    /// Whether it tells the record itself, and not what the judge says of it.
    pub fn is_of_record(&self) -> bool {
        self.mark != Some(Glyph::Violation)
    }
}

pub const fn sentence(weight: Weight, mark: Option<Glyph>, text: String) -> Sentence {
    Sentence { weight, mark, text }
}

/// What there is to say of a record; `state` is that before it.
pub fn say(state: &State<'_>, id: RecordId, record: &Record) -> Option<Sentence> {
    let name = state.name(record.node);
    match record.event {
        Event::Noted(note) => {
            let said = say_note(state, record, state.history().note(note))?;
            Some(with_lateness(state, record, said))
        }
        Event::FaultBegan(fault) => {
            let text = begin_of(state, record.node, fault);
            // A message that is held has a line of its own, if one comes.
            let is_armed = matches!(state.action(fault), Some(Action::HoldMessage { .. }));
            Some(match is_armed {
                true => sentence(Weight::Turn, None, format!("armed: {text}")),
                false => sentence(Weight::Turn, Some(Glyph::Fault), text),
            })
        }
        Event::FaultEnded(fault) => {
            let text = end_of(state, id, record, state.action(fault)?)?;
            Some(sentence(Weight::Turn, Some(Glyph::Over), text))
        }
        Event::Resumed => {
            let text = resumption(state, record);
            Some(sentence(Weight::Turn, Some(Glyph::Over), text))
        }
        Event::Started { incarnation: 1.. } => {
            let text = format!("{name} starts again");
            Some(sentence(Weight::Turn, Some(Glyph::Over), text))
        }
        Event::Delivered(message) => late_delivery(state, id, record, message),
        Event::Held(message) => {
            let text = format!("{} is held back", route(state, message));
            Some(sentence(Weight::Telling, Some(Glyph::Fault), text))
        }
        // What servers of an ensemble say to each other all the time is only counted.
        Event::Blocked(message) | Event::Lost { message, .. } if is_chatter(state, message) => None,
        Event::Blocked(message) => {
            let text = format!("{} {}", route(state, message), obstacle(state, message));
            Some(sentence(weight_of(state, message), None, text))
        }
        Event::Lost { message, reason } => {
            let text = format!("{} is lost: {}", route(state, message), loss(reason));
            Some(sentence(weight_of(state, message), None, text))
        }
        Event::Connecting { .. }
        | Event::Connected(_)
        | Event::Closed(_)
        | Event::ConnectionLost { .. } => connection::say(state, record),
        _ => None,
    }
}

fn say_note(state: &State<'_>, record: &Record, note: &Note) -> Option<Sentence> {
    use Weight::{Ordinary, Quiet, Telling};
    let name = &state.history().thread_name(record.node, note.thread());
    let (weight, mark, text) = match note {
        Note::Acquiring { lock, .. } => (Quiet, None, format!("{name} waits for {lock}")),
        Note::GaveUp { lock, .. } => (Ordinary, None, format!("{name} waits for {lock} no longer")),
        Note::Acquired { lock, token, .. } => {
            (Ordinary, None, format!("{name} gets {lock}{}", with_token(*token)))
        }
        Note::Releasing { lock, hold } => {
            let holder = state.holder(record.node, *hold);
            (Ordinary, None, format!("{holder} gives {lock} back"))
        }
        Note::Abandoned { lock, hold } => {
            let holder = state.holder(record.node, *hold);
            (Telling, None, format!("{holder} gives up what it did under {lock}, and keeps it"))
        }
        Note::Released { lock, outcome } => match outcome {
            ReleaseOutcome::Removed => return None,
            ReleaseOutcome::NotHeld => {
                (Telling, None, format!("{name} learns that {lock} was no longer its own"))
            }
            ReleaseOutcome::Unknown => {
                (Telling, None, format!("{name} never learns what became of its release of {lock}"))
            }
        },
        Note::LockLost { lock, reason, .. } => {
            (Telling, None, format!("{name} knows that it has lost {lock}: {reason}"))
        }
        Note::StockSeen { stock, .. } => {
            (Quiet, None, format!("{name} reads that {stock} is left"))
        }
        Note::OrderPlaced { .. } => (Quiet, None, format!("{name} has its order confirmed")),
        // Tokens begin at 1: no other was there, and it had none itself.
        Note::OrderRefused { mark: 0, .. } => {
            (Quiet, None, format!("{name} gives its order up: it has no token"))
        }
        Note::OrderRefused { mark, .. } => {
            (Quiet, None, format!("{name} gives its order up: token {mark} was there before"))
        }
        Note::OrderUnknown { .. } => {
            (Telling, None, format!("{name} never learns what became of its order"))
        }
        Note::SoldOut { .. } => (Quiet, None, format!("{name} finds nothing left, and leaves")),
        Note::StockInitial { stock } => {
            let pieces = words::count(*stock, "piece", "pieces");
            (Ordinary, None, format!("{name} opens with {pieces}"))
        }
        Note::WriteTaken { from, before, after, token, .. } => {
            let (from, token) = (state.name(*from), with_token(*token));
            (
                Ordinary,
                None,
                format!("{name} takes an order of {from}{token}: stock {before}→{after}"),
            )
        }
        Note::Fenced { from, write, token, mark } => {
            let (what, from) = (if *write { "write" } else { "read" }, state.name(*from));
            let why = match token {
                Some(token) => format!("its token {token} is behind {mark}"),
                None => "it has no token".to_owned(),
            };
            (Telling, Some(Glyph::Refused), format!("{name} refuses a {what} of {from}: {why}"))
        }
        Note::OrderRepeated { from, .. } => {
            let from = state.name(*from);
            (Telling, None, format!("{name} knows that order of {from} already, and takes nothing"))
        }
        Note::StockWritten { from, before, after, token, .. } => {
            let (from, token) = (state.name(*from), with_token(*token));
            let text = format!("{name} takes a write of {from}{token}: stock {before}→{after}");
            (Ordinary, None, text)
        }
        Note::OrderRecorded { from, .. } => {
            (Ordinary, None, format!("{name}: an order of {} is recorded", state.name(*from)))
        }
        Note::RequestResent { request, .. } => {
            (Telling, None, format!("{name} has no answer to its {request}, and sends it again"))
        }
        Note::LeaseChecked { left_ms, .. } => {
            let left = words::seconds(Duration::from_millis(*left_ms));
            (Ordinary, None, format!("{name} looks at its clock: {left} of its lease are left"))
        }
        Note::LeaseOver { ended_ms_ago: 0, .. } => {
            (Telling, None, format!("{name} sees that its lease ends, and does not order"))
        }
        Note::LeaseOver { ended_ms_ago, .. } => {
            let ago = words::seconds(Duration::from_millis(*ended_ms_ago));
            let text = format!("{name} sees that its lease ended {ago} ago, and does not order");
            (Telling, None, text)
        }
        Note::KeySet { key, value, expires_at_ms } => {
            if !state.cast.locks.contains(key) {
                return None;
            }
            let owner = state.bringer(record, value);
            let owned = state.owner(record.node, key);
            let expiry = state.expiry(record.node, key);
            match owner {
                owner if state.is_loaded(record) => {
                    let owner = owner.map(|owner| format!(" of {}", state.name(owner)));
                    let owner = owner.unwrap_or_default();
                    (Ordinary, None, format!("{name} finds {key}{owner} in its file"))
                }
                // A lock that counts its entries has been entered or left once more.
                Some(owner) if owned == Some(owner) && *expires_at_ms == expiry => return None,
                Some(owner) if owned == Some(owner) && expires_at_ms.is_some() => {
                    let owner = state.name(owner);
                    (
                        Quiet,
                        None,
                        match expiry {
                            None => format!("{name} lets {key} of {owner} expire in time"),
                            Some(_) => format!("{name} puts off the expiry of {key} of {owner}"),
                        },
                    )
                }
                Some(owner) => {
                    let owner = state.name(owner);
                    let rest = if expires_at_ms.is_none() { ", without an expiry" } else { "" };
                    (Quiet, None, format!("{name} sets {key} for {owner}{rest}"))
                }
                None => (Quiet, None, format!("{name} sets {key}")),
            }
        }
        Note::KeyDeleted { key } => return deletion(state, record, key),
        Note::KeyExpired { key } => return removal(state, record, key, Glyph::Expired),
        Note::KeyEvicted { key } => return removal(state, record, key, Glyph::Evicted),
        Note::ReplicaOf { master } => {
            (Telling, None, format!("{name} follows {}", state.name(*master)))
        }
        Note::Promoted => (Telling, None, format!("{name} is a master now")),
        Note::Synced { master, full, offset } => {
            let (master, how) =
                (state.name(*master), if *full { "a full copy" } else { "the rest" });
            let text = format!("{name} has {how} of what {master} had, up to byte {offset}");
            (Ordinary, None, text)
        }
        Note::Sentinel { event, detail } => {
            let weight = match *event {
                "+odown" | "+elected-leader" | "+switch-master" | "+tilt" | "-tilt" => Telling,
                "+sdown" | "-sdown" if detail.starts_with("master") => Ordinary,
                event if event.starts_with("-failover-abort") => Telling,
                _ => Quiet,
            };
            (weight, None, format!("{name}: {event} {}", state.with_names(detail)))
        }
        Note::Cluster { event, detail } => {
            (Ordinary, None, format!("{name}: {event} {}", state.with_names(detail)))
        }
        Note::ZnodeCreated { .. } | Note::ZnodeDeleted { .. } | Note::ZooKeeper { .. } => {
            return ensemble_line(state, name, note);
        }
        Note::Remark { text } => (Telling, None, format!("{name}: {text}")),
        Note::StockServed { .. } => return None,
    };
    Some(sentence(weight, mark, text))
}

/// Why a message does not get through.
fn obstacle(state: &State<'_>, message: MessageId) -> String {
    let Envelope { from, to, .. } = state.history().message(message);
    if state.has_no_power(*to) {
        format!("reaches nobody: {} is without power", state.name(*to))
    } else if state.is_cut(*from, *to) {
        "meets the cut, and waits".to_owned()
    } else {
        "waits behind what has not got through yet".to_owned()
    }
}

fn with_token(token: Option<u64>) -> String {
    token.map_or_else(String::new, |token| format!(", token {token}"))
}

fn deletion(state: &State<'_>, record: &Record, key: &Name) -> Option<Sentence> {
    if !state.cast.locks.contains(key) {
        return None;
    }
    let (server, owner) = (state.name(record.node), state.owner(record.node, key));
    // A replica is told by its master, who was asked.
    let asked = state.brought_by(record).map(|envelope| envelope.from);
    let asked = asked.filter(|asked| !state.cast.servers.contains(asked));
    let foreign = owner.zip(asked).filter(|(owner, asked)| owner != asked);
    Some(match (foreign, owner) {
        (Some((owner, asked)), _) => {
            let (owner, asked) = (state.name(owner), state.name(asked));
            let text = format!("{server} removes {key}, which is {owner}'s, because {asked} asks");
            sentence(Weight::Telling, None, text)
        }
        (None, Some(owner)) => {
            let text = format!("{server} removes {key} of {}", state.name(owner));
            sentence(Weight::Quiet, None, text)
        }
        (None, None) => sentence(Weight::Quiet, None, format!("{server} removes {key}")),
    })
}

/// A key is gone that nobody asked to go; the sign says why.
fn removal(state: &State<'_>, record: &Record, key: &Name, why: Glyph) -> Option<Sentence> {
    if !state.cast.locks.contains(key) {
        return None;
    }
    let server = state.name(record.node);
    let what = match why {
        Glyph::Evicted => format!("is evicted by {server}, whose memory is full"),
        _ => format!("expires on {server}"),
    };
    let text = match state.owner(record.node, key) {
        None => format!("{key} {what}"),
        Some(owner) => {
            let name = state.name(owner);
            let belief = match state.believes(owner, key) {
                true => format!(", yet {name} believes that it holds it"),
                false => String::new(),
            };
            format!("{key} of {name} {what}{belief}")
        }
    };
    Some(sentence(Weight::Telling, Some(why), text))
}

/// Says of a sentence that a late message brought it about, if one did.
fn with_lateness(state: &State<'_>, record: &Record, said: Sentence) -> Sentence {
    let Some(envelope) = state.brought_by(record) else { return said };
    let long = state.history().under_way(envelope, record.at);
    if long < LATE {
        return said;
    }
    let sent_at = state.history().sent_at(envelope);
    let text = format!("{} (sent at {sent_at}, {} ago)", said.text, words::seconds(long));
    sentence(said.weight.max(Weight::Telling), said.mark.or(Some(Glyph::Late)), text)
}

/// A late message of which nothing that it brought about tells.
fn late_delivery(
    state: &State<'_>,
    id: RecordId,
    record: &Record,
    message: MessageId,
) -> Option<Sentence> {
    let envelope = state.history().message(message);
    let long = state.history().under_way(envelope, record.at);
    if long < LATE || is_chatter(state, message) {
        return None;
    }
    let next = (id.0 + 1..).map_while(|next| state.history().record(RecordId(next)));
    let mut notes = next
        .take_while(|next| next.cause == Some(id))
        .filter_map(|next| Some((next, state.history().note_of(next)?)));
    if notes.any(|(next, note)| say_note(state, next, note).is_some()) {
        return None;
    }
    let Envelope { message, from, .. } = envelope;
    let text = format!(
        "{} gets the {} that {} sent at {}, {} ago",
        state.name(record.node),
        words::message(message),
        state.name(*from),
        state.history().sent_at(envelope),
        words::seconds(long),
    );
    Some(sentence(Weight::Ordinary, Some(Glyph::Late), text))
}

/// Orders matter more than what else is under way.
fn weight_of(state: &State<'_>, message: MessageId) -> Weight {
    match &state.history().message(message).message {
        Message::Shop(request) if request.name() != "read" => Weight::Telling,
        _ => Weight::Quiet,
    }
}

/// Whether servers of an ensemble say it to each other.
fn is_chatter(state: &State<'_>, message: MessageId) -> bool {
    match &state.history().message(message).message {
        Message::ZooKeeper(packet) => matches!(
            **packet,
            Packet::Notification(_) | Packet::ElectionHello(_) | Packet::Quorum(_)
        ),
        _ => false,
    }
}

fn route(state: &State<'_>, message: MessageId) -> String {
    let Envelope { message, from, to, .. } = state.history().message(message);
    let (what, from, to) = (words::message(message), state.name(*from), state.name(*to));
    format!("the {what} from {from} to {to}")
}

const fn loss(reason: LossReason) -> &'static str {
    match reason {
        LossReason::ConnectionGone => "its connection is gone",
        LossReason::SenderLostPower => "its sender has lost power",
        LossReason::GaveUp => "the kernel has given up",
        LossReason::ReceiverGone => "nobody is there to read it",
    }
}
