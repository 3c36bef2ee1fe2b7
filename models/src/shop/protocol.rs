//! The requests to the store and its answers.

use serde::{Deserialize, Serialize};

/// What the store does with fencing tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fencing {
    /// Nothing.
    #[default]
    Off,
    /// A write raises the mark to its token, and is refused when its token is below the mark.
    Writes,
    /// The same, and a read too raises the mark, and is refused below it.
    ReadsAndWrites,
}

/// A request to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum ShopRequest {
    /// `SELECT stock`.
    Read {
        /// The fencing token of the reader's lock.
        token: Option<u64>,
    },
    /// `UPDATE SET stock = …` and `INSERT` of the order, in one transaction.
    Write {
        /// Which order.
        order: u64,
        /// The new stock.
        stock: u64,
        /// The fencing token of the writer's lock.
        token: Option<u64>,
    },
    /// `UPDATE SET stock = stock - 1 WHERE stock > 0` and `INSERT` of the order when a row was
    /// changed, in one transaction.
    Take {
        /// Which order.
        order: u64,
    },
}

impl ShopRequest {
    /// The request's name: `read`, `write` or `take`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Take { .. } => "take",
        }
    }
}

/// What the store answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reply", rename_all = "kebab-case")]
pub enum ShopReply {
    /// How much there is.
    Stock {
        /// How much.
        stock: u64,
    },
    /// The order is in the books.
    Taken,
    /// Nothing was left to take.
    SoldOut,
    /// The token was behind.
    Fenced {
        /// The highest token that the store has seen.
        mark: u64,
    },
}
