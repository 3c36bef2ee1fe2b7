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

/// Where orders are recorded, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Orders {
    /// In the store, in one transaction with the stock.
    #[default]
    WithStock,
    /// In a second store, after the stock has been written. What fails between the two loses a
    /// piece: it is off the shelf, and no order is in the books.
    AfterStock,
    /// In a second store, before the stock is written. What fails between the two, or a stock write
    /// that is refused, leaves an order with no piece behind it. Under a conditional update, which
    /// looks at nothing first, so does everybody who comes when nothing is left.
    BeforeStock,
}

/// A request to the store, or to the store of the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum ShopRequest {
    /// `SELECT stock`.
    Read {
        /// The fencing token of the reader's lock.
        token: Option<u64>,
    },
    /// `UPDATE SET stock = …` and, where the store keeps the orders too, `INSERT` of the order in
    /// the same transaction.
    Write {
        /// Which order: the buyer's number for it, the same however often it is sent.
        order: u64,
        /// The new stock.
        stock: u64,
        /// The fencing token of the writer's lock.
        token: Option<u64>,
    },
    /// `UPDATE SET stock = stock - 1 WHERE stock > 0` and, when a row was changed and the store
    /// keeps the orders too, `INSERT` of the order in the same transaction.
    Take {
        /// Which order.
        order: u64,
    },
    /// `INSERT` of the order alone, in a store that has no stock and checks no tokens.
    Record {
        /// Which order.
        order: u64,
    },
}

impl ShopRequest {
    /// The request's name: `read`, `write`, `take` or `record`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Read { .. } => "read",
            Self::Write { .. } => "write",
            Self::Take { .. } => "take",
            Self::Record { .. } => "record",
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
    /// It is in the books.
    Taken,
    /// It was in the books already: the order's id is known. Nothing has changed.
    TakenBefore,
    /// Nothing was left to take.
    SoldOut,
    /// The token was behind.
    Fenced {
        /// The highest token that the store has seen.
        mark: u64,
    },
}
