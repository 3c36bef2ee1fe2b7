//! The columns: what goes wrong, or, where nothing does, how many clients there are.

use std::fmt;
use std::time::Duration;

use fencepost_faults::{Action, Fault, FaultKind, RandomFaults, Start, Trigger};
use fencepost_models::redis::server::Persistence;
use fencepost_models::shop::Fencing;
use fencepost_models::shop::buyer::BuyerSettings;

use super::rows::Row;
use crate::scenario::{Backend, Scenario};

/// At most so many faults in a run of a cell of one kind.
const FAULTS_OF_ONE_KIND: u32 = 3;

/// At most so many in a run of a cell of all kinds, as in the hunts of `seeds/hunts`.
const FAULTS_OF_ALL_KINDS: u32 = 6;

/// What goes wrong in a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Column {
    /// Nothing: what breaks here breaks by itself.
    Calm,
    /// Faults of one kind.
    Kind(FaultKind),
    /// Faults of all kinds that there are for the row.
    Mixed,
    /// The same, and the store checks tokens on reads and writes.
    Fenced,
    /// No faults, so many clients, and short critical sections.
    Clients(Clients),
    /// A holder crashes for good.
    CrashedHolder,
}

/// How many clients contend for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Clients {
    /// One, which never waits for another.
    One,
    /// Two.
    Two,
    /// Eight.
    Eight,
    /// Thirty-two.
    ThirtyTwo,
    /// A hundred and twenty-eight.
    OneHundredTwentyEight,
}

impl Clients {
    /// Every number of clients.
    pub const ALL: [Self; 5] =
        [Self::One, Self::Two, Self::Eight, Self::ThirtyTwo, Self::OneHundredTwentyEight];

    /// The number.
    pub const fn count(self) -> u16 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Eight => 8,
            Self::ThirtyTwo => 32,
            Self::OneHundredTwentyEight => 128,
        }
    }

    /// For how long they contend. What many are told, a herd above all, takes much memory.
    const fn contend_for(self) -> Duration {
        match self {
            Self::OneHundredTwentyEight => Duration::from_secs(2),
            _ => Duration::from_secs(5),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::One => "1-client",
            Self::Two => "2-clients",
            Self::Eight => "8-clients",
            Self::ThirtyTwo => "32-clients",
            Self::OneHundredTwentyEight => "128-clients",
        }
    }
}

/// A crash that comes so shortly before the end does not show how long the lock is blocked.
pub(super) const AFTERMATH: Duration = Duration::from_secs(60);

/// How long after it has the lock the holder crashes that is to.
const CRASHES_AFTER: Duration = Duration::from_millis(100);

impl Column {
    /// Every column of the table of faults, in its order.
    pub fn of_faults() -> impl Iterator<Item = Self> {
        let kinds = FaultKind::ALL.into_iter().map(Self::Kind);
        [Self::Calm].into_iter().chain(kinds).chain([Self::Mixed, Self::Fenced])
    }

    /// Every column.
    pub fn all() -> impl Iterator<Item = Self> {
        let quiet = Clients::ALL.into_iter().map(Self::Clients).chain([Self::CrashedHolder]);
        Self::of_faults().chain(quiet)
    }

    /// Its name in cells: `calm`, a kind of fault's, `mixed`, `fenced`, `8-clients`, `crashed-holder`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Kind(kind) => kind.as_str(),
            Self::Mixed => "mixed",
            Self::Fenced => "fenced",
            Self::Clients(clients) => clients.as_str(),
            Self::CrashedHolder => "crashed-holder",
        }
    }

    /// What stands over it in a table that has no room for more.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Kind(FaultKind::Pause) => "paus",
            Self::Kind(FaultKind::Crash) => "cras",
            Self::Kind(FaultKind::PowerLoss) => "powr",
            Self::Kind(FaultKind::Partition) => "part",
            Self::Kind(FaultKind::OneWayPartition) => "1way",
            Self::Kind(FaultKind::Delay) => "dela",
            Self::Kind(FaultKind::HoldMessage) => "hold",
            Self::Kind(FaultKind::DropConnection) => "drop",
            Self::Kind(FaultKind::ClockJump) => "jump",
            Self::Kind(FaultKind::ClockDrift) => "drif",
            Self::Kind(FaultKind::SlowDisk) => "disk",
            Self::Kind(FaultKind::Failover) => "fail",
            Self::Mixed => "mix",
            Self::Fenced => "fenc",
            Self::Clients(_) | Self::CrashedHolder => self.as_str(),
        }
    }

    /// The cell's scenario; why there is none, in a few words, where there is none.
    ///
    /// # Errors
    ///
    /// The row has nobody whom the fault could hit, no token that could be checked, no lock that a holder
    /// could leave behind.
    pub fn scenario(self, row: &Row) -> Result<Scenario, &'static str> {
        let mut scenario = row.scenario.clone().but(|s| {
            s.title = format!("{} ({}:{self})", row.title, row.name);
            s.explain = format!("The cell {}:{self} of `fencepost compare`.", row.name);
        });
        match self {
            Self::Calm => {}
            Self::Kind(kind) if row.kinds().contains(&kind) => {
                let random = RandomFaults { kinds: vec![kind], max: FAULTS_OF_ONE_KIND };
                scenario.random_faults = Some(random);
            }
            Self::Kind(_) => return Err("no such fault"),
            Self::Fenced if !row.scenario.lock.gives_tokens() => return Err("no token"),
            Self::Mixed | Self::Fenced => {
                let random = RandomFaults { kinds: row.kinds(), max: FAULTS_OF_ALL_KINDS };
                scenario.random_faults = Some(random);
                if self == Self::Fenced {
                    scenario.shop.fencing = Fencing::ReadsAndWrites;
                }
            }
            Self::Clients(clients) => contend(&mut scenario, clients),
            Self::CrashedHolder if !row.is_on_servers() => {
                return Err("nothing outlives the holder");
            }
            Self::CrashedHolder => {
                scenario.faults = vec![crash_of_a_holder()];
                // Some come to hold it late, and others have to see what is left of the lock.
                scenario.duration += AFTERMATH;
            }
        }
        Ok(scenario)
    }
}

/// So many clients, who want the lock again soon after they have had it, and never for long.
fn contend(scenario: &mut Scenario, clients: Clients) {
    let lease_check = scenario.shop.buyer.lease_check;
    scenario.shop.buyers = clients.count();
    scenario.shop.stock = 1_000_000;
    scenario.shop.buyer = BuyerSettings { lease_check, ..BuyerSettings::default() };
    scenario.duration = scenario.opens_after() + clients.contend_for();
    if let Some(Backend::Memory { processes }) = &mut scenario.backend {
        *processes = (*processes).min(clients.count());
    }
}

/// The first buyer is gone while it holds the lock for the first time.
fn crash_of_a_holder() -> Fault {
    let node = "buyer-1".to_owned();
    let (event, after) = ("acquired".to_owned(), CRASHES_AFTER);
    let trigger = Trigger { node: Some(node.clone()), event, nth: 1, after };
    Fault { start: Start::When(trigger), length: None, action: Action::Crash { node } }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Row {
    /// The kinds of faults that can hit somebody here.
    pub fn kinds(&self) -> Vec<FaultKind> {
        let mut kinds = self.scenario.stage().kinds();
        kinds.retain(|kind| *kind != FaultKind::SlowDisk || self.has_disk());
        kinds
    }

    /// Whether the lock is somewhere else than in the buyers' own memory.
    pub(super) fn is_on_servers(&self) -> bool {
        let in_memory = matches!(self.scenario.backend, Some(Backend::Memory { .. }));
        self.scenario.lock.is_lock() && !in_memory
    }

    /// Whether a lock server waits for a disk.
    fn has_disk(&self) -> bool {
        let backend = self.scenario.backend.as_ref();
        let syncs = backend.and_then(Backend::redis).map(|redis| redis.persistence);
        let is_ensemble = matches!(backend, Some(Backend::ZooKeeper(_)));
        is_ensemble || syncs.is_some_and(|persistence| persistence != Persistence::None)
    }
}
