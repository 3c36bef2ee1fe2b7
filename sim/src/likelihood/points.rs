//! Where a run can be cut in two, and which of these places are looked at.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Point;
use crate::counterfactual::Moment;
use crate::world::history::{Event, History, Record, RecordId};

/// More moments than this are too many to be told.
const MAX_TOLD: usize = 3;

/// The places where a run can be cut: between two instants, and before a fault begins or ends. What happens at
/// one instant may be the doing of a single input, which nothing comes between.
pub struct Cuts(Vec<RecordId>);

impl Cuts {
    /// The places from the begin of a run up to the first behind a record.
    pub fn of(history: &History, last: RecordId) -> Self {
        let records = history.records();
        let pairs = records.iter().zip(records.iter().skip(1));
        let inner = (1..).zip(pairs).filter(|(_, (one, next))| {
            let is_fault = matches!(next.event, Event::FaultBegan(_) | Event::FaultEnded(_));
            one.at < next.at || is_fault
        });
        let places = inner.map(|(place, _)| RecordId(place));
        let end = RecordId(records.len() as u32);
        let mut cuts = vec![RecordId(0)];
        for place in places.chain([end]) {
            cuts.push(place);
            if place > last {
                break;
            }
        }
        Self(cuts)
    }

    /// Looks at so many of them, in the order of the run in the end.
    pub fn look_at(&self, points: usize, mut look: impl FnMut(RecordId) -> Point) -> Vec<Point> {
        let mut seen: BTreeMap<usize, Point> = BTreeMap::new();
        let last = self.0.len() - 1;
        let even = (points / 2).max(2);
        for place in (0..even).map(|number| number * last / (even - 1)) {
            seen.entry(place).or_insert_with(|| look(self.0[place]));
        }
        while seen.len() < points.max(2) {
            let Some(place) = widest(&seen) else { break };
            seen.insert(place, look(self.0[place]));
        }
        seen.into_values().collect()
    }

    /// Whether there is no place between the two.
    pub fn are_neighbours(&self, one: RecordId, other: RecordId) -> bool {
        let places = [one, other].map(|event| self.0.binary_search(&event));
        matches!(places, [Ok(one), Ok(other)] if one + 1 == other)
    }
}

/// The middle of the gap over which the curve moves most, of equal ones the longest, and of these the first.
fn widest(seen: &BTreeMap<usize, Point>) -> Option<usize> {
    let pairs = seen.iter().zip(seen.iter().skip(1));
    let gaps = pairs.filter(|(one, next)| next.0 - one.0 > 1);
    let by_size = gaps.map(|((one, before), (next, after))| {
        let leap = before.violating.abs_diff(after.violating);
        ((leap, next - one, usize::MAX - one), one.midpoint(*next))
    });
    by_size.max().map(|(_, middle)| middle)
}

/// What of these records is worth telling, the last of it: what faults did and what was noted; where there is
/// neither, what was sent; or else the first record.
pub fn worth_telling(history: &History, records: Range<RecordId>) -> Vec<Moment> {
    let places = || (records.start.0..records.end.0).map(RecordId);
    let those = |tells: fn(&Record) -> bool| -> Vec<RecordId> {
        places().filter(|id| history.record(*id).is_some_and(tells)).collect()
    };
    let tiers: [fn(&Record) -> bool; 2] =
        [is_telling, |record| matches!(record.event, Event::Sent(_))];
    let told = tiers.into_iter().map(those).find(|told| !told.is_empty());
    let told = told.unwrap_or_else(|| places().take(1).collect());
    let too_many = told.len().saturating_sub(MAX_TOLD);
    told[too_many..].iter().filter_map(|id| Moment::of(history, *id)).collect()
}

const fn is_telling(record: &Record) -> bool {
    matches!(
        record.event,
        Event::FaultBegan(_)
            | Event::FaultEnded(_)
            | Event::Noted(_)
            | Event::Held(_)
            | Event::Lost { .. }
            | Event::ConnectionLost { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;
    use crate::world::SimTime;

    /// Looks at the points of a run of a hundred instants, at each of which so many violate.
    fn looked_at(points: usize, violating: fn(u32) -> u32) -> Vec<u32> {
        let cuts = Cuts((0..=100).map(RecordId).collect());
        let look = |event: RecordId| Point {
            violating: violating(event.0),
            ..Point::new(event, SimTime::ZERO)
        };
        cuts.look_at(points, look).iter().map(|point| point.event.0).collect()
    }

    #[test]
    fn the_leap_is_found_and_the_ends_are_there() {
        let seen = looked_at(14, |event| if event < 38 { 3 } else { 97 });
        assert_eq!((seen.first(), seen.last(), seen.len()), (Some(&0), Some(&100), 14));
        assert!(seen.contains(&37) && seen.contains(&38), "{seen:?}");
    }

    #[test]
    fn a_flat_curve_is_looked_at_evenly() {
        assert_eq!(looked_at(2, |_| 50), [0, 100]);
        assert_eq!(looked_at(1, |_| 50), [0, 100], "two are the least");
        assert_eq!(looked_at(5, |_| 50), [0, 25, 50, 75, 100]);
        assert_eq!(looked_at(1_000, |_| 50).len(), 101, "there are no more");
    }

    #[test]
    fn a_run_is_cut_between_instants_and_before_faults_alone() {
        let text = std::fs::read_to_string("seeds/paused-holder.toml").unwrap();
        let scenario = Scenario::from_toml("paused-holder.toml", &text).unwrap();
        let outcome = scenario.run(scenario.seed).unwrap();
        let history = &outcome.run.history;
        let violation = &outcome.verdict.violations[0];
        let Cuts(cuts) = Cuts::of(history, violation.record);
        assert_eq!(cuts[0], RecordId(0));
        let [.., before, last] = cuts[..] else { panic!("{cuts:?}") };
        assert!(before <= violation.record && violation.record < last);
        for cut in &cuts[1..] {
            let (one, next) = (history.record(RecordId(cut.0 - 1)), history.record(*cut));
            let (one, next) = (one.unwrap(), next.unwrap());
            let is_fault = matches!(next.event, Event::FaultBegan(_) | Event::FaultEnded(_));
            assert!(one.at < next.at || is_fault, "{cut:?}");
        }
        // The pause begins at the instant at which its trigger is pulled: there is a cut between them.
        let began = history.incidents().next().unwrap().0;
        assert!(cuts.contains(&began));
        assert_eq!(
            history.record(RecordId(began.0 - 1)).unwrap().at,
            history.record(began).unwrap().at
        );
        let told = worth_telling(history, RecordId(began.0)..RecordId(began.0 + 1));
        assert_eq!(told[0].did, "is struck by fault 1, pause");
    }

    #[test]
    fn a_violation_in_the_last_record_has_a_cut_behind_it() {
        let outcome = Scenario::default().run(1).unwrap();
        let records = outcome.run.history.records().len() as u32;
        let Cuts(cuts) = Cuts::of(&outcome.run.history, RecordId(records - 1));
        assert_eq!(cuts.last(), Some(&RecordId(records)));
    }
}
