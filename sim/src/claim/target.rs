//! Which of a package's targets a test's program was built from, by the package's manifest and its files: cargo does not
//! say so to the program.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::Path;

/// A target of a package, shown as the flags that pick it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The unit tests of the library.
    Lib,
    /// Those of a program.
    Bin(String),
    /// An integration test.
    Test(String),
    /// The examples in the documentation.
    Doc,
}

impl Target {
    /// The one that a program of that name was built from; `None` where several may have been.
    pub fn of_program(program: &str, folder: &Path) -> Option<Self> {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let mut found = Self::all(&manifest.parse().ok()?, folder).into_iter();
        let is_it = |one: &(Self, String)| one.1.replace('-', "_") == program;
        let (target, _) = found.find(is_it)?;
        found.all(|one| !is_it(&one)).then_some(target)
    }

    /// The one that cargo-nextest calls so: `package`, `package::test`, `package::bin/name`.
    pub fn of_binary_id(id: &str, package: &str) -> Option<Self> {
        let rest = id.strip_prefix(package)?;
        if rest.is_empty() {
            return Some(Self::Lib);
        }
        let rest = rest.strip_prefix("::")?;
        match rest.split_once('/') {
            None => Some(Self::Test(rest.to_owned())),
            Some(("bin", name)) => Some(Self::Bin(name.to_owned())),
            Some(_) => None,
        }
    }

    /// Those of a package that have tests as a rule, each with its name.
    fn all(manifest: &toml::Table, folder: &Path) -> BTreeSet<(Self, String)> {
        let name_in = |table: &toml::Value| Some(table.get("name")?.as_str()?.to_owned());
        let package = manifest.get("package").and_then(name_in).unwrap_or_default();
        let mut all = BTreeSet::new();
        let lib = manifest.get("lib");
        if lib.is_some() || folder.join("src/lib.rs").is_file() {
            all.insert((Self::Lib, lib.and_then(name_in).unwrap_or_else(|| package.clone())));
        }
        if folder.join("src/main.rs").is_file() {
            all.insert((Self::Bin(package.clone()), package));
        }
        type Named = fn(String) -> Target;
        let kinds: [(&str, &str, Named); 2] =
            [("bin", "src/bin", Self::Bin), ("test", "tests", Self::Test)];
        for (key, place, target) in kinds {
            let declared = manifest.get(key).and_then(toml::Value::as_array);
            let declared = declared.into_iter().flatten().filter_map(name_in);
            let names = declared.chain(roots(&folder.join(place)));
            all.extend(names.map(|name| (target(name.clone()), name)));
        }
        all
    }
}

/// The names of the files that cargo makes targets of by itself: `name.rs` and `name/main.rs`.
fn roots(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let root = |path: &Path| {
        let is_root =
            path.extension().is_some_and(|end| end == "rs") || path.join("main.rs").is_file();
        is_root.then(|| path.file_stem().map(|name| name.to_string_lossy().into_owned()))?
    };
    entries.filter_map(|entry| root(&entry.path())).collect()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lib => f.write_str("--lib"),
            Self::Bin(name) => write!(f, "--bin {name}"),
            Self::Test(name) => write!(f, "--test {name}"),
            Self::Doc => f.write_str("--doc"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(program: &str) -> Option<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        Target::of_program(program, folder).map(|target| target.to_string())
    }

    #[test]
    fn tests_are_found_by_their_files() {
        assert_eq!(target("counterfactual").as_deref(), Some("--test counterfactual"));
        assert_eq!(target("no_such_test"), None);
        // The library's unit tests, or the program's.
        assert_eq!(target("fencepost"), None);
    }

    #[test]
    fn targets_are_found_by_the_manifest() {
        let manifest = "[package]\nname = 'my-lock'\n[lib]\nname = 'lock'\n[[test]]\nname = 'under-faults'\npath = 'x.rs'\n\
                        [[bin]]\nname = 'locker'";
        let all = Target::all(&manifest.parse().unwrap(), Path::new("/nowhere"));
        let all: Vec<String> = all.iter().map(|(one, name)| format!("{one} ({name})")).collect();
        assert_eq!(
            all,
            ["--lib (lock)", "--bin locker (locker)", "--test under-faults (under-faults)"]
        );
    }

    #[test]
    fn nextest_names_them_by_an_id() {
        let id = |id| Target::of_binary_id(id, "my-lock").map(|target| target.to_string());
        assert_eq!(id("my-lock").as_deref(), Some("--lib"));
        assert_eq!(id("my-lock::faults").as_deref(), Some("--test faults"));
        assert_eq!(id("my-lock::bin/locker").as_deref(), Some("--bin locker"));
        assert_eq!(id("my-lock::bench/slow"), None);
        assert_eq!(id("other"), None);
    }
}
