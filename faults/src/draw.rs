//! Random plans: what `[random_faults]` allows, and a plan drawn from it.
//!
//! The generator is biased to where locks break. It draws in *swarm* style (Groce and others,
//! "Swarm Testing", ISSTA 2012): first which kinds are on at all, then how many faults, then each;
//! so some plans have pauses alone, which a mix of everything would hide. Half of the faults wait
//! for a moment that matters (somebody has just acquired, has just read the stock), and their
//! lengths lie on a scale that is even in orders of magnitude, from a millisecond to twice the
//! lock's time to live, with a few values close to it.

use std::time::Duration;

use crate::choices::Choices;
use crate::plan::{Action, Fault, FaultKind, Groups, Plan, Start, Trigger};
use crate::stage::Stage;

/// What a random plan may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RandomFaults {
    /// The kinds to draw from.
    pub kinds: Vec<FaultKind>,
    /// At most so many faults in a plan.
    pub max: u32,
}

impl RandomFaults {
    /// Draws a plan: none when `max` is 0, else at least one fault. Every fault is valid on that
    /// stage, and the same decisions draw the same plan.
    pub fn draw(&self, choices: &mut impl Choices, stage: &Stage) -> Plan {
        if self.max == 0 {
            return Plan::new();
        }
        let is_on = |_: &&FaultKind| choices.ratio(1, 2);
        let mut kinds: Vec<FaultKind> = self.kinds.iter().filter(is_on).copied().collect();
        if kinds.is_empty() {
            kinds.extend(choices.pick(&self.kinds));
        }
        let count = choices.range(1..=u64::from(self.max));
        (0..count).filter_map(|_| draw_fault(choices, &kinds, stage)).collect()
    }
}

/// Draws one fault of one of these kinds; `None` when the stage has nobody whom it could hit.
pub fn draw_fault(choices: &mut impl Choices, kinds: &[FaultKind], stage: &Stage) -> Option<Fault> {
    let kind = *choices.pick(kinds)?;
    let start = draw_start(choices, stage);
    let subject = draw_subject(choices, &start, stage);
    let action = draw_action(choices, kind, subject, stage)?;
    let length = draw_length(choices, kind, stage);
    Some(Fault { start, length, action })
}

/// Half of the faults wait for a moment. Of the others, half begin anywhere in the run and half in
/// its first tenth: a shop may be sold out long before the run is over.
fn draw_start(choices: &mut impl Choices, stage: &Stage) -> Start {
    let no_moments = stage.buyer_events.is_empty() && stage.server_events.is_empty();
    if !no_moments && !choices.ratio(1, 2) {
        return Start::When(draw_trigger(choices, stage));
    }
    let grain = stage.grain.max(Duration::from_nanos(1)).as_nanos();
    let span = if choices.ratio(1, 2) { stage.duration } else { stage.duration / 10 };
    let grains = u64::try_from(span.as_nanos() / grain).unwrap_or(u64::MAX);
    let start = u128::from(choices.below(grains)) * grain;
    Start::At(Duration::from_nanos(u64::try_from(start).unwrap_or(u64::MAX)))
}

fn draw_trigger(choices: &mut impl Choices, stage: &Stage) -> Trigger {
    /// Mostly the first ones: a shop that is sold out has no more.
    const NTH: [u32; 8] = [1, 1, 1, 2, 2, 3, 5, 8];
    /// A critical section of the default buyers takes about ten milliseconds.
    const AFTER_MICROS: [u64; 8] = [0, 200, 500, 1_000, 2_000, 3_000, 5_000, 8_000];
    let own = stage.buyer_events.len();
    let events = [stage.buyer_events.as_slice(), &stage.server_events].concat();
    let place = choices.below(events.len() as u64) as usize;
    let is_buyers = place < own;
    let node = if is_buyers { choices.pick(&stage.buyers).cloned() } else { None };
    let event = events.get(place).copied().unwrap_or_default().to_owned();
    let nth = choices.pick(&NTH).copied().unwrap_or(1);
    let after = choices.pick(&AFTER_MICROS).copied().unwrap_or_default();
    Trigger { node, event, nth, after: Duration::from_micros(after) }
}

/// Whom the fault is about: half of the time the one whose moment it is, else a buyer or a server,
/// each group as likely as the other however large it is.
fn draw_subject(choices: &mut impl Choices, start: &Start, stage: &Stage) -> String {
    if let Start::When(Trigger { node: Some(node), .. }) = start
        && !choices.ratio(1, 2)
    {
        return node.clone();
    }
    let servers = stage.all_servers();
    let group = if choices.ratio(1, 2) { &servers } else { &stage.buyers };
    choices.pick(group).unwrap_or(&stage.store).clone()
}

fn draw_action(
    choices: &mut impl Choices,
    kind: FaultKind,
    node: String,
    stage: &Stage,
) -> Option<Action> {
    Some(match kind {
        FaultKind::Pause => Action::Pause { node },
        FaultKind::Crash => Action::Crash { node },
        FaultKind::PowerLoss => Action::PowerLoss { node },
        FaultKind::Partition => Action::Partition(draw_groups(choices, node, stage)?),
        FaultKind::OneWayPartition => Action::OneWayPartition(draw_groups(choices, node, stage)?),
        FaultKind::DropConnection => Action::DropConnection(draw_groups(choices, node, stage)?),
        FaultKind::Delay => {
            let groups = draw_groups(choices, node, stage)?;
            Action::Delay { groups, by: draw_time(choices, stage) }
        }
        FaultKind::HoldMessage => draw_hold(choices, node, stage)?,
        FaultKind::ClockJump => {
            let node = whose_clock(choices, node, stage);
            let size = i64::try_from(draw_jump(choices, stage).as_nanos()).unwrap_or(i64::MAX);
            Action::ClockJump { node, by_nanos: if choices.ratio(1, 2) { -size } else { size } }
        }
        FaultKind::ClockDrift => {
            /// From a poor quartz to a broken hypervisor; NTP slews by at most 500.
            const PPM: [i32; 4] = [200, 500, 10_000, 100_000];
            let node = whose_clock(choices, node, stage);
            let ppm = choices.pick(&PPM).copied().unwrap_or(200);
            Action::ClockDrift { node, ppm: if choices.ratio(1, 2) { -ppm } else { ppm } }
        }
        FaultKind::SlowDisk => {
            // Buyers have nothing on disk.
            let node = choices.pick(&stage.all_servers())?.clone();
            Action::SlowDisk { node, by: draw_time(choices, stage) }
        }
        FaultKind::Failover => {
            Action::Failover { node: choices.pick(&stage.failover_targets)?.clone() }
        }
    })
}

/// Whose clock is wrong: a buyer's, or that of a lock server, which measures the leases. Nobody
/// ever asks a store's.
fn whose_clock(choices: &mut impl Choices, node: String, stage: &Stage) -> String {
    if stage.buyers.contains(&node) && choices.ratio(1, 2) {
        return node;
    }
    choices.pick(&stage.servers).cloned().unwrap_or(node)
}

/// How far a clock jumps: as long as other faults last, or as far as when somebody takes summer
/// time for winter time, or has a battery that is empty.
fn draw_jump(choices: &mut impl Choices, stage: &Stage) -> Duration {
    const FAR: [Duration; 2] = [Duration::from_secs(3_600), Duration::from_secs(86_400)];
    if choices.ratio(1, 2) {
        choices.pick(&FAR).copied().unwrap_or(FAR[0])
    } else {
        draw_time(choices, stage)
    }
}

/// The subject against everybody, against one it talks to, or with others against the rest.
fn draw_groups(choices: &mut impl Choices, node: String, stage: &Stage) -> Option<Groups> {
    let others = stage.others(&node);
    if others.is_empty() {
        return None;
    }
    match choices.below(3) {
        0 => Some(Groups { one: vec![node], other: Vec::new() }),
        1 => {
            let peer = choices.pick(&stage.peers(&node))?.clone();
            let swapped = choices.ratio(1, 2);
            let (one, other) = if swapped { (peer, node) } else { (node, peer) };
            Some(Groups { one: vec![one], other: vec![other] })
        }
        _ => {
            let (mut one, mut other) = (vec![node], Vec::new());
            for name in others {
                if choices.ratio(1, 2) { one.push(name) } else { other.push(name) }
            }
            // Nobody else is on the other side then: leave the subject alone against all.
            if other.is_empty() {
                other = one.split_off(1);
            }
            Some(Groups { one, other })
        }
    }
}

fn draw_hold(choices: &mut impl Choices, node: String, stage: &Stage) -> Option<Action> {
    let peer = choices.pick(&stage.peers(&node))?.clone();
    let (from, to) = if choices.ratio(1, 4) { (peer, node) } else { (node, peer) };
    // The late write is the one that oversells.
    let is_order = to == stage.store && stage.buyers.contains(&from);
    let message = is_order && choices.ratio(1, 2);
    Some(Action::HoldMessage { from, to, message: message.then(|| "write".to_owned()) })
}

/// `None` for ever, or for an instant.
fn draw_length(choices: &mut impl Choices, kind: FaultKind, stage: &Stage) -> Option<Duration> {
    match kind {
        FaultKind::DropConnection | FaultKind::Failover => None,
        // One in eight never comes back.
        FaultKind::Crash | FaultKind::PowerLoss if choices.ratio(1, 8) => None,
        FaultKind::ClockJump if choices.ratio(1, 2) => None,
        _ => Some(draw_time(choices, stage)),
    }
}

/// A time on the scale from a millisecond to twice the lock's time to live: one decision, so that
/// an enumerator can go through all of them.
fn draw_time(choices: &mut impl Choices, stage: &Stage) -> Duration {
    let scale = scale(stage.ttl);
    choices.pick(&scale).copied().unwrap_or(Duration::from_millis(1))
}

/// 1, 2, 5, 10, 20, 50, … milliseconds below the time to live, and a few multiples around it.
fn scale(ttl: Duration) -> Vec<Duration> {
    let decades = (0..12).map(|exponent| 10_u64.pow(exponent));
    let steps = decades.flat_map(|decade| [decade, 2 * decade, 5 * decade]);
    let below = steps.map(Duration::from_millis).take_while(|step| *step < ttl / 2);
    // Of the time to live, in tenths.
    let around = [5, 9, 10, 11, 15, 20].map(|tenths| ttl / 10 * tenths);
    let mut scale: Vec<Duration> = below.chain(around).collect();
    scale.retain(|time| !time.is_zero());
    scale
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fencepost_models::random::Random;
    use proptest::prelude::*;

    use super::*;
    use crate::choices::{Enumerator, Recorded, Recorder};
    use crate::stage::testing::stage;
    use crate::toml::{plan_from_toml, plan_to_toml};

    fn everything(max: u32) -> RandomFaults {
        RandomFaults { kinds: FaultKind::ALL.to_vec(), max }
    }

    #[test]
    fn drawn_plans_are_pinned() {
        let plans: Vec<String> = (0..8)
            .map(|seed| {
                let plan = everything(6).draw(&mut Random::new(seed, 0), &stage());
                let lines: Vec<String> = plan.iter().map(ToString::to_string).collect();
                format!("seed {seed}\n  {}", lines.join("\n  "))
            })
            .collect();
        insta::assert_snapshot!(plans.join("\n"));
    }

    #[test]
    fn nobodys_clock_is_set_wrong_who_is_never_asked_for_the_time() {
        let stage = Stage { orders: Some("orders".to_owned()), ..stage() };
        let kinds = vec![FaultKind::ClockJump, FaultKind::ClockDrift];
        let random = RandomFaults { kinds, max: 6 };
        let plans = (0..500).flat_map(|seed| random.draw(&mut Random::new(seed, 0), &stage));
        for fault in plans {
            let (Action::ClockJump { node, .. } | Action::ClockDrift { node, .. }) = &fault.action
            else {
                panic!("{fault}");
            };
            assert!(node == "redis" || stage.buyers.contains(node), "{fault}");
        }
    }

    #[test]
    fn a_maximum_of_nothing_draws_nothing_and_decides_nothing() {
        let mut recorder = Recorder::new(Random::new(1, 0));
        assert!(everything(0).draw(&mut recorder, &stage()).is_empty());
        assert!(recorder.into_decisions().is_empty());
    }

    #[test]
    fn the_simplest_decisions_draw_the_simplest_plan() {
        let plan = everything(6).draw(&mut Recorded::new(Vec::new()), &stage());
        let lines: Vec<String> = plan.iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["pause buyer-1 at buyer-1's acquired for 1ms"]);
    }

    #[test]
    fn each_kind_and_each_moment_comes_up_and_half_wait_for_a_moment() {
        let (mut kinds, mut moments) = (BTreeMap::new(), BTreeSet::new());
        let (mut faults, mut by_trigger, mut at_ttl) = (0_u32, 0_u32, 0_u32);
        for seed in 0..2_000 {
            for fault in everything(6).draw(&mut Random::new(seed, 0), &stage()) {
                faults += 1;
                *kinds.entry(fault.kind()).or_insert(0_u32) += 1;
                at_ttl += u32::from(fault.length.is_some_and(|length| length >= stage().ttl));
                if let Start::When(trigger) = fault.start {
                    by_trigger += 1;
                    moments.insert(trigger.event);
                }
            }
        }
        assert!(kinds.len() == 12 && kinds.values().all(|count| *count > faults / 24), "{kinds:?}");
        assert!((faults * 9 / 20..faults * 11 / 20).contains(&by_trigger), "{by_trigger}/{faults}");
        assert!(at_ttl > faults / 10, "{at_ttl}/{faults}");
        assert_eq!(moments.len(), 4);
    }

    #[test]
    fn an_enumerator_comes_to_the_end_of_one_pause() {
        let stage = Stage { grain: Duration::from_secs(20), ..stage() };
        let (mut choices, mut pauses) = (Enumerator::default(), BTreeSet::new());
        while choices.advance() {
            let fault = draw_fault(&mut choices, &[FaultKind::Pause], &stage).unwrap();
            pauses.insert(fault.to_string());
        }
        // 4 nodes, 17 lengths; 3 fixed times, or triggers: 5 of `nth`, 8 delays, and 3 events of
        // 2 buyers or 1 of the server.
        assert_eq!(pauses.len(), 4 * 17 * (3 + 5 * 8 * (3 * 2 + 1)));
    }

    proptest! {
        /// Any decisions at all, on any stage: what is drawn can be written and is read as valid.
        #[test]
        fn a_drawn_plan_is_valid(
            decisions in proptest::collection::vec(any::<u64>(), 0..80),
            seed in any::<u64>(),
            (servers, buyers, max) in (0..4_usize, 0..4_usize, 0..10_u32),
            (duration, ttl) in (0..1_u64 << 45, 0..1_u64 << 45),
            kinds in prop::sample::subsequence(FaultKind::ALL.to_vec(), 0..=12),
            with_moments in any::<bool>(),
        ) {
            let names = |name: &str, count| (1..=count).map(|n| format!("{name}-{n}")).collect();
            let mut stage = Stage {
                servers: names("redis", servers),
                buyers: names("buyer", buyers),
                duration: Duration::from_nanos(duration),
                ttl: Duration::from_nanos(ttl),
                ..stage()
            };
            if !with_moments {
                stage.buyer_events.clear();
                stage.server_events.clear();
            }
            let random = RandomFaults { kinds, max };
            for plan in [
                random.draw(&mut Recorded::new(decisions), &stage),
                random.draw(&mut Random::new(seed, 0), &stage),
            ] {
                prop_assert!(plan.len() <= max as usize);
                let text = plan_to_toml(&plan);
                prop_assert_eq!(plan_from_toml(&text), Ok(plan), "{}", text);
            }
        }
    }
}
