//! What a run looks like: for people ([`text()`], [`write_text`]), as one JSON object ([`json()`]), and record by
//! record as JSON lines ([`jsonl()`]); for snapshots in tests ([`trace()`]); for other people's tools: [`perfetto()`],
//! [`shiviz()`], [`operations()`]. All are made from a scenario and its outcome alone.
//!
//! ```
//! use fencepost::report::{self, TextOptions};
//! use fencepost::scenario::{Recipe, Scenario};
//!
//! let scenario = Scenario::default().but(|s| (s.lock, s.backend) = (Recipe::None, None));
//! let outcome = scenario.run(1)?;
//! assert!(report::text(&scenario, &outcome).contains("VIOLATION oversell"));
//!
//! let mut page = String::new();
//! let options = TextOptions { colour: true, width: 80, ..TextOptions::default() };
//! report::write_text(&scenario, &outcome, &options, &mut page)?;
//!
//! let mut trace = Vec::new();
//! report::perfetto(&scenario, &outcome, &mut trace)?; // for ui.perfetto.dev
//! assert!(trace.starts_with(b"{"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cast;
pub mod html;
mod json;
mod jsonl;
mod operations;
mod perfetto;
mod setting;
mod shiviz;
mod telling;
#[cfg(test)]
mod testing;
mod text;
mod trace;
pub(crate) mod words;

pub use self::json::{FaultReport, RunReport, ViolationReport, json};
pub use self::jsonl::jsonl;
pub use self::operations::operations;
pub use self::perfetto::perfetto;
pub use self::shiviz::{SHIVIZ_REGEX, shiviz};
pub(crate) use self::text::paint;
pub use self::text::{TextOptions, text, write_text};
pub use self::trace::trace;
