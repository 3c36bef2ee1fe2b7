//! `[backend]`: the servers that the lock lives on.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Value, string};

use super::set;
use crate::scenario::Backend;

/// `Some(None)` where there is no backend, `None` where it is wrong. There are `buyers` to run in
/// processes.
pub(super) fn read_backend<'a>(
    section: Option<&Value<'a>>,
    buyers: u16,
) -> Option<Option<(Value<'a>, Backend)>> {
    let Some(section) = section else {
        return Some(None);
    };
    let mut table = section.table()?;
    let kind = table.required("kind", "kind = \"redis\"");
    let found = kind.and_then(|kind| {
        let backends = Backend::all().map(|backend| (backend.as_str(), backend));
        let mut backend = kind.one_of("backend", &backends)?;
        match &mut backend {
            Backend::Redis => {}
            Backend::Memory { processes } => {
                let given = table.get("processes");
                set(processes, given.and_then(|number| number.integer(1..=buyers)));
            }
        }
        Some((kind, backend))
    });
    // What else an unknown backend may be given, nobody knows.
    if found.is_some() {
        table.finish();
    }
    found.map(Some)
}

pub(super) fn write_backend(out: &mut String, backend: Option<&Backend>) -> fmt::Result {
    let Some(backend) = backend else { return Ok(()) };
    writeln!(out, "\n[backend]\nkind = {}", string(backend.as_str()))?;
    match backend {
        Backend::Redis | Backend::Memory { processes: 1 } => Ok(()),
        Backend::Memory { processes } => writeln!(out, "processes = {processes}"),
    }
}
