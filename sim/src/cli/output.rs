//! Where results go: standard output, or a file that is either the old one or the new one whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use fencepost::report::{self, TextOptions};
use fencepost::scenario::{Outcome, Scenario};
use miette::{IntoDiagnostic, Report, WrapErr};

/// Where to write.
pub type Out<'a> = BufWriter<Box<dyn Write + 'a>>;

/// Writes a run as a page to read.
///
/// # Errors
///
/// The writer's.
pub fn page(
    out: &mut Out<'_>,
    scenario: &Scenario,
    outcome: &Outcome,
    colour: bool,
    replay: Option<&str>,
) -> io::Result<()> {
    let mut page = String::new();
    let options = TextOptions { colour, replay, ..TextOptions::default() };
    report::write_text(scenario, outcome, &options, &mut page).map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

/// Whether to colour: on a terminal, unless the user says no (<https://no-color.org>).
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused
}

/// Writes to standard output. A reader who has closed the pipe has seen enough.
///
/// # Errors
///
/// The operating system's, and those of `write` itself.
pub fn to_stdout(write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), Report> {
    let mut out = Out::new(Box::new(io::stdout().lock()));
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).into_diagnostic().wrap_err("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Writes a file beside the one that is asked for, then takes its place: what was there before is
/// never lost to a half-written one.
///
/// # Errors
///
/// The operating system's, and those of `write` itself.
pub fn to_file(
    path: &Path,
    write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> Result<(), Report> {
    let beside = beside(path);
    let written = File::create(&beside).and_then(|file| {
        let mut out = Out::new(Box::new(file));
        write(&mut out)?;
        out.flush()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // Nothing more can be done if that fails too.
        let _ = fs::remove_file(&beside);
    }
    written.into_diagnostic().wrap_err_with(|| format!("cannot write {}", path.display()))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}
