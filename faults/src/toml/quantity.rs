//! Quantities with their unit: durations (`"1.5s"`) and sizes (`"2GiB"`), by integer arithmetic.

use std::time::Duration;

/// The longest duration that a file may hold: a hundred years of 365 days. Sums of a few still fit
/// into 64 bits of nanoseconds.
pub const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Why a text is not a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not digits and a known unit.
    #[error("is not a number with a unit")]
    Form,
    /// Digits without a unit.
    #[error("has no unit")]
    NoUnit,
    /// A minus sign where none may be.
    #[error("is negative")]
    Negative,
    /// More than the bound.
    #[error("is too large")]
    TooLarge,
    /// A fraction of the smallest unit.
    #[error("is not a whole number of the smallest unit")]
    TooFine,
}

/// Units by name, the largest first, in the smallest.
type Units = [(&'static str, u64)];

const DURATION_UNITS: &Units = &[
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const SIZE_UNITS: &Units = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads `10s`, `1500ms`, `250us`, `7ns`, `2m`, `1h`, or decimals of them such as `1.5s`.
///
/// ```
/// use std::time::Duration;
/// use fencepost_faults::toml::{QuantityError, parse_duration};
/// assert_eq!(parse_duration("1.5s"), Ok(Duration::from_millis(1500)));
/// assert_eq!(parse_duration("10"), Err(QuantityError::NoUnit));
/// assert_eq!(parse_duration("0.5ns"), Err(QuantityError::TooFine));
/// ```
///
/// # Errors
///
/// The text is not of that form, or longer than [`MAX_DURATION`].
pub fn parse_duration(text: &str) -> Result<Duration, QuantityError> {
    let duration = Duration::from_nanos(parse(text, DURATION_UNITS)?);
    if duration > MAX_DURATION { Err(QuantityError::TooLarge) } else { Ok(duration) }
}

/// Reads `2GiB`, `512MiB`, `64KiB`, `1024B`: a number of bytes.
///
/// # Errors
///
/// The text is not of that form, or 16 EiB or more.
pub fn parse_size(text: &str) -> Result<u64, QuantityError> {
    parse(text, SIZE_UNITS)
}

/// A number of bytes in its largest whole unit.
///
/// ```
/// assert_eq!(fencepost_faults::toml::show_size(3 << 29), "1536MiB");
/// ```
pub fn show_size(bytes: u64) -> String {
    let whole = |(_, size): &&(&str, u64)| bytes.is_multiple_of(*size);
    let (unit, size) = SIZE_UNITS.iter().find(whole).copied().unwrap_or(("B", 1));
    format!("{}{unit}", bytes / size)
}

fn parse(text: &str, units: &Units) -> Result<u64, QuantityError> {
    if text.starts_with('-') {
        return Err(QuantityError::Negative);
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(QuantityError::Form);
    }
    if unit.is_empty() {
        return Err(QuantityError::NoUnit);
    }
    let named = |(name, _): &&(&str, u64)| *name == unit;
    let (_, size) = units.iter().find(named).ok_or(QuantityError::Form)?;
    let whole: u64 = whole.parse().map_err(|_| QuantityError::TooLarge)?;
    let whole = whole.checked_mul(*size).ok_or(QuantityError::TooLarge)?;
    whole.checked_add(part_of(fraction, *size)?).ok_or(QuantityError::TooLarge)
}

/// `0.fraction` of a unit, in the smallest unit; it has to come out even.
fn part_of(fraction: &str, size: u64) -> Result<u64, QuantityError> {
    let digits = fraction.trim_end_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    // An hour has fewer than 13 digits of nanoseconds and thrice as many twos: more digits than
    // that cannot come out even.
    let digit_count = u32::try_from(digits.len()).map_err(|_| QuantityError::TooFine)?;
    let scale = 10_u128.checked_pow(digit_count).ok_or(QuantityError::TooFine)?;
    let digits: u128 = digits.parse().map_err(|_| QuantityError::TooFine)?;
    let product = digits.checked_mul(u128::from(size)).ok_or(QuantityError::TooFine)?;
    if !product.is_multiple_of(scale) {
        return Err(QuantityError::TooFine);
    }
    u64::try_from(product / scale).map_err(|_| QuantityError::TooLarge)
}
