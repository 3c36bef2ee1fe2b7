//! The guide in README.md does what it says. Its second step is a doctest too; here the claim of its third is made, fails,
//! and says what the guide says that it says.

#![expect(clippy::disallowed_types, reason = "the test that fails runs in a process of its own")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use bring_your_own_lock::NaiveLock;
use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::Oversell;
use fencepost::own::{Node, OwnLock, ReleaseOutcome, recipe};
use fencepost::scenario::FaultKind::{Delay, Partition, Pause};
use fencepost::scenario::Scenario;

const GUIDE: &str = include_str!("../README.md");

struct Naive(Node);

impl Naive {
    async fn lock(&self) -> NaiveLock<fencepost::own::redis::Connection> {
        loop {
            if let Ok(connection) = self.0.redis("redis").await {
                return NaiveLock::new(connection, "lock:stock", Duration::from_secs(1));
            }
            self.0.host().sleep(Duration::from_millis(50)).await;
        }
    }
}

impl OwnLock for Naive {
    type Guard = ();

    async fn acquire(&self) {
        while !matches!(self.lock().await.try_acquire(self.0.name()).await, Ok(true)) {
            self.0.host().sleep(Duration::from_millis(50)).await;
        }
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        self.lock().await.release().await.into()
    }
}

#[ignore = "it fails, as the guide says"]
#[test]
fn my_lock_keeps_the_books() {
    let own = recipe("lock:stock", async |node| Naive(node)).lease(Duration::from_secs(1));
    let sale = Scenario::default().but(|s| s.lock = own.into());
    sale.under(&[Pause, Delay, Partition], 4).sweep(0..500).must_never(Oversell);
}

/// The blocks of the guide in that language.
fn blocks(language: &str) -> Vec<String> {
    let fence = format!("\n```{language}\n");
    let begins = GUIDE.split(&fence).skip(1);
    begins.map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned()).collect()
}

/// Runs the claim as cargo would, with these variables and no other of a test runner's.
fn claim(variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "my_lock_keeps_the_books", "--ignored", "--nocapture"]);
    for (name, _) in std::env::vars() {
        if name.starts_with("NEXTEST") || name.starts_with("FENCEPOST") {
            command.env_remove(name);
        }
    }
    command.env("CARGO_PKG_NAME", env!("CARGO_PKG_NAME"));
    command.env("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"));
    command.envs(variables.iter().copied()).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_code_in_the_guide_is_the_code_that_is_run() {
    let source = include_str!("guide.rs");
    for language in ["rust,no_run", "rust,ignore"] {
        let [block] = &blocks(language)[..] else { panic!("one block of {language}") };
        let lines = block.lines().skip_while(|line| line.starts_with("use ") || line.is_empty());
        let code = lines.collect::<Vec<_>>().join("\n");
        assert!(source.contains(&code), "{code}");
    }
}

#[test]
fn the_claim_of_the_third_step_fails_and_says_what_the_guide_says() {
    let output = claim(&[]);
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("VIOLATION oversell") && said.contains("[[faults]]"), "{said}");
    let [promised] = &blocks("text")[..] else { panic!("one block of text") };
    for promised in promised.lines() {
        let (what, promised) = promised.split_once(": ").unwrap();
        let found = said.lines().find_map(|said| said.strip_prefix(&format!("{what}: "))).unwrap();
        // Here the test is one of those that are passed over, and the target folder may be called otherwise.
        let found = found.replace(" --include-ignored", "");
        let end = promised.strip_prefix("target/").unwrap_or(promised);
        assert!(found.ends_with(end), "{found}\nin the guide: {promised}");
        if what == "look at" {
            assert!(std::fs::read_to_string(found).unwrap().contains("VIOLATION oversell"));
        }
    }
}

#[test]
fn the_variables_of_the_guide_say_which_seeds_are_tried() {
    let again = said(&claim(&[("FENCEPOST_SEED", "42")]));
    assert!(again.contains("but seed 42 of \"untitled\" shows it"), "{again}");
    let fewer = claim(&[("FENCEPOST_SEEDS", "0..42")]);
    assert!(fewer.status.success(), "seed 42 is the first: {}", said(&fewer));
}

#[test]
fn what_the_guide_has_put_into_files_stands_in_those_of_this_package() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(here.join(path)).unwrap();
    let parse = |text: &str| text.parse::<toml::Table>().unwrap();
    let snippets: Vec<toml::Table> = blocks("toml").iter().map(|block| parse(block)).collect();
    let [dependencies, config, tokio, profile, lints] = &snippets[..] else {
        panic!("five snippets of TOML")
    };

    // The package in the guide is of a registry, the one here of this repository.
    let of =
        |table: &toml::Table| table["dev-dependencies"]["fencepost"].as_table().unwrap().clone();
    let (guide, own) = (of(dependencies), of(&parse(&read("Cargo.toml"))));
    assert_eq!(guide["features"], own["features"]);
    let release = parse(&read("../../Cargo.toml"))["workspace"]["package"]["version"].clone();
    let wanted = guide["version"].as_str().unwrap();
    assert!(release.as_str().unwrap().starts_with(wanted), "{release} and {wanted}");

    let tokio = tokio["target"]["cfg(madsim)"]["dependencies"]["tokio"].as_table().unwrap();
    let own = &parse(&read("Cargo.toml"))["dev-dependencies"]["tokio"];
    assert_eq!((&tokio["package"], &tokio["version"]), (&own["package"], &own["version"]));

    let locked = read("../../Cargo.lock");
    for package in profile["profile"]["dev"]["package"].as_table().unwrap().keys() {
        assert!(locked.contains(&format!("name = \"{package}\"\n")), "{package}");
    }

    let own = parse(&read("../../.cargo/config.toml"));
    assert_eq!(config["build"]["rustflags"], own["build"]["rustflags"]);

    let own = parse(&read("clippy.toml"));
    let entries = |table: &toml::Table| table["disallowed-methods"].as_array().unwrap().clone();
    let (guide, own) = (entries(lints), entries(&own));
    assert!(guide.iter().all(|entry| own.contains(entry)), "{guide:?}");

    let named = GUIDE.split('`').filter(|word| word.ends_with(".rs") && !word.contains(' '));
    let missing: Vec<&str> = named.filter(|path| !here.join(path).is_file()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
