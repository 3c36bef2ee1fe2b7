//! The command line: what the arguments are, and what the exit codes say.

mod compare;
mod counterfactual;
mod demo;
mod exhaust;
mod folder;
mod hunt;
mod likelihood;
mod merge;
mod output;
mod progress;
mod run;
mod serve;
mod shrink;

use std::net::SocketAddr;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use fencepost::counterfactual::Setting;
use fencepost::determinism::Divergence;
use fencepost::hunt::Shard;
use fencepost::judge::ViolationKind;
use fencepost::scenario::{Backend, render};
use fencepost::serve::Listen;
use fencepost_faults::FaultKind;
use miette::Report;
use tracing_subscriber::EnvFilter;

/// A deterministic fault-injection simulator for distributed locks.
///
/// Exit codes: 0 the run is as expected, 1 it is not, 2 bad input or a failure of fencepost's own,
/// 3 not deterministic, 130 interrupted. RUST_LOG=fencepost=debug (or =trace) logs events to standard error.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the lessons, or tell one with its timeline.
    Demo(DemoArguments),
    /// Run one scenario under one seed.
    Run(RunArguments),
    /// Run one scenario under many seeds and count what is found.
    ///
    /// Any kind of violation counts, whatever the scenario expects. Exit codes: 0 the hunt as a whole
    /// has found exactly the kinds that the scenario expects (nothing, where it does not say) and no
    /// run has failed, 1 otherwise, 130 Ctrl-C ended it early: what had been found by then is printed.
    /// A second Ctrl-C ends it at once.
    Hunt(HuntArguments),
    /// One report out of those of the shards of a hunt: the one that the hunt in one piece gives.
    ///
    /// Reports of other scenarios, seeds or programs are refused, and so are shards that are there twice,
    /// missing or unfinished. Exit codes as of `hunt`.
    Merge(MergeArguments),
    /// Run every placement of up to so many faults: each kind at each target, right after each moment of
    /// the run without faults.
    ///
    /// Faults that the scenario has are left out. Exit codes: 0 what was found is exactly what the scenario
    /// expects (nothing, where it does not say), 1 otherwise, 130 Ctrl-C ended it early.
    Exhaust(ExhaustArguments),
    /// Every lock under every kind of fault, in numbers.
    ///
    /// A cell is a hunt: `--cell ROW:COLUMN` writes its scenario, which `run`, `hunt` and `shrink` take. Exit
    /// codes: 0 the table is made, whatever it shows, 1 some seeds have no run to judge, 130 Ctrl-C ended it.
    Compare(CompareArguments),
    /// Make a violating run as small as it can be and write it as a scenario.
    ///
    /// Faults that are not needed go, and so do buyers, servers and time; what stays gets shorter and
    /// rounder, and the same kind of violation still comes about in the same way. Where a fault can be spared under
    /// another seed, the scenario has that one. Exit codes: 0 it is written, 1 the run shows no violation.
    Shrink(ShrinkArguments),
    /// What if? Run one seed as the scenario is and with settings changed, and compare the two.
    ///
    /// Says where the two runs part, event by event, and how each of them ends. Both are put through the same
    /// faults, those that the seed draws included, unless a setting is about faults itself. Exit codes: 0
    /// both were run, whatever they show.
    Counterfactual(CounterfactualArguments),
    /// When did it become likely? Go on from points of a violating run in many other ways, and count how many
    /// of these futures violate too.
    ///
    /// Up to the point each is the run itself; from there all that is left to chance comes out otherwise, drawn
    /// faults included, while the faults of the file stay. Exit codes: 0 there is a curve, 1 the run shows no
    /// violation.
    Likelihood(LikelihoodArguments),
    /// The same models behind real sockets, on the real clock: a Redis or a ZooKeeper that goes wrong when it is
    /// told to.
    ///
    /// Says where each node listens, a line each, and serves until Ctrl-C. Faults come from a scenario, or are said
    /// on standard input or on a connection to `--control`, a line each, as in a scenario: `pause node=redis-1 for=5s`,
    /// or { kind = "pause", node = "redis-1", for = "5s" }. `client` is everybody outside. `heal` ends all faults,
    /// `status` says how the nodes are. Exit codes: 0 it was told to end.
    Serve(ServeArguments),
}

#[derive(clap::Args)]
struct ServeArguments {
    /// What to serve: redis, redis-sentinel, redis-cluster, redis-independent or zookeeper.
    #[arg(value_parser = serve::read_backend)]
    backend: Backend,
    /// Where the first node listens. An address alone: the others at the addresses after it, each at its product's
    /// own port. With a port: the others at the ports after it; with port 0, each at one that is free.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    listen: Listen,
    /// Where faults can be told of, an address and a port.
    #[arg(long, value_name = "ADDR:PORT")]
    control: Option<SocketAddr>,
    /// A scenario whose backend, network and faults to take. Its buyers do not come.
    #[arg(long, value_name = "SCENARIO.toml")]
    scenario: Option<PathBuf>,
    /// The seed, in place of the one that the file names.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
}

#[derive(clap::Args)]
struct DemoArguments {
    /// The lesson; none lists them.
    name: Option<String>,
    /// A folder for the lesson as a page for a browser; for all of them and a list, where none is named.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct RunArguments {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// The seed, in place of the one that the file names.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Run it up to this event, and go on from there in another way.
    #[arg(long, value_name = "EVENT", requires = "future")]
    from: Option<u32>,
    /// Which of the many ways: a number that `fencepost likelihood` gives.
    #[arg(long, value_name = "N", requires = "from")]
    future: Option<NonZeroU64>,
    /// How to show the run.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Where to write it; standard output without this.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Run twice and compare every event.
    #[arg(long)]
    check_determinism: bool,
}

#[derive(clap::Args)]
struct HuntArguments {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// The seeds, from A up to B, without B.
    #[arg(
        long,
        value_name = "A..B",
        default_value = "0..1000",
        value_parser = hunt::read_seeds,
        allow_hyphen_values = true
    )]
    seeds: Range<u64>,
    /// Run part I of N of the seeds, I from 1 to N. `fencepost merge` makes one report of the parts'.
    #[arg(long, value_name = "I/N", value_parser = hunt::read_shard, allow_hyphen_values = true)]
    shard: Option<Shard>,
    /// How many seeds to run at a time; without this, as many as there are cores.
    #[arg(long, value_name = "N", value_parser = hunt::read_jobs, allow_hyphen_values = true)]
    jobs: Option<NonZeroUsize>,
    /// End with the lowest seed that shows a violation or fails.
    #[arg(long)]
    stop_at_first: bool,
    /// Shrink the first run of each kind of violation. `fencepost shrink` writes one as a scenario.
    #[arg(long)]
    shrink: bool,
    /// Group the violations by how they come about. Of each kind the first N seeds are shrunk, 20 without
    /// `=N`, which takes some hundred runs each.
    #[arg(
        long,
        value_name = "N",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "20",
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    stories: Option<u32>,
    /// How to show what was found.
    #[arg(long, value_enum, default_value_t = HuntFormat::Text)]
    format: HuntFormat,
    /// A folder for the report, DIR/report.json, which is brought up to date once a second and is whole at
    /// every moment. The same command goes on where an earlier one was ended, however it was.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct MergeArguments {
    /// The reports: JSON files, or the folders that `hunt --out` has written to.
    #[arg(value_name = "REPORT.json", required = true)]
    reports: Vec<PathBuf>,
    /// How to show what was found.
    #[arg(long, value_enum, default_value_t = HuntFormat::Text)]
    format: HuntFormat,
    /// Where to write it; standard output without this.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct ExhaustArguments {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// At most so many faults at a time; 0 is the run without any.
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=3))]
    max_faults: u32,
    /// Faults of these kinds alone, with commas between them; without this, all that can do something.
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = exhaust::read_kind)]
    kinds: Vec<FaultKind>,
    /// Only at moments at which somebody wrote something down: what a client believes, what a server has changed.
    #[arg(long)]
    at_changes: bool,
    /// Run part I of N of the placements, I from 1 to N.
    #[arg(long, value_name = "I/N", value_parser = hunt::read_shard, allow_hyphen_values = true)]
    shard: Option<Shard>,
    /// How many placements to run at a time; without this, as many as there are cores.
    #[arg(long, value_name = "N", value_parser = hunt::read_jobs, allow_hyphen_values = true)]
    jobs: Option<NonZeroUsize>,
    /// How to show what was found.
    #[arg(long, value_enum, default_value_t = HuntFormat::Text)]
    format: HuntFormat,
    /// A folder in which it is written down once a second how far it is. The same command goes on where an earlier
    /// one was ended, however it was.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct CompareArguments {
    /// The seeds of every cell: N for those from 0 up to N, or A..B; as many as two cores run in two minutes
    /// without this.
    #[arg(long, value_name = "N", value_parser = compare::read_seeds, allow_hyphen_values = true)]
    seeds: Option<Range<u64>>,
    /// These rows alone, with commas between them.
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    rows: Vec<String>,
    /// Write the scenario of one cell, and measure nothing.
    #[arg(long, value_name = "ROW:COLUMN", conflicts_with_all = ["seeds", "rows", "jobs", "format"])]
    cell: Option<String>,
    /// How many seeds to run at a time; without this, as many as there are cores.
    #[arg(long, value_name = "N", value_parser = hunt::read_jobs, allow_hyphen_values = true)]
    jobs: Option<NonZeroUsize>,
    /// How to show what was found.
    #[arg(long, value_enum, default_value_t = CompareFormat::Text)]
    format: CompareFormat,
    /// Where to write it; standard output without this.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompareFormat {
    /// Tables to read.
    Text,
    /// One object.
    Json,
    /// One page for a browser.
    Html,
}

#[derive(clap::Args)]
struct ShrinkArguments {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// The seed that shows the violation, in place of the one that the file names.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The kind of violation to keep; the first that the run shows without this.
    #[arg(long, value_parser = shrink::read_kind)]
    kind: Option<ViolationKind>,
    /// Where to write the scenario; standard output without this.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct CounterfactualArguments {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// The seed of both runs, in place of the one that the file names.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// A key of the file and its other value, as in TOML: shop.fencing="writes", lock.ttl=5s,
    /// faults.1.for=20s (items of lists are counted from 1). As often as there is something to set.
    #[arg(
        long,
        value_name = "KEY=VALUE",
        value_parser = counterfactual::read_setting,
        required_unless_present = "unset"
    )]
    set: Vec<Setting>,
    /// A key of the file, or a section, to leave out; after all that is set.
    #[arg(long, value_name = "KEY", value_parser = counterfactual::read_unset)]
    unset: Vec<Setting>,
    /// How to show the two.
    #[arg(long, value_enum, default_value_t = HuntFormat::Text)]
    format: HuntFormat,
    /// Where to write the scenario with the settings changed, with the faults of the seed as its own.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
struct LikelihoodArguments {
    /// The scenario file.
    #[arg(value_name = "SCENARIO.toml")]
    scenario: PathBuf,
    /// The seed that shows the violation, in place of the one that the file names.
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// The kind of violation to look at; the first that the run shows without this.
    #[arg(long, value_parser = shrink::read_kind)]
    kind: Option<ViolationKind>,
    /// From so many points of the run, from its begin to the violation: half of them evenly, the others where
    /// the curve moves most.
    #[arg(
        long,
        value_name = "N",
        default_value = "20",
        value_parser = likelihood::read_points,
        allow_hyphen_values = true
    )]
    points: usize,
    /// So many futures from each point.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    futures: u32,
    /// How many futures to run at a time; without this, as many as there are cores.
    #[arg(long, value_name = "N", value_parser = hunt::read_jobs, allow_hyphen_values = true)]
    jobs: Option<NonZeroUsize>,
    /// How to show the curve.
    #[arg(long, value_enum, default_value_t = HuntFormat::Text)]
    format: HuntFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HuntFormat {
    /// A table to read.
    Text,
    /// One object.
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A timeline to read.
    Text,
    /// One object with the outcome.
    Json,
    /// Every record, one a line.
    Jsonl,
    /// One page for a browser, with the cure beside the run and the curve of its futures.
    Html,
    /// What there is to tell, one line each, for snapshots in tests: nothing cut, nothing that changes by itself.
    Trace,
    /// A trace for ui.perfetto.dev and chrome://tracing, in the Trace Event Format.
    Perfetto,
    /// A log for ShiViz, with vector clocks.
    Shiviz,
    /// An operation history as Jepsen's checkers understand one, in JSON lines.
    Operations,
}

/// How a command ended, apart from failing.
enum Ending {
    /// As expected.
    AsExpected,
    /// Otherwise.
    NotAsExpected,
    /// The user broke it off.
    Interrupted,
}

/// The exit code of what the user broke off: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// Why a command failed.
enum Failed {
    /// Bad input, or a failure of our own.
    Input(Report),
    /// The same seed gave two different runs.
    NotDeterministic(Box<Divergence>),
}

impl From<Report> for Failed {
    fn from(report: Report) -> Self {
        Self::Input(report)
    }
}

/// Runs the command that the arguments ask for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_if_asked();
    let result = match arguments.command {
        Command::Demo(arguments) => demo::main(&arguments),
        Command::Run(arguments) => run::main(&arguments),
        Command::Hunt(arguments) => hunt::main(&arguments),
        Command::Merge(arguments) => merge::main(&arguments),
        Command::Exhaust(arguments) => exhaust::main(&arguments),
        Command::Compare(arguments) => compare::main(&arguments),
        Command::Shrink(arguments) => shrink::main(&arguments),
        Command::Counterfactual(arguments) => counterfactual::main(&arguments),
        Command::Likelihood(arguments) => likelihood::main(&arguments),
        Command::Serve(arguments) => serve::main(&arguments),
    };
    ExitCode::from(conclude(result))
}

/// Logs what happens in the simulation as `RUST_LOG` asks for; nothing without it. Its lines carry
/// simulated time: a real clock cannot be read while a simulation runs.
fn log_if_asked() {
    if std::env::var_os(EnvFilter::DEFAULT_ENV).is_some() {
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .with_ansi(output::wants_colour(&std::io::stderr()))
            .without_time()
            .init();
    }
}

/// Says on standard error why a command failed, and gives its exit code.
fn conclude(result: Result<Ending, Failed>) -> u8 {
    match result {
        Ok(Ending::AsExpected) => 0,
        Ok(Ending::NotAsExpected) => 1,
        Ok(Ending::Interrupted) => INTERRUPTED,
        Err(Failed::Input(report)) => {
            let colour = output::wants_colour(&std::io::stderr());
            eprintln!("{}", render(report.as_ref(), colour, 100));
            2
        }
        Err(Failed::NotDeterministic(divergence)) => {
            eprintln!("{divergence}");
            3
        }
    }
}

#[cfg(test)]
mod tests {
    use fencepost::world::SimTime;
    use fencepost::world::history::RecordId;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_ending_has_its_exit_code() {
        let divergence = Divergence {
            record: RecordId(3),
            at: SimTime::ZERO,
            first: Some("one".to_owned()),
            second: None,
        };
        assert_eq!(conclude(Ok(Ending::AsExpected)), 0);
        assert_eq!(conclude(Ok(Ending::NotAsExpected)), 1);
        assert_eq!(conclude(Ok(Ending::Interrupted)), 130);
        assert_eq!(conclude(Err(Failed::Input(miette::miette!("bad")))), 2);
        assert_eq!(conclude(Err(Failed::NotDeterministic(Box::new(divergence)))), 3);
    }
}
