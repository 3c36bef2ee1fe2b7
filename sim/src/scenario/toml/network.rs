//! `[network]`: how long messages take.

use std::fmt::{self, Write as _};

use fencepost_faults::toml::{MAX_DURATION, Nodes, Table, Value, duration, string};

use super::{INSTANT, ZERO, range, set};
use crate::scenario::{LinkSettings, NetworkSettings};
use crate::world::Latency;

/// How latencies are written.
const LATENCIES: &str = "a latency is a duration (\"1ms\"), even between two ({ min = \"1ms\", \
                         max = \"3ms\" }), the same with a spike in so many messages ({ min = \
                         \"1ms\", max = \"3ms\", spike = \"50ms..200ms\", one_in = 1000 }), or \
                         exponential above one ({ min = \"200us\", mean_rest = \"300us\" })";

pub(super) fn read_network(root: &mut Table<'_>, nodes: Nodes<'_>, network: &mut NetworkSettings) {
    let Some(mut table) = root.section("network") else {
        return;
    };
    set(&mut network.latency, table.get("latency").and_then(|value| read_latency(&value)));
    let links = table.get("links").and_then(|links| links.tables()).unwrap_or_default();
    network.links = links.into_iter().filter_map(|link| read_link(link, nodes)).collect();
    table.finish();
}

fn read_link(mut table: Table<'_>, nodes: Nodes<'_>) -> Option<LinkSettings> {
    let from = table.required("from", "from = \"buyer-1\"").and_then(|from| nodes.read(&from));
    let to_value = table.required("to", "to = \"store\"");
    let to = to_value.as_ref().and_then(|to| nodes.read(to));
    let latency = table.required("latency", "latency = \"1ms\"");
    let latency = latency.and_then(|value| read_latency(&value));
    table.finish();
    let (from, to) = (from?, to?);
    if from == to {
        let message = format!("`network.links` joins `{to}` with itself");
        to_value?.problem(message, "expected another node than in `from`", None);
        return None;
    }
    Some(LinkSettings { from, to, latency: latency? })
}

/// A duration, or a table whose keys say which distribution it is.
fn read_latency(value: &Value<'_>) -> Option<Latency> {
    if !value.is_table() {
        return value.duration_or(LATENCIES, ZERO..=MAX_DURATION).map(Latency::Fixed);
    }
    let mut table = value.table()?;
    let min = table.required("min", LATENCIES);
    let min = min.and_then(|min| min.duration(ZERO..=MAX_DURATION));
    let (max, mean_rest) = (table.get("max"), table.get("mean_rest"));
    let (spike, one_in) = (table.get("spike"), table.get("one_in"));
    table.finish();
    match (max, mean_rest, spike, one_in) {
        (Some(max), None, None, None) => {
            Some(Latency::Uniform { min: min?, max: max.duration(min?..=MAX_DURATION)? })
        }
        (Some(max), None, Some(spike), Some(one_in)) => {
            let max = max.duration(min?..=MAX_DURATION);
            let spike = spike.duration_range(ZERO..=MAX_DURATION);
            let one_in = one_in.integer(1..=u64::MAX >> 1)?;
            let (spike_min, spike_max) = spike?;
            Some(Latency::Spiky { min: min?, max: max?, spike_min, spike_max, one_in })
        }
        (None, Some(mean), None, None) => {
            let mean_rest = mean.duration(INSTANT..=MAX_DURATION)?;
            Some(Latency::Exponential { min: min?, mean_rest })
        }
        _ => {
            let message = format!("`{}` is no distribution that there is", value.key());
            value.problem(message, "these keys do not go together", Some(LATENCIES.to_owned()));
            None
        }
    }
}

pub(super) fn write_network(out: &mut String, network: &NetworkSettings) -> fmt::Result {
    if network.latency != NetworkSettings::default().latency {
        writeln!(out, "\n[network]\nlatency = {}", latency(network.latency))?;
    }
    for link in &network.links {
        let (from, to) = (string(&link.from), string(&link.to));
        writeln!(out, "\n[[network.links]]\nfrom = {from}\nto = {to}")?;
        writeln!(out, "latency = {}", latency(link.latency))?;
    }
    Ok(())
}

/// What `read_latency` reads.
fn latency(latency: Latency) -> String {
    match latency {
        Latency::Fixed(fixed) => duration(fixed),
        Latency::Uniform { min, max } => {
            format!("{{ min = {}, max = {} }}", duration(min), duration(max))
        }
        Latency::Exponential { min, mean_rest } => {
            format!("{{ min = {}, mean_rest = {} }}", duration(min), duration(mean_rest))
        }
        Latency::Spiky { min, max, spike_min, spike_max, one_in } => format!(
            "{{ min = {}, max = {}, spike = {}, one_in = {one_in} }}",
            duration(min),
            duration(max),
            range((spike_min, spike_max)),
        ),
    }
}
