//! `fencepost likelihood` as scripts see it.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn likelihood(scenario: &str, arguments: &[&str]) -> Output {
    fencepost("likelihood", scenario, arguments)
}

fn fencepost(command: &str, scenario: &str, arguments: &[&str]) -> Output {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(scenario);
    let path = path.to_str().expect("UTF-8");
    let arguments = [&[command, path], arguments].concat();
    Command::new(env!("CARGO_BIN_EXE_fencepost")).args(arguments).output().expect("starts")
}

fn said(output: &Output) -> (&str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).expect("UTF-8");
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_curve_of_a_hunts_finding_leaps_where_its_fault_strikes() {
    let arguments = ["--seed", "13", "--futures", "40", "--format", "json"];
    let output = likelihood("hunts/single-redis.toml", &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output).1);
    let curve: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&curve["kind"], &curve["futures"]), (&"two-holders".into(), &40.into()));
    let points = curve["points"].as_array().expect("a list");
    assert_eq!(points.len(), 20);
    let violating = |point: &Value| point["violating"].as_u64().expect("a number");
    assert!(violating(&points[0]) < 20 && violating(&points[19]) == 40, "{points:?}");
    assert!(points[0]["ppm"].is_f64() && points[0]["high_ppm"].is_f64());
    let lost = &curve["lost"];
    assert_eq!(lost["exact"], true, "{lost}");
    let struck = lost["between"].as_array().expect("a list");
    assert!(struck.iter().any(|moment| moment["event"] == "fault-began"), "{struck:?}");
    let after = points.iter().filter(|point| point["event"].as_u64() >= lost["event"].as_u64());
    assert!(after.into_iter().all(|point| violating(point) >= 20));

    let one = likelihood("hunts/single-redis.toml", &[&arguments[..], &["--jobs", "1"]].concat());
    assert_eq!(one.stdout, output.stdout, "on however many threads");
}

#[test]
fn the_futures_of_a_point_can_be_run() {
    let scenario = "hunts/single-redis.toml";
    let arguments = ["--seed", "13", "--points", "8", "--futures", "10", "--format", "json"];
    let output = likelihood(scenario, &arguments);
    let curve: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    let mut seen = Vec::new();
    for point in curve["points"].as_array().expect("a list") {
        for (name, shows) in [("first_violating", true), ("first_harmless", false)] {
            let Some(future) = point[name].as_u64() else { continue };
            let [from, future] = [point["event"].to_string(), future.to_string()];
            let arguments = ["--seed", "13", "--from", &from, "--future", &future];
            let run = fencepost("run", scenario, &[&arguments[..], &["--format", "json"]].concat());
            let run: Value = serde_json::from_slice(&run.stdout).expect("one JSON object");
            let violations = run["violations"].as_array().expect("a list");
            assert_eq!(violations.iter().any(|one| one["kind"] == curve["kind"]), shows, "{point}");
            seen.push(shows);
        }
    }
    assert!(seen.contains(&true) && seen.contains(&false), "{seen:?}");

    let page = likelihood(scenario, &["--seed", "13", "--futures", "10"]);
    let told = said(&page).0.lines().filter(|line| line.contains(" --from "));
    let told: Vec<&str> = told.map(str::trim).collect();
    let [violates, does_not] = told[..] else { panic!("{told:?}") };
    assert!(violates.ends_with("# violates") && does_not.ends_with("# does not"), "{told:?}");
    let half = fencepost("run", scenario, &["--from", "5"]);
    assert_eq!((half.status.code(), said(&half).0), (Some(2), ""), "from there, but which?");
}

#[test]
fn a_page_has_a_bar_for_each_point_and_the_moment() {
    let output = likelihood("paused-holder.toml", &["--points", "6", "--futures", "10"]);
    let (page, stderr) = said(&output);
    assert_eq!((output.status.code(), stderr), (Some(0), ""));
    assert_eq!(page.lines().filter(|line| line.contains('█')).count(), 6, "{page}");
    for part in
        ["10 futures from each point", "\nlost      from", "all futures violate", "replay    "]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn without_a_violation_there_is_no_curve_and_bad_input_is_refused() {
    let quiet = likelihood("contention-set-nx.toml", &[]);
    assert_eq!((quiet.status.code(), said(&quiet).0), (Some(1), ""));
    assert!(said(&quiet).1.contains("nothing that could become likely"), "{}", said(&quiet).1);
    let other = likelihood("paused-holder.toml", &["--kind", "stuck-lock"]);
    assert_eq!(other.status.code(), Some(1));
    for bad in [["--points", "1"], ["--futures", "0"], ["--kind", "bad"], ["--seed", "x"]] {
        let output = likelihood("paused-holder.toml", &bad);
        assert_eq!((output.status.code(), said(&output).0), (Some(2), ""), "{bad:?}");
    }
}
