//! `fencepost likelihood`.

use std::io::{self, Write as _};

use fencepost::likelihood::{self, Likelihood, TextOptions};
use fencepost::scenario::Scenario;
use miette::{Report, miette};

use super::{Ending, Failed, HuntFormat, LikelihoodArguments, output, progress};

pub fn main(arguments: &LikelihoodArguments) -> Result<Ending, Failed> {
    let scenario = Scenario::read(&arguments.scenario).map_err(Report::from)?;
    let seed = arguments.seed.unwrap_or(scenario.seed);
    let file = arguments.scenario.display();
    let (points, futures) = (arguments.points, arguments.futures);
    let mut asked = Likelihood::new(scenario, seed).points(points).futures(futures);
    if let Some(kind) = arguments.kind {
        asked = asked.kind(kind);
    }
    if let Some(jobs) = arguments.jobs {
        asked = asked.jobs(jobs);
    }
    let bar = progress::bar(points as u64, "points")?;
    let curve = asked.watch(|looked_at| bar.set_position(looked_at as u64));
    bar.finish_and_clear();
    let curve = curve.map_err(|error| miette!("seed {seed} of {file}: {error}"))?;
    let Some(curve) = curve else {
        let kind = arguments.kind.map_or_else(|| "nothing".to_owned(), |kind| format!("no {kind}"));
        eprintln!("seed {seed} of {file} shows {kind}: there is nothing that could become likely");
        return Ok(Ending::NotAsExpected);
    };
    let replay = output::replay(&arguments.scenario);
    output::to_stdout(|out| match arguments.format {
        HuntFormat::Json => likelihood::json(&curve, out),
        HuntFormat::Text => {
            let colour = output::wants_colour(&io::stdout());
            let options = TextOptions { colour, replay: Some(&replay) };
            out.write_all(likelihood::text(&curve, &options).as_bytes())
        }
    })?;
    Ok(Ending::AsExpected)
}

/// Reads `--points`: with fewer than two there is no curve, and more than there are events are too many.
pub fn read_points(text: &str) -> Result<usize, String> {
    /// Each costs a hundred runs or so.
    const MAX: usize = 10_000;
    let points = text.parse().ok().filter(|points| (2..=MAX).contains(points));
    points.ok_or_else(|| format!("write a whole number from 2 to {MAX}"))
}
