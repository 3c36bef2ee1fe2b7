//! The same command to both, and what must be the same then.

use bytes::Bytes;
use fencepost_models::redis::engine::{Change, Engine};
use fencepost_models::redis::resp::Reply;

use super::leaves;
use super::real::{Connection, Real};

/// The keys whose modification is compared.
const WATCHED: [&str; 6] = ["a", "b", "c", "d", "e", "ab"];

/// How far apart the two clocks may be: our command runs at the time that the server had just before.
const CLOCK_SKEW_MS: u64 = 100;

/// The engine and the real server.
pub struct Pair {
    engine: Engine,
    real: Real,
    /// One for each of [`WATCHED`].
    watchers: Vec<Connection>,
    /// What each side has counted: modifications, keys that were read and there, keys that were not.
    counts: [[u64; 3]; 2],
    compared: usize,
    errors: usize,
    differences: Vec<String>,
}

impl Pair {
    /// A new engine beside a server that has just been started.
    pub fn new(mut real: Real) -> Self {
        let watchers = WATCHED.map(|_| real.connect()).into();
        let (engine, counts) = (Engine::default(), [[0; 3], real.counts()]);
        Self { engine, real, watchers, counts, compared: 0, errors: 0, differences: Vec::new() }
    }

    /// Sends a command to both, and compares the replies, what was counted, and which keys of the
    /// database were modified.
    pub fn send(&mut self, command: &[Bytes]) {
        self.watch();
        let (wall, real) = self.real.call_at(command);
        let ours = self.engine.execute(command, wall);
        let changed: Vec<Bytes> = self.engine.take_changes().filter_map(key).collect();
        let was_changed = |key: &&str| changed.iter().any(|changed| changed == key.as_bytes());
        let ours_changed: Vec<&str> = WATCHED.into_iter().filter(was_changed).collect();
        let real_changed = self.touched();
        let [hits, misses] = self.engine.hits_and_misses();
        let counts = [[self.engine.dirty(), hits, misses], self.real.counts()];
        let more = |side: usize| [0, 1, 2].map(|what| counts[side][what] - self.counts[side][what]);
        let [mut ours_more, mut real_more] = [0, 1].map(more);
        self.compared += 1;
        self.errors += usize::from(matches!(real, Reply::Error(_)));
        if ours != real && !self.may_differ(command, &ours, &real) {
            self.differ(command, &ours, &real);
        }
        if is_partial_walk(command) {
            // Where each of them stands in its own order, it looks at other keys.
            (ours_more, real_more) = ([ours_more[0], 0, 0], [real_more[0], 0, 0]);
        }
        let same_keys = ours_changed == real_changed || is_about_several_databases(command);
        if !same_keys || ours_more != real_more {
            self.differ(command, &(ours_changed, ours_more), &(real_changed, real_more));
        }
        self.counts = [counts[0], self.real.counts()];
    }

    /// Walks with a cursor from beginning to end; gives what each of the two says on the way.
    pub fn walk(&mut self, command: impl Fn(&str) -> Vec<Bytes>) -> [Vec<Bytes>; 2] {
        let Self { engine, real, compared, .. } = self;
        let (wall, _) = real.call_at(&command("0"));
        let mut walk = |ask: &mut dyn FnMut(&[Bytes]) -> Reply| {
            let (mut cursor, mut seen) = ("0".to_owned(), Vec::new());
            loop {
                *compared += 1;
                let reply = leaves(&ask(&command(&cursor)));
                cursor = String::from_utf8_lossy(&reply[0]).into_owned();
                seen.extend_from_slice(&reply[1..]);
                if cursor == "0" {
                    return seen;
                }
            }
        };
        let ours = walk(&mut |command| engine.execute(command, wall));
        [ours, walk(&mut |command| real.call(command))]
    }

    /// True when the two have differed somewhere.
    pub fn has_differed(&self) -> bool {
        !self.differences.is_empty()
    }

    /// Says how much was compared.
    ///
    /// # Panics
    ///
    /// When there were differences.
    pub fn report(&self, what: &str) {
        let Self { compared, errors, differences, .. } = self;
        println!(
            "{what}: {compared} commands compared, {errors} of them refused, {} differences",
            differences.len()
        );
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    }

    fn differ<T: std::fmt::Debug>(&mut self, command: &[Bytes], ours: &T, real: &T) {
        self.differences.push(format!("{command:?}\n  ours {ours:?}\n  real {real:?}"));
    }

    /// True where two replies need not be the same: they hang on the clock, on chance, or on the seed
    /// of a hash table.
    fn may_differ(&mut self, command: &[Bytes], ours: &Reply, real: &Reply) -> bool {
        let name = command[0].to_ascii_uppercase();
        match (&name[..], ours, real) {
            (
                b"TTL" | b"PTTL" | b"EXPIRETIME" | b"PEXPIRETIME",
                Reply::Int(ours),
                Reply::Int(real),
            ) => *ours > 0 && ours.abs_diff(*real) <= CLOCK_SKEW_MS,
            (b"OBJECT", Reply::Int(ours), Reply::Int(real)) => {
                command[1].eq_ignore_ascii_case(b"idletime")
                    && (ours.abs_diff(*real) <= 1 || self.is_shared(&command[2]))
            }
            (b"RANDOMKEY" | b"HRANDFIELD", Reply::Bulk(_), Reply::Bulk(_)) => true,
            (b"HRANDFIELD", Reply::Array(ours), Reply::Array(real)) => ours.len() == real.len(),
            (b"KEYS", ..) => sorted(ours) == sorted(real),
            (b"HGETALL" | b"HKEYS" | b"HVALS", ..) => {
                self.is_table(&command[1]) && sorted(ours) == sorted(real)
            }
            (b"SCAN", Reply::Array(_), Reply::Array(_)) => {
                is_partial(&command[1..]) || sorted(ours) == sorted(real)
            }
            (b"HSCAN", Reply::Array(_), Reply::Array(_)) => {
                self.is_table(&command[1])
                    && (is_partial(&command[2..]) || sorted(ours) == sorted(real))
            }
            _ => false,
        }
    }

    fn is_table(&mut self, key: &Bytes) -> bool {
        self.object("ENCODING", key) == Reply::Bulk(Bytes::from_static(b"hashtable"))
    }

    /// A small number, of which Redis does not know for each key when it was used.
    fn is_shared(&mut self, key: &Bytes) -> bool {
        self.object("REFCOUNT", key) == Reply::Int(i64::from(i32::MAX))
    }

    fn object(&mut self, what: &'static str, key: &Bytes) -> Reply {
        self.real.call(&[Bytes::from_static(b"OBJECT"), Bytes::from(what), key.clone()])
    }

    fn watch(&mut self) {
        let database = self.real.database();
        for (watcher, key) in self.watchers.iter_mut().zip(WATCHED) {
            watcher.send(&[Bytes::from_static(b"SELECT"), database.clone()]);
            watcher.send(&[Bytes::from_static(b"WATCH"), Bytes::from(key)]);
        }
        for watcher in &mut self.watchers {
            assert_eq!(watcher.receive(), Reply::OK);
            assert_eq!(watcher.receive(), Reply::OK);
        }
    }

    /// Which of the keys were modified since.
    fn touched(&mut self) -> Vec<&'static str> {
        for watcher in &mut self.watchers {
            watcher.send(&[Bytes::from_static(b"MULTI")]);
            watcher.send(&[Bytes::from_static(b"EXEC")]);
        }
        let mut touched = Vec::new();
        for (watcher, key) in self.watchers.iter_mut().zip(WATCHED) {
            assert_eq!(watcher.receive(), Reply::OK);
            if watcher.receive() == Reply::NilArray {
                touched.push(key);
            }
        }
        touched
    }
}

/// True when a command may modify keys of other databases, which nobody watches here.
fn is_about_several_databases(command: &[Bytes]) -> bool {
    let names = [&b"COPY"[..], b"FLUSHALL", b"SWAPDB"];
    names.iter().any(|name| name.eq_ignore_ascii_case(&command[0]))
}

/// The key that a command has modified. What was over before the watch began is none: that it goes is
/// no change to who watches it.
fn key(change: Change) -> Option<Bytes> {
    match change {
        Change::Set { key, .. } | Change::Deleted { key } => Some(key),
        Change::Expired { .. } | Change::Evicted { .. } => None,
    }
}

/// What a reply is made of, in an order that hangs on nothing.
fn sorted(reply: &Reply) -> Vec<Bytes> {
    let mut leaves = leaves(reply);
    leaves.sort();
    leaves
}

/// True when a command walks through a part of the keys alone.
fn is_partial_walk(command: &[Bytes]) -> bool {
    command[0].eq_ignore_ascii_case(b"scan") && command.len() > 1 && is_partial(&command[1..])
}

/// True when a scan begins somewhere in the middle, or may end there.
fn is_partial(arguments: &[Bytes]) -> bool {
    let from_start = [&b"0"[..], b"+0", b"-0", b""].contains(&&arguments[0][..]);
    !from_start || arguments.iter().any(|word| word.eq_ignore_ascii_case(b"count"))
}
