//! `[backend]`: the servers that the lock lives on.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{Table, Value, string};

use crate::scenario::Backend;

/// `Some(None)` where there is no backend, `None` where it is wrong.
pub(super) fn read_backend<'a>(root: &mut Table<'a>) -> Option<Option<(Value<'a>, Backend)>> {
    let Some(section) = root.get("backend") else {
        return Some(None);
    };
    let mut table = section.table()?;
    let kind = table.required("kind", "kind = \"redis\"");
    let found = kind.and_then(|kind| {
        let backends = Backend::all().map(|backend| (backend.as_str(), backend));
        let backend = kind.one_of("backend", &backends)?;
        Some((kind, backend))
    });
    // What else an unknown backend may be given, nobody knows.
    if found.is_some() {
        table.finish();
    }
    found.map(Some)
}

pub(super) fn write_backend(out: &mut String, backend: Option<&Backend>) -> fmt::Result {
    match backend {
        Some(backend) => writeln!(out, "\n[backend]\nkind = {}", string(backend.as_str())),
        None => Ok(()),
    }
}
