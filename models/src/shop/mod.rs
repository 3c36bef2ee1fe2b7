//! What the locks are meant to protect: a store with a stock, and the buyers who order from it.
//!
//! An order reads the stock and, if any is left, writes one less. Two buyers who interleave sell
//! what is not there. A fencing token that the store checks closes the hole, if the store checks
//! it on the read as well as on the write and the tokens never go backwards.

//!
//! Two more things that shops do, each a setting: they send a request again when no answer comes, and
//! they keep the orders in another store than the stock. Each makes a hole that no lock and no token
//! closes.

pub mod buyer;
mod client;
pub mod ids;
pub mod orders;
mod peers;
pub mod protocol;
pub mod store;

pub use self::protocol::{Fencing, Orders, ShopReply, ShopRequest};
