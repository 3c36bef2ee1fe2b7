//! What a real Redis 7.0.15 said, and that the model says the same.
//!
//! The transcripts are under `tests/transcripts/redis` at the root of the repository, one file a subject;
//! [`transcript`] has their form. Each case begins with servers that have just been started. The model
//! plays it on simulated time, so that a sleep costs nothing, and has to say what was recorded, but for what a
//! mask beside the command names ([`mask`]).
//!
//! What the model does not say is listed in `unmatched.txt` there, each case with the reason. A case that
//! is listed and does match fails too.
//!
//! With `redis-server` 7.0.15 on the path, real servers on loopback play the same cases:
//!
//! ```text
//! cargo test -p fencepost-models --test transcripts -- --ignored --nocapture
//! FENCEPOST_RECORD=1 cargo test -p fencepost-models --test transcripts -- --ignored --nocapture
//! ```
//!
//! The first says what differs from the recordings. The second writes down what is new or differs, and
//! leaves alone what agrees, so that the next one has nothing to say. A new case is written without
//! replies, then recorded; a reply is never edited. `FENCEPOST_TRANSCRIPT=strings` plays one file alone.

// The rig is that of the model's own tests, which use all of it, and names these as the crate's own.
use fencepost_models::{machine, message, note, random, redis, time};

#[path = "../../src/redis/rig.rs"]
#[allow(dead_code, reason = "used by the model's own tests")]
mod rig;

mod mask;
mod model;
mod play;
#[path = "../beside/process.rs"]
mod process;
mod real;
mod servers;
mod transcript;
#[path = "../beside/unmatched.rs"]
mod unmatched;

use std::path::{Path, PathBuf};

use self::mask::Masks;
use self::model::Model;
use self::play::{Side, play};
use self::real::Real;
use self::servers::Servers;
use self::transcript::{Act, Case, Heard, Transcript};
use self::unmatched::Unmatched;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/transcripts/redis");

/// A transcript and where it lies.
struct File {
    path: PathBuf,
    name: String,
    transcript: Transcript,
}

/// The one file that is asked for, if not all of them are.
fn wanted() -> Option<String> {
    std::env::var("FENCEPOST_TRANSCRIPT").ok()
}

fn files() -> Vec<File> {
    let wanted = wanted();
    let folder = std::fs::read_dir(FOLDER).expect("the transcripts are there");
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("can be read").path()).collect();
    paths.sort();
    let is_wanted = |name: &String| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let named = paths.into_iter().map(|path| (stem(&path), path));
    let named = named.filter(|(name, _)| name != unmatched::NAME && is_wanted(name));
    let read = |(name, path): (String, PathBuf)| {
        let text = std::fs::read_to_string(&path).expect("can be read");
        let transcript =
            Transcript::read(&text).unwrap_or_else(|error| panic!("{name}.txt: {error}"));
        File { path, name, transcript }
    };
    named.map(read).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Where a case went another way than was written down: the first such step.
fn difference(case: &Case, heard: &[Vec<Heard>]) -> Option<String> {
    for (step, given) in case.steps.iter().zip(heard) {
        let masks = Masks::read(&step.masks).unwrap_or_else(|error| {
            panic!("line {}: {error}", step.line);
        });
        if !masks.agree(&step.heard, given) {
            let what = match &step.act {
                Act::Command { connection, text, .. } => format!("{connection}> {text}"),
                Act::Sleep(millis) => format!("sleep {millis}ms"),
                Act::Comment(_) => String::new(),
            };
            let (expected, given) = (shown(&step.heard), shown(given));
            return Some(format!(
                "line {}: {what}\n  expected\n{expected}  given\n{given}",
                step.line
            ));
        }
    }
    None
}

fn shown(heard: &[Heard]) -> String {
    let lines: String = heard.iter().map(ToString::to_string).collect();
    if lines.is_empty() { "    nothing\n".to_owned() } else { indented(&lines) }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Plays a case to servers that have just been started.
fn told(side: &mut dyn Side, file: &File, case: &Case) -> Vec<Vec<Heard>> {
    play(case, file.transcript.servers, side)
        .unwrap_or_else(|error| panic!("{}.txt:{}: {}: {error}", file.name, case.line, case.title))
}

#[test]
fn the_model_says_what_was_recorded() {
    let mut unmatched = Unmatched::read(FOLDER);
    let mut wrong = Vec::new();
    for file in files() {
        for case in &file.transcript.cases {
            let heard = told(&mut Model::start(file.transcript.servers), &file, case);
            let is_listed = unmatched.lists(&file.name, &case.title);
            let place = format!("{}.txt:{}: {}", file.name, case.line, case.title);
            match (difference(case, &heard), is_listed) {
                (Some(difference), false) => wrong.push(format!("{place}\n{difference}")),
                (None, true) => wrong.push(format!(
                    "{place}\nthe model matches it now: it need no longer be listed in {}.txt\n",
                    unmatched::NAME
                )),
                (Some(_), true) | (None, false) => {}
            }
        }
    }
    if wanted().is_none() {
        wrong.extend(unmatched.never_met());
    }
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_three_hundred_cases_and_each_was_recorded() {
    let mut count = 0;
    for file in files() {
        let mut titles = std::collections::BTreeSet::new();
        for case in &file.transcript.cases {
            count += 1;
            assert!(titles.insert(&case.title), "{}.txt: twice: {}", file.name, case.title);
            let was_heard = case.steps.iter().any(|step| !step.heard.is_empty());
            assert!(was_heard, "{}.txt:{}: not recorded: {}", file.name, case.line, case.title);
        }
        let text = std::fs::read_to_string(&file.path).expect("can be read");
        assert_eq!(file.transcript.write(), text, "{}.txt is not in its own form", file.name);
    }
    assert!(count >= 300 || wanted().is_some(), "only {count} cases");
}

/// With `FENCEPOST_RECORD` set, what is new or differs is written down.
#[test]
#[ignore = "starts real servers; takes a few minutes"]
fn redis_says_what_was_recorded() {
    let records = std::env::var_os("FENCEPOST_RECORD").is_some();
    let mut differences = 0;
    for mut file in files() {
        let mut count = 0;
        for place in 0..file.transcript.cases.len() {
            let case = &file.transcript.cases[place];
            let heard = told(&mut Real::start(file.transcript.servers), &file, case);
            if let Some(difference) = difference(case, &heard) {
                count += 1;
                println!("{}.txt:{}: {}\n{difference}", file.name, case.line, case.title);
            }
            take_over(&mut file.transcript.cases[place], heard);
        }
        if records {
            std::fs::write(&file.path, file.transcript.write()).expect("can be written");
        }
        println!("{}.txt: {} cases, {count} differ", file.name, file.transcript.cases.len());
        differences += count;
    }
    assert!(differences == 0 || records, "{differences} cases differ");
}

/// Writes down what was heard where it is not what is written already.
fn take_over(case: &mut Case, heard: Vec<Vec<Heard>>) {
    for (step, heard) in case.steps.iter_mut().zip(heard) {
        let masks = Masks::read(&step.masks).expect("was read before");
        if !masks.agree(&step.heard, &heard) {
            step.heard = heard;
        }
    }
}

#[test]
fn servers_are_found_by_their_names() {
    assert_eq!(Servers::Replica.of("replica.a"), Some(1));
    assert_eq!(Servers::Replica.of("a"), Some(0));
    assert_eq!(Servers::Single.of("replica.a"), None);
}
