//! Panics that are findings: the hook says nothing of them, and keeps where they were.

use std::cell::{Cell, RefCell};
use std::panic;
use std::sync::Once;
use std::thread;

thread_local! {
    /// Whether this thread's panics are findings.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// Where the last of them was.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Puts a hook before the one that is there, once for the whole process. It changes nothing but for
/// the panics of threads that are inside [`quietly`].
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                PLACE.set(info.location().map(ToString::to_string));
            } else {
                previous(info);
            }
        }));
    });
}

/// Runs something that catches its own panics. Returns also the place (`file:line:column`) of the
/// last of them.
pub fn quietly<T>(run: impl FnOnce() -> T) -> (T, Option<String>) {
    QUIET.set(true);
    PLACE.set(None);
    let result = run();
    QUIET.set(false);
    (result, PLACE.take())
}

/// Runs something on a thread of its own, as quietly as on this one.
///
/// # Errors
///
/// What it panicked with, where it has not caught that itself.
pub fn apart<T: Send>(run: impl FnOnce() -> T + Send) -> thread::Result<T> {
    let is_quiet = QUIET.get();
    let (result, place) = thread::scope(|scope| {
        let here = || {
            QUIET.set(is_quiet);
            let result = run();
            (result, PLACE.take())
        };
        scope.spawn(here).join()
    })?;
    if place.is_some() {
        PLACE.set(place);
    }
    Ok(result)
}
