//! Stories live in the test targets of this package; here is what several of them need.

use std::fs;
use std::path::Path;

use fencepost::scenario::Scenario;

/// Every scenario of the corpus by the name of its file, in the order of the names. What lies in a folder of
/// `seeds/`, such as `seeds/hunts/`, expects something of many seeds and not of one.
///
/// # Panics
///
/// There is no corpus, or one of its files is no scenario.
pub fn corpus() -> Vec<(String, Scenario)> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds");
    let entries = fs::read_dir(seeds).expect("seeds/ is there");
    let files = entries.map(|entry| entry.expect("readable").path()).filter(|path| path.is_file());
    let mut corpus: Vec<_> = files.map(|path| (name_of(&path), read(&path))).collect();
    corpus.sort_by(|(one, _), (other, _)| one.cmp(other));
    corpus
}

fn name_of(path: &Path) -> String {
    path.file_stem().expect("a name").to_string_lossy().into_owned()
}

fn read(path: &Path) -> Scenario {
    Scenario::read(path).unwrap_or_else(|error| panic!("{error:?}"))
}
