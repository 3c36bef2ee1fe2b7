//! Where results go: standard output, or a file that is either the old one or the new one whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, Report, WrapErr};

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
pub fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Report> {
    let mut out = BufWriter::new(io::stdout().lock());
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
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Report> {
    let beside = beside(path);
    let written = File::create(&beside).and_then(|file| {
        let mut out = BufWriter::new(file);
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
