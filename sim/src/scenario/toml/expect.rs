//! `[expect]`: the violations that a run must show.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Table, strings};

use crate::judge::ViolationKind;

pub(super) fn read_expect(mut table: Table<'_>) -> Option<BTreeSet<ViolationKind>> {
    let accepted = ViolationKind::ALL.map(|kind| (kind.as_str(), kind));
    let violations = table.required("violations", "violations = [\"oversell\"], or [] for none");
    table.finish();
    let kinds = violations?.list()?;
    kinds.iter().map(|kind| kind.one_of("kind of violation", &accepted)).collect()
}

pub(super) fn write_expect(out: &mut String, kinds: &BTreeSet<ViolationKind>) -> fmt::Result {
    let kinds = strings(kinds.iter().map(|kind| kind.as_str()));
    writeln!(out, "\n[expect]\nviolations = {kinds}")
}
