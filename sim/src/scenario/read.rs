//! A scenario, read from TOML, section by section.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use fencepost_faults::toml::{Document, MAX_DURATION, Nodes, Problem, Table, Value, read_plan};
use fencepost_faults::{FaultKind, RandomFaults, show};
use fencepost_models::locks::set_nx::SetNxSettings;
use fencepost_models::note::Name;
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::BuyerSettings;

use super::diagnostic::InvalidScenario;
use super::file::MAX_FILE_BYTES;
use super::{Backend, LinkSettings, NetworkSettings, Recipe, Scenario, Shop};
use crate::judge::ViolationKind;
use crate::world::{Latency, Limits};

/// More orders than any run has time for.
const MAX_STOCK: u64 = 1_000_000_000;
/// More than hunts can use: a plan in which everything fails shows nothing.
const MAX_RANDOM_FAULTS: u32 = 100;
/// An hour of a fast machine.
const MAX_EVENTS: u64 = 100_000_000_000;
/// The smallest history that holds anything, and more memory than a scenario is worth.
const MEMORY: RangeInclusive<u64> = (1 << 20)..=(64 << 30);

/// The shortest file that is a scenario.
const LEAST: &str = "the least that a scenario needs:\n\
                     title = \"What it shows, in one line\"\n\
                     backend.kind = \"redis\"\n\
                     lock.recipe = \"set-nx\"";

/// How latencies are written.
const LATENCIES: &str = "a latency is a duration (\"1ms\"), even between two ({ min = \"1ms\", \
                         max = \"3ms\" }), the same with a spike in so many messages ({ min = \
                         \"1ms\", max = \"3ms\", spike = \"50ms..200ms\", one_in = 1000 }), or \
                         exponential above one ({ min = \"200us\", mean_rest = \"300us\" })";

const ZERO: Duration = Duration::ZERO;
const INSTANT: Duration = Duration::from_nanos(1);
const MILLISECOND: Duration = Duration::from_millis(1);

const FENCING_MODES: [(&str, Fencing); 3] = [
    ("off", Fencing::Off),
    ("writes", Fencing::Writes),
    ("reads-and-writes", Fencing::ReadsAndWrites),
];

impl Scenario {
    /// Reads a scenario from TOML. `name` is what errors call the text: a file's name.
    ///
    /// ```
    /// use fencepost::scenario::Scenario;
    ///
    /// let scenario = Scenario::from_toml(
    ///     "race.toml",
    ///     "title = 'The race itself'\nlock.recipe = 'none'\nshop.stock = 5",
    /// );
    /// assert_eq!(scenario.unwrap().shop.stock, 5);
    ///
    /// let error = Scenario::from_toml("race.toml", "title = 7\nlock.recipe = 'none'").unwrap_err();
    /// assert_eq!(error.to_string(), "race.toml:1:9: `title` is a whole number");
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, each with its line.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, InvalidScenario> {
        let invalid = |problems| InvalidScenario::new(name, text, problems);
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(invalid(vec![too_long(text)]));
        }
        let document = Document::parse(text).map_err(invalid)?;
        let scenario = read(document.root());
        let problems = document.into_problems();
        if problems.is_empty() { Ok(scenario) } else { Err(invalid(problems)) }
    }
}

fn too_long(text: &str) -> Problem {
    Problem {
        span: 0..0,
        key: String::new(),
        message: format!("{} bytes are too many for a scenario", text.len()),
        label: format!("expected at most {MAX_FILE_BYTES} bytes (1 MiB)"),
        help: None,
    }
}

/// Reads the whole of it. What was wrong has been reported, and is its default here.
fn read(mut root: Table<'_>) -> Scenario {
    let mut scenario = Scenario::default();
    if root.is_empty() {
        root.problem(
            "there is no scenario in it".into(),
            "nothing here".into(),
            Some(LEAST.into()),
        );
        return scenario;
    }
    scenario.title = read_title(&mut root).unwrap_or_default();
    scenario.explain = root.get("explain").and_then(|text| text.text()).unwrap_or_default().into();
    scenario.seed = root.get("seed").and_then(|seed| seed.integer(0..=u64::MAX)).unwrap_or(0);
    let duration = root.get("duration");
    let backend = read_backend(&mut root);
    let recipe = read_lock(&mut root);
    let buyers = read_shop(&mut root, &mut scenario.shop);

    if let (Some(backend), Some(recipe)) = (&backend, &recipe) {
        check_fit(recipe, backend.as_ref());
    }
    scenario.backend = backend.as_ref().and_then(|known| known.as_ref().map(|found| found.1));
    let names = scenario.node_names();
    // Where buyers or servers could not be made out, whoever names one is not told off for it.
    let all_known = buyers.is_some() && backend.is_some();
    let nodes = if all_known { Nodes::known(&names) } else { Nodes::unknown() };

    read_network(&mut root, nodes, &mut scenario.network);
    scenario.faults = read_plan(&mut root, nodes);
    scenario.random_faults = root.section("random_faults").and_then(read_random_faults);
    read_limits(&mut root, &mut scenario.limits);
    scenario.expect = root.section("expect").and_then(read_expect);
    read_duration(&root, duration, &mut scenario);
    if let Some((_, recipe)) = recipe {
        scenario.lock = recipe;
    }
    root.finish();
    scenario
}

fn read_title(root: &mut Table<'_>) -> Option<String> {
    let value = root.required("title", "title = \"What it shows, in one line\"")?;
    read_line(&value, "what the scenario shows").map(str::to_owned)
}

/// One line without control characters: it is printed as it is.
fn read_line<'a>(value: &Value<'a>, meaning: &str) -> Option<&'a str> {
    let line = value.text()?;
    if line.trim().is_empty() || line.contains(char::is_control) {
        let message = format!("`{}` is not a line of text", value.key());
        value.problem(message, format!("expected {meaning}, in one line"), None);
        return None;
    }
    Some(line)
}

/// `Some(None)` where there is no backend, `None` where it is wrong.
fn read_backend<'a>(root: &mut Table<'a>) -> Option<Option<(Value<'a>, Backend)>> {
    let Some(section) = root.get("backend") else {
        return Some(None);
    };
    let mut table = section.table()?;
    let kind = table.required("kind", "kind = \"redis\"");
    let found = kind.and_then(|kind| {
        let backends = Backend::ALL.map(|backend| (backend.as_str(), backend));
        let backend = kind.one_of("backend", &backends)?;
        Some((kind, backend))
    });
    // What else an unknown backend may be given, nobody knows.
    if found.is_some() {
        table.finish();
    }
    found.map(Some)
}

fn read_lock<'a>(root: &mut Table<'a>) -> Option<(Value<'a>, Recipe)> {
    let mut table = root.required("lock", "lock.recipe = \"set-nx\"")?.table()?;
    let value = table.required("recipe", "recipe = \"set-nx\"")?;
    let recipes = Recipe::NAMES.map(|name| (name, name));
    let recipe = match value.one_of("recipe", &recipes)? {
        "none" => without_lock(&mut table, Recipe::None),
        "conditional-update" => without_lock(&mut table, Recipe::ConditionalUpdate),
        _ => Recipe::SetNx(read_set_nx(&mut table)),
    };
    table.finish();
    Some((value, recipe))
}

/// These grant nothing that could run out. They take a `ttl` all the same, so that the same file
/// shows the race with the lock and without it, one word apart.
fn without_lock(table: &mut Table<'_>, recipe: Recipe) -> Recipe {
    table.get("ttl").map(|ttl| ttl.duration(MILLISECOND..=MAX_DURATION));
    recipe
}

fn read_set_nx(table: &mut Table<'_>) -> SetNxSettings {
    let mut settings = SetNxSettings::default();
    if let Some(ttl) = table.get("ttl") {
        set(&mut settings.ttl, read_ttl(&ttl));
    }
    set_duration(table, "poll", INSTANT, &mut settings.poll);
    set_duration(table, "poll_jitter", ZERO, &mut settings.poll_jitter);
    set_duration(table, "timeout", INSTANT, &mut settings.timeout);
    if let Some(key) = table.get("key") {
        set(&mut settings.key, read_line(&key, "the key's name").map(Name::from));
    }
    settings
}

/// Redis takes whole milliseconds: `PX 0` is an error there, and the rest would be cut off.
fn read_ttl(value: &Value<'_>) -> Option<Duration> {
    let ttl = value.duration(MILLISECOND..=MAX_DURATION)?;
    if ttl.subsec_nanos() % 1_000_000 != 0 {
        let message = format!("`{}` is {}", value.key(), show(ttl));
        value.problem(message, "expected whole milliseconds: `SET … PX` takes no others", None);
        return None;
    }
    Some(ttl)
}

fn check_fit(recipe: &(Value<'_>, Recipe), backend: Option<&(Value<'_>, Backend)>) {
    let (recipe_value, recipe) = recipe;
    if recipe.fits(backend.map(|(_, backend)| *backend)) {
        return;
    }
    let fitting = Backend::ALL.into_iter().filter(|backend| recipe.fits(Some(*backend)));
    let fitting: Vec<&str> = fitting.map(Backend::as_str).collect();
    let (name, choices) = (recipe.as_str(), fitting.join(", "));
    match backend {
        Some((value, backend)) => {
            let message = format!("`{name}` cannot lock on `{}`", backend.as_str());
            value.problem(message, "not here", Some(format!("`{name}` locks on: {choices}")));
        }
        None => {
            let help = format!("add a section [backend] with a kind: {choices}");
            recipe_value.problem(format!("`{name}` needs a backend"), "locks on what?", Some(help));
        }
    }
}

/// Reads the shop; `None` when it is not known then how many buyers there are.
fn read_shop(root: &mut Table<'_>, shop: &mut Shop) -> Option<()> {
    let Some(section) = root.get("shop") else {
        return Some(());
    };
    let mut table = section.table()?;
    let stock = table.get("stock").and_then(|stock| stock.integer(0..=MAX_STOCK));
    let buyers = table.get("buyers").map(|buyers| buyers.integer(1..=Shop::MAX_BUYERS));
    let fencing = table.get("fencing");
    let fencing = fencing.and_then(|mode| mode.one_of("fencing mode", &FENCING_MODES));
    set(&mut shop.stock, stock);
    set(&mut shop.buyers, buyers.flatten());
    set(&mut shop.fencing, fencing);
    read_buyer(&mut table, &mut shop.buyer);
    table.finish();
    (buyers != Some(None)).then_some(())
}

fn read_buyer(table: &mut Table<'_>, buyer: &mut BuyerSettings) {
    for (key, range) in [("work", &mut buyer.work), ("browse", &mut buyer.browse)] {
        set(range, table.get(key).and_then(|value| value.duration_range(ZERO..=MAX_DURATION)));
    }
    set_duration(table, "store_timeout", INSTANT, &mut buyer.store_timeout);
}

fn read_network(root: &mut Table<'_>, nodes: Nodes<'_>, network: &mut NetworkSettings) {
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

fn read_random_faults(mut table: Table<'_>) -> Option<RandomFaults> {
    let accepted = FaultKind::ALL.map(|kind| (kind.as_str(), kind));
    let kinds = table.required("kinds", "kinds = [\"pause\", \"crash\"]");
    let max = table.required("max", "max = 6");
    table.finish();
    let kinds = kinds.and_then(|value| {
        let items = value.list()?;
        if items.is_empty() {
            let message = "`random_faults.kinds` is empty: nothing can be drawn".to_owned();
            let help = "name some, or remove [random_faults]".to_owned();
            value.problem(message, "expected kinds of faults", Some(help));
        }
        let mut kinds = Vec::new();
        for item in items {
            let kind = item.one_of("kind of fault", &accepted)?;
            if kinds.contains(&kind) {
                let message = format!("`random_faults.kinds` names `{kind}` twice");
                item.problem(message, "the second time", None);
            }
            kinds.push(kind);
        }
        Some(kinds)
    });
    let max = max.and_then(|max| max.integer(0..=MAX_RANDOM_FAULTS));
    Some(RandomFaults { kinds: kinds?, max: max? })
}

fn read_limits(root: &mut Table<'_>, limits: &mut Limits) {
    let Some(mut table) = root.section("limits") else {
        return;
    };
    set(&mut limits.events, table.get("events").and_then(|value| value.integer(1..=MAX_EVENTS)));
    set_duration(&mut table, "simulated", MILLISECOND, &mut limits.simulated);
    set(&mut limits.memory, table.get("memory").and_then(|value| value.size(MEMORY)));
    table.finish();
}

fn read_duration(root: &Table<'_>, value: Option<Value<'_>>, scenario: &mut Scenario) {
    let limit = scenario.limits.simulated;
    let given = value.as_ref().map(|value| value.duration(MILLISECOND..=MAX_DURATION));
    set(&mut scenario.duration, given.flatten());
    if scenario.duration <= limit {
        return;
    }
    let (duration, limit) = (show(scenario.duration), show(limit));
    let help = Some(format!("shorten it, or raise the limit: [limits] simulated = \"{duration}\""));
    let message = format!("`duration` is {duration}, longer than `limits.simulated`");
    let label = format!("expected at most {limit}");
    match value {
        Some(value) => value.problem(message, label, help),
        None => root.problem(message + " (when it is not given)", label, help),
    }
}

fn read_expect(mut table: Table<'_>) -> Option<BTreeSet<ViolationKind>> {
    let accepted = ViolationKind::ALL.map(|kind| (kind.as_str(), kind));
    let violations = table.required("violations", "violations = [\"oversell\"], or [] for none");
    table.finish();
    let kinds = violations?.list()?;
    kinds.iter().map(|kind| kind.one_of("kind of violation", &accepted)).collect()
}

/// Keeps the default where nothing (or nothing good) was given.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn set_duration(table: &mut Table<'_>, key: &'static str, least: Duration, place: &mut Duration) {
    set(place, table.get(key).and_then(|value| value.duration(least..=MAX_DURATION)));
}
