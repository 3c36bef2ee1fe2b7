//! The second table: what the locks cost where nothing goes wrong, and what a crashed holder costs the others.
//!
//! Everything is counted from histories, in simulated time, with integers.
//!
//! * **latency**: from when a client begins to wait until it has the lock, at every grant.
//! * **messages**: all that reach a process, but for the shop's and for what the servers say to each other in
//!   the same time when nobody buys; divided by the grants. What clients say to keep a session is in it.
//! * **wake-ups**: how often a client that waits asks again, since its timer has fired or somebody has told
//!   it; divided by the grants. To be woken by an answer does not count.
//! * **throughput**: confirmed orders in a second, each under the lock once.
//! * **in turn**: of the grants that others waited for too, how many went to whoever had waited longest.
//! * **evenness**: Jain's index of the clients' grants, 1000 ‰ where all have as many (R. Jain and others, "A
//!   Quantitative Measure of Fairness and Discrimination", DEC TR-301, 1984).
//! * **free again**: from the crash of a holder until somebody else has the lock.
//! * **asks**: how often a client asks again, as a wake-up, in a second of that time.

mod figures;
mod watch;

use std::ops::Range;

use fencepost_models::machine::NodeId;
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Serialize;

use self::figures::{jain, nearest_rank, per_thousand, ratio};
use self::watch::{Cost, aftermath, cost};
use super::cell::CellName;
use super::column::{AFTERMATH, Clients, Column};
use super::rows::Row;
use crate::scenario::{Failure, Scenario};
use crate::world::SimTime;

/// So many seeds are enough where nothing is drawn but latencies and thoughts.
const SEEDS: u64 = 2;

/// So many crashed holders.
const CRASHES: u64 = 20;

/// The node of the store comes first.
const STORES: [NodeId; 1] = [NodeId(0)];

/// What a row costs without faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Quiet {
    /// For each number of clients.
    pub loads: Vec<Load>,
    /// What a crashed holder costs, where its lock outlives it.
    pub crash: Option<Crash>,
}

/// So many clients who contend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Load {
    /// The cell.
    pub cell: CellName,
    /// How many.
    pub clients: u16,
    /// Over how many seeds.
    pub seeds: u64,
    /// How much time was simulated, from when the shop opened, in milliseconds, over all seeds.
    pub simulated_ms: u64,
    /// How often the lock was granted.
    pub grants: u64,
    /// How many orders were confirmed.
    pub orders: u64,
    /// Confirmed orders in a thousand seconds.
    pub orders_per_1000_s: u64,
    /// Half of the grants took no longer, in microseconds; of the others, 99 in 100.
    pub wait_p50_us: Option<u64>,
    /// The same, 99 in 100.
    pub wait_p99_us: Option<u64>,
    /// The longest anybody waited, in microseconds, with the lock in the end or without.
    pub longest_wait_us: u64,
    /// Messages for a thousand grants.
    pub messages_per_1000_grants: Option<u64>,
    /// Wake-ups for a thousand grants.
    pub wake_ups_per_1000_grants: Option<u64>,
    /// Of a thousand grants that others waited for, how many went to whoever had waited longest.
    pub in_turn_permille: Option<u64>,
    /// Jain's index of the clients' grants, in thousandths.
    pub evenness_permille: Option<u64>,
}

/// What a crashed holder costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Crash {
    /// The cell.
    pub cell: CellName,
    /// In how many seeds a holder crashed, and there was time to see what came of it.
    pub crashes: u64,
    /// After how many of those somebody had the lock before the run was over.
    pub freed: u64,
    /// Half of the time it took no longer, in milliseconds.
    pub free_p50_ms: Option<u64>,
    /// The longest.
    pub free_max_ms: Option<u64>,
    /// How often each of those who wait asked again in a thousand seconds of that time.
    pub asks_per_1000_s: Option<u64>,
}

impl Quiet {
    /// What so many clients cost.
    pub fn load(&self, clients: Clients) -> Option<&Load> {
        self.loads.iter().find(|load| load.clients == clients.count())
    }
}

/// How many runs there are for a row, at most.
pub fn runs(row: &Row, seeds: &Range<u64>) -> u64 {
    let all = seeds.end.saturating_sub(seeds.start);
    let crashes = if row.is_on_servers() { CRASHES.min(all) } else { 0 };
    SEEDS.min(all) * Clients::ALL.len() as u64 + crashes
}

/// Measures a row.
///
/// # Errors
///
/// One of its runs failed.
pub fn measure(row: &Row, seeds: &Range<u64>, pool: &ThreadPool) -> Result<Quiet, Failure> {
    let of_clients = |clients| load(row, clients, &first(seeds, SEEDS), pool);
    let loads: Result<Vec<Load>, Failure> = Clients::ALL.into_iter().map(of_clients).collect();
    Ok(Quiet { loads: loads?, crash: crash(row, &first(seeds, CRASHES), pool)? })
}

/// The first so many of them.
fn first(seeds: &Range<u64>, count: u64) -> Range<u64> {
    seeds.start..seeds.end.min(seeds.start.saturating_add(count))
}

fn load(
    row: &Row,
    clients: Clients,
    seeds: &Range<u64>,
    pool: &ThreadPool,
) -> Result<Load, Failure> {
    let column = Column::Clients(clients);
    let Ok(scenario) = column.scenario(row) else { unreachable!("any row can be waited for") };
    let costs: Result<Vec<Cost>, Failure> = match clients {
        // One after the other, and on this thread: the histories of many fill the memory that a comparison may
        // take, and what one thread has given back another does not use again.
        Clients::ThirtyTwo | Clients::OneHundredTwentyEight => {
            seeds.clone().map(|seed| run(&scenario, seed)).collect()
        }
        _ => pool
            .install(|| seeds.clone().into_par_iter().map(|seed| run(&scenario, seed)).collect()),
    };
    let costs = costs?;
    let sum = |what: fn(&Cost) -> u64| costs.iter().map(what).sum::<u64>();
    let (grants, orders) = (sum(|cost| cost.grants.values().sum()), sum(|cost| cost.orders));
    let mut waits: Vec<u64> = costs.iter().flat_map(|cost| cost.waits.iter().copied()).collect();
    waits.sort_unstable();
    let wait_us = |percent| nearest_rank(&waits, percent).map(|nanos| nanos / 1_000);
    let open = scenario.duration.saturating_sub(scenario.opens_after());
    let simulated_ms = u64::try_from(open.as_millis()).unwrap_or(u64::MAX) * costs.len() as u64;
    let evenness: Option<Vec<u64>> = costs.iter().map(|cost| jain(cost, clients.count())).collect();
    Ok(Load {
        cell: CellName { row: row.name.to_owned(), column },
        clients: clients.count(),
        seeds: costs.len() as u64,
        simulated_ms,
        grants,
        orders,
        orders_per_1000_s: ratio(orders, 1_000_000, simulated_ms).unwrap_or_default(),
        wait_p50_us: wait_us(50),
        wait_p99_us: wait_us(99),
        longest_wait_us: costs.iter().map(longest_us).max().unwrap_or_default(),
        messages_per_1000_grants: per_thousand(sum(|cost| cost.messages), grants),
        wake_ups_per_1000_grants: per_thousand(sum(|cost| cost.wake_ups.len() as u64), grants),
        in_turn_permille: per_thousand(sum(|cost| cost.in_turn), sum(|cost| cost.contended)),
        evenness_permille: evenness.and_then(|all| ratio(all.iter().sum(), 1, all.len() as u64)),
    })
}

fn longest_us(cost: &Cost) -> u64 {
    u64::try_from(cost.longest_wait.as_micros()).unwrap_or(u64::MAX)
}

/// What a run costs, less what its servers say to each other in the same time when nobody comes.
fn run(scenario: &Scenario, seed: u64) -> Result<Cost, Failure> {
    let opens = SimTime::after(scenario.opens_after());
    let cost_of = |scenario: &Scenario| {
        let run = scenario.record(seed)?;
        Ok::<Cost, Failure>(cost(&run.history, opens, &STORES))
    };
    let cost = cost_of(scenario)?;
    let closed = scenario.clone().but(|s| s.shop.opens = Some(s.duration * 2));
    let chat = cost_of(&closed)?.messages;
    Ok(Cost { messages: cost.messages.saturating_sub(chat), ..cost })
}

/// A lock whose holder is gone.
struct Blocked {
    took_ms: u64,
    asks: u64,
    is_over: bool,
}

fn crash(row: &Row, seeds: &Range<u64>, pool: &ThreadPool) -> Result<Option<Crash>, Failure> {
    let column = Column::CrashedHolder;
    let Ok(scenario) = column.scenario(row) else { return Ok(None) };
    let opens = SimTime::after(scenario.opens_after());
    let run = |seed| {
        let run = scenario.record(seed)?;
        let Some(after) = aftermath(&run.history) else { return Ok(None) };
        let end = run.history.end();
        if end.saturating_since(after.from) < AFTERMATH {
            return Ok(None);
        }
        let until = after.until.unwrap_or(end);
        let cost = cost(&run.history, opens, &STORES);
        let asks = cost.wake_ups.iter().filter(|at| **at > after.from && **at < until).count();
        let took_ms = until.saturating_since(after.from).as_millis();
        Ok(Some(Blocked {
            took_ms: u64::try_from(took_ms).unwrap_or(u64::MAX),
            asks: asks as u64,
            is_over: after.until.is_some(),
        }))
    };
    let runs: Result<Vec<Option<Blocked>>, Failure> =
        pool.install(|| seeds.clone().into_par_iter().map(run).collect());
    let runs: Vec<Blocked> = runs?.into_iter().flatten().collect();
    let mut freed: Vec<u64> =
        runs.iter().filter(|run| run.is_over).map(|run| run.took_ms).collect();
    freed.sort_unstable();
    let asks: u64 = runs.iter().map(|run| run.asks).sum();
    let waiting_ms: u64 =
        runs.iter().map(|run| run.took_ms * u64::from(scenario.shop.buyers - 1)).sum();
    Ok(Some(Crash {
        cell: CellName { row: row.name.to_owned(), column },
        crashes: runs.len() as u64,
        freed: freed.len() as u64,
        free_p50_ms: nearest_rank(&freed, 50),
        free_max_ms: freed.last().copied(),
        asks_per_1000_s: ratio(asks, 1_000_000, waiting_ms),
    }))
}

#[cfg(test)]
mod tests {
    use rayon::ThreadPoolBuilder;

    use super::*;
    use crate::compare::{find_row, rows};

    fn of(row: &str, clients: Clients) -> Load {
        let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        let rows = rows();
        let row = find_row(&rows, row).expect("a row");
        load(row, clients, &(0..1), &pool).expect("runs")
    }

    #[test]
    fn a_herd_is_woken_for_every_grant_and_a_queue_one_by_one() {
        let [herd, queue] = ["zookeeper-herd", "zookeeper"]
            .map(|row| of(row, Clients::Eight).wake_ups_per_1000_grants);
        assert!((900..1_200).contains(&queue.expect("grants")), "{queue:?}");
        assert!((5_000..9_000).contains(&herd.expect("grants")), "{herd:?}");
    }

    #[test]
    fn a_message_on_a_channel_wakes_and_an_answer_does_not() {
        let alone = of("redisson", Clients::One);
        assert_eq!(alone.wake_ups_per_1000_grants, Some(0), "the watchdog is the holder's");
        let contended = of("redisson", Clients::Eight).wake_ups_per_1000_grants;
        assert!(
            contended > Some(2_000),
            "each process has a waiter that hears of it: {contended:?}"
        );
    }

    #[test]
    fn what_servers_say_anyway_is_no_cost_of_a_lock() {
        // The master's answers, and its stream to two replicas for each of the two writes.
        let messages =
            of("set-nx-sentinel", Clients::One).messages_per_1000_grants.expect("grants");
        assert!((7_500..9_000).contains(&messages), "{messages}");
    }
}
