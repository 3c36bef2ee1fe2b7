//! Slots: which keys they hold, sets of them, and who carries out a command.
//!
//! ```text
//! crc16     the slot of a key
//! keys      which arguments are keys
//! set       sets of slots
//! redirect  who carries out a command
//! script    what a script reaches
//! migrate   slots that move from one master to another, key by key
//! ```

mod crc16;
mod keys;
mod migrate;
mod redirect;
mod script;
mod set;

pub use self::crc16::{SLOTS, key_slot};
pub(crate) use self::keys::KeySpec;
pub(crate) use self::redirect::Query;
#[cfg(test)]
pub(super) use self::redirect::Redirect;
pub(crate) use self::script::Reach;
pub use self::set::SlotSet;
