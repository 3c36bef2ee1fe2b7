//! How long failovers take, beside what was measured on real servers: `models/redis/FIDELITY.md`.

use std::time::Duration;

use fencepost::scenario::{Backend, Outcome, Recipe, RedisCluster, RedisSentinel, Scenario};
use fencepost::world::SimTime;
use fencepost_faults::{Action, Fault, Groups, Start};
use fencepost_models::note::Note;
use fencepost_models::redis::cluster::ClusterSettings;

const SEEDS: u64 = 60;

/// Servers that were started together ask each other for things in step, every second (`PING`) or every
/// ten (`INFO`): the fault comes as long after an `INFO` as it did in what was measured, 1.5 to 3.6 seconds.
fn fault_at(seed: u64) -> Duration {
    Duration::from_millis(16_800 + seed * 137 % 2_100)
}

fn sentinels(down_after: Duration) -> Backend {
    Backend::RedisSentinel(RedisSentinel { down_after, ..RedisSentinel::default() })
}

fn cluster(node_timeout: Duration) -> Backend {
    let cluster = ClusterSettings { node_timeout, ..ClusterSettings::default() };
    Backend::RedisCluster(RedisCluster { cluster, ..RedisCluster::default() })
}

/// Servers that nobody asks for a lock, and one fault.
fn servers(backend: Backend, action: Action) -> Scenario {
    Scenario::default().but(|s| {
        s.backend = Some(backend);
        s.lock = Recipe::None;
        s.duration = Duration::from_secs(90);
        let length = matches!(action, Action::Pause { .. }).then_some(Duration::from_secs(60));
        s.faults = vec![Fault { start: Start::At(Duration::ZERO), length, action }];
    })
}

/// When a node first notes something after the fault, in milliseconds since then.
fn first(
    outcome: &Outcome,
    fault_at: Duration,
    is_it: impl Fn(&str, &Note) -> bool,
) -> Option<i64> {
    let history = &outcome.run.history;
    let begin = SimTime::after(fault_at);
    let mut notes = history.notes().filter(|(_, record, _)| record.at >= begin);
    notes.find_map(|(_, record, note)| {
        let name = history.name(record.node);
        is_it(name, note).then(|| {
            i64::try_from(record.at.saturating_since(begin).as_millis()).unwrap_or(i64::MAX)
        })
    })
}

/// Something that a node notes.
type IsIt<'a> = &'a dyn Fn(&str, &Note) -> bool;

/// What is to be compared: what it is called, what it is, and when it was seen in three real runs.
type Row<'a> = (&'a str, IsIt<'a>, [i64; 3]);

/// Runs the scenario under each seed, and compares each row.
fn compare_all(title: &str, scenario: &Scenario, rows: &[Row<'_>], tolerance_ms: i64) {
    let mut times = vec![Vec::new(); rows.len()];
    for seed in 0..SEEDS {
        let at = fault_at(seed);
        let scenario = scenario.clone().but(|s| s.faults[0].start = Start::At(at));
        let outcome = scenario.run(seed).expect("runs");
        for (times, (_, is_it, _)) in times.iter_mut().zip(rows) {
            times.extend(first(&outcome, at, is_it));
        }
    }
    for (times, (what, _, real)) in times.into_iter().zip(rows) {
        compare(&format!("{title}: {what}"), spread(times), *real, tolerance_ms);
    }
}

/// The median over the seeds, and the least and the greatest.
fn spread(mut times: Vec<i64>) -> [i64; 3] {
    times.sort_unstable();
    // A vote may be split; the next one is minutes away (`failover-timeout`).
    assert!(times.len() as u64 > SEEDS * 9 / 10, "it hardly ever happens");
    [times[times.len() / 2], times[0], times[times.len() - 1]]
}

fn event<'a>(name: &'a str, about: &'a str) -> impl Fn(&str, &Note) -> bool + 'a {
    move |_, note| match note {
        Note::Sentinel { event, detail } | Note::Cluster { event, detail } => {
            *event == name && detail.starts_with(about)
        }
        _ => false,
    }
}

/// How far the model's median may lie outside what three runs of the real servers showed.
const SENTINELS_MS: i64 = 300;
const CLUSTER_MS: i64 = 1000;

/// The model beside three runs of the real servers: each of them could have been a run of the model,
/// whose median is near them.
fn compare(what: &str, model: [i64; 3], mut real: [i64; 3], tolerance_ms: i64) {
    let [median, least, greatest] = model;
    let seconds = |ms: i64| format!("{}.{:02}", ms / 1000, ms % 1000 / 10);
    let [one, two, three] = real.map(seconds);
    let [median_s, least_s, greatest_s] = model.map(seconds);
    println!("| {what} | {one} | {two} | {three} | {median_s} | {least_s} to {greatest_s} |");
    // A server looks at everything ten times a second. A real one is up to a millisecond late each time,
    // so that something which is over after exactly fifty rounds is seen to be so one round earlier.
    const ROUND_MS: i64 = 110;
    real.sort_unstable();
    let [first, _, last] = real;
    let possible = least - ROUND_MS..=greatest + ROUND_MS;
    assert!(possible.contains(&first) && possible.contains(&last), "{what}: not the model's times");
    let near = first - tolerance_ms..=last + tolerance_ms;
    assert!(
        near.contains(&median),
        "{what}: the median is {median} ms, which is not near {real:?}"
    );
}

fn kill(node: &str) -> Action {
    Action::Crash { node: node.to_owned() }
}

fn stop(node: &str) -> Action {
    Action::Pause { node: node.to_owned() }
}

/// Who is promoted takes writes from then on.
fn is_promotion(_: &str, note: &Note) -> bool {
    *note == Note::Promoted
}

const HEAD: &str = "| seconds after the fault | real, run 1 | run 2 | run 3 | model, median | from, to |\n\
                    |---|--:|--:|--:|--:|--:|";

#[test]
fn sentinels_take_as_long_as_real_ones() {
    println!("{HEAD}");
    let (short, usual) = (Duration::from_secs(5), Duration::from_secs(30));
    let cases: [(&str, Scenario, [[i64; 3]; 5]); 4] = [
        (
            "kill, 5 s",
            servers(sentinels(short), kill("redis-1")),
            [
                [5050, 5010, 5040],
                [5120, 5150, 5130],
                [5210, 5200, 5190],
                [5350, 5350, 5350],
                [6230, 6290, 6220],
            ],
        ),
        (
            "stop, 5 s",
            servers(sentinels(short), stop("redis-1")),
            [
                [5240, 5860, 5120],
                [5520, 6010, 6000],
                [5620, 6070, 6050],
                [5750, 6240, 6240],
                [6640, 7090, 7090],
            ],
        ),
        (
            "kill, 30 s",
            servers(sentinels(usual), kill("redis-1")),
            [
                [30_040, 30_020, 30_050],
                [30_150, 30_110, 30_160],
                [30_220, 30_170, 30_260],
                [30_390, 30_310, 30_430],
                [30_820, 31_000, 30_800],
            ],
        ),
        (
            "stop, 30 s",
            servers(sentinels(usual), stop("redis-1")),
            [
                [30_340, 30_460, 30_160],
                [30_430, 30_790, 30_260],
                [30_490, 30_840, 30_360],
                [30_610, 31_010, 30_540],
                [31_570, 31_910, 31_380],
            ],
        ),
    ];
    for (name, scenario, [down, agreed, elected, promoted, told]) in cases {
        let rows: [Row<'_>; 5] = [
            ("`+sdown`", &event("+sdown", "master"), down),
            ("`+odown`", &event("+odown", ""), agreed),
            ("`+elected-leader`", &event("+elected-leader", ""), elected),
            ("the new master takes writes", &is_promotion, promoted),
            ("`+switch-master`", &event("+switch-master", ""), told),
        ];
        compare_all(name, &scenario, &rows, SENTINELS_MS);
    }
}

#[test]
fn an_old_master_is_told_as_late_as_by_real_sentinels() {
    println!("{HEAD}");
    let by_command =
        servers(sentinels(Duration::from_secs(5)), Action::Failover { node: "sentinel-1".into() });
    let follows =
        |name: &str, note: &Note| name == "redis-1" && matches!(note, Note::ReplicaOf { .. });
    let rows: [Row<'_>; 2] = [
        ("the new master takes writes", &is_promotion, [130, 230, 260]),
        ("the old master follows", &follows, [11_210, 11_230, 11_190]),
    ];
    compare_all("by command", &by_command, &rows, SENTINELS_MS);
}

#[test]
fn a_cluster_takes_as_long_as_a_real_one() {
    println!("{HEAD}");
    let (short, usual) = (Duration::from_secs(5), Duration::from_secs(15));
    let cases: [(&str, Scenario, [[i64; 3]; 3]); 4] = [
        (
            "kill, 5 s",
            servers(cluster(short), kill("redis-2")),
            [[5620, 5040, 5080], [7540, 7260, 7180], [8520, 8190, 8030]],
        ),
        (
            "stop, 5 s",
            servers(cluster(short), stop("redis-2")),
            [[5130, 5850, 5150], [6150, 7450, 7150], [6940, 8480, 8180]],
        ),
        (
            "kill, 15 s",
            servers(cluster(usual), kill("redis-2")),
            [[15_070, 15_690, 17_380], [17_120, 18_840, 19_470], [18_180, 19_560, 20_320]],
        ),
        (
            "stop, 15 s",
            servers(cluster(usual), stop("redis-2")),
            [[15_470, 16_560, 17_410], [17_610, 21_710, 19_530], [18_730, 22_410, 20_260]],
        ),
    ];
    for (name, scenario, [suspected, failed, promoted]) in cases {
        let rows: [Row<'_>; 3] = [
            ("first PFAIL", &event("pfail", ""), suspected),
            ("FAIL", &event("fail", ""), failed),
            ("the replica takes writes", &is_promotion, promoted),
        ];
        compare_all(name, &scenario, &rows, CLUSTER_MS);
    }
}

#[test]
fn a_master_alone_goes_on_for_as_long_as_a_real_one() {
    println!("{HEAD}");
    let refuses =
        |name: &str, note: &Note| name == "redis-2" && event("cluster-down", "")(name, note);
    for (timeout_s, real) in [(5, [6770, 6120, 7020]), (15, [18_620, 17_200, 18_160])] {
        let alone = Action::Partition(Groups { one: vec!["redis-2".into()], other: Vec::new() });
        let scenario = servers(cluster(Duration::from_secs(timeout_s)), alone);
        let title = format!("a master alone, {timeout_s} s");
        let rows: [Row<'_>; 1] = [("writes are refused", &refuses, real)];
        compare_all(&title, &scenario, &rows, CLUSTER_MS);
    }
}
