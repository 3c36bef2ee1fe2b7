//! `fencepost counterfactual`.

use std::io::{self, Write as _};

use fencepost::counterfactual::{self, Counterfactual, NotRun, Setting, TextOptions, Unsettable};
use fencepost::scenario::Scenario;
use miette::{Report, miette};

use super::{CounterfactualArguments, Ending, Failed, HuntFormat, output};

pub fn main(arguments: &CounterfactualArguments) -> Result<Ending, Failed> {
    let path = &arguments.scenario;
    let text = Scenario::read_text(path).map_err(Report::from)?;
    let settings: Vec<Setting> = arguments.set.iter().chain(&arguments.unset).cloned().collect();
    let name = path.display().to_string();
    let what_if =
        Counterfactual::of_toml(&name, &text, &settings, arguments.seed).map_err(|unsettable| {
            match unsettable {
                Unsettable::Invalid(invalid) => Report::new(invalid),
                unset => miette!("{unset}"),
            }
        })?;
    let seed = what_if.seed();
    let compared = what_if.carry_out().map_err(|not_run| explain(&name, seed, &not_run))?;
    if let Some(out) = &arguments.out {
        let toml = compared.changed.0.to_toml();
        output::to_file(out, |out| out.write_all(toml.as_bytes()))?;
    }
    let replay = output::replay(path);
    output::to_stdout(|out| match arguments.format {
        HuntFormat::Json => counterfactual::json(&compared, out),
        HuntFormat::Text => {
            let colour = output::wants_colour(&io::stdout());
            let options = TextOptions { colour, replay: Some(&replay) };
            out.write_all(counterfactual::text(&compared, &options).as_bytes())
        }
    })?;
    Ok(Ending::AsExpected)
}

/// Which of the two failed, and what can be done about it.
fn explain(file: &str, seed: u64, not_run: &NotRun) -> Report {
    let message = format!("seed {seed} of {file}: {not_run}");
    if !not_run.changed {
        return miette!("{message}");
    }
    let help = "both runs are put through the same faults: where these do not fit what was set, take them \
                away too, with `--unset random_faults` or `--set 'faults=[]'`";
    miette!(help = help, "{message}")
}

/// Reads `--set`.
pub fn read_setting(text: &str) -> Result<Setting, String> {
    text.parse::<Setting>().map_err(|error| error.to_string())
}

/// Reads `--unset`.
pub fn read_unset(text: &str) -> Result<Setting, String> {
    Setting::left_out(text).map_err(|error| error.to_string())
}
