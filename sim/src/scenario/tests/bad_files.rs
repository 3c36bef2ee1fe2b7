//! Bad files, and what a person gets to read about each.

use std::path::{Path, PathBuf};

use super::FULL;
use crate::scenario::{MAX_FILE_BYTES, Scenario, render};

/// A scenario that is good, for one bad line more.
const GOOD: &str = "\
title = \"Two buyers\"

[backend]
kind = \"redis\"

[lock]
recipe = \"set-nx\"
";

/// The same with a lock in memory.
const JVM: &str = "\
title = \"Two buyers\"

[backend]
kind = \"memory\"
processes = 2

[lock]
recipe = \"jvm\"
";

/// What a person sees.
fn error(text: &str) -> String {
    let error = Scenario::from_toml("flash-sale.toml", text).unwrap_err();
    render(&error, false, 100)
}

/// The good scenario with these lines after it.
fn good_and(lines: &str) -> String {
    format!("{GOOD}\n{lines}")
}

/// One snapshot of what a person sees for each.
fn assert_errors(suite: &str, files: &[(&str, String)]) {
    let said: Vec<_> = files.iter().map(|(what, text)| (*what, error(text))).collect();
    insta::assert_snapshot!(suite, super::titled(&said));
}

#[test]
fn not_toml() {
    assert_errors(
        "not_toml",
        &[
            ("an empty file", String::new()),
            ("nothing but a comment", "# title = \"later\"\n".into()),
            ("a duplicate key", GOOD.replace("[backend]", "title = \"Three buyers\"\n\n[backend]")),
            ("a duplicate section", good_and("[lock]\nttl = \"5s\"")),
            ("no quotes", GOOD.replace("\"redis\"", "redis")),
            ("a quote is missing", GOOD.replace("\"redis\"", "\"redis")),
            ("a bracket is missing", good_and("[shop\nstock = 1")),
            ("no value", good_and("[shop]\nstock =")),
            (
                "three quotes that never end",
                good_and("explain = \"\"\"\nOnce upon a time\nthere was"),
            ),
            ("something else entirely", "<!DOCTYPE html>\n<html>\n</html>\n".into()),
            ("deep nesting", format!("a = {}", "[".repeat(200))),
            ("very deep nesting", format!("a = {}", "[".repeat(100_000))),
            ("deep inline tables", format!("a = {}", "{a=".repeat(10_000))),
            ("a deep key", format!("{}a = 1", "a.".repeat(10_000))),
            ("control characters", "title = \"\u{7}\"\n".into()),
        ],
    );
}

#[test]
fn keys() {
    assert_errors(
        "keys",
        &[
            ("an unknown section", good_and("[shops]\nstock = 1")),
            ("an unknown key, nearly right", good_and("[shop]\nbyers = 3")),
            ("an unknown key, underscores", good_and("[shop]\nstore-timeout = \"3s\"")),
            ("an unknown key, nothing like it", good_and("[shop]\nwarehouse = 3")),
            ("a very long key", good_and(&format!("[shop]\n{} = 3", "x".repeat(10_000)))),
            ("a key with a line feed", good_and("[shop]\n\"a\\nb\\u001b[31m\" = 3")),
            ("title and lock are missing", "seed = 7".into()),
            ("recipe is missing", GOOD.replace("recipe =", "ttl = \"5s\" #")),
            ("a setting of another recipe", good_and("poll = \"1s\"").replace("set-nx", "none")),
            ("a fault without its keys", good_and("[[faults]]\nkind = \"delay\"")),
            ("random faults without theirs", good_and("[random_faults]")),
        ],
    );
}

#[test]
fn values() {
    assert_errors(
        "values",
        &[
            (
                "wrong types",
                "title = 7\nseed = \"7\"\nduration = 60\nlock = \"set-nx\"\nshop = []".into(),
            ),
            ("more wrong types", format!("faults = [3]\nexpect = true\nnetwork.links = 1\n{GOOD}")),
            ("an empty title", GOOD.replace("Two buyers", " ")),
            ("no unit", good_and("ttl = \"10\"")),
            ("a negative time", good_and("ttl = \"-10s\"")),
            ("an unknown unit", good_and("ttl = \"10 seconds\"")),
            ("a time that is too long", good_and("ttl = \"1000000h\"")),
            ("half a nanosecond", good_and("poll = \"0.5ns\"")),
            ("half a millisecond for Redis", good_and("ttl = \"1500us\"")),
            (
                "half a second for EXPIRE",
                good_and("ttl = \"1500ms\"").replace("set-nx", "setnx-expire"),
            ),
            ("too many retries", good_and("release_retries = 1001")),
            ("more processes than buyers", JVM.replace("processes = 2", "processes = 3")),
            ("no process", JVM.replace("processes = 2", "processes = 0")),
            ("neither fair nor unfair", format!("{JVM}fair = \"yes\"\n")),
            ("a range that runs backwards", good_and("[shop]\nwork = \"3ms..200us\"")),
            ("nobody buys", good_and("[shop]\nbuyers = 0")),
            ("too many buy", good_and("[shop]\nbuyers = 100000")),
            ("a huge number", good_and(&format!("[shop]\nstock = {}", "9".repeat(500)))),
            ("less than nothing", good_and("[shop]\nstock = -1")),
            ("a decimal", good_and("[shop]\nstock = 1.5")),
            ("a fencing mode", good_and("[shop]\nfencing = \"write\"")),
            ("not yes or no", good_and("[shop]\norder_id = \"true\"")),
            ("a place for orders", good_and("[shop]\norders = \"second-store\"")),
            ("a key of the load's", GOOD.replace("set-nx\"", "set-nx\"\nkey = \"load:7\"")),
            ("a lease check", good_and("[shop]\nlease_check = \"before_write\"")),
            ("a load of nothing", good_and("[load]\nkeys_per_second = 0")),
            ("a latency without a key", good_and("[network]\nlatency = { min = \"1ms\" }")),
            (
                "a latency with two",
                good_and(
                    "[network]\nlatency = { min = \"1ms\", max = \"2ms\", mean_rest = \"1ms\" }",
                ),
            ),
            (
                "a latency that runs backwards",
                good_and("[network]\nlatency = { min = \"3ms\", max = \"2ms\" }"),
            ),
            ("a latency that is a number", good_and("[network]\nlatency = 3")),
            ("memory", good_and("[limits]\nmemory = \"2GB\"\nevents = 0")),
            ("longer than the limit", format!("duration = \"48h\"\n{GOOD}")),
            ("longer than a lower limit", good_and("[limits]\nsimulated = \"10s\"")),
            ("no bound at all", good_and("[judge]\nstuck_after = \"0s\"")),
            ("a bound that a sound lock exceeds", good_and("[judge]\nstuck_after = \"30s\"")),
            ("what takes too long to show", good_and("[expect]\nviolations = [\"stuck-lock\"]")),
            ("a violation", good_and("[expect]\nviolations = [\"oversel\"]")),
        ],
    );
}

#[test]
fn what_does_not_fit_together() {
    assert_errors(
        "fit",
        &[
            ("a recipe without a backend", GOOD.replace("[backend]\nkind = \"redis\"", "")),
            ("a lock in memory on Redis", GOOD.replace("set-nx", "jvm")),
            ("processes on Redis", GOOD.replace("[lock]", "processes = 2\n\n[lock]")),
            (
                "a buyer that is a thread",
                format!("{JVM}\n[[faults]]\nkind = \"pause\"\nat = \"1s\"\nnode = \"buyer-1\""),
            ),
            ("an unknown backend", GOOD.replace("redis", "etcd")),
            ("an unknown recipe", GOOD.replace("set-nx", "setnx")),
            (
                "a load on nothing",
                "title = \"x\"\nlock.recipe = \"none\"\n\n[load]\nkeys_per_second = 10".into(),
            ),
            (
                "a store that the orders do not have",
                good_and("[[faults]]\nkind = \"pause\"\nat = \"1s\"\nnode = \"orders\""),
            ),
            (
                "an unknown node",
                good_and("[[faults]]\nkind = \"pause\"\nat = \"1s\"\nnode = \"buyer-3\""),
            ),
            (
                "an unknown node in a trigger",
                good_and(
                    "[[faults]]\nkind = \"pause\"\nwhen = { event = \"acquire\", node = \"bob\" }\nnode = \"store\"",
                ),
            ),
            (
                "an unknown node of a link",
                good_and("[[network.links]]\nfrom = \"buyer-1\"\nto = \"stor\"\nlatency = \"1ms\""),
            ),
            (
                "a link with itself",
                good_and("[[network.links]]\nfrom = \"store\"\nto = \"store\"\nlatency = \"1ms\""),
            ),
        ],
    );
}

#[test]
fn faults() {
    let fault = |lines: &str| good_and(&format!("[[faults]]\n{lines}"));
    assert_errors(
        "faults",
        &[
            ("an unknown kind", fault("kind = \"power_loss\"\nat = \"1s\"")),
            ("one table instead of a list", good_and("[faults]\nkind = \"pause\"")),
            (
                "both at and when",
                fault(
                    "kind = \"pause\"\nat = \"1s\"\nwhen = { event = \"acquired\" }\nnode = \"store\"",
                ),
            ),
            ("neither", fault("kind = \"pause\"\nfor = \"1s\"\nnode = \"store\"")),
            (
                "nth is zero",
                fault(
                    "kind = \"pause\"\nwhen = { event = \"acquired\", nth = 0 }\nnode = \"store\"",
                ),
            ),
            (
                "an instant that lasts",
                fault("kind = \"drop-connection\"\nat = \"1s\"\nfor = \"2s\"\nbetween = \"store\""),
            ),
            (
                "a node on both sides",
                fault(
                    "kind = \"partition\"\nat = \"1s\"\nbetween = [\"store\", \"redis\"]\nand = [\"redis\"]",
                ),
            ),
            (
                "nobody on the other side",
                fault(
                    "kind = \"partition\"\nat = \"1s\"\nbetween = [\"store\", \"redis\", \"buyer-1\", \"buyer-2\"]",
                ),
            ),
            (
                "nobody on this side",
                fault("kind = \"delay\"\nat = \"1s\"\nbetween = []\nby = \"1s\""),
            ),
            (
                "a node twice",
                fault("kind = \"partition\"\nat = \"1s\"\nbetween = [\"redis\", \"redis\"]"),
            ),
            (
                "a drift that is none",
                fault("kind = \"clock-drift\"\nat = \"1s\"\nnode = \"redis\"\nppm = 0"),
            ),
            (
                "a clock that runs backwards",
                fault("kind = \"clock-drift\"\nat = \"1s\"\nnode = \"redis\"\nppm = -2000000"),
            ),
            (
                "a jump that is none",
                fault("kind = \"clock-jump\"\nat = \"1s\"\nnode = \"redis\"\nby = \"-0s\""),
            ),
            (
                "a message to oneself",
                fault("kind = \"hold-message\"\nat = \"1s\"\nfrom = \"redis\"\nto = \"redis\""),
            ),
            (
                "a key of another kind",
                fault("kind = \"pause\"\nat = \"1s\"\nnode = \"redis\"\nppm = 200"),
            ),
            ("no kinds to draw", good_and("[random_faults]\nkinds = []\nmax = -1")),
            (
                "a kind twice",
                good_and("[random_faults]\nkinds = [\"pause\", \"pause\"]\nmax = 1000"),
            ),
        ],
    );
}

#[test]
fn a_file_of_another_kind_is_not_repeated_at_length() {
    let one_line = "x".repeat(200_000);
    let many_lines = "What is this?\n".repeat(10_000);
    for text in [one_line, many_lines, good_and(&"[[faults]]\n".repeat(50_000))] {
        let shown = error(&text);
        assert!(shown.len() < 20_000, "{} bytes", shown.len());
    }
    let many_keys: String = (0..50_000).map(|n| format!("key-{n} = {n}\n")).collect();
    insta::assert_snapshot!(error(&format!("{many_keys}{GOOD}")));
}

#[test]
fn a_megabyte_of_anything_is_read_in_no_time() {
    let megabyte = |one: &str| one.repeat((MAX_FILE_BYTES as usize - 1_000) / one.len());
    let nodes = format!("[[faults]]\nkind = \"partition\"\nat = \"1s\"\nbetween = [{}]\n", {
        let names: Vec<String> = (0..80_000).map(|n| format!("\"n{n}\"")).collect();
        names.join(",")
    });
    let many_faults = good_and("[shop]\nbuyers = 1000\n")
        + &megabyte("[[faults]]\nkind = \"paus\"\nat = 1\nnode = \"buyer-10000\"\n");
    let unknown_nodes = good_and("[shop]\nbuyers = 1000\n")
        + &"[[faults]]\nkind = \"pause\"\nnode = \"buyer-10000\"\n".repeat(1_000);
    for text in [
        megabyte("["),
        megabyte("a = ["),
        megabyte("{"),
        megabyte("a."),
        megabyte("'"),
        megabyte("\n"),
        megabyte("\r"),
        megabyte("[a]\n"),
        megabyte("[[a]]\n"),
        megabyte("a=1\n"),
        megabyte("= \n"),
        megabyte("\u{fffd}"),
        format!("a = [{}", megabyte("1,")),
        format!("a = \"{}\"", megabyte("x")),
        format!("title = {}", megabyte("9")),
        format!("{GOOD}ttl = \"0.{}s\"", megabyte("9")),
        good_and(&nodes),
        nodes,
        many_faults,
        unknown_nodes,
        good_and(&format!("[expect]\nviolations = [{}]", megabyte("\"oversel\","))),
    ] {
        let shown = error(&text);
        assert!(shown.len() < 40_000, "{} bytes for {}", shown.len(), &text[..200.min(text.len())]);
    }
}

#[test]
fn what_moves_the_cursor_is_not_printed() {
    let text = GOOD.replace("Two", "\u{1b}[2J\r\u{9b}") + "\u{7f}";
    let shown = error(&text);
    assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    assert!(shown.contains("??"));
}

#[test]
fn a_problem_is_located_by_characters_and_lines() {
    let text = FULL.replace("seed = 7", "\"ключ\" = 1\r\n\"日本\" = 'é'");
    let error = Scenario::from_toml("unicode.toml", &text).unwrap_err();
    let places: Vec<(usize, usize)> =
        error.problems().iter().map(|one| (one.line, one.column)).collect();
    assert_eq!(places, [(5, 1), (6, 1)]);
}

/// A file with this content, in the directory that cargo keeps for tests.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("fencepost-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path
}

fn read_error(path: &Path) -> String {
    let error = Scenario::read(path).unwrap_err();
    let shown = render(&error, false, 100);
    shown.replace(&path.display().to_string(), "FILE")
}

#[test]
fn files_that_cannot_be_read() {
    let not_utf8 = file("latin1.toml", b"title = \"ok\"\nexplain = \"caf\xe9\"\n");
    let large = file("large.toml", &vec![b'#'; 10 << 20]);
    let bad = file("bad.toml", b"title = 3\nlock.recipe = \"none\"\n");
    let shown = [
        read_error(Path::new("no/such/scenario.toml")),
        read_error(&std::env::temp_dir()),
        read_error(&not_utf8),
        read_error(&large),
        read_error(&bad),
    ];
    for path in [not_utf8, large, bad] {
        std::fs::remove_file(path).unwrap();
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_file_without_end_is_given_up() {
    let endless = Path::new("/dev/zero");
    if endless.exists() {
        assert!(read_error(endless).contains("larger than"));
    }
}

#[test]
fn a_file_of_just_the_bound_is_read() {
    let mut content = FULL.to_owned();
    content.push_str(&"#".repeat(MAX_FILE_BYTES as usize - FULL.len()));
    let path = file("bound.toml", content.as_bytes());
    let scenario = Scenario::read(&path);
    std::fs::remove_file(path).unwrap();
    assert_eq!(scenario.unwrap().seed, 7);
}
