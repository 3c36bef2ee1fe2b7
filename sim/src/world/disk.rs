//! A node's disk: what a process wrote is in the page cache, what it synced is on the platter.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fencepost_models::machine::{DiskOperation, Files};

use super::time::SimTime;

/// How long the parts of an operation take. Typical of an NVMe disk behind a file system:
/// a write to the page cache is a memory copy, an fsync is a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpeed {
    /// A write to the page cache.
    pub write: Duration,
    /// An fsync.
    pub sync: Duration,
    /// Added by a `slow-disk` fault to what waits for the platter: to each fsync, and to a write that
    /// replaces a whole file.
    pub extra: Duration,
}

impl Default for DiskSpeed {
    fn default() -> Self {
        Self {
            write: Duration::from_micros(10),
            sync: Duration::from_millis(1),
            extra: Duration::ZERO,
        }
    }
}

/// The files of one node.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// How fast it is.
    pub speed: DiskSpeed,
    files: BTreeMap<&'static str, File>,
    syncs: Vec<Sync>,
    contents: u64,
}

/// A file's contents, the latest last: what a reader sees. Those before it are kept for as long as
/// a power loss could bring them back.
type File = Vec<Content>;

/// What was written to a file between two replacements.
#[derive(Clone, Debug, Default)]
struct Content {
    number: u64,
    bytes: Vec<u8>,
    /// How much of it a power loss leaves; `None` when nothing says that it was ever there.
    synced: Option<usize>,
}

/// An fsync under way: it covers what had been written when it was asked for, and nothing is safe
/// before it is done.
#[derive(Clone, Debug)]
struct Sync {
    done_at: SimTime,
    file: &'static str,
    content: u64,
    length: usize,
}

impl Disk {
    /// Whether an operation takes longer on a slow disk: not one that ends in the page cache.
    pub const fn is_slowed(operation: &DiskOperation) -> bool {
        !matches!(operation, DiskOperation::Append { .. })
    }

    /// Begins an operation and says when it will be done. What is written can be read at once.
    pub fn apply(&mut self, now: SimTime, operation: DiskOperation) -> SimTime {
        match operation {
            DiskOperation::Append { file, bytes } => {
                self.latest(file).bytes.extend_from_slice(&bytes);
                self.end_of_syncs(now, file) + self.speed.write
            }
            DiskOperation::Replace { file, bytes } => {
                self.contents += 1;
                let content =
                    Content { number: self.contents, bytes: bytes.to_vec(), synced: None };
                self.files.entry(file).or_default().push(content);
                self.settle(now);
                now + self.speed.write + self.speed.extra
            }
            DiskOperation::Sync { file } => {
                self.settle(now);
                let done_at = now + self.speed.sync + self.speed.extra;
                let latest = self.latest(file);
                let (content, length) = (latest.number, latest.bytes.len());
                self.syncs.push(Sync { done_at, file, content, length });
                done_at
            }
        }
    }

    /// When a write to the file can begin: it waits for the fsyncs of the file that are under way, since
    /// its last page is on its way to the platter.
    ///
    /// Source: Redis's `aof.c`, `flushAppendOnlyFile`, which puts writes off for that reason.
    fn end_of_syncs(&self, now: SimTime, file: &'static str) -> SimTime {
        let of_file = self.syncs.iter().filter(|sync| sync.file == file);
        of_file.map(|sync| sync.done_at).fold(now, SimTime::max)
    }

    /// The host loses its power: what was not synced is gone. Returns how many bytes.
    pub fn lose_power(&mut self, now: SimTime) -> u64 {
        self.settle(now);
        self.syncs.clear();
        let mut lost = 0;
        for file in self.files.values_mut() {
            file.retain_mut(|content| {
                let kept = content.synced.unwrap_or(0);
                lost += content.bytes.len().saturating_sub(kept) as u64;
                content.bytes.truncate(kept);
                content.synced.is_some()
            });
        }
        self.files.retain(|_, file| !file.is_empty());
        lost
    }

    /// The files as a starting process finds them.
    pub fn files(&self) -> Files {
        let latest = |file: &File| file.last().map(|latest| Bytes::copy_from_slice(&latest.bytes));
        self.files.iter().filter_map(|(name, file)| Some((*name, latest(file)?))).collect()
    }

    /// What was last written to a file; it is created when it is not there.
    fn latest(&mut self, name: &'static str) -> &mut Content {
        let file = self.files.entry(name).or_default();
        if file.is_empty() {
            self.contents += 1;
            file.push(Content { number: self.contents, ..Content::default() });
        }
        let last = file.len() - 1;
        &mut file[last]
    }

    /// Lets the syncs that are done by now have done what they do, and forgets the contents that
    /// nothing can bring back.
    fn settle(&mut self, now: SimTime) {
        let Self { files, syncs, .. } = self;
        for sync in syncs.extract_if(.., |sync| sync.done_at <= now) {
            let file = files.entry(sync.file).or_default();
            if let Some(content) = file.iter_mut().find(|one| one.number == sync.content) {
                content.synced = content.synced.max(Some(sync.length));
            }
        }
        // Mostly there is one content, and that is kept.
        for (name, file) in files.iter_mut().filter(|(_, file)| file.len() > 1) {
            let is_under_way =
                |number| syncs.iter().any(|sync| sync.file == *name && sync.content == number);
            let safe = file.iter().rposition(|content| content.synced.is_some());
            let mut place = 0;
            let last = file.len() - 1;
            file.retain(|content| {
                let is_kept = place == last
                    || Some(place) == safe
                    || Some(place) > safe && is_under_way(content.number);
                place += 1;
                is_kept
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> SimTime {
        SimTime::after(Duration::from_millis(n))
    }

    fn append(bytes: &'static [u8]) -> DiskOperation {
        DiskOperation::Append { file: "log", bytes: Bytes::from_static(bytes) }
    }

    fn replace(bytes: &'static [u8]) -> DiskOperation {
        DiskOperation::Replace { file: "log", bytes: Bytes::from_static(bytes) }
    }

    const SYNC: DiskOperation = DiskOperation::Sync { file: "log" };

    #[test]
    fn a_power_loss_keeps_what_was_synced_and_only_that() {
        let mut disk = Disk::default();
        disk.apply(ms(0), append(b"one "));
        let done = disk.apply(ms(0), SYNC);
        disk.apply(ms(0), append(b"two"));
        assert_eq!(disk.files()["log"], "one two");
        assert_eq!(disk.lose_power(done), 3);
        assert_eq!(disk.files()["log"], "one ");
    }

    #[test]
    fn a_sync_counts_when_it_is_done_and_not_when_it_is_asked_for() {
        let mut disk = Disk::default();
        disk.apply(ms(0), append(b"one"));
        let done = disk.apply(ms(0), SYNC);
        let mut at_the_end = disk.clone();
        assert_eq!(disk.lose_power(SimTime::from_nanos(done.as_nanos() - 1)), 3);
        assert!(disk.files().is_empty());
        assert_eq!(at_the_end.lose_power(done), 0);
        assert_eq!(at_the_end.files()["log"], "one");
    }

    #[test]
    fn a_slow_sync_takes_nothing_back_from_a_later_one() {
        let mut disk = Disk::default();
        disk.apply(ms(0), append(b"one "));
        disk.speed.extra = Duration::from_millis(100);
        let slow = disk.apply(ms(0), SYNC);
        disk.speed.extra = Duration::ZERO;
        disk.apply(ms(1), append(b"two"));
        assert!(disk.apply(ms(1), SYNC) < slow);
        disk.lose_power(slow);
        assert_eq!(disk.files()["log"], "one two");
    }

    #[test]
    fn a_file_that_was_replaced_is_the_old_one_until_the_new_one_is_synced() {
        let mut disk = Disk::default();
        disk.apply(ms(0), append(b"old"));
        disk.apply(ms(0), SYNC);
        disk.apply(ms(10), replace(b"newer"));
        disk.apply(ms(20), replace(b"newest"));
        let mut dark = disk.clone();
        dark.lose_power(ms(20));
        assert_eq!(dark.files()["log"], "old");
        let done = disk.apply(ms(20), SYNC);
        disk.apply(done, replace(b"unsynced"));
        assert_eq!(disk.files()["log"], "unsynced");
        disk.lose_power(done);
        assert_eq!(disk.files()["log"], "newest");
    }

    #[test]
    fn a_sync_under_way_while_its_file_is_replaced_makes_the_old_content_safe() {
        let mut disk = Disk::default();
        disk.apply(ms(0), append(b"old"));
        let done = disk.apply(ms(0), SYNC);
        disk.apply(ms(0), replace(b"new"));
        disk.apply(ms(0), replace(b"newest"));
        disk.lose_power(done);
        assert_eq!(disk.files()["log"], "old");
    }

    #[test]
    fn a_file_that_was_never_synced_is_not_there_after_a_power_loss() {
        let mut disk = Disk::default();
        disk.apply(ms(0), replace(b"x"));
        disk.lose_power(ms(1000));
        assert!(disk.files().is_empty());
    }

    #[test]
    fn a_slow_disk_takes_longer() {
        let mut disk = Disk::default();
        let usual = disk.apply(ms(0), SYNC);
        disk.speed.extra = Duration::from_millis(30);
        assert_eq!(disk.apply(ms(0), SYNC), usual + disk.speed.extra);
    }

    #[test]
    fn a_write_is_not_slowed_but_by_an_fsync_of_its_file() {
        let mut disk = Disk::default();
        disk.speed.extra = Duration::from_millis(300);
        let (write, other) = (disk.speed.write, DiskOperation::Sync { file: "other" });
        assert_eq!(disk.apply(ms(0), append(b"one")), ms(0) + write);
        disk.apply(ms(1), other);
        assert_eq!(disk.apply(ms(1), append(b"two")), ms(1) + write);
        let synced = disk.apply(ms(2), SYNC);
        assert_eq!(disk.apply(ms(3), append(b"three")), synced + write);
        assert_eq!(disk.apply(synced, append(b"four")), synced + write);
    }
}
