//! The folder of a hunt, or of an exhaustive search: its report so far, whole at every moment, from which a second call goes on.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use fencepost::hunt::{self, AnotherHunt, HuntError, HuntReport};
use miette::{IntoDiagnostic, Report, WrapErr, miette};

use super::output;
use super::progress::Progress;

/// What the report in a folder is called.
pub const REPORT: &str = "report.json";

/// What is locked while a hunt is at work.
const LOCK: &str = "lock";

/// A hunt hears ten times a second how far it is; so often it is written down once. What came after that
/// is all that is lost when the hunt is killed.
const CHUNK_TICKS: u32 = 10;

/// A report larger than this is none of ours: of failures the first hundred are kept.
const MAX_REPORT_BYTES: u64 = 64 * 1024 * 1024;

/// A folder that this hunt alone writes to.
pub struct Folder {
    path: PathBuf,
    report: PathBuf,
    /// Held by the process: whoever kills it lets go of the folder.
    _lock: File,
    written: Option<u64>,
    ticks: u32,
}

impl Folder {
    /// Makes the folder where there is none, and keeps others out of it.
    ///
    /// # Errors
    ///
    /// The operating system's, or another hunt is at work in it.
    pub fn open(path: &Path) -> Result<Self, Report> {
        let cannot = || format!("cannot use {} as a hunt's folder", path.display());
        let open = || {
            fs::create_dir_all(path)?;
            File::options().create(true).append(true).open(path.join(LOCK))
        };
        let lock = open().into_diagnostic().wrap_err_with(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let help = "give each hunt, and each shard of one, a folder of its own";
                return Err(miette!(help = help, "another hunt is at work in {}", path.display()));
            }
            // Some network file systems have no locks: then nobody is kept out.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).into_diagnostic().wrap_err_with(cannot);
            }
        }
        remove_leftovers(path).into_diagnostic().wrap_err_with(cannot)?;
        let report = path.join(REPORT);
        Ok(Self { path: path.to_owned(), report, _lock: lock, written: None, ticks: 0 })
    }

    /// The report that an earlier call has left.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is none.
    pub fn earlier(&self) -> Result<Option<HuntReport>, Report> {
        match fs::exists(&self.report).into_diagnostic()? {
            true => read_report(&self.report).map(Some),
            false => Ok(None),
        }
    }

    /// Is told ten times a second what has been counted, and writes it down once a second.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn tick(&mut self, so_far: &HuntReport) -> Result<(), Report> {
        self.ticks += 1;
        let is_new = self.written != Some(so_far.seeds);
        if self.ticks < CHUNK_TICKS || !is_new {
            return Ok(());
        }
        self.ticks = 0;
        let mut report = so_far.clone();
        report.interrupted = !so_far.is_complete();
        self.write(&report)
    }

    /// Puts a report in the place of the one that is there. The pace is left out: it is about this call,
    /// not about the hunt.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&mut self, report: &HuntReport) -> Result<(), Report> {
        output::to_file(&self.report, |out| hunt::json(report, None, out))?;
        self.written = Some(report.seeds);
        Ok(())
    }
}

/// Runs many things and hears how far they are, and writes down once a second what there is. A disk that takes no more
/// ends it.
///
/// # Errors
///
/// What runs them says so; inside, what the disk says.
pub fn watch<T>(
    mut folder: Option<&mut Folder>,
    progress: Progress<'_>,
    run: impl FnOnce(Progress<'_>) -> Result<T, HuntError>,
) -> Result<Result<T, Report>, HuntError> {
    let mut unwritten = None;
    let report = run(&mut |so_far| {
        if let Some(folder) = &mut folder
            && let Err(error) = folder.tick(so_far)
        {
            unwritten = Some(error);
            return ControlFlow::Break(());
        }
        progress(so_far)
    })?;
    Ok(unwritten.map_or(Ok(report), Err))
}

/// Goes on from where the report in a folder ends, if there is one; returns what has been counted.
///
/// # Errors
///
/// The report is about something else.
pub fn go_on<T>(
    folder: Option<&Folder>,
    earlier: Option<HuntReport>,
    what: &str,
    begun: T,
    go_on_from: impl FnOnce(T, HuntReport) -> Result<T, AnotherHunt>,
) -> Result<T, Report> {
    let (Some(folder), Some(earlier)) = (folder, earlier) else { return Ok(begun) };
    let (run, all) = (earlier.seeds, earlier.asked.end - earlier.asked.start);
    let begun = go_on_from(begun, earlier).map_err(|another| {
        let folder = folder.path.display();
        let help = "choose another folder, or the arguments that this one was begun with";
        miette!(help = help, "{folder} cannot be gone on with: {another}")
    })?;
    eprintln!("going on: {run} of {all} {what} have been run before");
    Ok(begun)
}

/// Reads a report from a file, or from the folder of a hunt.
///
/// # Errors
///
/// It cannot be read, or is none.
pub fn read_report(path: &Path) -> Result<HuntReport, Report> {
    let path = if path.is_dir() { path.join(REPORT) } else { path.to_owned() };
    let name = path.display().to_string();
    let read = || {
        let length = fs::metadata(&path)?.len();
        if length > MAX_REPORT_BYTES {
            let message = format!("{length} bytes are too many for a report");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        fs::read_to_string(&path)
    };
    let text = read().into_diagnostic().wrap_err_with(|| format!("cannot read {name}"))?;
    HuntReport::from_json(&name, &text).map_err(|unreadable| {
        let help = "`fencepost hunt … --format json` prints one, and with `--out DIR` it is \
                    DIR/report.json";
        miette!(help = help, "{unreadable}")
    })
}

/// A hunt that was killed while it wrote leaves a file that nobody needs.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(REPORT) && name.ends_with(output::PART) {
            fs::remove_file(folder.join(&*name))?;
        }
    }
    Ok(())
}
