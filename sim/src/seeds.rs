//! Ranges of seeds, as people write them: `A..B`, from A up to B, without B.
//!
//! ```
//! use fencepost::seeds::{parse_range, show_range};
//!
//! assert_eq!(parse_range("0..1000").map(|seeds| show_range(&seeds)), Some("0..1000".to_owned()));
//! ```

use std::ops::Range;

/// Reads `A..B`; `None` unless both are whole numbers and A is below B.
///
/// ```
/// assert_eq!(fencepost::seeds::parse_range("5..900"), Some(5..900));
/// assert_eq!(fencepost::seeds::parse_range("9..5"), None);
/// ```
pub fn parse_range(text: &str) -> Option<Range<u64>> {
    let (start, end) = text.split_once("..")?;
    let range = start.trim().parse().ok()?..end.trim().parse().ok()?;
    (!range.is_empty()).then_some(range)
}

/// Writes what [`parse_range`] reads.
pub fn show_range(Range { start, end }: &Range<u64>) -> String {
    format!("{start}..{end}")
}
