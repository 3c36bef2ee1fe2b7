//! What a server keeps on disk: the log, a snapshot, two epochs; and the thread that writes the log.
//!
//! Source: `SyncRequestProcessor.java`, `FileTxnLog.java`, `FileTxnSnapLog.java`, `QuorumPeer.java`.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::codec::{Reader, Writer};
use super::protocol::Zxid;
use super::tree::DataTree;
use super::txn::Proposal;
use crate::machine::{Context, DiskOperation, DiskToken, Files};

const LOG: &str = "version-2/log";
const SNAPSHOT: &str = "version-2/snapshot";
const ACCEPTED_EPOCH: &str = "version-2/acceptedEpoch";
const CURRENT_EPOCH: &str = "version-2/currentEpoch";

/// What the disk has done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// These transactions are safe.
    Logged(Vec<Arc<Proposal>>),
    /// What the server waits for: an epoch, a snapshot, a shorter log.
    Saved,
}

/// A server's files, as it knows them.
#[derive(Debug)]
pub(super) struct Storage {
    /// What the log holds, or will when the disk has caught up.
    log: Vec<Arc<Proposal>>,
    /// `acceptedEpoch`: the last that a leader has begun with this server's consent.
    accepted_epoch: u32,
    /// `currentEpoch`: the last whose leader's log this server has had whole.
    current_epoch: u32,
    /// What is still to be written: `queuedRequests`.
    queue: VecDeque<Arc<Proposal>>,
    /// What is being synced: `toFlush`.
    syncing: Option<(DiskToken, Vec<Arc<Proposal>>)>,
    /// What the server waits for.
    saving: Option<DiskToken>,
    next_token: u32,
}

impl Storage {
    /// How many transactions are synced at once, at most. Source: `ZooKeeperServer.java`,
    /// `DEFAULT_MAX_BATCH_SIZE`.
    const MAX_BATCH: usize = 1000;

    /// What a process finds. Source: `QuorumPeer.java`, `loadDataBase`: an epoch that is not there is that
    /// of the last transaction.
    pub(super) fn load(files: &Files) -> Self {
        let log = files.get(LOG).map(|log| Proposal::records(log)).unwrap_or_default();
        let last = log.last().map_or_else(Zxid::default, |last| last.zxid);
        let epoch = |name| files.get(name).and_then(|file: &Bytes| Reader::new(file).u32());
        Self {
            log,
            accepted_epoch: epoch(ACCEPTED_EPOCH).unwrap_or_else(|| last.epoch()),
            current_epoch: epoch(CURRENT_EPOCH).unwrap_or_else(|| last.epoch()),
            queue: VecDeque::new(),
            syncing: None,
            saving: None,
            next_token: 0,
        }
    }

    /// The snapshot that a process finds, or an empty tree.
    pub(super) fn snapshot(files: &Files) -> DataTree {
        files.get(SNAPSHOT).and_then(|file| DataTree::from_bytes(file)).unwrap_or_default()
    }

    pub(super) const fn accepted_epoch(&self) -> u32 {
        self.accepted_epoch
    }

    pub(super) const fn current_epoch(&self) -> u32 {
        self.current_epoch
    }

    /// What has been logged after a transaction, in order.
    pub(super) fn logged_after(&self, zxid: Zxid) -> Vec<Arc<Proposal>> {
        self.log.iter().filter(|one| one.zxid > zxid).cloned().collect()
    }

    /// Puts a transaction into the log; [`Done::Logged`] says when it is safe.
    pub(super) fn append(&mut self, proposal: Arc<Proposal>, context: &mut Context<'_>) {
        self.queue.push_back(proposal);
        self.flush(context);
    }

    /// Writes what waits, unless the thread is in an fsync.
    fn flush(&mut self, context: &mut Context<'_>) {
        if self.syncing.is_some() || self.queue.is_empty() {
            return;
        }
        let count = self.queue.len().min(Self::MAX_BATCH);
        let batch: Vec<Arc<Proposal>> = self.queue.drain(..count).collect();
        let bytes = Proposal::log(&batch);
        let written = self.token();
        context.disk(written, DiskOperation::Append { file: LOG, bytes });
        let synced = self.token();
        context.disk(synced, DiskOperation::Sync { file: LOG });
        self.log.extend(batch.iter().cloned());
        self.syncing = Some((synced, batch));
    }

    /// The disk is done with something; what the server has to know of it.
    pub(super) fn disk_done(
        &mut self,
        token: DiskToken,
        context: &mut Context<'_>,
    ) -> Option<Done> {
        if let Some((_, batch)) = self.syncing.take_if(|(synced, _)| *synced == token) {
            self.flush(context);
            return Some(Done::Logged(batch));
        }
        self.saving.take_if(|saved| *saved == token).map(|_| Done::Saved)
    }

    /// Whether the disk has done all that it was asked to.
    pub(super) fn is_idle(&self) -> bool {
        self.is_logged() && self.saving.is_none()
    }

    /// Whether all that was logged is safe.
    pub(super) fn is_logged(&self) -> bool {
        self.syncing.is_none() && self.queue.is_empty()
    }

    /// Source: `QuorumPeer.java`, `setAcceptedEpoch`.
    pub(super) fn set_accepted_epoch(&mut self, epoch: u32, context: &mut Context<'_>) {
        self.accepted_epoch = epoch;
        self.save(ACCEPTED_EPOCH, epoch_file(epoch), true, context);
    }

    /// Source: `QuorumPeer.java`, `setCurrentEpoch`.
    pub(super) fn set_current_epoch(&mut self, epoch: u32, context: &mut Context<'_>) {
        self.current_epoch = epoch;
        self.save(CURRENT_EPOCH, epoch_file(epoch), true, context);
    }

    /// Source: `ZooKeeperServer.java`, `takeSnapshot`.
    pub(super) fn save_snapshot(&mut self, tree: &DataTree, sync: bool, context: &mut Context<'_>) {
        self.save(SNAPSHOT, tree.to_bytes(), sync, context);
    }

    /// Takes what comes after a transaction out of the log. Source: `FileTxnLog.java`, `truncate`.
    pub(super) fn truncate(&mut self, zxid: Zxid, context: &mut Context<'_>) {
        self.log.retain(|one| one.zxid <= zxid);
        self.save(LOG, Proposal::log(&self.log), true, context);
    }

    /// Writes a file anew; [`Done::Saved`] says when that is done.
    fn save(&mut self, file: &'static str, bytes: Bytes, sync: bool, context: &mut Context<'_>) {
        let mut token = self.token();
        context.disk(token, DiskOperation::Replace { file, bytes });
        if sync {
            token = self.token();
            context.disk(token, DiskOperation::Sync { file });
        }
        self.saving = Some(token);
    }

    const fn token(&mut self) -> DiskToken {
        self.next_token += 1;
        DiskToken(self.next_token)
    }
}

fn epoch_file(epoch: u32) -> Bytes {
    let mut file = Writer::default();
    file.u32(epoch);
    file.finish()
}

/// The tree, and the last transactions that made it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) tree: DataTree,
    /// The last transactions, for followers that are a little behind: `committedLog`.
    committed: VecDeque<Arc<Proposal>>,
    /// What the disk had as a snapshot when the process started, or was given since.
    snapshot: DataTree,
}

impl Database {
    /// How many transactions are kept. Source: `ZKDatabase.java`, `DEFAULT_COMMIT_LOG_COUNT`.
    pub(super) const COMMITTED: usize = 500;

    /// What the files make. Source: `ZKDatabase.java`, `loadDataBase`.
    pub(super) fn load(snapshot: DataTree, storage: &Storage) -> Self {
        let mut database = Self { tree: snapshot.clone(), committed: VecDeque::new(), snapshot };
        database.fast_forward(storage);
        database
    }

    /// What the files make now.
    pub(super) fn reload(&mut self, storage: &Storage) {
        *self = Self::load(std::mem::take(&mut self.snapshot), storage);
    }

    /// Takes in what is logged, agreed on or not: a server that leaves its leader counts it as its own.
    /// Source: `ZKDatabase.java`, `fastForwardDataBase`.
    pub(super) fn fast_forward(&mut self, storage: &Storage) {
        for proposal in storage.logged_after(self.tree.last_zxid()) {
            self.tree.apply(&proposal, &mut Vec::new());
            self.keep(proposal);
        }
    }

    /// Everything comes from a leader. Source: `ZKDatabase.java`, `deserializeSnapshot`.
    pub(super) fn replace(&mut self, tree: DataTree) {
        self.committed.clear();
        self.tree = tree;
    }

    /// The tree is on disk as it is.
    pub(super) fn saved(&mut self) {
        self.snapshot = self.tree.clone();
    }

    /// Remembers a transaction that has been carried out. Source: `addCommittedProposal`, which keeps one more
    /// than it says.
    pub(super) fn keep(&mut self, proposal: Arc<Proposal>) {
        if self.committed.len() > Self::COMMITTED {
            self.committed.pop_front();
        }
        self.committed.push_back(proposal);
    }

    pub(super) const fn committed(&self) -> &VecDeque<Arc<Proposal>> {
        &self.committed
    }
}
