//! Randomness by the integer. Raw ChaCha8 output is the same in every version of `rand_chacha`,
//! but `rand`'s ranges and shuffles are not the same in every version of `rand`: a seed in the
//! corpus would rot. So everything is sampled here, over `next_u64` alone, and pinned by golden
//! tests.

use std::cell::Cell;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::time::nanos;

/// One stream of random numbers.
///
/// A run has one stream per purpose and node, all under the run's seed: taking one fault away
/// leaves the draws of everything else alone, which shrinking and same-seed comparison need.
#[derive(Clone, Debug)]
pub struct Random {
    rng: ChaCha8Rng,
    /// The number of the future that its draws come from; 0 for those of the seed.
    future: u64,
}

thread_local! {
    /// The number of the future that this thread's draws come from; 0 for those of the seeds.
    static FUTURE: Cell<u64> = const { Cell::new(0) };
}

/// For as long as it lives, every stream of this thread gives other numbers than it would have, from its next
/// draw on: those of one of many futures. What has been drawn before stays as it was, and so a run that has
/// come to some point can go on in another way. Where the streams are, and who owns them, makes no difference.
///
/// ```
/// use std::num::NonZeroU64;
/// use fencepost_models::random::{OtherFuture, Random};
///
/// let (mut one, mut same) = (Random::new(7, 1), Random::new(7, 1));
/// assert_eq!(one.bits(), same.bits());
/// let as_it_was = same.bits();
/// let _future = OtherFuture::begin(NonZeroU64::MIN);
/// assert_ne!(one.bits(), as_it_was);
/// ```
#[derive(Debug)]
#[must_use = "the future is over when this is dropped"]
pub struct OtherFuture {
    /// It is of the thread that made it.
    not_send: PhantomData<*const ()>,
}

impl OtherFuture {
    /// Begins the future of that number, in the place of any other.
    pub fn begin(number: NonZeroU64) -> Self {
        FUTURE.set(number.get());
        Self { not_send: PhantomData }
    }
}

impl Drop for OtherFuture {
    fn drop(&mut self) {
        FUTURE.set(0);
    }
}

impl Default for Random {
    /// The first stream under the seed 0.
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl Random {
    /// The stream number `stream` under `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self { rng, future: 0 }
    }

    /// Another stream under the same seed, for a second purpose of the same owner; this one is left
    /// as it is.
    pub fn beside(&self) -> Self {
        /// No purpose of the world's has this bit.
        const BESIDE: u64 = 1 << 63;
        let mut rng = self.rng.clone();
        rng.set_stream(rng.get_stream() ^ BESIDE);
        rng.set_word_pos(0);
        Self { rng, future: self.future }
    }

    /// A random UUID, version 4, as Java's `UUID.randomUUID().toString()` gives one.
    ///
    /// ```
    /// use fencepost_models::random::Random;
    ///
    /// let uuid = Random::new(7, 1).uuid();
    /// assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    /// ```
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff,
        )
    }

    /// Sixty-four random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let future = FUTURE.get();
        if future != self.future {
            self.turn_to(future);
        }
        self.rng.next_u64()
    }

    /// Goes on with the numbers of another future. Its stream and its seed tell it from all others there too.
    #[cold]
    fn turn_to(&mut self, future: u64) {
        /// No other bit of the key depends on the future; one of these always does.
        const MARK: u8 = 0x80;
        let Some(number) = NonZeroU64::new(future) else {
            // The future is over, and so is whoever drew from it.
            return;
        };
        let mut key = self.rng.get_seed();
        for (byte, by) in key.iter_mut().zip((number.get() ^ self.future).to_le_bytes()) {
            *byte ^= by;
        }
        if self.future == 0 {
            key[31] ^= MARK;
        }
        let stream = self.rng.get_stream();
        self.rng = ChaCha8Rng::from_seed(key);
        self.rng.set_stream(stream);
        self.future = future;
    }

    /// A number below `bound`, each equally likely; 0 when `bound` is 0.
    ///
    /// Lemire's multiplication method with rejection, so it is exact and seldom draws twice.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            let low = product as u64;
            if low >= bound || low >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }

    /// A number of the range, each equally likely; the start when the range is empty.
    #[inline]
    pub fn range(&mut self, range: RangeInclusive<u64>) -> u64 {
        let (start, end) = range.into_inner();
        match end.saturating_sub(start).checked_add(1) {
            Some(width) => start + self.below(width),
            None => self.bits(),
        }
    }

    /// A duration between the two, both included, by the nanosecond.
    #[inline]
    pub fn duration(&mut self, range: RangeInclusive<Duration>) -> Duration {
        Duration::from_nanos(self.range(nanos(*range.start())..=nanos(*range.end())))
    }

    /// True `numerator` times out of `denominator`.
    pub fn ratio(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// One of the items, each equally likely; `None` when there are none.
    pub fn choice<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(usize::try_from(self.below(items.len() as u64)).ok()?)
    }

    /// Puts the items into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// A duration whose distribution is exponential with the given mean, cut off at 64 means.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        Duration::from_nanos(self.exponential_nanos(nanos(mean)))
    }

    /// The same in nanoseconds: to make a [`Duration`] and take it apart again is a division and a
    /// multiplication, and the network draws one for each message.
    #[inline]
    pub fn exponential_nanos(&mut self, mean: u64) -> u64 {
        /// The natural logarithm of 2, times 2^32.
        const LN_2: u128 = 2_977_044_472;
        // −ln of the draw, times 2^32.
        let surprise = (u128::from(minus_log2(self.bits())) * LN_2) >> 32;
        u64::try_from((u128::from(mean) * surprise) >> 32).unwrap_or(u64::MAX)
    }
}

/// −log2 of `uniform` read as a number in (0, 1], times 2^32; wrong by 2^14 at most.
///
/// The whole part is the number of leading zeros; the rest lies on a line between two entries of a
/// table. Integers only, hence the same on every machine.
#[inline]
fn minus_log2(uniform: u64) -> u64 {
    /// What lies between two entries, in bits of the mantissa.
    const STEP_BITS: u32 = 63 - TABLE_BITS;
    let uniform = uniform | 1;
    let zeros = uniform.leading_zeros();
    // The mantissa in [1, 2), times 2^63, without its leading one.
    let mantissa = (uniform << zeros) & (u64::MAX >> 1);
    let place = (mantissa >> STEP_BITS) as usize;
    // How far beyond that entry, times 2^32.
    let beyond = (mantissa & ((1 << STEP_BITS) - 1)) >> (STEP_BITS - 32);
    let (low, high) = (LOG2[place], LOG2[place + 1]);
    let fraction = low + (((high - low) * beyond) >> 32);
    (u64::from(zeros) << 32) + (1 << 32) - fraction
}

/// The table has two to the power of so many steps from 1 to 2.
const TABLE_BITS: u32 = 8;

/// log2 of 1 + n / 2^[`TABLE_BITS`], times 2^32. The line between two entries runs below the curve
/// by at most 1 / (8 ln 2) of a step squared, 2^13.6 of 2^32 where it is worst.
static LOG2: [u64; (1 << TABLE_BITS) + 1] = {
    let mut table = [1 << 32; (1 << TABLE_BITS) + 1];
    let mut place = 0;
    while place < 1 << TABLE_BITS {
        table[place] = log2((1 << 63) + ((place as u64) << (63 - TABLE_BITS)));
        place += 1;
    }
    table
};

/// log2 of a mantissa in [1, 2) that is given times 2^63, times 2^32: bit by bit, each from
/// squaring what is left, the schoolbook method.
const fn log2(mut mantissa: u64) -> u64 {
    let mut fraction = 0;
    let mut bit = 32;
    while bit > 0 {
        bit -= 1;
        // Times 2^62, so that the square of up to 4 has room.
        let square = (mantissa as u128 * mantissa as u128) >> 64;
        if square >= 1 << 63 {
            fraction |= 1 << bit;
            mantissa = square as u64;
        } else {
            mantissa = (square << 1) as u64;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_are_pinned() {
        let first: Vec<u64> = (0..3).map(|stream| Random::new(7, stream).bits()).collect();
        insta::assert_debug_snapshot!(first);
    }

    #[test]
    fn every_sampler_is_pinned() {
        let mut random = Random::new(1, 1);
        let below: Vec<u64> = (0..8).map(|_| random.below(10)).collect();
        let range: Vec<u64> = (0..8).map(|_| random.range(100..=103)).collect();
        let ratio: Vec<bool> = (0..8).map(|_| random.ratio(1, 3)).collect();
        let choice: Vec<Option<&&str>> = (0..4).map(|_| random.choice(&["a", "b", "c"])).collect();
        let mut shuffled = [1, 2, 3, 4, 5, 6, 7, 8];
        random.shuffle(&mut shuffled);
        let exponential: Vec<Duration> =
            (0..6).map(|_| random.exponential(Duration::from_millis(5))).collect();
        insta::assert_debug_snapshot!((below, range, ratio, choice, shuffled, exponential));
    }

    #[test]
    fn a_stream_beside_another_is_its_own_and_leaves_it_alone() {
        let mut random = Random::new(7, 1);
        let mut beside = random.beside();
        let first = random.bits();
        assert_eq!(first, Random::new(7, 1).bits());
        assert_ne!(beside.bits(), first);
        assert_eq!(random.beside().bits(), Random::new(7, 1).beside().bits());
    }

    #[test]
    fn each_future_has_numbers_of_its_own_and_none_has_those_of_the_past() {
        let draw = |random: &mut Random| [(); 4].map(|()| random.bits());
        let mut seen = vec![draw(&mut Random::new(7, 1))];
        for number in [1, 2, 1 << 40, u64::MAX] {
            let number = NonZeroU64::new(number).unwrap();
            let mut random = Random::new(7, 1);
            let past = random.bits();
            let future = OtherFuture::begin(number);
            seen.push(draw(&mut random));
            seen.push(draw(&mut Random::new(7, 2)));
            seen.push(draw(&mut random.beside()));
            drop(future);
            assert_eq!(past, Random::new(7, 1).bits(), "what is drawn before it, and after it");
            // The future depends on where it begins in no way: only on its number.
            let mut later = Random::new(7, 1);
            draw(&mut later);
            let _future = OtherFuture::begin(number);
            assert_eq!(Some(&draw(&mut later)), seen.iter().nth_back(2));
        }
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }

    #[test]
    fn one_future_after_another_is_the_other() {
        let (one, other) = (NonZeroU64::new(5).unwrap(), NonZeroU64::new(6).unwrap());
        let mut random = Random::new(7, 1);
        let first = OtherFuture::begin(one);
        random.bits();
        drop(first);
        let _second = OtherFuture::begin(other);
        assert_eq!(random.bits(), Random::new(7, 1).bits());
    }

    #[test]
    fn odd_bounds_are_answered() {
        let mut random = Random::new(1, 1);
        assert_eq!(random.below(0), 0);
        assert_eq!(random.range(5..=5), 5);
        #[expect(clippy::reversed_empty_ranges, reason = "the empty range is the case under test")]
        let empty = 9..=3;
        assert_eq!(random.range(empty), 9);
        assert!(random.choice::<u8>(&[]).is_none());
        random.range(0..=u64::MAX);
    }

    #[test]
    fn every_number_below_a_bound_comes_about_equally_often() {
        let mut random = Random::new(3, 0);
        let mut seen = [0_u32; 7];
        for _ in 0..70_000 {
            seen[random.below(7) as usize] += 1;
        }
        assert!(seen.iter().all(|count| (9_500..10_500).contains(count)), "{seen:?}");
    }

    #[test]
    fn the_table_agrees_with_the_schoolbook() {
        assert_eq!(LOG2[0], 0);
        assert_eq!(LOG2[128], 2_512_394_809, "log2 of 1.5, times 2^32, rounded down");
        let mut random = Random::new(5, 0);
        let ends = [1, 2, 3, 1 << 63, u64::MAX, (1 << 63) - 1];
        let draws = (0..100_000).map(|round| random.bits() >> (round % 64));
        for uniform in ends.into_iter().chain(draws) {
            let uniform = uniform | 1;
            let zeros = uniform.leading_zeros();
            let exact = (u64::from(zeros) << 32) + (1 << 32) - log2(uniform << zeros);
            let error = minus_log2(uniform).abs_diff(exact);
            assert!(error < 1 << 14, "{uniform}: {exact}, wrong by {error}");
        }
    }

    #[test]
    fn a_greater_number_is_no_greater_surprise() {
        let mut random = Random::new(6, 0);
        for _ in 0..100_000 {
            let (one, step) = (random.bits(), random.bits() >> 20);
            assert!(minus_log2(one) >= minus_log2(one.saturating_add(step)), "{one} {step}");
        }
        assert_eq!(minus_log2(0), 64 << 32);
        assert_eq!(minus_log2(1 << 63), 1 << 32);
    }

    #[test]
    fn the_longest_mean_is_cut_off_and_does_not_overflow() {
        let mut random = Random::new(7, 0);
        assert!(
            (0..100).any(|_| random.exponential(Duration::MAX) == Duration::from_nanos(u64::MAX))
        );
        assert_eq!(random.exponential(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn the_exponential_has_its_mean_and_its_median() {
        let mut random = Random::new(4, 0);
        let mut draws: Vec<u64> =
            (0..100_001).map(|_| nanos(random.exponential(Duration::from_micros(1000)))).collect();
        draws.sort_unstable();
        let mean = draws.iter().sum::<u64>() / draws.len() as u64;
        let median = draws[draws.len() / 2];
        assert!((990_000..1_010_000).contains(&mean), "{mean}");
        // The median of an exponential is its mean times ln 2.
        assert!((683_000..703_000).contains(&median), "{median}");
    }
}
