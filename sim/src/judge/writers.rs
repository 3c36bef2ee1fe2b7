//! Whose writes of the stock another write overwrites.

use std::collections::BTreeMap;

use fencepost_models::machine::NodeId;

use super::each_once;

/// Who has written, and what clients had read by then. Whose writes another overwrites is asked for
/// where the books are wrong alone.
#[derive(Default)]
pub struct Writers {
    writes: Vec<NodeId>,
    reads: Vec<Read>,
    /// How many writes there had been when a client last read so much, for the first `indexed` of
    /// the reads.
    seen: BTreeMap<(NodeId, u64), usize>,
    indexed: usize,
}

/// A client was told the stock after so many writes.
#[derive(Clone, Copy)]
struct Read {
    client: NodeId,
    stock: u64,
    writes: usize,
}

impl Writers {
    /// A client has been told the stock.
    pub fn has_read(&mut self, client: NodeId, stock: u64) {
        self.reads.push(Read { client, stock, writes: self.writes.len() });
    }

    /// A store has taken a client's write.
    pub fn has_written(&mut self, client: NodeId) {
        self.writes.push(client);
    }

    /// Whose writes the last one overwrites: the others' since its client last read the stock that
    /// it takes one piece from.
    pub fn overwritten(&mut self, after: u64) -> Vec<NodeId> {
        let Some((client, before)) = self.writes.split_last() else { return Vec::new() };
        for read in &self.reads[self.indexed..] {
            self.seen.insert((read.client, read.stock), read.writes);
        }
        self.indexed = self.reads.len();
        let basis = (*client, after.saturating_add(1));
        let unseen = self.seen.get(&basis).map_or(&[][..], |seen| &before[*seen..]);
        each_once(unseen.iter().copied().filter(|writer| writer != client))
    }
}
