//! A disk that keeps what was synced.

use std::collections::BTreeMap;

use crate::machine::{DiskOperation, Files};

#[derive(Default)]
pub(super) struct Disk {
    written: BTreeMap<&'static str, Vec<u8>>,
    synced: BTreeMap<&'static str, Vec<u8>>,
}

impl Disk {
    /// Begins an operation. An fsync says what will be safe when it is done.
    pub(super) fn apply(&mut self, operation: DiskOperation) -> Option<(&'static str, Vec<u8>)> {
        match operation {
            DiskOperation::Append { file, bytes } => {
                self.written.entry(file).or_default().extend_from_slice(&bytes);
                None
            }
            DiskOperation::Replace { file, bytes } => {
                self.written.insert(file, bytes.to_vec());
                None
            }
            DiskOperation::Sync { file } => {
                Some((file, self.written.get(file).cloned().unwrap_or_default()))
            }
        }
    }

    pub(super) fn synced(&mut self, file: &'static str, content: &[u8]) {
        self.synced.insert(file, content.to_vec());
    }

    pub(super) fn lose_power(&mut self) {
        self.written = self.synced.clone();
    }

    pub(super) fn files(&self) -> Files {
        self.written.iter().map(|(name, bytes)| (*name, bytes.clone().into())).collect()
    }
}
