//! The model beside ZooKeeper 3.8.0, both spoken to in bytes: by transcripts, and by random requests.
//!
//! `tests/transcripts/zookeeper/*.transcript` hold cases as real servers answered them: recorded, never edited. A
//! step stands at the beginning of its line, what was answered is indented below it. What the model cannot match
//! stands in `unmatched.txt`, each with its reason. Replaying them needs nothing:
//!
//! ```text
//! cargo test -p fencepost-models --test against_zookeeper
//! ```
//!
//! With java and ZooKeeper's jars (in /usr/share/java, or where `ZOOKEEPER_JARS` says), the first of these says what
//! the real servers answer otherwise than recorded, the second writes down the answers anew, the third sends random
//! requests to both (`FENCEPOST_TRANSCRIPT=watches` plays one file alone; `FENCEPOST_SEED`, `FENCEPOST_SEEDS`, `FENCEPOST_REQUESTS`) and shrinks what differs:
//!
//! ```text
//! cargo test -p fencepost-models --test against_zookeeper recorded -- --ignored --nocapture
//! FENCEPOST_RECORD=1 cargo test -p fencepost-models --test against_zookeeper recorded -- --ignored --nocapture
//! cargo test -p fencepost-models --test against_zookeeper random -- --ignored --nocapture
//! ```

// The rig is that of the model's own tests, which use all of it, and name these as the crate's own.
use fencepost_models::{machine, message, note, process, random, time, zookeeper};

#[path = "../../src/zookeeper/tests/disk.rs"]
#[allow(dead_code, reason = "used by the model's own tests")]
mod disk;
#[path = "../../src/zookeeper/tests/rig.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "used by the model's own tests")]
mod rig;
#[path = "../../src/zookeeper/tests/seen.rs"]
#[allow(dead_code, reason = "used by the model's own tests")]
mod seen;

mod model;
mod planted;
mod play;
mod random_requests;
mod real;
mod script;
#[path = "../beside/setting.rs"]
mod setting;
mod shown;
#[path = "../beside/shrink.rs"]
mod shrink;
mod transcript;
#[path = "../beside/unmatched.rs"]
mod unmatched;

use self::model::Model;
use self::real::Real;
use self::transcript::{Transcript, folder};
use self::unmatched::Unmatched;

#[test]
fn the_model_answers_as_recorded() {
    let mut unmatched = Unmatched::read(folder());
    let mut wrong = Vec::new();
    for transcript in Transcript::all() {
        let played = transcript.play(&mut Model::of(transcript.servers, transcript.tick_ms));
        for (case, played) in transcript.cases.iter().zip(&played) {
            let is_listed = unmatched.lists(&transcript.name, &case.title);
            match (case.difference(&transcript, played), is_listed) {
                (Some(difference), false) => wrong.push(difference),
                (None, true) => wrong.push(format!(
                    "{}: {}: is matched, and stands in unmatched.txt",
                    transcript.name, case.title
                )),
                _ => {}
            }
        }
    }
    wrong.extend(unmatched.never_met());
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_cases_and_no_two_of_a_name() {
    let mut names = Vec::new();
    for transcript in Transcript::all() {
        println!("{:4} {}", transcript.cases.len(), transcript.name);
        names.extend(
            transcript.cases.iter().map(|case| (transcript.name.clone(), case.title.clone())),
        );
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 150, "{count}");
}

/// With `FENCEPOST_RECORD` set, the answers are written down anew.
#[test]
#[ignore = "starts real servers"]
fn what_is_recorded_is_what_zookeeper_says() {
    let only = std::env::var("FENCEPOST_TRANSCRIPT").unwrap_or_default();
    let mut differences = Vec::new();
    for transcript in Transcript::all().iter().filter(|it| it.name.contains(&only)) {
        let played = transcript.play(&mut Real::of(transcript.servers, transcript.tick_ms));
        let cases = transcript.cases.iter().zip(&played);
        differences.extend(cases.filter_map(|(case, played)| case.difference(transcript, played)));
        if std::env::var_os("FENCEPOST_RECORD").is_some() {
            let text = transcript.written(&played);
            std::fs::write(&transcript.path, text).expect("can be written");
        }
    }
    println!("{} cases differ\n{}", differences.len(), differences.join("\n"));
    assert!(differences.is_empty() || std::env::var_os("FENCEPOST_RECORD").is_some());
}
