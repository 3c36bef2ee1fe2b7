//! Where results go: standard output, or a file that is either the old one or the new one whole.

use std::borrow::Cow;
use std::fs::{self, File, OpenOptions, Permissions};
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
    let options = TextOptions { colour, replay, width: width(), ..TextOptions::default() };
    report::write_text(scenario, outcome, &options, &mut page).map_err(io::Error::other)?;
    out.write_all(page.as_bytes())
}

/// How wide a page may be: a hundred columns, or what a narrower terminal has.
pub fn width() -> usize {
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    terminal.map_or(PAGE_WIDTH, |columns| columns.min(PAGE_WIDTH))
}

const PAGE_WIDTH: usize = 100;

/// Whether to colour: on a terminal that can, unless the user says no (<https://no-color.org>).
pub fn wants_colour(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let can = std::env::var_os("TERM").is_none_or(|value| value != "dumb");
    stream.is_terminal() && can && !refused
}

/// The command that runs a scenario, but for its ` --seed N`, as a shell takes it.
pub fn replay(scenario: &Path) -> String {
    let path = scenario.to_string_lossy();
    let path = if path.starts_with('-') { format!("./{path}") } else { path.into_owned() };
    // What no shell can be given is shown as it is.
    let quoted = shlex::try_quote(&path).map_or_else(|_| path.clone(), Cow::into_owned);
    format!("fencepost run {quoted}")
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

/// Writes to a file. A regular one is written beside and then takes the place of the one that is
/// asked for, with its permissions: what was there before is never lost to a half-written one.
/// Anything else that stands there, a device or a pipe, is written to as it is.
///
/// # Errors
///
/// The operating system's, and those of `write` itself.
pub fn to_file(
    path: &Path,
    write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> Result<(), Report> {
    // What a link points to is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let written = match fs::metadata(&target) {
        Ok(metadata) if metadata.is_file() => replace(&target, Some(metadata.permissions()), write),
        Ok(_) => OpenOptions::new()
            .write(true)
            .open(&target)
            .and_then(|file| fill(file, write).map(drop)),
        Err(_) => replace(&target, None, write),
    };
    written.into_diagnostic().wrap_err_with(|| format!("cannot write {}", path.display()))
}

fn replace(
    target: &Path,
    permissions: Option<Permissions>,
    write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let beside = beside(target);
    let written = File::create(&beside).and_then(|file| {
        // Should the machine lose its power, the new name must not stand for what never came to the disk.
        fill(file, write)?.sync_all()?;
        if let Some(permissions) = permissions {
            fs::set_permissions(&beside, permissions)?;
        }
        fs::rename(&beside, target)
    });
    if written.is_err() {
        // Nothing more can be done if that fails too.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn fill(file: File, write: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<File> {
    let mut out = Out::new(Box::new(&file));
    write(&mut out)?;
    out.flush()?;
    drop(out);
    Ok(file)
}

/// How the name of a file ends that is still being written.
pub const PART: &str = ".part";

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}{PART}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replay_command_is_one_that_a_shell_takes() {
        let replay = |path: &str| replay(Path::new(path));
        assert_eq!(replay("seeds/race.toml"), "fencepost run seeds/race.toml");
        assert_eq!(replay("a b$(id).toml"), "fencepost run 'a b$(id).toml'");
        assert_eq!(replay("-x.toml"), "fencepost run ./-x.toml");
    }
}
