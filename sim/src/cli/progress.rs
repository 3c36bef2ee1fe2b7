//! Many runs: how far they are, and Ctrl-C.

use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fencepost::hunt::HuntReport;
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, Report, WrapErr};
use signal_hook::consts::SIGINT;

use super::INTERRUPTED;

/// Told ten times a second what has been counted; breaks off when the user has pressed Ctrl-C.
pub type Progress<'a> = &'a mut dyn FnMut(&HuntReport) -> ControlFlow<()>;

/// Does something that runs so many things, which are called that, and shows how far it is. Says how long it
/// took.
///
/// # Errors
///
/// The terminal's, or what was done says so.
#[expect(
    clippy::disallowed_methods,
    reason = "real time is what a pace is measured in; no simulation runs on this thread"
)]
pub fn show<T, E>(
    total: u64,
    what: &str,
    work: impl FnOnce(Progress<'_>) -> Result<T, E>,
) -> Result<(T, Duration), Report>
where
    Result<T, E>: IntoDiagnostic<T, E>,
{
    let interrupted = listen_for_interrupts()?;
    let bar = bar(total, what)?.with_message("nothing found");
    let start = Instant::now();
    let done = work(&mut |so_far| {
        update(&bar, so_far);
        if interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let elapsed = start.elapsed();
    bar.finish_and_clear();
    Ok((done.into_diagnostic()?, elapsed))
}

/// A flag that the first Ctrl-C sets. The second ends the process.
///
/// # Errors
///
/// The operating system's.
pub fn listen_for_interrupts() -> Result<Arc<AtomicBool>, Report> {
    let flag = Arc::new(AtomicBool::new(false));
    let kill = || {
        // In this order: the first Ctrl-C finds the flag unset.
        let status = i32::from(INTERRUPTED);
        signal_hook::flag::register_conditional_shutdown(SIGINT, status, flag.clone())?;
        signal_hook::flag::register(SIGINT, flag.clone())
    };
    kill().into_diagnostic().wrap_err("cannot listen for Ctrl-C")?;
    Ok(flag)
}

/// How far something is, on standard error, when that is a terminal.
///
/// # Errors
///
/// The terminal's.
pub fn bar(total: u64, what: &str) -> Result<ProgressBar, Report> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let template =
        format!("{{wide_bar}} {{pos}}/{{len}} {what}, {{msg}}, {{per_sec}}, {{eta}} to go");
    let style = ProgressStyle::with_template(&template).into_diagnostic()?;
    Ok(ProgressBar::new(total).with_style(style))
}

fn update(bar: &ProgressBar, so_far: &HuntReport) {
    let (violating, failed) = (so_far.violating_seeds, so_far.failed_seeds);
    bar.set_message(match failed {
        0 => format!("{violating} violate"),
        _ => format!("{violating} violate, {failed} failed"),
    });
    bar.set_position(so_far.seeds);
}
