//! What is told of a test that runs in this way and that.

use super::*;

const PROGRAM: &str = "/x/target/debug/deps/counterfactual-0123456789abcdef";
const UNIT: &str = "/x/target/debug/deps/fencepost-0123456789abcdef";

/// A test of this package, as its runner has set things up.
fn running(
    program: &str,
    thread: Option<&str>,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Running {
    let variable = |name: &str| {
        let given = variables.iter().find(|(known, _)| *known == name);
        given.map(|(_, value)| (*value).to_owned())
    };
    Running::seen(&Surroundings {
        program: program.into(),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        thread: thread.map(str::to_owned),
        variable: &variable,
    })
}

const CARGO: [(&str, &str); 2] =
    [("CARGO_PKG_NAME", "fencepost"), ("CARGO_MANIFEST_DIR", env!("CARGO_MANIFEST_DIR"))];

const NEXTEST: [(&str, &str); 4] = [
    CARGO[0],
    ("NEXTEST", "1"),
    ("NEXTEST_BINARY_ID", "fencepost::counterfactual"),
    ("NEXTEST_TEST_NAME", "deep::it_holds"),
];

#[test]
fn under_cargo_test_the_command_names_package_target_and_test() {
    let test = running(PROGRAM, Some("deep::it_holds"), &["--test-threads=1"], &CARGO);
    let expected = "FENCEPOST_SEED=3 cargo test -p fencepost --test counterfactual -- --exact deep::it_holds --nocapture";
    assert_eq!((test.replay(3).as_str(), test.vagueness()), (expected, None));
    assert_eq!(test.target_folder(), Some(Path::new("/x/target")));
}

#[test]
fn flags_of_a_variable_stand_before_the_command() {
    let variables = [CARGO[0], CARGO[1], ("RUSTFLAGS", "--cfg madsim")];
    let test = running(PROGRAM, Some("it_holds"), &[], &variables);
    let expected = "FENCEPOST_SEED=3 RUSTFLAGS='--cfg madsim' cargo test -p fencepost ";
    assert!(test.replay(3).starts_with(expected), "{}", test.replay(3));
}

#[test]
fn under_nextest_it_is_nextests() {
    let test = running(PROGRAM, None, &["--exact", "other", "--nocapture"], &NEXTEST);
    let expected = "FENCEPOST_SEED=3 cargo nextest run -p fencepost --test counterfactual -E 'test(=deep::it_holds)' --no-capture";
    assert_eq!(test.replay(3), expected);
    let ignored = running(PROGRAM, None, &["--exact", "--ignored"], &NEXTEST).replay(3);
    assert!(
        ignored.ends_with("-E 'test(=deep::it_holds)' --run-ignored all --no-capture"),
        "{ignored}"
    );
    // An older one says no more than that it runs.
    let older = [CARGO[0], CARGO[1], NEXTEST[1]];
    let test =
        running(PROGRAM, Some("main"), &["--exact", "deep::it_holds", "--nocapture"], &older);
    assert_eq!(test.replay(3), expected);
}

#[test]
fn where_a_target_cannot_be_told_all_of_the_packages_are_looked_through() {
    let test = running(UNIT, Some("a::b"), &[], &CARGO);
    assert_eq!(
        test.replay(3),
        "FENCEPOST_SEED=3 cargo test -p fencepost -- --exact a::b --nocapture"
    );
}

#[test]
fn the_profile_and_ignored_tests_are_asked_for_again() {
    let release = running("/x/target/release/deps/a-b", Some("t"), &["--ignored"], &CARGO);
    let expected = "FENCEPOST_SEED=3 cargo test --release -p fencepost -- --exact t --include-ignored --nocapture";
    assert_eq!(release.replay(3), expected);
    let own = running("/x/target/fast/deps/a-b", Some("t"), &[], &CARGO).replay(3);
    assert!(own.starts_with("FENCEPOST_SEED=3 cargo test --profile fast -p"), "{own}");
    let own = running("/x/target/fast/deps/a-b", Some("t"), &[], &NEXTEST).replay(3);
    assert!(own.starts_with("FENCEPOST_SEED=3 cargo nextest run --cargo-profile fast -p"), "{own}");
}

#[test]
fn a_program_that_nobody_runs_is_the_command_itself() {
    let test = running("/my tests/deps/lock-0123456789abcdef", Some("t"), &[], &[]);
    let expected = "FENCEPOST_SEED=3 '/my tests/deps/lock-0123456789abcdef' --exact t --nocapture";
    assert_eq!(test.replay(3), expected);
}

#[test]
fn a_test_that_does_not_know_its_name_says_so() {
    let test = running(PROGRAM, None, &["some_filter"], &CARGO);
    let expected = "FENCEPOST_SEED=3 cargo test -p fencepost --test counterfactual -- --nocapture";
    assert_eq!(test.replay(3), expected);
    assert!(test.vagueness().is_some_and(|said| said.contains("every test of the target")));
}

#[test]
fn an_example_of_the_documentation_is_one_of_many_and_has_its_page_all_the_same() {
    let test = running("/tmp/rustdoctest123/rust_out", Some("main"), &[], &CARGO);
    assert_eq!(test.replay(3), "FENCEPOST_SEED=3 cargo test -p fencepost --doc -- --nocapture");
    assert!(test.vagueness().is_some_and(|said| said.contains("every example")));
    let nowhere = running("/tmp/rustdoctest123/rust_out", Some("main"), &[], &CARGO[..1]);
    assert_eq!(nowhere.target_folder(), None);
}

#[test]
fn the_target_folder_is_wherever_it_was_put() {
    let elsewhere = running("/y/debug/deps/a-0123456789abcdef", Some("t"), &[], &CARGO);
    assert_eq!(elsewhere.target_folder(), Some(Path::new("/y")));
    let folder = std::env::temp_dir().display().to_string();
    let variables = [CARGO[0], ("CARGO_TARGET_DIR", folder.as_str())];
    let example = running("/tmp/rustdoctest123/rust_out", Some("main"), &[], &variables);
    assert_eq!(example.target_folder(), Some(std::env::temp_dir().as_path()));
    let here = Running::here();
    let own = here.target_folder().expect("tests lie in one");
    assert!(own.is_dir() && !own.ends_with("deps"), "{}", own.display());
}

#[test]
fn two_tests_of_one_name_are_two() {
    let name = |program, thread| running(program, Some(thread), &[], &CARGO).name();
    assert_ne!(name(PROGRAM, "t"), name(UNIT, "t"));
    assert_ne!(name(PROGRAM, "t"), name(PROGRAM, "u"));
}

#[test]
fn the_one_that_runs_here_is_told() {
    let command = Running::here().replay(3);
    let test = "claim::running::tests::the_one_that_runs_here_is_told";
    assert!(command.contains("FENCEPOST_SEED=3 cargo"), "{command}");
    assert!(command.contains(" -p fencepost ") && command.contains(test), "{command}");
}
