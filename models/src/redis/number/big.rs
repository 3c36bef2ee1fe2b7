//! Natural numbers of any size: the few operations that exact rounding needs.

use std::cmp::Ordering;

/// A natural number, its lowest 32 bits first, without leading zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Big(Vec<u32>);

impl From<u64> for Big {
    fn from(number: u64) -> Self {
        let mut words = Self(vec![number as u32, (number >> 32) as u32]);
        words.trim();
        words
    }
}

impl Ord for Big {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_words = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(by_words)
    }
}

impl PartialOrd for Big {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Big {
    /// The number that digits to a base of at most 36 stand for.
    pub(super) fn from_digits(digits: impl Iterator<Item = u32>, base: u32) -> Self {
        let mut number = Self::default();
        digits.for_each(|digit| number.multiply_add(base, digit));
        number
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bits it has, without leading zeros.
    pub(super) fn bits(&self) -> usize {
        let last = self.0.last().map_or(0, |word| word.leading_zeros() as usize);
        self.0.len() * 32 - last
    }

    /// Makes it `self * factor + summand`.
    pub(super) fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for word in &mut self.0 {
            carry += u64::from(*word) * u64::from(factor);
            *word = carry as u32;
            carry >>= 32;
        }
        self.0.push(carry as u32);
        self.trim();
    }

    /// Multiplies by a power of ten.
    pub(super) fn multiply_by_power_of_ten(&mut self, exponent: usize) {
        const NINE: usize = 9;
        for _ in 0..exponent / NINE {
            self.multiply_add(1_000_000_000, 0);
        }
        for _ in 0..exponent % NINE {
            self.multiply_add(10, 0);
        }
    }

    /// Divides by a small number; gives the rest.
    pub(super) fn divide(&mut self, divisor: u32) -> u32 {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            rest = rest << 32 | u64::from(*word);
            *word = (rest / u64::from(divisor)) as u32;
            rest %= u64::from(divisor);
        }
        self.trim();
        rest as u32
    }

    /// Multiplies by a power of two.
    pub(super) fn shift_left(&mut self, bits: usize) {
        if self.is_zero() {
            return;
        }
        self.0.splice(0..0, std::iter::repeat_n(0, bits / 32));
        if !bits.is_multiple_of(32) {
            self.multiply_add(1 << (bits % 32), 0);
        }
    }

    /// Divides by a power of two, and rounds to the nearest; to the even one of two.
    pub(super) fn round_away_bits(&mut self, bits: usize) {
        let is_set = |number: &Self, bit: usize| {
            number.0.get(bit / 32).is_some_and(|word| word >> (bit % 32) & 1 == 1)
        };
        let half = bits.checked_sub(1).is_some_and(|bit| is_set(self, bit));
        let more = (0..bits.saturating_sub(1)).any(|bit| is_set(self, bit));
        let odd = is_set(self, bits);
        self.0.drain(..(bits / 32).min(self.0.len()));
        self.divide(1 << (bits % 32));
        if half && (more || odd) {
            self.add(&Self(vec![1]));
        }
    }

    /// Adds a number.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()) + 1, 0);
        let mut carry = 0;
        for (place, word) in self.0.iter_mut().enumerate() {
            carry += u64::from(*word) + u64::from(other.0.get(place).copied().unwrap_or(0));
            *word = carry as u32;
            carry >>= 32;
        }
        self.trim();
    }

    /// Takes away a number that is not larger.
    pub(super) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (place, word) in self.0.iter_mut().enumerate() {
            let other = other.0.get(place).copied().unwrap_or(0);
            let (less, under) = word.overflowing_sub(other);
            let (less, under_again) = less.overflowing_sub(u32::from(borrow));
            (*word, borrow) = (less, under || under_again);
        }
        self.trim();
    }

    /// Divides, where the quotient is known to have at most 64 bits; gives it and leaves the rest.
    pub(super) fn divide_by(&mut self, divisor: &Self) -> u64 {
        let mut quotient = 0;
        for bit in (0..64).rev() {
            if self.bits() < divisor.bits() + bit {
                continue;
            }
            let mut part = divisor.clone();
            part.shift_left(bit);
            if *self >= part {
                self.subtract(&part);
                quotient |= 1 << bit;
            }
        }
        quotient
    }

    /// Its decimal digits; none for zero.
    pub(super) fn into_decimal(mut self) -> Vec<u8> {
        let mut digits = Vec::new();
        while !self.is_zero() {
            let mut nine = self.divide(1_000_000_000);
            for _ in 0..9 {
                digits.push(b'0' + (nine % 10) as u8);
                nine /= 10;
            }
        }
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        digits.reverse();
        digits
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn big(number: u128) -> Big {
        let mut big = Big::from((number >> 64) as u64);
        big.shift_left(64);
        big.add(&Big::from(number as u64));
        big
    }

    proptest! {
        #[test]
        fn it_reckons_as_the_machine_does(one: u128, other: u128, small in 1_u32.., bits in 0..64_usize) {
            let (one, other) = (one >> 2, other >> 2);
            let mut sum = big(one);
            sum.add(&big(other));
            prop_assert_eq!(&sum, &big(one + other));
            sum.subtract(&big(other));
            prop_assert_eq!(&sum, &big(one));
            prop_assert_eq!(big(one).cmp(&big(other)), one.cmp(&other));
            prop_assert_eq!(big(one).bits() as u32, 128 - one.leading_zeros());
            let mut quotient = big(one);
            prop_assert_eq!(u128::from(quotient.divide(small)), one % u128::from(small));
            prop_assert_eq!(quotient, big(one / u128::from(small)));
            let mut shifted = big(one >> 64);
            shifted.shift_left(bits);
            prop_assert_eq!(shifted, big((one >> 64) << bits));
            let mut halved = big(one);
            halved.round_away_bits(bits);
            let (whole, rest) = (one >> bits, one & ((1 << bits) - 1));
            let up = rest << 1 > 1 << bits || rest << 1 == 1 << bits && whole % 2 == 1;
            prop_assert_eq!(halved, big(whole + u128::from(up)));
            let divisor = (other >> 60).max(1 << 62);
            let mut rest = big(one);
            prop_assert_eq!(u128::from(rest.divide_by(&big(divisor))), one / divisor);
            prop_assert_eq!(rest, big(one % divisor));
            prop_assert_eq!(big(one + 1).into_decimal(), (one + 1).to_string().into_bytes());
        }
    }
}
