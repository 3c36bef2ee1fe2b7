//! Which lines a reader sees of a run that has too many: those around faults and first violations.

use std::time::Duration;

use super::sentence::Weight;
use crate::world::SimTime;

/// Time that passes between two lines gets a row of its own from so much on.
pub const SILENCE: Duration = Duration::from_millis(500);

/// Chooses lines, in order, so that they make at most so many rows, from lines of these weights
/// at these times. A row that stands for what lies between two lines counts too. One line is
/// always chosen, if there is one.
pub fn choose(lines: &[(Weight, SimTime)], end: SimTime, max_rows: usize) -> Vec<usize> {
    let distances = distances(lines);
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|place| (rank(lines[*place].0, distances[*place]), *place));
    let mut kept = order.len().min(max_rows);
    loop {
        let mut chosen = order[..kept].to_vec();
        chosen.sort_unstable();
        let rows = kept + gaps(&chosen, lines, end);
        if rows <= max_rows || kept <= 1 {
            return fill(chosen, lines);
        }
        kept -= (rows - max_rows).div_ceil(2).min(kept - 1);
    }
}

/// Chooses the single lines between two chosen ones, where the row that stands for what is left out
/// would take as much room.
fn fill(chosen: Vec<usize>, lines: &[(Weight, SimTime)]) -> Vec<usize> {
    let mut filled: Vec<usize> = Vec::with_capacity(chosen.len());
    for place in chosen {
        if let Some(last) = filled.last().filter(|last| **last + 2 == place) {
            let passed = lines[place].1.saturating_since(lines[*last].1);
            if passed < SILENCE {
                filled.push(place - 1);
            }
        }
        filled.push(place);
    }
    filled
}

/// Lower is dearer: turns first, then what is near one, the more quiet the nearer.
fn rank(weight: Weight, distance: usize) -> usize {
    match weight {
        Weight::Violation => 0,
        Weight::Turn => 1,
        Weight::Telling => 2 + distance,
        Weight::Ordinary => 2 + 2 * distance,
        Weight::Quiet => 2 + 4 * distance,
    }
}

/// How many lines each is away from the nearest turn, violation, or end of the run.
fn distances(lines: &[(Weight, SimTime)]) -> Vec<usize> {
    let mut distances = vec![0; lines.len()];
    let mut away = 0;
    for (place, (weight, _)) in lines.iter().enumerate() {
        away = if *weight >= Weight::Turn { 0 } else { away + 1 };
        distances[place] = away;
    }
    away = 0;
    for (place, (weight, _)) in lines.iter().enumerate().rev() {
        away = if *weight >= Weight::Turn { 0 } else { away + 1 };
        distances[place] = distances[place].min(away);
    }
    distances
}

/// How many rows stand for what lies between the chosen lines, before and after them, at most.
fn gaps(chosen: &[usize], lines: &[(Weight, SimTime)], end: SimTime) -> usize {
    let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { return 1 };
    let is_gap = |pair: &&[usize]| {
        let passed = lines[pair[1]].1.saturating_since(lines[pair[0]].1);
        pair[0] + 1 < pair[1] || passed >= SILENCE
    };
    let between = chosen.windows(2).filter(is_gap).count();
    let after = *last + 1 < lines.len() || end.saturating_since(lines[*last].1) >= SILENCE;
    between + usize::from(*first > 0) + usize::from(after)
}

#[cfg(test)]
mod tests {
    use super::Weight::{Ordinary, Quiet, Telling, Turn, Violation};
    use super::*;

    fn choose_of(weights: &[Weight], max_rows: usize) -> Vec<usize> {
        let lines: Vec<_> = weights.iter().map(|weight| (*weight, SimTime::ZERO)).collect();
        let chosen = choose(&lines, SimTime::ZERO, max_rows);
        assert!(chosen.len() + gaps(&chosen, &lines, SimTime::ZERO) <= max_rows);
        chosen
    }

    #[test]
    fn a_short_run_is_shown_whole() {
        assert_eq!(choose_of(&[Quiet, Turn, Quiet], 60), [0, 1, 2]);
        assert_eq!(choose_of(&[], 60), [0; 0]);
    }

    #[test]
    fn a_long_run_is_shown_around_its_turns_within_the_bound() {
        let mut weights = vec![Ordinary; 10_000];
        (weights[3_000], weights[7_000]) = (Turn, Violation);
        let chosen = choose_of(&weights, 40);
        assert!(chosen.len() > 30);
        for place in [2_999, 3_000, 3_001, 6_999, 7_000, 7_001] {
            assert!(chosen.contains(&place), "{place} is missing");
        }
    }

    #[test]
    fn long_silences_take_rows_too() {
        let lines: Vec<_> =
            (0..100).map(|second| (Turn, SimTime::after(SILENCE * second))).collect();
        let chosen = choose(&lines, SimTime::after(SILENCE * 200), 20);
        assert!(chosen.len() <= 10);
    }

    #[test]
    fn what_is_telling_is_shown_from_further_away() {
        let mut weights = vec![Quiet; 200];
        (weights[100], weights[110]) = (Turn, Telling);
        let chosen = choose_of(&weights, 20);
        assert!(chosen.contains(&110) && !chosen.contains(&109));
    }

    #[test]
    fn a_violation_is_shown_whatever_the_number_of_faults() {
        let mut weights = vec![Turn; 500];
        weights[499] = Violation;
        assert!(choose_of(&weights, 10).contains(&499));
    }
}
