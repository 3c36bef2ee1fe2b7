//! Fractions as Redis reckons with them: C's `long double`, which on x86-64 has 64 bits of mantissa.
//!
//! Read, added and printed with integers alone, and rounded as the processor and the C library do:
//! to the nearest, and to the even one of two that are equally near. So no digit of a sum depends on
//! the machine that the simulation runs on.

use bytes::Bytes;

use super::big::Big;

/// A number: `mantissa * 2^exponent`, or infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    is_negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Magnitude {
    Finite { mantissa: u64, exponent: i32 },
    Infinite,
}

/// The exponents of the smallest and of the largest numbers. Source: the x86 extended-precision
/// format, 15 bits of exponent.
const EXPONENT_MIN: i32 = -16_445;
const EXPONENT_MAX: i32 = 16_320;

/// The longest text that is a number. Source: `util.h`, `MAX_LONG_DOUBLE_CHARS`, with the zero byte
/// at its end.
const TEXT_MAX_BYTES: usize = 5 * 1024 - 1;

/// Digits behind the point. Source: `util.c`, `ld2string`, `LD_STR_HUMAN`: `%.17Lf`.
const FRACTION_DIGITS: usize = 17;

impl LongDouble {
    /// Zero.
    pub const ZERO: Self =
        Self { is_negative: false, magnitude: Magnitude::Finite { mantissa: 0, exponent: 0 } };

    /// Reads a number: decimal or hexadecimal, with an exponent or without, or infinity. `None` for
    /// anything else, and for what is too large, or too small to be told from zero.
    ///
    /// Source: `util.c`, `string2ld`, and what C says of `strtold`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_MAX_BYTES {
            return None;
        }
        let (is_negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let magnitude = match text {
            [b'0', b'x' | b'X', hex @ ..] => Written::split(hex, 16)?.value(16)?,
            _ if is_infinity(text) => Magnitude::Infinite,
            _ => Written::split(text, 10)?.value(10)?,
        };
        Some(Self { is_negative, magnitude })
    }

    /// True unless it is infinite.
    pub fn is_finite(self) -> bool {
        self.magnitude != Magnitude::Infinite
    }

    /// The sum, unless that is infinite or no number.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (Magnitude::Finite { .. }, Magnitude::Finite { .. }) =
            (self.magnitude, other.magnitude)
        else {
            return None;
        };
        let lowest = self.exponent().min(other.exponent());
        let (mut sum, mut summand) = (self.scaled(lowest), other.scaled(lowest));
        let mut is_negative = self.is_negative;
        if self.is_negative == other.is_negative {
            sum.add(&summand);
        } else if sum >= summand {
            sum.subtract(&summand);
        } else {
            summand.subtract(&sum);
            (sum, is_negative) = (summand, other.is_negative);
        }
        let sum = Self { is_negative, magnitude: rounded(sum, Big::from(1), lowest) };
        sum.is_finite().then_some(sum)
    }

    /// The number with at most 17 digits behind the point, and no zeros at their end.
    ///
    /// Source: `util.c`, `ld2string`, `LD_STR_HUMAN`.
    pub fn to_bytes(self) -> Bytes {
        let Magnitude::Finite { mantissa, exponent } = self.magnitude else {
            return Bytes::from_static(if self.is_negative { b"-inf" } else { b"inf" });
        };
        let mut digits = hundred_quadrillionths(mantissa, exponent).into_decimal();
        if digits.is_empty() {
            return Bytes::from_static(b"0");
        }
        let missing = (FRACTION_DIGITS + 1).saturating_sub(digits.len());
        digits.splice(0..0, std::iter::repeat_n(b'0', missing));
        let fraction = digits.split_off(digits.len() - FRACTION_DIGITS);
        let last = fraction.iter().rposition(|digit| *digit != b'0');
        let sign: &[u8] = if self.is_negative { b"-" } else { b"" };
        match last {
            Some(last) => [sign, &digits, b".", &fraction[..=last]].concat().into(),
            None => [sign, &digits].concat().into(),
        }
    }

    fn exponent(self) -> i32 {
        match self.magnitude {
            Magnitude::Finite { exponent, .. } => exponent,
            Magnitude::Infinite => EXPONENT_MAX,
        }
    }

    /// The magnitude in units of two to the power of `exponent`, which is not above its own.
    fn scaled(self, exponent: i32) -> Big {
        let mantissa = match self.magnitude {
            Magnitude::Finite { mantissa, .. } => mantissa,
            Magnitude::Infinite => 0,
        };
        let mut scaled = Big::from(mantissa);
        scaled.shift_left((self.exponent() - exponent).unsigned_abs() as usize);
        scaled
    }
}

fn is_infinity(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity")
}

/// A number as it is written: its digits, and the power of the base (of two, if that is 16) that
/// they are to be multiplied by.
struct Written<'a> {
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Written<'a> {
    fn split(text: &'a [u8], base: u32) -> Option<Self> {
        let mark = if base == 16 { b'p' } else { b'e' };
        let place = text.iter().position(|byte| byte.eq_ignore_ascii_case(&mark));
        let (digits, exponent) = match place {
            Some(place) => (&text[..place], exponent(&text[place + 1..])?),
            None => (text, 0),
        };
        let point = digits.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point {
            Some(point) => (&digits[..point], &digits[point + 1..]),
            None => (digits, &b""[..]),
        };
        let is_digit = |byte: &u8| char::from(*byte).is_digit(base);
        let are_digits = whole.iter().chain(fraction).all(is_digit);
        (are_digits && whole.len() + fraction.len() > 0).then_some(Self {
            whole,
            fraction,
            exponent,
        })
    }

    /// `None` when it is too large, or too small to be told from zero though it is not zero.
    fn value(&self, base: u32) -> Option<Magnitude> {
        // Beyond these no text of the greatest length makes a number that can be held.
        let exponent_most = if base == 16 { 40_000 } else { 11_000 };
        let digits = self.whole.iter().chain(self.fraction);
        let digits = digits.filter_map(|byte| char::from(*byte).to_digit(base));
        let mut number = Big::from_digits(digits, base);
        if number.is_zero() {
            return Some(LongDouble::ZERO.magnitude);
        }
        let bits_a_digit = if base == 16 { 4 } else { 1 };
        let exponent = self.exponent - bits_a_digit * self.fraction.len() as i64;
        if exponent.abs() > exponent_most {
            return None;
        }
        let mut divisor = Big::from(1);
        let power = exponent.unsigned_abs() as usize;
        match (base, exponent < 0) {
            (16, false) => number.shift_left(power),
            (16, true) => divisor.shift_left(power),
            (_, false) => number.multiply_by_power_of_ten(power),
            (_, true) => divisor.multiply_by_power_of_ten(power),
        }
        let value = rounded(number, divisor, 0);
        let vanishes = matches!(value, Magnitude::Finite { mantissa: 0, .. });
        (!vanishes && value != Magnitude::Infinite).then_some(value)
    }
}

/// An exponent: a sign perhaps, then digits. What is beyond all measure is cut off.
fn exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(1_000_000_000);
    let number = digits.iter().fold(0, add);
    Some(if is_negative { -number } else { number })
}

/// The number nearest to `numerator / denominator * 2^unit`.
fn rounded(mut numerator: Big, mut denominator: Big, unit: i32) -> Magnitude {
    if numerator.is_zero() {
        return LongDouble::ZERO.magnitude;
    }
    // So that the quotient has 64 bits, or 63 and is then taken once more.
    let length = numerator.bits() as i32 - denominator.bits() as i32;
    let mut exponent = (length - 63 + unit).max(EXPONENT_MIN);
    let shift = exponent - unit;
    numerator.shift_left(shift.min(0).unsigned_abs() as usize);
    denominator.shift_left(shift.max(0) as usize);
    let mut mantissa = numerator.divide_by(&denominator);
    if mantissa >> 63 == 0 && exponent > EXPONENT_MIN {
        // One bit more.
        numerator.shift_left(1);
        mantissa = mantissa << 1 | numerator.divide_by(&denominator);
        exponent -= 1;
    }
    numerator.shift_left(1);
    let rest = numerator.cmp(&denominator);
    if rest.is_gt() || rest.is_eq() && mantissa & 1 == 1 {
        mantissa = mantissa.wrapping_add(1);
        if mantissa == 0 {
            (mantissa, exponent) = (1 << 63, exponent + 1);
        }
    }
    if exponent > EXPONENT_MAX {
        return Magnitude::Infinite;
    }
    Magnitude::Finite { mantissa, exponent }
}

/// How often 10^-17 goes into a number, to the nearest.
fn hundred_quadrillionths(mantissa: u64, exponent: i32) -> Big {
    let mut number = Big::from(mantissa);
    number.multiply_by_power_of_ten(FRACTION_DIGITS);
    let shift = exponent.unsigned_abs() as usize;
    if exponent >= 0 {
        number.shift_left(shift);
    } else {
        number.round_away_bits(shift);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(one: &str, other: &str) -> Option<String> {
        let number = |text: &str| LongDouble::parse(text.as_bytes()).expect("is a number");
        let sum = number(one).checked_add(number(other))?.to_bytes();
        Some(String::from_utf8_lossy(&sum).into_owned())
    }

    #[test]
    fn sums_are_those_of_redis() {
        for (one, other, expected) in [
            ("0.1", "0.2", "0.3"),
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("1", "-1", "0"),
            ("-0", "-0.0", "0"),
            ("3", "-3.000000000000000001", "0"),
            ("0x1.8p1", ".5", "3.5"),
            ("17179869184", "1.1", "17179869185.09999999962747097"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("9223372036854775807", "0.5", "9223372036854775807.5"),
            ("1e30", "1", "1000000000000000000024696061952"),
            ("-1.5", "1e-17", "-1.49999999999999999"),
            ("1e-4940", "1e-4950", "0"),
        ] {
            assert_eq!(sum(one, other).as_deref(), Some(expected), "{one} + {other}");
        }
        let largest = "1.18973149535723176502e4932";
        assert_eq!(sum(largest, largest), None);
        assert_eq!(sum("inf", "1"), None);
        assert_eq!(sum("-infinity", "inf"), None);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "-",
            ".",
            "e1",
            "1e",
            "1e+",
            "0x",
            "0x.",
            "0x1p",
            "1,5",
            "nan",
            "i",
            "1e4933",
            "-1e99999999999",
            "1e-4951",
            "0x1p-16446",
            "1\0",
        ] {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text:?}");
        }
        let long = |digits: usize| LongDouble::parse("0".repeat(digits).as_bytes());
        assert_eq!(long(5119), Some(LongDouble::ZERO));
        assert_eq!(long(5120), None);
        for text in ["+1", "1.", ".5", "1E+2", "0e99999999999", "0x1P-2", "1e4932", "2e-4951", "-0"]
        {
            assert!(LongDouble::parse(text.as_bytes()).is_some(), "{text:?}");
        }
    }
}
