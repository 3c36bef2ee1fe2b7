//! What the model does not say, and why: `unmatched.txt`, one case a line.
//!
//! ```text
//! scripts: a script that never ends: the model gives up after so many steps, a real server goes on
//! ```

use std::collections::BTreeMap;

/// The file's name, without its ending.
pub const NAME: &str = "unmatched";

/// Cases by their file and title, each with the reason; and whether it was asked for.
pub struct Unmatched(BTreeMap<(String, String), (String, bool)>);

impl Unmatched {
    /// Reads the list of a folder.
    pub fn read(folder: &str) -> Self {
        let text = std::fs::read_to_string(format!("{folder}/{NAME}.txt")).expect("is there");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(entry).collect())
    }

    /// Why the model does not match a case, if it need not.
    pub fn reason(&mut self, file: &str, title: &str) -> Option<&str> {
        let (reason, was_met) = self.0.get_mut(&(file.to_owned(), title.to_owned()))?;
        *was_met = true;
        Some(reason)
    }

    /// What is listed and is no case.
    pub fn never_met(&self) -> Vec<String> {
        let is_whole = std::env::var_os("FENCEPOST_TRANSCRIPT").is_none();
        let never = self.0.iter().filter(|(_, (_, was_met))| is_whole && !was_met);
        never
            .map(|((file, title), _)| format!("{NAME}.txt: no such case: {file}: {title}"))
            .collect()
    }
}

fn entry(line: &str) -> ((String, String), (String, bool)) {
    let mut parts = line.splitn(3, ": ").map(str::to_owned);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(title), Some(reason)) => ((file, title), (reason, false)),
        _ => panic!("{NAME}.txt: neither `file: title: reason` nor a comment: {line}"),
    }
}
