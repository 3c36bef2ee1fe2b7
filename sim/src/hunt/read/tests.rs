//! Reports that are read back, and those that are not.

use serde_json::{Value, json};

use super::*;
use crate::hunt::tests::{anything, sometimes_panicking};
use crate::hunt::{Hunt, Pace, json as write};

/// A report with something of everything, and its object.
fn written() -> (HuntReport, Value) {
    let scenario = anything();
    let hunt = Hunt::new(scenario.clone(), 5..405).shard(Shard::new(1, 2).unwrap());
    let run = sometimes_panicking(&scenario);
    let on = |_: &HuntReport| std::ops::ControlFlow::Continue(());
    let report = hunt.build("this one".to_owned()).carry_out(run, on).unwrap();
    assert!(report.violating_seeds > 0 && report.failed_seeds > 1, "{report:?}");
    let pace = Pace {
        elapsed: Duration::from_millis(250),
        jobs: 2,
        seeds_before: 0,
        simulated_before: Duration::ZERO,
    };
    let mut object = Vec::new();
    write(&report, Some(pace), &mut object).unwrap();
    (report, serde_json::from_slice(&object).unwrap())
}

#[test]
fn a_report_is_read_as_it_was_written_whatever_the_pace() {
    let (report, object) = written();
    assert_eq!(HuntReport::from_json("a.json", &object.to_string()), Ok(report));
}

#[test]
fn a_text_that_is_cut_short_is_no_report() {
    let text = written().1.to_string();
    for length in (0..text.len()).step_by(97) {
        let error = HuntReport::from_json("a.json", &text[..length]).unwrap_err().to_string();
        assert!(error.starts_with("a.json is no report of a hunt: "), "{error}");
    }
}

#[test]
fn numbers_that_do_not_fit_together_are_refused() {
    let (report, object) = written();
    let seeds = report.seeds;
    let changes = [
        ("/asked", json!("5..206"), "`asked` is not that shard's share"),
        ("/part/shard", json!("2/2"), "`asked` is not that shard's share"),
        ("/part/shard", json!("3/2"), "`3/2` is no shard"),
        ("/range", json!("6..205"), "`range` is no beginning of `asked`"),
        ("/range", json!("5..206"), "`range` is no beginning of `asked`"),
        ("/range", json!("5-205"), "`5-205` is no range of seeds"),
        ("/range", json!("5..4"), "`seeds` is not the length of `range`"),
        ("/seeds", json!(seeds - 1), "`seeds` is not the length of `range`"),
        ("/seeds", json!(-1), "invalid value: integer `-1`, expected u64"),
        ("/failed_seeds", json!(seeds + 1), "more seeds are counted than were run"),
        ("/violating_seeds", json!(seeds + 1), "more seeds are counted than were run"),
        ("/violating_seeds", json!(0), "`violating_seeds` do not fit together"),
        ("/violations_by_kind", json!({}), "`first` and `violations_by_kind` name other kinds"),
        ("/violations_by_kind", json!({"oversold": 1}), "`oversold` is no kind of violation"),
        ("/first/two-holders", json!(4), "a seed that was not run is named"),
        ("/failures/0/seed", json!(205), "a seed that was not run is named"),
        ("/failures/1/seed", json!(5), "`failures` are not the first of the failed seeds"),
        ("/failures", json!([]), "`failures` are not the first of the failed seeds"),
        ("/failures/0/kind", json!("boom"), "unknown variant `boom`"),
        ("/faults", json!({"flood": {"planned": 1, "fired": 1}}), "`flood` is no kind of fault"),
        ("/scenario_digest", json!("xyz"), "`scenario_digest` is no digest"),
        ("/simulated_ms", json!("long"), "invalid type: string \"long\""),
        ("/expected", json!(["nothing"]), "`nothing` is no kind of violation"),
    ];
    for (place, value, reason) in changes {
        let mut changed = object.clone();
        *changed.pointer_mut(place).unwrap_or_else(|| panic!("{place}")) = value;
        let error = HuntReport::from_json("a.json", &changed.to_string()).unwrap_err();
        assert!(error.reason.contains(reason), "{place}: {error}");
    }
    let mut rest = object;
    rest["simulated_rest_ns"] = json!(1_000_000);
    let error = HuntReport::from_json("a.json", &rest.to_string()).unwrap_err();
    assert!(error.reason.contains("a millisecond or more"), "{error}");
}
