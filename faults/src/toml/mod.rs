//! Faults in TOML, and back.
//!
//! The reader is one mechanism for all sections of a scenario file: a [`Table`] hands out the
//! [`Value`]s that are asked for by key, each value is turned into a duration, a name, a list, and
//! whatever is wrong becomes a [`Problem`] with its place in the text. Reading goes on after a
//! problem, so that one look shows them all; [`Table::finish`] reports every key that nobody asked
//! for. What was read counts only when there are no problems at the end.
//!
//! ```
//! let plan = fencepost_faults::toml::plan_from_toml(
//!     r#"
//!     [[faults]]
//!     kind = "pause"
//!     when = { event = "acquired", node = "buyer-1", after = "1ms" }
//!     for = "15s"
//!     node = "buyer-1"
//!     "#,
//! );
//! assert_eq!(plan.unwrap()[0].to_string(), "pause buyer-1 1ms after buyer-1's acquired for 15s");
//! ```

mod document;
mod fault;
mod problem;
mod quantity;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use self::document::Document;
pub use self::fault::{Nodes, plan_from_toml, read_plan};
pub use self::problem::{Problem, Problems, listing, near_miss, quoted};
pub use self::quantity::{MAX_DURATION, QuantityError, parse_duration, parse_size, show_size};
pub use self::table::Table;
pub use self::value::Value;
pub use self::write::{duration, plan_to_toml, string, strings};
