//! What the locks are meant to protect: a store with a stock, and the buyers who order from it.
//!
//! An order reads the stock and, if any is left, writes one less. Two buyers who interleave sell
//! what is not there. A fencing token that the store checks closes the hole, if the store checks
//! it on the read as well as on the write and the tokens never go backwards.

pub mod buyer;
pub mod protocol;
pub mod store;

pub use self::protocol::{Fencing, ShopReply, ShopRequest};
