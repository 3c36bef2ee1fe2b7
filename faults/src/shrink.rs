//! Simpler faults: what a fault could be and show the same with fewer names, and shorter and rounder times.
//!
//! ```
//! use std::time::Duration;
//! use fencepost_faults::{Action, Fault, Start};
//!
//! let fault = Fault {
//!     start: Start::At(Duration::from_millis(2_137)),
//!     length: None,
//!     action: Action::Crash { node: "buyer-1".into() },
//! };
//! let simpler: Vec<String> = fault.simpler().map(|fault| fault.to_string()).collect();
//! assert_eq!(simpler[0], "crash buyer-1 at 2s");
//! assert!(simpler.contains(&"crash buyer-1 at 2140ms".to_owned()));
//! ```

use std::time::Duration;

use crate::plan::{Action, Fault, Groups, Start, Trigger};

impl Fault {
    /// The same fault in simpler forms, each of them simpler in one thing, the simplest first. Whoever takes
    /// one of them and asks again comes to an end.
    pub fn simpler(&self) -> impl Iterator<Item = Self> + '_ {
        let actions = self.action.simpler().into_iter();
        let with_action = actions.map(|action| Self { action, ..self.clone() });
        let starts = simpler_starts(&self.start).into_iter();
        let with_start = starts.map(|start| Self { start, ..self.clone() });
        let lengths = self.length.into_iter().flat_map(shorter);
        let with_length = lengths.map(|length| Self { length: Some(length), ..self.clone() });
        with_action.chain(with_start).chain(with_length)
    }

    /// The same fault twice as long, and ten times: one that lasts may do what two do.
    pub fn longer(&self) -> impl Iterator<Item = Self> + '_ {
        let lengths = self.length.into_iter();
        let longer = lengths.flat_map(|length| [2, 10].map(|times| length.checked_mul(times)));
        longer.flatten().map(|length| Self { length: Some(length), ..self.clone() })
    }
}

impl Action {
    fn simpler(&self) -> Vec<Self> {
        match self {
            Self::Partition(groups) => groups.simpler().map(Self::Partition).collect(),
            Self::OneWayPartition(groups) => groups.simpler().map(Self::OneWayPartition).collect(),
            Self::DropConnection(groups) => groups.simpler().map(Self::DropConnection).collect(),
            Self::Delay { groups, by } => {
                let fewer = groups.simpler().map(|groups| Self::Delay { groups, by: *by });
                let shorter = shorter(*by);
                fewer.chain(shorter.map(|by| Self::Delay { groups: groups.clone(), by })).collect()
            }
            Self::SlowDisk { node, by } => {
                shorter(*by).map(|by| Self::SlowDisk { node: node.clone(), by }).collect()
            }
            Self::ClockJump { node, by_nanos } => {
                let times = simpler_times(Duration::from_nanos(by_nanos.unsigned_abs()));
                let nanos =
                    times.into_iter().filter_map(|time| i64::try_from(time.as_nanos()).ok());
                let jump = |nanos: i64| Self::ClockJump {
                    node: node.clone(),
                    by_nanos: nanos * by_nanos.signum(),
                };
                nanos.filter(|nanos| *nanos != 0).map(jump).collect()
            }
            Self::ClockDrift { node, ppm } => {
                let sizes = simpler_numbers(u64::from(ppm.unsigned_abs())).into_iter();
                let sizes =
                    sizes.filter_map(|size| i32::try_from(size).ok()).filter(|size| *size != 0);
                sizes
                    .map(|size| Self::ClockDrift { node: node.clone(), ppm: size * ppm.signum() })
                    .collect()
            }
            Self::HoldMessage { .. }
            | Self::Pause { .. }
            | Self::Crash { .. }
            | Self::PowerLoss { .. }
            | Self::Failover { .. } => Vec::new(),
        }
    }
}

impl Groups {
    /// Everybody else on the other side, or a name less on one of them.
    fn simpler(&self) -> impl Iterator<Item = Self> + '_ {
        let everybody =
            (!self.other.is_empty()).then(|| Self { one: self.one.clone(), other: Vec::new() });
        let one = one_less(&self.one).map(|one| Self { one, other: self.other.clone() });
        let other = one_less(&self.other).map(|other| Self { one: self.one.clone(), other });
        everybody.into_iter().chain(one).chain(other)
    }
}

/// All lists with a name less that are no empty ones.
fn one_less(names: &[String]) -> impl Iterator<Item = Vec<String>> + '_ {
    let places = if names.len() > 1 { 0..names.len() } else { 0..0 };
    places.map(|place| {
        let mut fewer = names.to_vec();
        fewer.remove(place);
        fewer
    })
}

/// A rounder time, for it is no simpler to begin earlier; a moment that comes sooner.
fn simpler_starts(start: &Start) -> Vec<Start> {
    match start {
        Start::At(at) => rounder(nanos(*at)).into_iter().map(time).map(Start::At).collect(),
        Start::When(trigger) => {
            let nths = (1..trigger.nth).map(|nth| Trigger { nth, ..trigger.clone() });
            let afters = simpler_times(trigger.after).into_iter();
            let afters = afters.map(|after| Trigger { after, ..trigger.clone() });
            nths.chain(afters).map(Start::When).collect()
        }
    }
}

/// Shorter times of one digit, none below a millisecond that is none now, then rounder ones.
fn simpler_times(time_now: Duration) -> Vec<Duration> {
    const MILLISECOND: Duration = Duration::from_millis(1);
    let times = simpler_numbers(nanos(time_now)).into_iter().map(time);
    times.filter(|time| time.is_zero() || *time >= MILLISECOND.min(time_now)).collect()
}

/// The same without none, of what is to last.
fn shorter(time_now: Duration) -> impl Iterator<Item = Duration> {
    simpler_times(time_now).into_iter().filter(|time| !time.is_zero())
}

/// Smaller numbers of one digit, each 1, 2 or 5 times a power of ten, and 0; then rounder ones.
fn simpler_numbers(number: u64) -> Vec<u64> {
    let powers = std::iter::successors(Some(1_u64), |power| power.checked_mul(10));
    let ladder = powers.take_while(|power| *power < number).flat_map(|power| {
        [1, 2, 5].into_iter().filter_map(move |step: u64| power.checked_mul(step))
    });
    let smaller = std::iter::once(0).chain(ladder).filter(|smaller| *smaller < number);
    smaller.chain(rounder(number)).collect()
}

/// Numbers near it with fewer digits that are not 0, the fewest first.
fn rounder(number: u64) -> Vec<u64> {
    let powers = std::iter::successors(Some(10_u64), |power| power.checked_mul(10));
    let mut found = Vec::new();
    let powers: Vec<u64> = powers.take_while(|power| *power <= number).collect();
    for power in powers.into_iter().rev() {
        let down = number / power * power;
        for round in [down, down.saturating_add(power)] {
            if digits(round) < digits(number) && !found.contains(&round) {
                found.push(round);
            }
        }
    }
    found
}

/// How many digits there are up to the last that is not 0.
fn digits(mut number: u64) -> u32 {
    while number != 0 && number.is_multiple_of(10) {
        number /= 10;
    }
    number.checked_ilog10().map_or(0, |log| log + 1)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

const fn time(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Fault {
        let start = Start::At(Duration::from_millis(millis));
        Fault { start, length: None, action: Action::Pause { node: "buyer-1".to_owned() } }
    }

    fn forms(fault: &Fault) -> Vec<String> {
        fault.simpler().map(|fault| fault.to_string()).collect()
    }

    #[test]
    fn a_start_gets_rounder_and_a_length_shorter() {
        assert_eq!(
            forms(&at(2_137)),
            ["2s", "3s", "2100ms", "2200ms", "2130ms", "2140ms"]
                .map(|at| format!("pause buyer-1 at {at}"))
        );
        assert!(forms(&at(2_000)).is_empty(), "to begin earlier is no simpler");
        let lasting = Fault { length: Some(Duration::from_millis(30)), ..at(2_000) };
        let lengths = ["1ms", "2ms", "5ms", "10ms", "20ms"];
        assert_eq!(
            forms(&lasting),
            lengths.map(|length| format!("pause buyer-1 at 2s for {length}"))
        );
    }

    #[test]
    fn a_moment_comes_sooner_and_groups_get_smaller() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let trigger = Trigger {
            node: None,
            event: "acquired".to_owned(),
            nth: 2,
            after: Duration::from_millis(2),
        };
        let groups = Groups { one: names(&["a", "b"]), other: names(&["c"]) };
        let start = Start::When(trigger);
        let fault = Fault { start, length: None, action: Action::Partition(groups) };
        assert_eq!(
            forms(&fault),
            [
                "partition a b | everybody else 2ms after anybody's acquired no. 2",
                "partition b | c 2ms after anybody's acquired no. 2",
                "partition a | c 2ms after anybody's acquired no. 2",
                "partition a b | c 2ms after anybody's acquired",
                "partition a b | c at anybody's acquired no. 2",
                "partition a b | c 1ms after anybody's acquired no. 2",
            ]
        );
    }

    /// Whoever always takes the first form, or the last, or any, is done some time.
    #[test]
    fn simpler_and_simpler_comes_to_an_end() {
        let jump = Action::ClockJump { node: "redis".to_owned(), by_nanos: -3_601_234_567_891 };
        let drift = Action::ClockDrift { node: "redis".to_owned(), ppm: 12_345 };
        for action in [jump, drift, at(1).action] {
            for pick in [0, 1, 5, usize::MAX] {
                let length = Some(Duration::from_nanos(987_654_321));
                let mut fault = Fault { length, action: action.clone(), ..at(4_711) };
                let mut steps = 0;
                loop {
                    let mut forms: Vec<Fault> = fault.simpler().collect();
                    let Some(last) = forms.len().checked_sub(1) else { break };
                    fault = forms.swap_remove(pick.min(last));
                    steps += 1;
                    assert!(steps < 200, "{fault}");
                }
            }
        }
    }
}
