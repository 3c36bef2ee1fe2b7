//! How long messages take in a scenario.

use std::time::Duration;

use crate::world::Latency;

/// How long messages take.
///
/// ```
/// use std::time::Duration;
/// use fencepost::scenario::{LinkSettings, Scenario};
/// use fencepost::world::Latency;
///
/// let far = LinkSettings {
///     from: "buyer-1".to_owned(),
///     to: "redis".to_owned(),
///     latency: Latency::Fixed(Duration::from_millis(80)),
/// };
/// let sale = Scenario::default().but(|s| s.network.links.push(far));
/// assert!(sale.run(1).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkSettings {
    /// Of every link that has no latency of its own.
    pub latency: Latency,
    /// Links with a latency of their own, one way each, by the names of the nodes.
    pub links: Vec<LinkSettings>,
}

/// The latency of one link, one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// How long messages take.
    pub latency: Latency,
}

impl Default for NetworkSettings {
    /// A few machines in one data centre: about half a millisecond, with a tail.
    fn default() -> Self {
        let (min, mean_rest) = (Duration::from_micros(200), Duration::from_micros(300));
        Self { latency: Latency::Exponential { min, mean_rest }, links: Vec::new() }
    }
}
