//! What a count says of the rate behind it: the Wilson score interval (E. B. Wilson, "Probable
//! inference, the law of succession, and statistical inference", JASA 22, 1927). Unlike the usual
//! p ± 2σ it holds for rare events too, and for none at all.

/// A rate and the interval in which the true one lies with 95 % confidence; each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Interval {
    /// As counted.
    pub rate: f64,
    /// Hardly less than this.
    pub low: f64,
    /// Hardly more than this.
    pub high: f64,
}

impl Interval {
    /// The rate and the interval's two ends in per cent, with as many places as show the rate, or the upper end
    /// when there is no rate, with two digits.
    #[expect(clippy::float_arithmetic, reason = "statistics to print: no run depends on them")]
    pub fn percents(&self) -> [String; 3] {
        let shown = if self.rate > 0.0 { self.rate } else { self.high };
        let places =
            [0.1, 0.01, 0.001, 0.0001].iter().take_while(|step| shown < **step).count() + 1;
        [self.rate, self.low, self.high].map(|share| format!("{:.places$} %", share * 100.0))
    }
}

/// The interval for so many of so many; from 0 to 1 where nothing was tried.
///
/// ```
/// let interval = fencepost::hunt::wilson(0, 1_000);
/// assert_eq!((interval.rate, interval.low), (0.0, 0.0));
/// assert!(interval.high < 0.004);
/// ```
#[expect(clippy::float_arithmetic, reason = "statistics to print: no run depends on them")]
pub fn wilson(count: u64, of: u64) -> Interval {
    /// The 97.5th percentile of the standard normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 {
        return Interval { rate: 0.0, low: 0.0, high: 1.0 };
    }
    let (count, trials) = (count.min(of) as f64, of as f64);
    let rate = count / trials;
    let shrink = 1.0 + Z * Z / trials;
    let centre = (rate + Z * Z / (2.0 * trials)) / shrink;
    let variance = rate * (1.0 - rate) / trials + Z * Z / (4.0 * trials * trials);
    let half = Z / shrink * variance.sqrt();
    // Rounding must not leave the range, nor put the rate outside its own interval.
    Interval { rate, low: (centre - half).clamp(0.0, rate), high: (centre + half).clamp(rate, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
    /// Medicine 17 (1998), table I, method 3.
    #[test]
    fn the_published_intervals() {
        let published = [
            ((81, 263), (0.2553, 0.3662)),
            ((15, 148), (0.0624, 0.1605)),
            ((0, 20), (0.0, 0.1611)),
            ((1, 29), (0.0061, 0.1718)),
        ];
        for ((count, of), (low, high)) in published {
            let interval = wilson(count, of);
            assert!((interval.low - low).abs() < 0.000_05, "{count}/{of}: {interval:?}");
            assert!((interval.high - high).abs() < 0.000_05, "{count}/{of}: {interval:?}");
        }
    }

    #[test]
    fn all_of_them_mirrors_none_of_them() {
        for of in [1, 7, 1_000, 200_000] {
            let (none, all) = (wilson(0, of), wilson(of, of));
            assert!((none.high - (1.0 - all.low)).abs() < 1e-12, "{none:?} {all:?}");
            assert!(none.low <= 0.0 && all.high >= 1.0, "{none:?} {all:?}");
        }
    }

    #[test]
    fn odd_counts_stay_between_0_and_1() {
        for (count, of) in [(0, 0), (5, 0), (7, 3), (1, u64::MAX), (u64::MAX, u64::MAX)] {
            let Interval { rate, low, high } = wilson(count, of);
            assert!(0.0 <= low && low <= rate && rate <= high && high <= 1.0, "{count}/{of}");
        }
    }
}
