//! Laws of somebody's own, judged beside the judge's: an [`Invariant`] is told what happens, record by record, and says
//! when it is broken.

use std::fmt;
use std::sync::Arc;

use fencepost_models::machine::NodeId;
use fencepost_models::note::Note;

use super::{Violation, ViolationKind};
use crate::world::SimTime;
use crate::world::history::{Envelope, Event, History, Record, RecordId};

/// A law of somebody's own that every run of a scenario must keep
/// ([`Scenario::invariants`](crate::scenario::Scenario::invariants)).
///
/// A breach is a [`Violation`] like any other: it stands in timelines, on pages and in JSON, is hunted, shrunk and
/// claimed by its name. An invariant says so once in a run: what it knows after that was learned in a broken world.
/// Whoever panics in one has found something as well: the run fails with its seed.
///
/// ```
/// use fencepost::claim::Claims as _;
/// use fencepost::judge::{Breach, Invariant, Moment};
/// use fencepost::own::Note;
/// use fencepost::scenario::{Recipe, Scenario};
///
/// // Somebody who has bought does not come again.
/// let once_each = Invariant::new("once-each", || {
///     let mut buyers = Vec::new();
///     move |moment: &Moment<'_>| {
///         let Some(Note::OrderPlaced { .. }) = moment.note() else { return Ok(()) };
///         if buyers.contains(&moment.node()) {
///             return Err(Breach::new(format!("{} has bought before", moment.name())));
///         }
///         buyers.push(moment.node());
///         Ok(())
///     }
/// });
/// let sale = Scenario::default().but(|s| {
///     (s.lock, s.backend, s.shop.stock) = (Recipe::ConditionalUpdate, None, 3);
///     s.invariants.push(once_each.clone());
/// });
/// let found = sale.sweep(0..20).must_find(&once_each).shrunk_to(0);
/// assert!(found.timeline().contains("VIOLATION once-each: buyer-1 has bought before"));
/// ```
#[derive(Clone)]
pub struct Invariant {
    name: &'static str,
    start: Arc<dyn Fn() -> Box<dyn Watch> + Send + Sync>,
}

/// Who looks after an invariant in one run. A closure that is told a [`Moment`] is one; whoever has something to say
/// of a run's end too writes a type.
///
/// ```
/// use fencepost::judge::{Breach, Invariant, Moment, Watch};
/// use fencepost::own::Note;
/// use fencepost::scenario::Scenario;
/// use fencepost::world::history::History;
///
/// #[derive(Default)]
/// struct SomebodyBuys(u32);
///
/// impl Watch for SomebodyBuys {
///     fn see(&mut self, moment: &Moment<'_>) -> Result<(), Breach> {
///         self.0 += u32::from(matches!(moment.note(), Some(Note::OrderPlaced { .. })));
///         Ok(())
///     }
///
///     fn end(&mut self, _: &History) -> Result<(), Breach> {
///         if self.0 > 0 { Ok(()) } else { Err("nobody has bought anything".into()) }
///     }
/// }
///
/// let sale = Scenario::default().but(|s| {
///     s.shop.stock = 0;
///     s.invariants.push(Invariant::new("somebody-buys", SomebodyBuys::default));
/// });
/// assert_eq!(sale.run(1)?.verdict.violations[0].detail, "nobody has bought anything");
/// # Ok::<(), fencepost::scenario::Failure>(())
/// ```
pub trait Watch {
    /// Something has happened.
    ///
    /// # Errors
    ///
    /// It breaks the invariant.
    fn see(&mut self, moment: &Moment<'_>) -> Result<(), Breach>;

    /// The run is over.
    ///
    /// # Errors
    ///
    /// What has not happened, or what is left, breaks the invariant.
    fn end(&mut self, history: &History) -> Result<(), Breach> {
        let _ = history;
        Ok(())
    }
}

impl<F: FnMut(&Moment<'_>) -> Result<(), Breach>> Watch for F {
    fn see(&mut self, moment: &Moment<'_>) -> Result<(), Breach> {
        self(moment)
    }
}

/// How an invariant is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    detail: String,
    nodes: Vec<NodeId>,
}

/// Something that has happened: a record of the history, and what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'h> {
    history: &'h History,
    id: RecordId,
    record: &'h Record,
}

impl Invariant {
    /// A law of that name: words of small letters and digits, joined by `-`. `start` makes, for each run anew, who looks
    /// after it.
    pub fn new<W: Watch + 'static>(
        name: &'static str,
        start: impl Fn() -> W + Send + Sync + 'static,
    ) -> Self {
        Self { name, start: Arc::new(move || Box::new(start())) }
    }

    /// What it is called in reports.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The kind of violation that a breach of it is.
    pub const fn kind(&self) -> ViolationKind {
        ViolationKind::Own(self.name)
    }

    /// Why it cannot stand beside these, if so.
    pub(crate) fn misnamed(&self, before: &[Self]) -> Option<&'static str> {
        let is_word = |word: &str| {
            let is_plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
            !word.is_empty() && word.bytes().all(is_plain)
        };
        if !self.name.split('-').all(is_word) {
            return Some("accepted are words of small letters and digits, such as nothing-is-lost");
        }
        if ViolationKind::ALL.iter().any(|kind| kind.as_str() == self.name) {
            return Some("the judge has a verdict of that name itself");
        }
        before.iter().any(|one| one.name == self.name).then_some("there are two of that name")
    }
}

impl Breach {
    /// What is wrong, in words: who did what, so that a reader need not look further.
    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), nodes: Vec::new() }
    }

    /// Whom it concerns, the one that was there first in front; the node where it happened, where nobody is named.
    #[must_use]
    pub fn of(mut self, nodes: impl IntoIterator<Item = NodeId>) -> Self {
        self.nodes = super::each_once(nodes);
        self
    }

    fn into_violation(self, kind: ViolationKind, at: SimTime, record: RecordId) -> Violation {
        Violation { kind, at, record, nodes: self.nodes, detail: self.detail }
    }
}

impl From<String> for Breach {
    fn from(detail: String) -> Self {
        Self::new(detail)
    }
}

impl From<&str> for Breach {
    fn from(detail: &str) -> Self {
        Self::new(detail)
    }
}

impl<'h> Moment<'h> {
    /// When, in true time.
    pub const fn at(&self) -> SimTime {
        self.record.at
    }

    /// Where.
    pub const fn node(&self) -> NodeId {
        self.record.node
    }

    /// What the node is called: `buyer-1`.
    pub fn name(&self) -> &'h str {
        self.history.name(self.record.node)
    }

    /// What.
    pub const fn event(&self) -> Event {
        self.record.event
    }

    /// What the node has written down, if that is what happened.
    pub fn note(&self) -> Option<&'h Note> {
        self.history.note_of(self.record)
    }

    /// What somebody's own server or client has written down in its own words ([`Note::Remark`]).
    pub fn remark(&self) -> Option<&'h str> {
        match self.note() {
            Some(Note::Remark { text }) => Some(text),
            _ => None,
        }
    }

    /// The message that was sent or delivered, if that is what happened.
    pub fn message(&self) -> Option<&'h Envelope> {
        match self.record.event {
            Event::Sent(message) | Event::Delivered(message) => Some(self.history.message(message)),
            _ => None,
        }
    }

    /// The message that the node was dealing with, if there was one: a server's note is about its sender.
    pub fn brought_by(&self) -> Option<&'h Envelope> {
        self.history.brought_by(self.record).map(|message| self.history.message(message))
    }

    /// Its place in the history.
    pub const fn id(&self) -> RecordId {
        self.id
    }

    /// The whole of what happened, before and after.
    pub const fn history(&self) -> &'h History {
        self.history
    }
}

/// What breaks these invariants: of each the first thing that does. All are told in one walk, of every record: what
/// one may want to hear nobody knows, and most runs have none.
pub fn check(history: &History, invariants: &[Invariant]) -> Vec<Violation> {
    if invariants.is_empty() {
        return Vec::new();
    }
    let start = |invariant: &Invariant| (invariant.kind(), (invariant.start)());
    let mut watching: Vec<(ViolationKind, Box<dyn Watch>)> = invariants.iter().map(start).collect();
    let mut found = Vec::new();
    for (id, record) in (0..).map(RecordId).zip(history.records()) {
        let moment = Moment { history, id, record };
        watching.retain_mut(|(kind, watch)| {
            let Err(mut breach) = watch.see(&moment) else { return true };
            if breach.nodes.is_empty() {
                breach.nodes.push(record.node);
            }
            found.push(breach.into_violation(*kind, record.at, id));
            false
        });
    }
    let last = RecordId((history.records().len() as u32).saturating_sub(1));
    found.extend(watching.into_iter().filter_map(|(kind, mut watch)| {
        let breach = watch.end(history).err()?;
        Some(breach.into_violation(kind, history.end(), last))
    }));
    found
}

impl fmt::Debug for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Invariant").field(&self.name).finish()
    }
}

/// The same code under the same name.
impl PartialEq for Invariant {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.start, &other.start)
    }
}

impl Eq for Invariant {}

#[cfg(test)]
mod tests;
