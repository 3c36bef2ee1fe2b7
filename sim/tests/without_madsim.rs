//! What somebody reads who builds fencepost without `--cfg madsim`: why, and the file that cures it. At once and alone.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::path::Path;
use std::process::{Command, Output};

const TOLD: &str = include_str!("../src/without_madsim.txt");

/// The crate built without the cfg, by the compiler itself: cargo would hand its own flags on.
fn built_without() -> Output {
    Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "--crate-type",
            "lib",
            "--emit",
            "metadata",
            "--crate-name",
            "fencepost",
        ])
        .arg("--out-dir")
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
        .output()
        .unwrap()
}

/// The manifest of a package, `Cargo.toml` in `folder`.
fn manifest(folder: &str) -> toml::Table {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml"))
}

fn read(file: &Path) -> toml::Table {
    std::fs::read_to_string(file).unwrap().parse().unwrap()
}

/// The indented lines of the text that begin with `header`, as TOML.
fn snippet(header: &str) -> toml::Table {
    let from = TOLD.find(header).unwrap_or_else(|| panic!("no {header} in the text"));
    let lines: Vec<_> =
        TOLD[from..].lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    lines.join("\n").parse().unwrap()
}

#[test]
fn the_text_comes_alone() {
    let output = built_without();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    for line in TOLD.lines() {
        assert!(stderr.contains(line), "not printed: {line}\n{stderr}");
    }
    // The other one says that rustc stops because of it.
    let errors: Vec<_> = stderr.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors.len(), 2, "{stderr}");
    assert!(errors[1].contains("aborting due to 1 previous error"), "{stderr}");
}

#[test]
fn the_text_comes_at_once() {
    let manifest = manifest(".");
    assert!(!manifest.contains_key("dependencies"), "they would be built before the text is seen");
    assert!(
        !manifest.contains_key("build-dependencies"),
        "they would be built before the text is seen"
    );
    let targets: Vec<_> = manifest["target"].as_table().unwrap().keys().collect();
    assert_eq!(targets, ["cfg(madsim)"]);
}

#[test]
fn the_file_in_the_text_is_the_one_in_use() {
    assert_eq!(
        snippet("[build]"),
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.cargo/config.toml"))
    );
    let docs_rs = &snippet("[package.metadata.docs.rs]")["package"]["metadata"]["docs"]["rs"];
    let ours = manifest(".")["package"]["metadata"]["docs"]["rs"].clone();
    for key in ["rustc-args", "rustdoc-args"] {
        assert_eq!(docs_rs[key], ours[key], "{key}");
    }
}
