//! A lease in a row of a database: owner, expiry and version. The database is a state machine of the test's own.

mod numbers;

use std::time::Duration;

use fencepost::claim::Claims as _;
use fencepost::judge::ViolationKind::{Oversell, TwoHolders};
use fencepost::own::machine::{Boot, Context, DiskOperation, DiskToken, Input, Machine};
use fencepost::own::{Message, Node, OwnServers, recipe};
use fencepost::scenario::FaultKind::{ClockJump, Crash, Delay, Pause};
use fencepost::scenario::{Fencing, Scenario};

use self::numbers::NumberedLease;

const LEASE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_millis(500);

/// `UPDATE lease SET owner = me, expires_at = now() + lease, version = version + 1 WHERE expires_at < now()`.
/// The version is on disk before the answer goes out; the rest of the row may be lost in a crash, and whoever comes
/// then waits for a whole lease.
#[derive(Default)]
struct Database {
    expires_at_ms: u64,
    version: u64,
    /// The answer that waits for the disk: on which connection, and which version.
    writing: Vec<(DiskToken, fencepost::own::machine::ConnectionId, u64)>,
    writes: u32,
}

const FILE: &str = "version";

impl Database {
    fn start(boot: &Boot) -> Self {
        let on_disk = boot.files.get(FILE).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let version = on_disk.and_then(|text| text.parse().ok()).unwrap_or_default();
        // Whoever held the lease before the crash may hold it still.
        let expires_at_ms = match boot.incarnation {
            0 => 0,
            _ => boot.clock.wall.as_millis() + LEASE.as_millis() as u64,
        };
        Self { version, expires_at_ms, ..Self::default() }
    }
}

impl Machine for Database {
    fn handle(&mut self, input: Input<'_>, context: &mut Context<'_>) {
        let now_ms = context.clock.wall.as_millis();
        match input {
            // Whoever sends 0 wants the lease; whoever sends a version gives it back.
            Input::Message { connection, message: Message::Number(0) } => {
                if now_ms < self.expires_at_ms {
                    context.send(connection, Message::Number(0));
                    return;
                }
                self.version += 1;
                self.expires_at_ms = now_ms + LEASE.as_millis() as u64;
                self.writes += 1;
                let token = DiskToken(self.writes);
                let bytes = self.version.to_string().into();
                context.disk(DiskToken(0), DiskOperation::Replace { file: FILE, bytes });
                context.disk(token, DiskOperation::Sync { file: FILE });
                self.writing.push((token, connection, self.version));
            }
            Input::Message { connection, message: Message::Number(version) } => {
                let is_own = *version == self.version;
                if is_own {
                    self.expires_at_ms = 0;
                }
                context.send(connection, Message::Number(u64::from(is_own)));
            }
            Input::DiskDone(done) => {
                let waiting = self.writing.iter().position(|(token, ..)| *token == done);
                if let Some(place) = waiting {
                    let (_, connection, version) = self.writing.remove(place);
                    context.send(connection, Message::Number(version));
                }
            }
            _ => {}
        }
    }
}

async fn lease(node: Node) -> NumberedLease {
    NumberedLease { node, server: "database", patience: PATIENCE, poll: POLL }
}

fn sale() -> Scenario {
    let database = OwnServers::new().server("database", |boot| Database::start(&boot));
    let sale = Scenario::default().but(|s| {
        s.title = "A lease in a row".to_owned();
        s.backend = Some(database.into());
        s.lock = recipe("lease", lease).lease(LEASE).into();
        s.duration = Duration::from_secs(20);
        s.shop.stock = 20;
    });
    sale.under(&[Pause, Delay, Crash, ClockJump], 4)
}

#[test]
fn while_nothing_goes_wrong_it_sells_what_there_is() {
    let quiet = sale().but(|s| s.random_faults = None);
    quiet.sweep(0..50).must_hold("all is sold, once", |outcome| match outcome.verdict.books.sold {
        20 => Ok(()),
        sold => Err(format!("{sold} sold")),
    });
}

#[test]
fn its_clock_or_its_holders_pause_make_two_holders() {
    let found = sale().sweep(0..500).must_find(TwoHolders).shrunk_to(1);
    assert_eq!(found.scenario.faults.len(), 1);
    sale().sweep(0..500).must_find(Oversell);
}

#[test]
fn its_version_outlives_every_crash_and_fences() {
    sale().but(|s| s.shop.fencing = Fencing::ReadsAndWrites).sweep(0..500).must_never(Oversell);
}
