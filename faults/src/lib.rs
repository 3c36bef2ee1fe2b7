//! What goes wrong, as plain data. A [`Plan`] is a list of [`Fault`]s: each has a kind, a start
//! (an absolute time or a [`Trigger`]), a target and a length. The world carries them out; this
//! crate knows neither the world nor madsim.
//!
//! ```
//! use std::time::Duration;
//! use fencepost_faults::{Action, Fault, Start};
//!
//! let fault = Fault {
//!     start: Start::At(Duration::from_secs(2)),
//!     length: Some(Duration::from_secs(15)),
//!     action: Action::Pause { node: "buyer-1".into() },
//! };
//! assert_eq!(fault.to_string(), "pause buyer-1 at 2s for 15s");
//! ```

mod choices;
mod describe;
mod draw;
mod menu;
mod plan;
mod shrink;
mod stage;
pub mod toml;

pub use crate::choices::{Choices, Enumerator, Recorded, Recorder};
pub use crate::describe::{show, show_signed};
pub use crate::draw::{RandomFaults, draw_fault};
pub use crate::plan::{Action, Fault, FaultKind, Groups, Plan, Start, Trigger};
pub use crate::stage::Stage;
