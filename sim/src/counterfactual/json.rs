//! Two runs as one JSON object.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use super::{Change, Compared, Parting};
use crate::judge::ViolationKind;
use crate::report::RunReport;

/// What `fencepost counterfactual --format json` prints.
#[derive(Serialize)]
struct Object<'a> {
    scenario: &'a str,
    seed: u64,
    settings: &'a [Change],
    gone: BTreeSet<ViolationKind>,
    new: BTreeSet<ViolationKind>,
    nodes_differ: bool,
    faults_differ: bool,
    idle_faults: usize,
    /// `null` when the two runs are the same to the end.
    parting: Option<&'a Parting>,
    as_is: RunReport<'a>,
    changed: RunReport<'a>,
}

/// Writes two runs as one JSON object, indented, with a newline at its end.
///
/// # Errors
///
/// What the writer says.
pub fn json(compared: &Compared, out: &mut (impl io::Write + ?Sized)) -> io::Result<()> {
    let ((scenario, as_is), (other, changed)) = (&compared.as_is, &compared.changed);
    let object = Object {
        scenario: &scenario.title,
        seed: as_is.run.seed,
        settings: &compared.changes,
        gone: compared.gone(),
        new: compared.brought(),
        nodes_differ: compared.nodes_differ(),
        faults_differ: compared.faults_differ(),
        idle_faults: compared.idle_faults(),
        parting: compared.parting.as_ref(),
        as_is: RunReport::new(scenario, as_is),
        changed: RunReport::new(other, changed),
    };
    serde_json::to_writer_pretty(&mut *out, &object)?;
    out.write_all(b"\n")
}
