//! What values a parameter takes. Source: `config.c`, `numericConfigSet`, `boolConfigSet`,
//! `enumConfigSet`; `util.c`, `memtoull`.

use std::fmt::Display;

use crate::redis::number::parse_i64;

/// What a value is checked for.
#[derive(Clone, Copy)]
pub(super) enum Check {
    /// A number between these, both included.
    Integer(i64, i64),
    /// A number of bytes between these, with or without a unit.
    Memory(u64, u64),
    /// `yes` or `no`.
    YesNo,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
}

impl Check {
    /// The value as it is shown, if it can be taken.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn accept(self, value: &[u8]) -> Result<String, String> {
        let text = String::from_utf8_lossy(value);
        match self {
            Self::Integer(least, most) => {
                let number = parse_i64(value)
                    .ok_or_else(|| "argument couldn't be parsed into an integer".to_owned())?;
                within(number, least, most)
            }
            Self::Memory(least, most) => {
                let bytes =
                    memory(value).ok_or_else(|| "argument must be a memory value".to_owned())?;
                within(bytes, least, most)
            }
            Self::YesNo if value.eq_ignore_ascii_case(b"yes") => Ok("yes".to_owned()),
            Self::YesNo if value.eq_ignore_ascii_case(b"no") => Ok("no".to_owned()),
            Self::YesNo => Err("argument must be 'yes' or 'no'".to_owned()),
            Self::OneOf(words) => words
                .iter()
                .find(|word| word.eq_ignore_ascii_case(&text))
                .map(|word| (*word).to_owned())
                .ok_or_else(|| {
                    format!("argument(s) must be one of the following: {}", words.join(", "))
                }),
            Self::Text => Ok(text.into_owned()),
        }
    }
}

/// A number as it is shown, if it lies between these, both included.
fn within<T: PartialOrd + Display>(number: T, least: T, most: T) -> Result<String, String> {
    if !(&least..=&most).contains(&&number) {
        return Err(format!("argument must be between {least} and {most} inclusive"));
    }
    Ok(number.to_string())
}

/// Bytes: `1024`, `1k` for a thousand, `1kb` for 1024, and so on. No digits are 0, what is too large is the largest
/// number, and a unit that is too much for it wraps around: `memtoull` looks at none of this.
fn memory(value: &[u8]) -> Option<u64> {
    /// Source: `memtoull`: the digits and the zero behind them have to fit into 128 bytes.
    const DIGITS_MAX: usize = 127;
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let factor: u64 = match &unit.to_ascii_lowercase()[..] {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let add = |sum: u64, digit: &u8| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    let bytes = digits.iter().try_fold(0, add).unwrap_or(u64::MAX);
    (digits.len() <= DIGITS_MAX).then(|| bytes.wrapping_mul(factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_memory_are_rediss() {
        let taken = [
            ("0", 0),
            ("7b", 7),
            ("1k", 1000),
            ("2Kb", 2048),
            ("1gb", 1 << 30),
            ("", 0),
            ("k", 0),
            ("99999999999999999999", u64::MAX),
            ("18446744073709551615k", u64::MAX.wrapping_mul(1000)),
        ];
        for (text, bytes) in taken {
            assert_eq!(memory(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in ["-1", "1kx", " 1", "1.5k", &"0".repeat(128)] {
            assert_eq!(memory(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_told_with_them() {
        let check = Check::Memory(1, 10);
        assert_eq!(check.accept(b"10b"), Ok("10".to_owned()));
        for text in ["0", "1k"] {
            let told = Err("argument must be between 1 and 10 inclusive".to_owned());
            assert_eq!(check.accept(text.as_bytes()), told, "{text}");
        }
    }
}
