//! What is said of a claim that does not hold: the run, the smallest that goes wrong in the same way, a page to look
//! at, and how to see it again.

use std::fs;
use std::path::PathBuf;

use super::seeds;
use crate::judge::ViolationKind;
use crate::report;
use crate::report::html::Besides;
use crate::scenario::{Outcome, Scenario};
use crate::shrink::Shrink;

/// A run that breaks a claim; `kind` is the violation that it is about, if it is about one.
pub fn explain(scenario: &Scenario, outcome: &Outcome, kind: Option<ViolationKind>) -> String {
    let seed = outcome.run.seed;
    let mut said = format!("{}\n", report::text(scenario, outcome));
    let shrunk = kind
        .and_then(|kind| Shrink::new(scenario.clone(), seed).kind(kind).carry_out().ok().flatten());
    if let Some(shrunk) = &shrunk {
        let faults = shrunk.scenario.faults.len();
        said += &format!(
            "The smallest run that does the same, by {} ({} faults → {faults}):\n\n{}\n",
            shrunk.mechanism,
            shrunk.faults_before,
            shrunk.scenario.to_toml(),
        );
    }
    let (scenario, outcome) =
        shrunk.as_ref().map_or((scenario, outcome), |it| (&it.scenario, &it.outcome));
    if let Some(path) = write_page(scenario, outcome, shrunk.is_none()) {
        said += &format!("look at: {}\n", path.display());
    }
    format!("{said}replay: {}", seeds::replay(seed))
}

/// Writes the run's page into the target folder; `None` where there is none, or it cannot be written to. A run that is
/// not one of the test's own seeds has no command that shows it.
fn write_page(scenario: &Scenario, outcome: &Outcome, is_the_tests: bool) -> Option<PathBuf> {
    let folder = target_folder()?.join("fencepost");
    fs::create_dir_all(&folder).ok()?;
    let seed = outcome.run.seed;
    let name = slug(&format!("{} {}", seeds::test(), scenario.title));
    let path = folder.join(format!("{name}-seed-{seed}.html"));
    let replay = is_the_tests.then(|| seeds::replay(seed));
    let page = Besides::of(scenario, outcome).page(scenario, outcome, replay.as_deref());
    fs::write(&path, page).ok()?;
    Some(path)
}

/// The target folder that a test's program lies in: `target/debug/deps/name`.
fn target_folder() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let deps = program.ancestors().find(|path| path.ends_with("deps"))?;
    Some(deps.parent()?.parent()?.to_owned())
}

/// A title as a file's name.
fn slug(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<String> =
        words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase).take(24).collect();
    if words.is_empty() { "run".to_owned() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_make_names_of_files() {
        assert_eq!(slug("The holder that paused: 10 s!"), "the-holder-that-paused-10-s");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("锁"), "run");
    }

    #[test]
    fn tests_lie_in_a_target_folder() {
        let folder = target_folder().unwrap();
        assert!(folder.is_dir() && !folder.ends_with("deps"), "{}", folder.display());
    }
}
