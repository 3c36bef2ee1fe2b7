//! What transactions do to the tree, and whom it tells: from the request to the event, as a lone leader would.

use bytes::Bytes;

use super::{Change, DataTree, Notice, Outcome, Watches};
use crate::machine::ConnectionId;
use crate::zookeeper::prepare::{Outstanding, Request};
use crate::zookeeper::protocol::EventKind::{
    NodeChildrenChanged, NodeCreated, NodeDataChanged, NodeDeleted,
};
use crate::zookeeper::protocol::{
    CreateMode, ErrorCode, EventKind, Op, Path, SessionId, SetWatches, Zxid,
};
use crate::zookeeper::txn::{Proposal, Txn};

const ONE: ConnectionId = ConnectionId(1);
const TWO: ConnectionId = ConnectionId(2);

/// A tree and the leader's part that makes transactions for it.
#[derive(Default)]
struct Lone {
    tree: DataTree,
    outstanding: Outstanding,
    watches: Watches,
    told: Vec<Notice>,
    proposed: u32,
}

impl Lone {
    /// Makes a transaction of a request, and does not carry it out yet.
    fn propose(&mut self, session: u64, op: &Op) -> Proposal {
        self.proposed += 1;
        let request = Request {
            session: SessionId(session),
            standing: Ok(()),
            zxid: Zxid::new(1, self.proposed),
            time_ms: 1000 + u64::from(self.proposed),
        };
        let txn = match op {
            Op::CloseSession => {
                self.outstanding.close_session(&self.tree, request.session, request.zxid)
            }
            _ => self.outstanding.prepare(&self.tree, &request, op),
        };
        let Request { session, zxid, time_ms, .. } = request;
        Proposal { zxid, session, cxid: 0, time_ms, txn }
    }

    fn commit(&mut self, proposal: &Proposal) -> Outcome {
        let mut changes: Vec<Change> = Vec::new();
        let outcome = self.tree.apply(proposal, &mut changes);
        self.outstanding.applied(proposal.zxid);
        changes.iter().for_each(|change| self.watches.fire(change, &mut self.told));
        outcome
    }

    fn carry_out(&mut self, session: u64, op: &Op) -> Outcome {
        let proposal = self.propose(session, op);
        self.commit(&proposal)
    }

    fn create(&mut self, path: &str, mode: CreateMode) -> Outcome {
        self.carry_out(7, &create(path, mode))
    }

    fn told(&mut self) -> Vec<(u32, EventKind, String)> {
        let told = std::mem::take(&mut self.told);
        told.into_iter().map(|(to, event)| (to.0, event.kind, event.path.to_string())).collect()
    }
}

fn create(path: &str, mode: CreateMode) -> Op {
    Op::Create { path: Path::from(path), data: Bytes::from_static(b"d"), mode, with_stat: true }
}

fn delete(path: &str, version: i32) -> Op {
    Op::Delete { path: Path::from(path), version }
}

fn set(path: &str, version: i32) -> Op {
    Op::SetData { path: Path::from(path), data: Bytes::from_static(b"new"), version }
}

fn path_of(outcome: &Outcome) -> &str {
    let Outcome::Created { path, .. } = outcome else { panic!("not created: {outcome:?}") };
    path
}

const fn failed(error: ErrorCode) -> Outcome {
    Outcome::Failed(error)
}

#[test]
fn a_new_tree_has_the_stat_that_a_new_server_shows() {
    let tree = DataTree::default();
    let root = tree.stat("/").unwrap();
    assert_eq!((root.num_children, root.cversion, root.version), (1, -1, 0));
    assert_eq!(tree.children("/zookeeper").unwrap().0, ["config".into(), "quota".into()]);
    assert_eq!(tree.stat("/zookeeper").unwrap().cversion, -2);
}

#[test]
fn sequential_nodes_are_numbered_by_what_their_parent_has_had() {
    let mut lone = Lone::default();
    lone.create("/q", CreateMode::PERSISTENT);
    let names: Vec<String> = (0..3)
        .map(|_| path_of(&lone.create("/q/n-", CreateMode::EPHEMERAL_SEQUENTIAL)).to_owned())
        .collect();
    assert_eq!(names, ["/q/n-0000000000", "/q/n-0000000001", "/q/n-0000000002"]);
    // What is deleted gives its number to nobody, and what is not sequential counts.
    lone.carry_out(7, &delete("/q/n-0000000002", -1));
    lone.create("/q/plain", CreateMode::PERSISTENT);
    assert_eq!(path_of(&lone.create("/q/", CreateMode::PERSISTENT_SEQUENTIAL)), "/q/0000000004");
    let stat = lone.tree.stat("/q").unwrap();
    assert_eq!((stat.num_children, stat.cversion), (4, 6));
    assert_eq!(stat.pzxid, Zxid::new(1, 7));
}

#[test]
fn a_request_is_checked_against_what_is_proposed_and_not_carried_out() {
    let mut lone = Lone::default();
    let first = lone.propose(7, &create("/a", CreateMode::PERSISTENT));
    let second = lone.propose(7, &create("/a/b", CreateMode::EPHEMERAL));
    let again = lone.propose(8, &create("/a", CreateMode::PERSISTENT));
    let too_early = lone.propose(8, &delete("/a", -1));
    let below = lone.propose(8, &create("/a/b/c", CreateMode::PERSISTENT));
    for proposal in [&first, &second] {
        assert!(matches!(proposal.txn, Txn::Create { .. }), "{proposal:?}");
    }
    assert_eq!(again.txn, Txn::Error(ErrorCode::NodeExists));
    assert_eq!(too_early.txn, Txn::Error(ErrorCode::NotEmpty));
    assert_eq!(below.txn, Txn::Error(ErrorCode::NoChildrenForEphemerals));
    for proposal in [first, second, again, too_early, below] {
        lone.commit(&proposal);
    }
    let deleted = lone.propose(7, &delete("/a/b", 0));
    assert_eq!(lone.propose(7, &set("/a/b", -1)).txn, Txn::Error(ErrorCode::NoNode));
    lone.commit(&deleted);
    assert_eq!(lone.tree.last_zxid(), Zxid::new(1, 6));
}

#[test]
fn each_refusal_has_its_error() {
    let mut lone = Lone::default();
    lone.create("/a", CreateMode::PERSISTENT);
    let cases = [
        (create("a", CreateMode::PERSISTENT), ErrorCode::BadArguments),
        (create("/a/", CreateMode::PERSISTENT), ErrorCode::BadArguments),
        (create("/", CreateMode::PERSISTENT), ErrorCode::NodeExists),
        (create("/x/y", CreateMode::PERSISTENT), ErrorCode::NoNode),
        (delete("/zookeeper", -1), ErrorCode::BadArguments),
        (delete("/", -1), ErrorCode::BadArguments),
        (delete("/x", -1), ErrorCode::NoNode),
        (delete("/a", 1), ErrorCode::BadVersion),
        (set("/x", -1), ErrorCode::NoNode),
        (set("/a", 3), ErrorCode::BadVersion),
        (set("a", -1), ErrorCode::BadArguments),
    ];
    for (op, error) in cases {
        assert_eq!(lone.carry_out(7, &op), failed(error), "{op:?}");
    }
}

#[test]
fn a_version_counts_the_writes_and_guards_them() {
    let mut lone = Lone::default();
    lone.create("/a", CreateMode::PERSISTENT);
    let Outcome::Set(stat) = lone.carry_out(7, &set("/a", 0)) else { panic!() };
    assert_eq!((stat.version, stat.data_length, stat.mzxid), (1, 3, Zxid::new(1, 2)));
    assert_eq!((stat.czxid, stat.ctime_ms, stat.mtime_ms), (Zxid::new(1, 1), 1001, 1002));
    assert_eq!(lone.carry_out(7, &set("/a", 0)), failed(ErrorCode::BadVersion));
    assert_eq!(lone.carry_out(7, &delete("/a", 1)), Outcome::Done);
}

#[test]
fn a_multi_is_carried_out_whole_or_not_at_all() {
    let mut lone = Lone::default();
    let check = Op::Check { path: Path::from("/a"), version: 0 };
    let good = Op::Multi(vec![create("/a", CreateMode::PERSISTENT), check, set("/a", 0)]);
    let Outcome::Multi(parts) = lone.carry_out(7, &good) else { panic!() };
    assert!(matches!(parts[..], [Outcome::Created { .. }, Outcome::Done, Outcome::Set(_)]));

    let bad =
        Op::Multi(vec![create("/a/b", CreateMode::PERSISTENT), delete("/x", -1), set("/a", -1)]);
    let proposal = lone.propose(7, &bad);
    // Nothing of it counts for what is proposed next.
    let next = lone.propose(7, &create("/a/b", CreateMode::PERSISTENT));
    let errors = [ErrorCode::Ok, ErrorCode::NoNode, ErrorCode::RuntimeInconsistency];
    assert_eq!(lone.commit(&proposal), Outcome::Multi(errors.map(failed).into()));
    assert_eq!(path_of(&lone.commit(&next)), "/a/b");
    assert_eq!(lone.tree.stat("/a").unwrap().version, 1);
}

#[test]
fn the_end_of_a_session_is_the_end_of_its_nodes() {
    let mut lone = Lone::default();
    lone.carry_out(7, &create("/kept", CreateMode::PERSISTENT));
    lone.carry_out(7, &create("/a", CreateMode::EPHEMERAL));
    lone.carry_out(7, &create("/b", CreateMode::EPHEMERAL));
    lone.carry_out(8, &create("/others", CreateMode::EPHEMERAL));
    let late = lone.propose(7, &create("/late", CreateMode::EPHEMERAL));
    let gone = lone.propose(7, &delete("/b", -1));
    let closed = lone.propose(7, &Op::CloseSession);
    assert_eq!(closed.txn, Txn::CloseSession { paths: vec!["/a".into(), "/late".into()] });
    // A name is free for the next one as soon as its end is proposed.
    let taken = lone.propose(8, &create("/a", CreateMode::EPHEMERAL));
    for proposal in [late, gone, closed, taken] {
        lone.commit(&proposal);
    }
    let (names, _) = lone.tree.children("/").unwrap();
    assert_eq!(names, ["a", "kept", "others", "zookeeper"].map(Path::from));
    assert_eq!(lone.tree.ephemerals(SessionId(8)).len(), 2);
}

#[test]
fn a_watch_fires_once_and_says_what_has_changed() {
    let mut lone = Lone::default();
    let (a, b) = (Path::from("/a"), Path::from("/a/b"));
    lone.watches.watch_data(&a, ONE);
    lone.create("/a", CreateMode::PERSISTENT);
    assert_eq!(lone.told(), [(1, NodeCreated, "/a".into())]);
    lone.carry_out(7, &set("/a", -1));
    assert_eq!(lone.told(), []);

    lone.watches.watch_data(&a, ONE);
    lone.watches.watch_children(&a, TWO);
    lone.carry_out(7, &set("/a", -1));
    lone.create("/a/b", CreateMode::PERSISTENT);
    lone.create("/a/c", CreateMode::PERSISTENT);
    let expected = [(1, NodeDataChanged, "/a".into()), (2, NodeChildrenChanged, "/a".into())];
    assert_eq!(lone.told(), expected);

    // Who watches data and children of what goes is told once, before those who watch its parent.
    lone.watches.watch_data(&b, ONE);
    lone.watches.watch_children(&b, ONE);
    lone.watches.watch_children(&b, TWO);
    lone.watches.watch_children(&a, ONE);
    lone.carry_out(7, &delete("/a/b", -1));
    let expected = [
        (1, NodeDeleted, "/a/b".into()),
        (2, NodeDeleted, "/a/b".into()),
        (1, NodeChildrenChanged, "/a".into()),
    ];
    assert_eq!(lone.told(), expected);

    lone.watches.watch_data(&a, ONE);
    lone.watches.forget(ONE);
    lone.carry_out(7, &set("/a", -1));
    assert_eq!(lone.told(), []);
}

#[test]
fn who_comes_back_is_told_at_once_what_it_has_missed() {
    let mut lone = Lone::default();
    for path in ["/old", "/new", "/old/child"] {
        lone.create(path, CreateMode::PERSISTENT);
    }
    let seen = lone.tree.last_zxid();
    lone.carry_out(7, &set("/new", -1));
    lone.create("/new/child", CreateMode::PERSISTENT);
    let paths = |paths: &[&str]| paths.iter().map(|path| Path::from(*path)).collect();
    let watches = SetWatches {
        relative_zxid: seen,
        data: paths(&["/old", "/new", "/gone"]),
        exist: paths(&["/old", "/never"]),
        child: paths(&["/old", "/new", "/gone"]),
    };
    lone.watches.set(&watches, &lone.tree, ONE, &mut lone.told);
    let expected = [
        (1, NodeDataChanged, "/new".into()),
        (1, NodeDeleted, "/gone".into()),
        (1, NodeCreated, "/old".into()),
        (1, NodeChildrenChanged, "/new".into()),
        (1, NodeDeleted, "/gone".into()),
    ];
    assert_eq!(lone.told(), expected);
    // The rest is watched from now on.
    lone.create("/never", CreateMode::PERSISTENT);
    lone.carry_out(7, &delete("/old/child", -1));
    lone.carry_out(7, &set("/old", -1));
    let expected = [
        (1, NodeCreated, "/never".into()),
        (1, NodeChildrenChanged, "/old".into()),
        (1, NodeDataChanged, "/old".into()),
    ];
    assert_eq!(lone.told(), expected);
}

#[test]
fn a_snapshot_is_the_whole_tree() {
    let mut lone = Lone::default();
    lone.create("/a", CreateMode::PERSISTENT);
    lone.create("/a-b", CreateMode::EPHEMERAL);
    lone.create("/a/n-", CreateMode::EPHEMERAL_SEQUENTIAL);
    let session = Proposal {
        zxid: Zxid::new(1, 9),
        session: SessionId(7),
        cxid: 0,
        time_ms: 5,
        txn: Txn::CreateSession { timeout_ms: 4000 },
    };
    lone.commit(&session);
    let bytes = lone.tree.to_bytes();
    assert_eq!(DataTree::from_bytes(&bytes).as_ref(), Some(&lone.tree));
    assert_eq!(DataTree::from_bytes(&bytes[..bytes.len() - 1]), None);
}
