//! `fencepost serve`.

use std::io::{self, BufRead, BufReader, Write as _};
use std::os::unix::net::UnixStream;

use fencepost::scenario::{Backend, Scenario};
use fencepost::serve::{Serving, Settings};
use miette::{IntoDiagnostic as _, Report, WrapErr as _, miette};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::{Ending, Failed, ServeArguments};

/// Reads the name of a backend that can be served.
pub fn read_backend(name: &str) -> Result<Backend, String> {
    let served = Backend::all().into_iter().filter(|backend| !backend.server_names().is_empty());
    let mut names = Vec::new();
    for backend in served {
        if backend.as_str() == name {
            return Ok(backend);
        }
        names.push(backend.as_str());
    }
    Err(format!("expected one of: {}", names.join(", ")))
}

pub fn main(arguments: &ServeArguments) -> Result<Ending, Failed> {
    let mut settings = settings(arguments)?;
    settings.listen = arguments.listen;
    settings.control = arguments.control;
    let stop = listen_for_the_end().into_diagnostic().wrap_err("cannot listen for Ctrl-C")?;
    let mut serving = Serving::bind(settings, stop).into_diagnostic()?;
    print(&serving).into_diagnostic()?;
    let console = listen_on_standard_input().into_diagnostic()?;
    serving.add_console(console).into_diagnostic()?;
    serving
        .run(&mut |line| {
            // Whoever reads it may have gone.
            let _ = writeln!(io::stdout(), "{line}");
        })
        .into_diagnostic()?;
    Ok(Ending::AsExpected)
}

/// What is to be served: a backend as it is by default, or as a scenario has it.
fn settings(arguments: &ServeArguments) -> Result<Settings, Report> {
    let Some(path) = &arguments.scenario else {
        let settings = Settings::new(arguments.backend.clone());
        return Ok(Settings { seed: arguments.seed.unwrap_or(settings.seed), ..settings });
    };
    let scenario = Scenario::read(path).map_err(Report::from)?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let asked = arguments.backend.as_str();
    let has = scenario.backend.as_ref().map_or("no backend", Backend::as_str);
    let served = Settings::of(&scenario, seed).filter(|_| asked == has);
    let (settings, left_out) = served
        .ok_or_else(|| miette!("{} has {has}, and `{asked}` is to be served", path.display()))?;
    for fault in &left_out {
        eprintln!("left out, since it waits for buyers, or is about them: {fault}");
    }
    Ok(settings)
}

fn print(serving: &Serving) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (name, address) in serving.places() {
        writeln!(out, "{name} {address}")?;
    }
    if let Some(address) = serving.control_address() {
        writeln!(out, "control {address}")?;
    }
    out.flush()
}

/// What says something when the process is told to end.
fn listen_for_the_end() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM] {
        signal_hook::low_level::pipe::register(signal, theirs.try_clone()?)?;
    }
    Ok(ours)
}

/// A console on which stands what comes on standard input. Answers go to standard output.
#[expect(
    clippy::disallowed_methods,
    reason = "standard input may be a file, which no poll waits for: a thread of its own reads it"
)]
fn listen_on_standard_input() -> io::Result<UnixStream> {
    let (ours, mut theirs) = UnixStream::pair()?;
    std::thread::spawn(move || -> io::Result<()> {
        let mut answers = BufReader::new(theirs.try_clone()?);
        for line in io::stdin().lock().lines() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            writeln!(theirs, "{line}")?;
            let mut answer = String::new();
            if answers.read_line(&mut answer)? == 0 {
                break;
            }
            write!(io::stdout(), "{answer}")?;
        }
        Ok(())
    });
    Ok(ours)
}
