//! Which random stream serves what. Every purpose and node has its own, so that a fault taken
//! away, or fencing switched on, leaves the draws of everything else alone.

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A link's latencies.
    Link = 1,
    /// A machine's own draws; each incarnation has another stream.
    Machine = 2,
    /// The uptime of a host when the simulation begins.
    Uptime = 3,
    /// The faults that are drawn.
    Faults = 4,
}

impl Purpose {
    /// The number of the stream for this purpose, this item (a link, a node) and this variant.
    pub const fn stream(self, item: u64, variant: u32) -> u64 {
        ((self as u64) << 56) | ((item & 0xFF_FFFF) << 32) | variant as u64
    }
}
