//! A node's disk: what a process wrote is in the page cache, what it synced is on the platter.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fencepost_models::machine::{DiskOperation, Files};

/// How long the parts of an operation take. Typical of an NVMe disk behind a file system:
/// a write to the page cache is a memory copy, an fsync is a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpeed {
    /// A write to the page cache.
    pub write: Duration,
    /// An fsync.
    pub sync: Duration,
    /// Added to each operation by a `slow-disk` fault.
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
}

#[derive(Clone, Debug, Default)]
struct File {
    /// What a reader sees.
    cached: Vec<u8>,
    /// What a power loss leaves.
    synced: Vec<u8>,
}

impl Disk {
    /// Carries out an operation and says how long it takes.
    pub fn apply(&mut self, operation: DiskOperation) -> Duration {
        let took = match operation {
            DiskOperation::Append { file, bytes } => {
                self.files.entry(file).or_default().cached.extend_from_slice(&bytes);
                self.speed.write
            }
            DiskOperation::Replace { file, bytes } => {
                self.files.entry(file).or_default().cached = bytes.to_vec();
                self.speed.write
            }
            DiskOperation::Sync { file } => {
                let file = self.files.entry(file).or_default();
                file.synced.clone_from(&file.cached);
                self.speed.sync
            }
        };
        took + self.speed.extra
    }

    /// The host loses its power: what was not synced is gone. Returns how many bytes.
    pub fn lose_power(&mut self) -> u64 {
        let mut lost = 0;
        for file in self.files.values_mut() {
            lost += file.cached.len().abs_diff(file.synced.len()) as u64;
            file.cached.clone_from(&file.synced);
        }
        self.files.retain(|_, file| !file.cached.is_empty());
        lost
    }

    /// The files as a starting process finds them.
    pub fn files(&self) -> Files {
        let copy = |file: &File| Bytes::copy_from_slice(&file.cached);
        self.files.iter().map(|(name, file)| (*name, copy(file))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(bytes: &'static [u8]) -> DiskOperation {
        DiskOperation::Append { file: "log", bytes: Bytes::from_static(bytes) }
    }

    #[test]
    fn a_power_loss_keeps_what_was_synced_and_only_that() {
        let mut disk = Disk::default();
        disk.apply(append(b"one "));
        disk.apply(DiskOperation::Sync { file: "log" });
        disk.apply(append(b"two"));
        assert_eq!(disk.files()["log"], "one two");
        assert_eq!(disk.lose_power(), 3);
        assert_eq!(disk.files()["log"], "one ");
    }

    #[test]
    fn a_file_that_was_never_synced_is_not_there_after_a_power_loss() {
        let mut disk = Disk::default();
        disk.apply(DiskOperation::Replace { file: "tmp", bytes: Bytes::from_static(b"x") });
        disk.lose_power();
        assert!(disk.files().is_empty());
    }

    #[test]
    fn a_slow_disk_takes_longer() {
        let mut disk = Disk::default();
        let usual = disk.apply(DiskOperation::Sync { file: "log" });
        disk.speed.extra = Duration::from_millis(30);
        assert_eq!(disk.apply(DiskOperation::Sync { file: "log" }), usual + disk.speed.extra);
    }
}
