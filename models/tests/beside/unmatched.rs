//! What the model does not say, and why: `unmatched.txt` beside the transcripts, one case a line.
//!
//! ```text
//! scripts: a script that never ends -- the model gives up after so many steps, a real server goes on
//! ```

use std::collections::BTreeMap;
use std::path::Path;

/// The file's name, without its ending.
pub const NAME: &str = "unmatched";

/// Cases by their file and title, and whether each was asked for.
pub struct Unmatched(BTreeMap<(String, String), bool>);

impl Unmatched {
    /// Reads the list of a folder.
    pub fn read(folder: impl AsRef<Path>) -> Self {
        let path = folder.as_ref().join(NAME).with_extension("txt");
        let text = std::fs::read_to_string(path).expect("the list is there");
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Self(lines.map(|line| (case(line), false)).collect())
    }

    /// True when the model need not match a case.
    pub fn lists(&mut self, file: &str, title: &str) -> bool {
        let was_met = self.0.get_mut(&(file.to_owned(), title.to_owned()));
        was_met.map(|was_met| *was_met = true).is_some()
    }

    /// What is listed and was never asked for.
    pub fn never_met(&self) -> Vec<String> {
        let never = self.0.iter().filter(|(_, was_met)| !**was_met);
        never
            .map(|((file, title), _)| format!("{NAME}.txt: no such case: {file}: {title}"))
            .collect()
    }
}

/// The case that a line is about; no line is without a reason.
fn case(line: &str) -> (String, String) {
    let case = line.split_once(" -- ").filter(|(_, reason)| !reason.is_empty());
    let Some((file, title)) = case.and_then(|(case, _)| case.split_once(": ")) else {
        panic!("{NAME}.txt: neither `file: title -- reason` nor a comment: {line}");
    };
    (file.to_owned(), title.to_owned())
}
