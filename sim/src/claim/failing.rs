//! What is said of a claim that does not hold: the run, the smallest that goes wrong in the same way, a page to look
//! at, and how to see it again.

use std::fs;
use std::path::{Path, PathBuf};

use super::running::Running;
use crate::judge::ViolationKind;
use crate::report::html::Besides;
use crate::report::{self, words};
use crate::scenario::{Outcome, Scenario};
use crate::shrink::{Shrink, Shrunk};

/// A run that breaks a claim; `kind` is the violation that it is about, if it is about one.
pub fn explain(scenario: &Scenario, outcome: &Outcome, kind: Option<ViolationKind>) -> String {
    let seed = outcome.run.seed;
    let said = format!("{}\n", report::text(scenario, outcome));
    let shrink = |kind| Shrink::new(scenario.clone(), seed).kind(kind).carry_out().ok().flatten();
    if let Some(shrunk) = kind.and_then(shrink) {
        return said + &smallest(&shrunk, seed);
    }
    let running = Running::here();
    let command = running.replay(seed);
    let page = Besides::of(scenario, outcome).page(scenario, outcome, Some(&command));
    said + &look_at(kept(&running, scenario, seed, "html", &page)) + &replay(&running, seed)
}

/// The smallest run that goes wrong as the one under that seed does. It is not one of the test's own: no command of the
/// test's shows it.
pub fn smallest(shrunk: &Shrunk, seed: u64) -> String {
    let Shrunk { scenario, outcome, mechanism, faults_before, .. } = shrunk;
    let (running, toml) = (Running::here(), scenario.to_toml());
    let page = Besides::of(scenario, outcome).page(scenario, outcome, None);
    let page = kept(&running, scenario, seed, "html", &page);
    let file = kept(&running, scenario, seed, "toml", &toml);
    let before = words::count(*faults_before as u64, "fault", "faults");
    format!(
        "The smallest run that does the same, by {mechanism} ({before} → {}):\n\n{}\n{toml}\n{}{}{}",
        scenario.faults.len(),
        report::text(scenario, outcome),
        look_at(page),
        file.map(|file| run_again(scenario, &file)).unwrap_or_default(),
        replay(&running, seed),
    )
}

/// How to see the same in the test itself.
pub fn replay(running: &Running, seed: u64) -> String {
    let vagueness = running.vagueness().map(|said| format!("\n        ({said})"));
    format!("replay: {}{}", running.replay(seed), vagueness.unwrap_or_default())
}

fn look_at(page: Result<PathBuf, String>) -> String {
    match page {
        Ok(path) => format!("look at: {}\n", path.display()),
        Err(problem) => format!("no page: {problem}\n"),
    }
}

/// How a scenario that was written down is run again.
fn run_again(scenario: &Scenario, file: &Path) -> String {
    let file = file.display();
    match scenario.has_own_code() {
        false => format!("smallest: fencepost run {file}\n"),
        true => format!("smallest: {file} (Scenario::read_toml puts it together with your code)\n"),
    }
}

/// Keeps a text in the target folder.
fn kept(
    running: &Running,
    scenario: &Scenario,
    seed: u64,
    kind: &str,
    text: &str,
) -> Result<PathBuf, String> {
    let target = running.target_folder().ok_or("there is no target folder of cargo's")?;
    let folder = target.join("fencepost");
    let name = slug(&format!("{} {}", running.name(), scenario.title));
    let path = folder.join(format!("{name}-seed-{seed}.{kind}"));
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
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
}
