//! How long failovers take, beside what was measured on real servers: `models/redis/FIDELITY.md`.

use std::time::Duration;

use fencepost::scenario::{Backend, Outcome, Recipe, RedisCluster, RedisSentinel, Scenario};
use fencepost::world::SimTime;
use fencepost_faults::{Action, Fault, Groups, Start};
use fencepost_models::note::Note;
use fencepost_models::redis::cluster::ClusterSettings;

const SEEDS: u64 = 60;

/// Servers that were started together ping each other in step: the fault comes in any phase of that.
fn fault_at(seed: u64) -> Duration {
    Duration::from_millis(20_000 + seed * 137 % 1100)
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

/// The median over the seeds, and the least and the greatest.
fn spread(scenario: &Scenario, is_it: impl Fn(&str, &Note) -> bool) -> [i64; 3] {
    let time = |seed| {
        let at = fault_at(seed);
        let scenario = scenario.clone().but(|s| s.faults[0].start = Start::At(at));
        first(&scenario.run(seed).expect("runs"), at, &is_it)
    };
    let mut times: Vec<i64> = (0..SEEDS).filter_map(time).collect();
    times.sort_unstable();
    assert_eq!(times.len() as u64, SEEDS, "it does not happen in every run");
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

/// The model's median beside the real one: they may differ by what was seen between runs of the real
/// servers.
fn compare(what: &str, model: [i64; 3], real_ms: i64, tolerance_ms: i64) {
    let [median, least, greatest] = model;
    let seconds = |ms: i64| format!("{}.{:02}", ms / 1000, ms % 1000 / 10);
    println!(
        "| {what} | {} | {} ({} to {}) |",
        seconds(real_ms),
        seconds(median),
        seconds(least),
        seconds(greatest)
    );
    assert!((median - real_ms).abs() <= tolerance_ms, "{what}: {median} ms, {real_ms} ms measured");
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

#[test]
fn sentinels_take_as_long_as_real_ones() {
    println!("| seconds after the fault, median | Redis 7.0.15 | the model |\n|---|--:|--:|");
    let (short, usual) = (Duration::from_secs(5), Duration::from_secs(30));
    // Each with the median of three runs of the real servers.
    let cases: [(&str, Scenario, [i64; 5]); 4] = [
        ("kill, 5 s", servers(sentinels(short), kill("redis-1")), [5040, 5150, 5250, 5370, 6240]),
        ("stop, 5 s", servers(sentinels(short), stop("redis-1")), [5120, 5270, 5330, 5470, 6410]),
        (
            "kill, 30 s",
            servers(sentinels(usual), kill("redis-1")),
            [30_040, 30_140, 30_220, 30_380, 30_820],
        ),
        (
            "stop, 30 s",
            servers(sentinels(usual), stop("redis-1")),
            [30_070, 30_170, 30_230, 30_390, 31_300],
        ),
    ];
    for (name, scenario, real) in cases {
        let row = |what: &str| format!("{name}: {what}");
        compare(&row("+sdown"), spread(&scenario, event("+sdown", "master")), real[0], 300);
        compare(&row("+odown"), spread(&scenario, event("+odown", "")), real[1], 300);
        compare(
            &row("+elected-leader"),
            spread(&scenario, event("+elected-leader", "")),
            real[2],
            350,
        );
        compare(&row("new master takes writes"), spread(&scenario, is_promotion), real[3], 400);
        // The replica's next `INFO` comes up to a second later.
        compare(
            &row("+switch-master"),
            spread(&scenario, event("+switch-master", "")),
            real[4],
            700,
        );
    }
}

#[test]
fn an_old_master_is_told_as_late_as_by_real_sentinels() {
    let by_command =
        servers(sentinels(Duration::from_secs(5)), Action::Failover { node: "sentinel-1".into() });
    let follows =
        |name: &str, note: &Note| name == "redis-1" && matches!(note, Note::ReplicaOf { .. });
    compare("by command: new master takes writes", spread(&by_command, is_promotion), 190, 200);
    compare("by command: old master follows", spread(&by_command, follows), 11_220, 1500);
}

#[test]
fn a_cluster_takes_as_long_as_a_real_one() {
    let (short, usual) = (Duration::from_secs(5), Duration::from_secs(15));
    let cases: [(&str, Scenario, [i64; 3]); 4] = [
        ("kill, 5 s", servers(cluster(short), kill("redis-2")), [5900, 7440, 8220]),
        ("stop, 5 s", servers(cluster(short), stop("redis-2")), [5910, 7420, 8230]),
        ("kill, 15 s", servers(cluster(usual), kill("redis-2")), [15_930, 19_050, 19_680]),
        ("stop, 15 s", servers(cluster(usual), stop("redis-2")), [15_880, 18_970, 19_810]),
    ];
    for (name, scenario, real) in cases {
        let row = |what: &str| format!("{name}: {what}");
        let scatter_ms = if name.ends_with(" 5 s") { 900 } else { 2500 };
        compare(&row("first PFAIL"), spread(&scenario, event("pfail", "")), real[0], 900);
        compare(&row("FAIL"), spread(&scenario, event("fail", "")), real[1], scatter_ms);
        compare(&row("replica takes writes"), spread(&scenario, is_promotion), real[2], scatter_ms);
    }
}

#[test]
fn a_master_alone_goes_on_for_as_long_as_a_real_one() {
    for (timeout_s, real_ms, scatter_ms) in [(5, 7210, 900), (15, 20_390, 2500)] {
        let alone = Action::Partition(Groups { one: vec!["redis-2".into()], other: Vec::new() });
        let scenario = servers(cluster(Duration::from_secs(timeout_s)), alone);
        let refuses =
            |name: &str, note: &Note| name == "redis-2" && event("cluster-down", "")(name, note);
        compare(
            &format!("{timeout_s} s: writes refused"),
            spread(&scenario, refuses),
            real_ms,
            scatter_ms,
        );
    }
}
