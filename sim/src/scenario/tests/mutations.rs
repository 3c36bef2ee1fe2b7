//! Files that something has gone wrong with: they never panic, and either they are scenarios
//! still or the error points at a line of theirs.

use proptest::prelude::*;
use proptest::sample::Index;

use super::FULL;
use super::replicas::{CLUSTER, SENTINEL};
use crate::scenario::{Scenario, render};

/// One thing that can happen to a file.
#[derive(Clone, Debug)]
enum Mutation {
    FlipBit { at: Index, bit: u8 },
    SetByte { at: Index, byte: u8 },
    RemoveByte(Index),
    DropLine(Index),
    RepeatLine { from: Index, to: Index },
    SwapLines(Index, Index),
    SwapValues(Index, Index),
    ReplaceValue { at: Index, value: String },
    Truncate(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let values = [
        "0",
        "-1",
        "99999999999999999999",
        "1e400",
        "nan",
        "true",
        "[]",
        "{}",
        "[[]]",
        "\"\"",
        "\"-1s\"",
        "\"..\"",
        "\"9999999h\"",
        "\"buyer-99\"",
        "1979-05-27",
        "'''\n'''",
        "{ min = 1 }",
        "[\"store\", [\"store\"]]",
        "\"\\u0000\"",
        "0x_f",
        "\"é\"",
    ];
    let value = prop_oneof![
        prop::sample::select(values.to_vec()).prop_map(str::to_owned),
        any::<String>(),
    ];
    let at = any::<Index>;
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::FlipBit { at, bit }),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::SetByte { at, byte }),
        at().prop_map(Mutation::RemoveByte),
        at().prop_map(Mutation::DropLine),
        (at(), at()).prop_map(|(from, to)| Mutation::RepeatLine { from, to }),
        (at(), at()).prop_map(|(one, other)| Mutation::SwapLines(one, other)),
        (at(), at()).prop_map(|(one, other)| Mutation::SwapValues(one, other)),
        (at(), value).prop_map(|(at, value)| Mutation::ReplaceValue { at, value }),
        at().prop_map(Mutation::Truncate),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let size = bytes.len();
        match self {
            Self::FlipBit { at, bit } => bytes[at.index(size)] ^= 1 << bit,
            Self::SetByte { at, byte } => bytes[at.index(size)] = *byte,
            Self::RemoveByte(at) => drop(bytes.remove(at.index(size))),
            Self::Truncate(at) => bytes.truncate(at.index(size)),
            _ => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
                self.apply_to_lines(&mut lines);
                *bytes = lines.join("\n").into_bytes();
            }
        }
    }

    fn apply_to_lines(&self, lines: &mut Vec<String>) {
        let count = lines.len();
        match self {
            Self::DropLine(at) => drop(lines.remove(at.index(count))),
            Self::RepeatLine { from, to } => {
                lines.insert(to.index(count), lines[from.index(count)].clone());
            }
            Self::SwapLines(one, other) => lines.swap(one.index(count), other.index(count)),
            Self::SwapValues(one, other) => {
                let (one, other) = (one.index(count), other.index(count));
                let (first, second) = (value_of(&lines[one]), value_of(&lines[other]));
                set_value(&mut lines[one], &second);
                set_value(&mut lines[other], &first);
            }
            Self::ReplaceValue { at, value } => set_value(&mut lines[at.index(count)], value),
            _ => {}
        }
    }
}

fn value_of(line: &str) -> String {
    line.split_once('=').map_or(line, |(_, value)| value).to_owned()
}

fn set_value(line: &mut String, value: &str) {
    if let Some((key, _)) = line.split_once('=') {
        *line = format!("{key}= {value}");
    }
}

/// What holds of every text.
fn check(text: &str) -> Result<(), TestCaseError> {
    match Scenario::from_toml("mutant.toml", text) {
        Ok(scenario) => {
            let again = Scenario::from_toml("again.toml", &scenario.to_toml());
            prop_assert_eq!(again.ok(), Some(scenario));
        }
        Err(error) => {
            let lines = text.split('\n').count();
            prop_assert!(!error.problems().is_empty());
            for located in error.problems() {
                prop_assert!((1..=lines).contains(&located.line), "{located:?}");
                prop_assert!(located.column >= 1);
                prop_assert!(!located.problem.message.is_empty());
                prop_assert!(!located.problem.label.is_empty());
            }
            let first = &error.problems()[0];
            let shown = render(&error, false, 100);
            let place = format!("mutant.toml:{}:", first.line);
            prop_assert!(shown.contains(&place), "{place} is not in:\n{shown}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_mutated_file_is_a_scenario_or_an_error_with_a_line(
        text in prop::sample::select(vec![FULL, SENTINEL, CLUSTER]),
        mutations in proptest::collection::vec(mutation(), 1..4),
    ) {
        let mut bytes = text.as_bytes().to_vec();
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_text_is_a_scenario_or_an_error_with_a_line(text in any::<String>()) {
        check(&text)?;
    }
}

#[test]
fn a_file_cut_off_anywhere_is_a_scenario_or_an_error_with_a_line() {
    for text in [FULL, SENTINEL, CLUSTER] {
        for end in 0..text.len() {
            check(&text[..end]).unwrap();
        }
    }
}
