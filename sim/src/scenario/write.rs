//! A scenario, written as TOML, in the order in which people read one.

use std::fmt::{self, Write as _};
use std::time::Duration;

use fencepost_faults::show;
use fencepost_faults::toml::{duration, plan_to_toml, show_size, string, strings};
use fencepost_models::locks::set_nx::SetNxSettings;
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::BuyerSettings;

use super::{NetworkSettings, Recipe, Scenario, Shop};
use crate::world::{Latency, Limits};

impl Scenario {
    /// The scenario as TOML. Title, seed, duration, backend, recipe and shop are always written,
    /// of the rest only what differs from the defaults.
    ///
    /// Whatever [`Scenario::from_toml`] accepts, it reads back from this as the same scenario.
    ///
    /// ```
    /// use fencepost::scenario::Scenario;
    ///
    /// let scenario = Scenario::default().but(|s| s.title = "Two buyers".to_owned());
    /// let text = scenario.to_toml();
    /// assert!(text.starts_with("title = \"Two buyers\"\nseed = 0\nduration = \"60s\"\n"));
    /// assert_eq!(Scenario::from_toml("two.toml", &text).unwrap(), scenario);
    /// ```
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "title = {}", string(&self.title))?;
        if !self.explain.is_empty() {
            writeln!(out, "explain = {}", string(&self.explain))?;
        }
        writeln!(out, "seed = {}", self.seed)?;
        writeln!(out, "duration = {}", duration(self.duration))?;
        if let Some(backend) = self.backend {
            writeln!(out, "\n[backend]\nkind = {}", string(backend.as_str()))?;
        }
        writeln!(out, "\n[lock]\nrecipe = {}", string(self.lock.as_str()))?;
        match &self.lock {
            Recipe::None | Recipe::ConditionalUpdate => {}
            Recipe::SetNx(settings) => write_set_nx(out, settings)?,
        }
        write_shop(out, &self.shop)?;
        write_network(out, &self.network)?;
        if !self.faults.is_empty() {
            write!(out, "\n{}", plan_to_toml(&self.faults))?;
        }
        if let Some(random) = &self.random_faults {
            let kinds = strings(random.kinds.iter().map(|kind| kind.as_str()));
            writeln!(out, "\n[random_faults]\nkinds = {kinds}\nmax = {}", random.max)?;
        }
        write_limits(out, self.limits)?;
        if let Some(kinds) = &self.expect {
            let kinds = strings(kinds.iter().map(|kind| kind.as_str()));
            writeln!(out, "\n[expect]\nviolations = {kinds}")?;
        }
        Ok(())
    }
}

fn write_set_nx(out: &mut String, settings: &SetNxSettings) -> fmt::Result {
    let defaults = SetNxSettings::default();
    write_duration(out, "ttl", settings.ttl, defaults.ttl)?;
    write_duration(out, "poll", settings.poll, defaults.poll)?;
    write_duration(out, "poll_jitter", settings.poll_jitter, defaults.poll_jitter)?;
    write_duration(out, "timeout", settings.timeout, defaults.timeout)?;
    if settings.key != defaults.key {
        writeln!(out, "key = {}", string(&settings.key.to_string()))?;
    }
    Ok(())
}

fn write_shop(out: &mut String, shop: &Shop) -> fmt::Result {
    let fencing = match shop.fencing {
        Fencing::Off => "off",
        Fencing::Writes => "writes",
        Fencing::ReadsAndWrites => "reads-and-writes",
    };
    let (stock, buyers) = (shop.stock, shop.buyers);
    writeln!(out, "\n[shop]\nstock = {stock}\nbuyers = {buyers}\nfencing = {}", string(fencing))?;
    let (buyer, defaults) = (&shop.buyer, BuyerSettings::default());
    write_range(out, "work", buyer.work, defaults.work)?;
    write_range(out, "browse", buyer.browse, defaults.browse)?;
    write_duration(out, "store_timeout", buyer.store_timeout, defaults.store_timeout)
}

fn write_network(out: &mut String, network: &NetworkSettings) -> fmt::Result {
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

fn write_limits(out: &mut String, limits: Limits) -> fmt::Result {
    let defaults = Limits::default();
    if limits == defaults {
        return Ok(());
    }
    out.write_str("\n[limits]\n")?;
    if limits.events != defaults.events {
        writeln!(out, "events = {}", limits.events)?;
    }
    write_duration(out, "simulated", limits.simulated, defaults.simulated)?;
    if limits.memory != defaults.memory {
        writeln!(out, "memory = {}", string(&show_size(limits.memory)))?;
    }
    Ok(())
}

fn write_duration(out: &mut String, key: &str, value: Duration, default: Duration) -> fmt::Result {
    if value == default { Ok(()) } else { writeln!(out, "{key} = {}", duration(value)) }
}

type Range = (Duration, Duration);

fn write_range(out: &mut String, key: &str, value: Range, default: Range) -> fmt::Result {
    if value == default { Ok(()) } else { writeln!(out, "{key} = {}", range(value)) }
}

/// What `Value::duration_range` reads.
fn range((from, to): Range) -> String {
    let (from, to) = (show(from), show(to));
    string(&if from == to { from } else { format!("{from}..{to}") })
}
