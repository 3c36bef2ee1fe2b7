//! Scenarios as TOML, one section a file: how it is read, and how it is written.

mod backend;
mod curator;
mod expect;
mod judge;
mod limits;
mod load;
mod lock;
mod network;
mod random_faults;
mod redis;
mod redisson;
mod redlock;
mod replication;
mod shop;
mod zookeeper;

use std::fmt::{self, Write as _};
use std::time::Duration;

use fencepost_faults::show;
use fencepost_faults::toml::{
    Document, MAX_DURATION, Nodes, Problem, Table, Value, duration, plan_to_toml, read_plan, string,
};

use self::backend::{read_backend, write_backend};
use self::expect::{check_in_time, read_expect, write_expect};
use self::judge::{check_bound, read_judge, write_judge};
use self::limits::{read_duration, read_limits, write_limits};
use self::load::{read_load, write_load};
use self::lock::{check_fit, read_lock, write_lock};
use self::network::{read_network, write_network};
use self::random_faults::{read_random_faults, write_random_faults};
use self::shop::{read_shop, write_shop};
use super::diagnostic::InvalidScenario;
use super::file::MAX_FILE_BYTES;
use super::{Backend, Recipe, Scenario, Shop};

/// The shortest file that is a scenario.
const LEAST: &str = "the least that a scenario needs:\n\
                     title = \"What it shows, in one line\"\n\
                     backend.kind = \"redis\"\n\
                     lock.recipe = \"set-nx\"";

const ZERO: Duration = Duration::ZERO;
const INSTANT: Duration = Duration::from_nanos(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

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
        Self::parse(name, text, None)
    }

    /// Reads a scenario that has code of somebody's own: what [`Scenario::to_toml`] of this scenario, or of what it was
    /// shrunk to, has written. Where the text says `own`, the recipe and the servers are this scenario's; its invariants
    /// are the text's too. All else is in the text.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fencepost::own::{Node, OwnLock, ReleaseOutcome, recipe};
    /// use fencepost::scenario::Scenario;
    ///
    /// struct Instant(Node);
    ///
    /// impl OwnLock for Instant {
    ///     type Guard = ();
    ///     async fn acquire(&self) {
    ///         self.0.host().sleep(Duration::from_millis(1)).await;
    ///     }
    ///     async fn release(&self, (): &()) -> ReleaseOutcome {
    ///         ReleaseOutcome::Removed
    ///     }
    /// }
    ///
    /// let mine = Scenario::default().but(|s| s.lock = recipe("no lock", async |node| Instant(node)).into());
    /// let kept = mine.clone().but(|s| s.shop.stock = 7).to_toml();
    /// assert!(Scenario::from_toml("kept.toml", &kept).is_err(), "no file has the code");
    /// assert_eq!(mine.read_toml("kept.toml", &kept).unwrap(), mine.but(|s| s.shop.stock = 7));
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the text, each with its line.
    pub fn read_toml(&self, name: &str, text: &str) -> Result<Self, InvalidScenario> {
        Self::parse(name, text, Some(self))
    }

    fn parse(name: &str, text: &str, code: Option<&Self>) -> Result<Self, InvalidScenario> {
        let invalid = |problems| InvalidScenario::new(name, text, problems);
        if text.len() as u64 > MAX_FILE_BYTES {
            return Err(invalid(vec![too_long(text)]));
        }
        let document = Document::parse(text).map_err(invalid)?;
        let scenario = read(document.root(), code);
        let problems = document.into_problems();
        if problems.is_empty() { Ok(scenario) } else { Err(invalid(problems)) }
    }

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
        if self.has_own_code() {
            writeln!(out, "# In code, and in no file: {}.", self.own_parts().join(", "))?;
            writeln!(
                out,
                "# Scenario::read_toml puts it together again with a scenario that has them."
            )?;
        }
        writeln!(out, "title = {}", string(&self.title))?;
        if !self.explain.is_empty() {
            writeln!(out, "explain = {}", string(&self.explain))?;
        }
        writeln!(out, "seed = {}", self.seed)?;
        writeln!(out, "duration = {}", duration(self.duration))?;
        write_backend(out, self.backend.as_ref())?;
        write_lock(out, &self.lock)?;
        write_shop(out, &self.shop)?;
        if let Some(load) = &self.load {
            write_load(out, load)?;
        }
        write_network(out, &self.network)?;
        if !self.faults.is_empty() {
            write!(out, "\n{}", plan_to_toml(&self.faults))?;
        }
        if let Some(random) = &self.random_faults {
            write_random_faults(out, random)?;
        }
        write_limits(out, self.limits)?;
        if let Some(stuck_after) = self.stuck_after {
            write_judge(out, stuck_after)?;
        }
        match &self.expect {
            Some(kinds) => write_expect(out, kinds),
            None => Ok(()),
        }
    }
}

impl Scenario {
    /// What of it no file holds, in words.
    fn own_parts(&self) -> Vec<String> {
        let recipe = match &self.lock {
            Recipe::Own(own) => Some(format!("the recipe of {:?}", own.name)),
            _ => None,
        };
        let servers = match &self.backend {
            Some(backend @ Backend::Own(_)) => backend.server_names(),
            _ => Vec::new(),
        };
        let servers = servers.into_iter().map(|name| format!("the server {name:?}"));
        let invariants = self.invariants.iter();
        let invariants = invariants.map(|one| format!("the invariant {:?}", one.name()));
        recipe.into_iter().chain(servers).chain(invariants).collect()
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

/// Reads the whole of it. What was wrong has been reported, and is its default here. What is somebody's own code is
/// taken from `code`.
fn read(mut root: Table<'_>, code: Option<&Scenario>) -> Scenario {
    let invariants = code.map(|code| code.invariants.clone()).unwrap_or_default();
    let mut scenario = Scenario { invariants, ..Scenario::default() };
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
    let backend = root.get("backend");
    let recipe = read_lock(&mut root, code.map(|code| &code.lock));
    let shop = read_shop(&mut root, &mut scenario.shop);
    let most_processes = if shop.is_some() { scenario.shop.buyers } else { Shop::MAX_BUYERS };
    let own_servers = code.and_then(|code| code.backend.as_ref());
    let backend = read_backend(backend.as_ref(), most_processes, own_servers);

    if let (Some(backend), Some(recipe)) = (&backend, &recipe) {
        check_fit(recipe, backend.as_ref());
    }
    scenario.backend =
        backend.as_ref().and_then(|known| known.as_ref().map(|found| found.1.clone()));
    let takes_load =
        backend.is_none() || scenario.backend.as_ref().is_some_and(Backend::takes_load);
    let load = read_load(&mut root, takes_load, &mut scenario.load);
    let names = scenario.node_names();
    // Where buyers or servers could not be made out, whoever names one is not told off for it.
    let all_known = shop.is_some() && load.is_some() && backend.is_some();
    let targets = scenario.failover_targets();
    let nodes = if all_known { Nodes::known(&names, &targets) } else { Nodes::unknown() };

    read_network(&mut root, nodes, &mut scenario.network);
    scenario.faults = read_plan(&mut root, nodes);
    scenario.random_faults = root.section("random_faults").and_then(read_random_faults);
    read_limits(&mut root, &mut scenario.limits);
    let stuck_after = root.section("judge").and_then(read_judge);
    let expect = root.section("expect");
    let expect = expect.and_then(|expect| read_expect(expect, &scenario.invariants));
    read_duration(&root, duration, &mut scenario);
    if let Some((_, recipe)) = recipe {
        scenario.lock = recipe;
        check_bound(stuck_after.as_ref(), &scenario.lock);
    }
    scenario.stuck_after = stuck_after.map(|(_, stuck_after)| stuck_after);
    if let Some((value, kinds)) = expect {
        check_in_time(&value, &kinds, &scenario);
        scenario.expect = Some(kinds);
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

/// Keeps the default where nothing (or nothing good) was given.
fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn set_duration(table: &mut Table<'_>, key: &'static str, least: Duration, place: &mut Duration) {
    set(place, table.get(key).and_then(|value| value.duration(least..=MAX_DURATION)));
}

fn write_duration(out: &mut String, key: &str, value: Duration, default: Duration) -> fmt::Result {
    if value == default { Ok(()) } else { writeln!(out, "{key} = {}", duration(value)) }
}

type Range = (Duration, Duration);

fn write_range(out: &mut String, key: &str, value: Range, default: Range) -> fmt::Result {
    if value == default { Ok(()) } else { writeln!(out, "{key} = {}", range(value)) }
}

fn read_choice<T: Copy>(
    table: &mut Table<'_>,
    key: &'static str,
    what: &'static str,
    choices: &[(&'static str, T)],
    place: &mut T,
) {
    set(place, table.get(key).and_then(|value| value.one_of(what, choices)));
}

fn write_word(out: &mut String, key: &str, word: &str, default: &str) -> fmt::Result {
    if word == default { Ok(()) } else { writeln!(out, "{key} = {}", string(word)) }
}

fn write_plain<T: PartialEq + fmt::Display>(
    out: &mut String,
    key: &str,
    value: T,
    default: T,
) -> fmt::Result {
    if value == default { Ok(()) } else { writeln!(out, "{key} = {value}") }
}

/// What `Value::duration_range` reads.
fn range((from, to): Range) -> String {
    let (from, to) = (show(from), show(to));
    string(&if from == to { from } else { format!("{from}..{to}") })
}
