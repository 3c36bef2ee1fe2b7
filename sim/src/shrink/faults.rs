//! Fewer and simpler faults.

use super::Smallest;

/// Leaves out faults: those that did nothing, then halves, quarters and so on down to single ones. Zeller and
/// Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002.
pub fn fewer(smallest: &mut Smallest) -> bool {
    let before = smallest.scenario.faults.len();
    let fired: Vec<bool> = smallest.outcome.run.faults.iter().map(|fault| fault.fired).collect();
    leave_out(smallest, |place| fired.get(place) == Some(&false));
    let mut part = smallest.scenario.faults.len();
    while part > 0 {
        let mut from = 0;
        while from < smallest.scenario.faults.len() {
            let without = from..from + part;
            if !leave_out(smallest, |place| without.contains(&place)) {
                from += part;
            }
        }
        part /= 2;
    }
    smallest.scenario.faults.len() < before
}

/// Tries the plan without the faults at some places; false when nothing is to be left out, or none of it can.
fn leave_out(smallest: &mut Smallest, mut is_out: impl FnMut(usize) -> bool) -> bool {
    let mut scenario = smallest.scenario.clone();
    let mut places = 0..;
    scenario.faults.retain(|_| places.next().is_some_and(|place| !is_out(place)));
    scenario.faults.len() < smallest.scenario.faults.len() && smallest.try_out(scenario)
}

/// So many seeds are tried in the place of one.
const OTHER_SEEDS: u64 = 50;

/// Leaves out a fault where another lasts longer, or under one of the next seeds. Some faults are there for the
/// moment's sake alone: a buyer that died came back at the right time, a message that was late met another. Under
/// another seed it happens by itself.
pub fn fewer_otherwise(smallest: &mut Smallest) -> bool {
    let before = smallest.scenario.clone();
    let places = 0..before.faults.len();
    let without = |place: usize| before.clone().but(|s| drop(s.faults.remove(place)));
    let longer = places.clone().map(without).flat_map(|scenario| {
        let others = 0..scenario.faults.len();
        others.flat_map(move |place| {
            let scenario = scenario.clone();
            let forms: Vec<_> = scenario.faults[place].longer().collect();
            forms.into_iter().map(move |form| scenario.clone().but(|s| s.faults[place] = form))
        })
    });
    let seeds = (1..=OTHER_SEEDS).map(|step| before.seed.wrapping_add(step));
    let elsewhere = seeds
        .flat_map(|seed| places.clone().map(move |place| without(place).but(|s| s.seed = seed)));
    longer.chain(elsewhere).any(|scenario| smallest.try_out(scenario))
}

/// Makes each fault as simple as it can be.
pub fn simpler(smallest: &mut Smallest) -> bool {
    let mut is_simpler = false;
    for place in 0..smallest.scenario.faults.len() {
        while take_a_simpler(smallest, place) {
            is_simpler = true;
        }
    }
    is_simpler
}

fn take_a_simpler(smallest: &mut Smallest, place: usize) -> bool {
    let forms: Vec<_> = smallest.scenario.faults[place].simpler().collect();
    forms.into_iter().any(|form| {
        let mut scenario = smallest.scenario.clone();
        scenario.faults[place] = form;
        smallest.try_out(scenario)
    })
}
