//! What a follower is sent so that it has what the leader has.
//!
//! Source: `LearnerHandler.java`, `syncFollower`, `queueCommittedProposals`. The log on disk is never read for
//! it: its file is allocated in pieces of 64 MiB (`FilePadding.java`), which is more than a third of any
//! snapshot here (`ZKDatabase.java`, `calculateTxnLogSizeLimit`), so that a snapshot is sent instead.

use std::sync::Arc;

use crate::zookeeper::protocol::{Quorum, SnapshotTree, Zxid};
use crate::zookeeper::storage::Database;
use crate::zookeeper::txn::Proposal;

/// What to send to a follower whose last transaction is that, and up to which transaction it has everything
/// then.
pub(super) fn packets(database: &Database, peer: Zxid) -> (Vec<Quorum>, Zxid) {
    let last = database.tree.last_zxid();
    let committed = database.committed();
    let min = committed.front().map_or(last, |first| first.zxid);
    let max = committed.back().map_or(last, |last| last.zxid);
    // An epoch has begun at the peer and nothing was proposed in it: there is nothing to take back.
    let is_new_epoch = peer.counter() == 0;
    if last == peer {
        return (vec![Quorum::Diff { zxid: peer }], peer);
    }
    if peer > max && !is_new_epoch {
        return (vec![Quorum::Trunc { zxid: max }], max);
    }
    if (min..=max).contains(&peer)
        && let Some(packets) = from_committed(committed.iter(), peer, max)
    {
        return (packets, max);
    }
    let tree = Arc::new(SnapshotTree(database.tree.clone()));
    (vec![Quorum::Snap { tree }], last)
}

/// From the last transactions: those that the peer does not have, after it has been told what of its own to
/// take back. `None` when it has some that nobody here has ever had, in an epoch that is over.
fn from_committed<'a>(
    committed: impl Iterator<Item = &'a Arc<Proposal>>,
    peer: Zxid,
    max: Zxid,
) -> Option<Vec<Quorum>> {
    let is_new_epoch = peer.counter() == 0;
    let mut packets = Vec::new();
    let mut previous = None;
    for proposal in committed {
        let zxid = proposal.zxid;
        if zxid < peer {
            previous = Some(zxid);
            continue;
        }
        if packets.is_empty() {
            if zxid == peer {
                packets.push(Quorum::Diff { zxid: max });
                continue;
            }
            if is_new_epoch {
                packets.push(Quorum::Diff { zxid: max });
            } else if zxid.epoch() == peer.epoch() {
                packets.push(Quorum::Trunc { zxid: previous? });
            } else {
                return None;
            }
        }
        packets.push(Quorum::Proposal(proposal.clone()));
        packets.push(Quorum::Commit { zxid });
    }
    Some(packets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zookeeper::protocol::{ErrorCode, SessionId};
    use crate::zookeeper::storage::Storage;
    use crate::zookeeper::tree::DataTree;
    use crate::zookeeper::txn::Txn;

    fn proposal(zxid: Zxid) -> Arc<Proposal> {
        let txn = Txn::Error(ErrorCode::NoNode);
        Arc::new(Proposal { zxid, session: SessionId(1), cxid: 0, time_ms: 0, txn })
    }

    fn database(zxids: impl IntoIterator<Item = (u32, u32)>) -> Database {
        let storage = Storage::load(&[].into());
        let mut database = Database::load(DataTree::default(), &storage);
        for (epoch, counter) in zxids {
            let proposal = proposal(Zxid::new(epoch, counter));
            database.tree.apply(&proposal, &mut Vec::new());
            database.keep(proposal);
        }
        database
    }

    fn shown(database: &Database, epoch: u32, counter: u32) -> Vec<String> {
        let (packets, _) = packets(database, Zxid::new(epoch, counter));
        let zxid = |zxid: Zxid| format!("{}.{}", zxid.epoch(), zxid.counter());
        let show = |packet: &Quorum| match packet {
            Quorum::Diff { zxid: to } => format!("diff {}", zxid(*to)),
            Quorum::Trunc { zxid: to } => format!("trunc {}", zxid(*to)),
            Quorum::Snap { tree } => format!("snap {}", zxid(tree.0.last_zxid())),
            Quorum::Proposal(proposal) => format!("proposal {}", zxid(proposal.zxid)),
            Quorum::Commit { zxid: of } => format!("commit {}", zxid(*of)),
            other => panic!("{other:?}"),
        };
        packets.iter().map(show).collect()
    }

    #[test]
    fn who_has_everything_is_sent_nothing() {
        let database = database([(1, 1), (1, 2)]);
        assert_eq!(shown(&database, 1, 2), ["diff 1.2"]);
    }

    #[test]
    fn who_is_behind_is_sent_what_it_lacks() {
        let database = database([(1, 1), (1, 2), (2, 1)]);
        let rest = ["diff 2.1", "proposal 1.2", "commit 1.2", "proposal 2.1", "commit 2.1"];
        assert_eq!(shown(&database, 1, 1), rest);
    }

    #[test]
    fn who_has_what_was_never_agreed_on_takes_it_back() {
        let database = database([(1, 1), (1, 2)]);
        assert_eq!(shown(&database, 1, 7), ["trunc 1.2"]);
        let gap = self::database([(1, 1), (1, 2), (1, 9)]);
        assert_eq!(shown(&gap, 1, 5), ["trunc 1.2", "proposal 1.9", "commit 1.9"]);
    }

    #[test]
    fn an_epoch_in_which_nothing_was_proposed_leaves_nothing_to_take_back() {
        let mut database = database([(1, 1), (3, 1)]);
        assert_eq!(shown(&database, 2, 0), ["diff 3.1", "proposal 3.1", "commit 3.1"]);
        database = self::database([(1, 1)]);
        database.tree.set_last_zxid(Zxid::new(3, 0));
        assert_eq!(shown(&database, 2, 0), ["snap 3.0"]);
    }

    #[test]
    fn who_has_what_an_old_leader_alone_had_is_sent_everything() {
        let database = database([(1, 1), (3, 1)]);
        assert_eq!(shown(&database, 2, 4), ["snap 3.1"]);
    }

    #[test]
    fn who_is_too_far_behind_is_sent_everything() {
        let count = u32::try_from(Database::COMMITTED).unwrap() + 10;
        let database = database((1..=count).map(|counter| (1, counter)));
        assert_eq!(shown(&database, 1, 2), [format!("snap 1.{count}")]);
        assert_eq!(shown(&database, 1, count - 1).len(), 3);
    }
}
