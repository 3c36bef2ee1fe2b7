//! Stories live in the test targets of this package; here is what several of them need.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fencepost::scenario::{Backend, Recipe, Scenario};

/// Three buyers who want three pieces and have half a minute.
pub fn sale(lock: Recipe, backend: Backend) -> Scenario {
    Scenario::default().but(|s| {
        s.title = format!("A sale under {} on {}", lock.as_str(), backend.as_str());
        s.lock = lock;
        s.backend = Some(backend);
        s.shop.stock = 3;
        s.shop.buyers = 3;
        s.duration = Duration::from_secs(30);
    })
}

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
