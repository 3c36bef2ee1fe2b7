//! The generator behind `math.random`: the one of `lrand48(3)`, which Redis brings along so that
//! it is the same everywhere. Source: `rand.c`.

/// One server's generator. It starts the same in every process, and one script goes on where the
/// other stopped.
#[derive(Clone, Debug)]
pub(crate) struct Lrand48 {
    state: u64,
}

const MASK: u64 = (1 << 48) - 1;

impl Default for Lrand48 {
    fn default() -> Self {
        Self { state: 0x1234_ABCD_330E }
    }
}

impl Lrand48 {
    /// The next number: 31 bits.
    pub(crate) fn next(&mut self) -> i32 {
        self.state = self.state.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB) & MASK;
        (self.state >> 17) as i32
    }

    /// Starts again from a seed.
    pub(crate) fn seed(&mut self, seed: i32) {
        self.state = u64::from(seed as u32) << 16 | 0x330E;
    }
}
