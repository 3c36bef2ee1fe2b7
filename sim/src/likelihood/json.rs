//! A curve as one JSON object.

use std::io;
use std::num::NonZeroU64;

use serde::Serialize;

use super::{Curve, Point, Turn};
use crate::counterfactual::Moment;
use crate::hunt::{Rate, rate};
use crate::judge::ViolationKind;
use crate::world::SimTime;
use crate::world::history::RecordId;

/// What `fencepost likelihood --format json` prints.
#[derive(Serialize)]
struct Object<'a> {
    scenario: &'a str,
    seed: u64,
    kind: ViolationKind,
    violation: ViolationObject<'a>,
    futures: u32,
    points: Vec<PointObject>,
    lost: Option<TurnObject<'a>>,
    sealed: Option<TurnObject<'a>>,
}

#[derive(Serialize)]
struct ViolationObject<'a> {
    event: RecordId,
    at_ns: SimTime,
    detail: &'a str,
}

#[derive(Serialize)]
struct PointObject {
    event: RecordId,
    at_ns: SimTime,
    violating: u32,
    failed: u32,
    /// The number of a future that shows it, for `fencepost run … --from EVENT --future N`; `null` when none does.
    first_violating: Option<NonZeroU64>,
    first_harmless: Option<NonZeroU64>,
    #[serde(flatten)]
    rate: Rate,
}

#[derive(Serialize)]
struct TurnObject<'a> {
    event: RecordId,
    at_ns: SimTime,
    /// The last point at which fewer violate; `null` when there is none.
    before: Option<RecordId>,
    exact: bool,
    between: &'a [Moment],
}

impl<'a> TurnObject<'a> {
    fn of(turn: &'a Turn) -> Self {
        let Turn { from, before, is_exact, between } = turn;
        let before = before.map(|before| before.event);
        Self { event: from.event, at_ns: from.at, before, exact: *is_exact, between }
    }
}

/// Writes a curve as one JSON object, indented, with a newline at its end.
///
/// # Errors
///
/// What the writer says.
pub fn json(curve: &Curve, out: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
    let Curve { scenario, seed, violation, futures, points, lost, sealed } = curve;
    let point = |point: &Point| {
        let Point { event, at: at_ns, violating, failed, first_violating, first_harmless } = *point;
        let rate = rate(u64::from(violating), u64::from(*futures));
        PointObject { event, at_ns, violating, failed, first_violating, first_harmless, rate }
    };
    let object = Object {
        scenario,
        seed: *seed,
        kind: violation.kind,
        violation: ViolationObject {
            event: violation.record,
            at_ns: violation.at,
            detail: &violation.detail,
        },
        futures: *futures,
        points: points.iter().map(point).collect(),
        lost: lost.as_ref().map(TurnObject::of),
        sealed: sealed.as_ref().map(TurnObject::of),
    };
    serde_json::to_writer_pretty(&mut *out, &object)?;
    out.write_all(b"\n")
}
