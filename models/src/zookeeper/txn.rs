//! Transactions: what the leader makes of requests, and what every server carries out alike.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::codec::{Reader, Writer};
use super::protocol::{ErrorCode, Path, SessionId, Zxid};

/// A transaction as it is proposed and logged. Servers that keep it share it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Which it is.
    pub zxid: Zxid,
    /// Whose request it was.
    pub session: SessionId,
    /// Which of that client's requests it was.
    pub cxid: i32,
    /// When the leader made it: Unix milliseconds on its wall clock.
    pub time_ms: u64,
    /// What it does.
    pub txn: Txn,
}

/// What a transaction does. A request that is refused makes one too, which does nothing.
///
/// Source: `zookeeper.jute`, module `org.apache.zookeeper.txn`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Txn {
    /// A node comes to be.
    Create {
        /// Its whole path.
        path: Path,
        /// What it holds.
        data: Bytes,
        /// It belongs to the session.
        ephemeral: bool,
        /// How many children its parent has had, with it.
        parent_cversion: i32,
    },
    /// A node goes.
    Delete {
        /// Which.
        path: Path,
    },
    /// A node holds something else.
    SetData {
        /// Which.
        path: Path,
        /// What.
        data: Bytes,
        /// Its version from now on.
        version: i32,
    },
    /// In a `multi`: a node had the version that was asked for.
    Check {
        /// Which.
        path: Path,
    },
    /// Nothing: the request was refused.
    Error(ErrorCode),
    /// A session begins.
    CreateSession {
        /// After how many milliseconds without a word from its client it ends.
        timeout_ms: u32,
    },
    /// A session ends, and its nodes with it.
    CloseSession {
        /// Its nodes, as the leader knew them.
        paths: Vec<Path>,
    },
    /// All of these; or nothing, when there is an error among them.
    Multi(Vec<Txn>),
}

impl Proposal {
    /// How many bytes a usual record has, or fewer.
    const USUAL_BYTES: usize = 128;

    /// As records of the log: each its length, then itself.
    pub(super) fn log(proposals: &[Arc<Self>]) -> Bytes {
        let mut log = Writer::with_capacity(Self::USUAL_BYTES * proposals.len());
        for proposal in proposals {
            log.framed(|record| proposal.write(record));
        }
        log.finish()
    }

    fn write(&self, to: &mut Writer) {
        to.u64(self.zxid.0);
        to.u64(self.session.0);
        to.i32(self.cxid);
        to.u64(self.time_ms);
        self.txn.write(to);
    }

    /// The records of a log, up to the first that is not whole.
    pub(super) fn records(log: &[u8]) -> Vec<Arc<Self>> {
        let mut reader = Reader::new(log);
        let mut found = Vec::new();
        while let Some(record) = reader.data() {
            let Some(proposal) = Self::read(&mut Reader::new(&record)) else { break };
            found.push(Arc::new(proposal));
        }
        found
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            zxid: Zxid(reader.u64()?),
            session: SessionId(reader.u64()?),
            cxid: reader.i32()?,
            time_ms: reader.u64()?,
            txn: Txn::read(reader)?,
        })
    }
}

impl Txn {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Create { path, data, ephemeral, parent_cversion } => {
                to.u8(1);
                to.path(path);
                to.data(data);
                to.u8(u8::from(*ephemeral));
                to.i32(*parent_cversion);
            }
            Self::Delete { path } => {
                to.u8(2);
                to.path(path);
            }
            Self::SetData { path, data, version } => {
                to.u8(5);
                to.path(path);
                to.data(data);
                to.i32(*version);
            }
            Self::Check { path } => {
                to.u8(13);
                to.path(path);
            }
            Self::Error(error) => {
                to.u8(Self::ERROR);
                to.i32(error.code());
            }
            Self::CreateSession { timeout_ms } => {
                to.u8(10);
                to.u32(*timeout_ms);
            }
            Self::CloseSession { paths } => {
                to.u8(11);
                to.count(paths.len());
                paths.iter().for_each(|path| to.path(path));
            }
            Self::Multi(txns) => {
                to.u8(14);
                to.count(txns.len());
                txns.iter().for_each(|txn| txn.write(to));
            }
        }
    }

    /// ZooKeeper's number for it is -1.
    const ERROR: u8 = 255;

    /// The numbers are ZooKeeper's own. Source: `ZooDefs.java`, `OpCode`.
    fn read(from: &mut Reader<'_>) -> Option<Self> {
        Some(match from.u8()? {
            1 => Self::Create {
                path: from.path()?,
                data: from.data()?,
                ephemeral: from.u8()? != 0,
                parent_cversion: from.i32()?,
            },
            2 => Self::Delete { path: from.path()? },
            5 => Self::SetData { path: from.path()?, data: from.data()?, version: from.i32()? },
            13 => Self::Check { path: from.path()? },
            Self::ERROR => Self::Error(ErrorCode::from_code(from.i32()?)?),
            10 => Self::CreateSession { timeout_ms: from.u32()? },
            11 => {
                let count = from.count()?;
                Self::CloseSession {
                    paths: (0..count).map(|_| from.path()).collect::<Option<_>>()?,
                }
            }
            14 => {
                let count = from.count()?;
                Self::Multi((0..count).map(|_| Self::read(from)).collect::<Option<_>>()?)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(counter: u32, txn: Txn) -> Arc<Proposal> {
        let (zxid, session, time_ms) = (Zxid::new(2, counter), SessionId(9), 1_700_000_000_000);
        Arc::new(Proposal { zxid, session, cxid: -3, time_ms, txn })
    }

    fn every_kind() -> Vec<Txn> {
        let path = Path::from("/locks/ä");
        let create = Txn::Create {
            path: path.clone(),
            data: Bytes::from_static(b"x"),
            ephemeral: true,
            parent_cversion: 7,
        };
        let set = Txn::SetData { path: path.clone(), data: Bytes::new(), version: 3 };
        vec![
            create.clone(),
            Txn::Delete { path: path.clone() },
            set,
            Txn::Error(ErrorCode::NodeExists),
            Txn::CreateSession { timeout_ms: 30_000 },
            Txn::CloseSession { paths: vec![path.clone(), Path::from("/b")] },
            Txn::Multi(vec![create, Txn::Check { path }, Txn::Multi(vec![])]),
        ]
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written: Vec<Arc<Proposal>> =
            (1..).zip(every_kind()).map(|(counter, txn)| proposal(counter, txn)).collect();
        assert_eq!(Proposal::records(&Proposal::log(&written)), written);
    }

    #[test]
    fn a_record_that_is_cut_off_ends_the_log() {
        let [first, second] =
            [1, 2].map(|counter| proposal(counter, Txn::Error(ErrorCode::NoNode)));
        let begin = Proposal::log(std::slice::from_ref(&first)).len();
        let log = Proposal::log(&[first, second]);
        for length in begin..log.len() {
            assert_eq!(Proposal::records(&log[..length]).len(), 1, "{length}");
        }
        assert_eq!(Proposal::records(&log).len(), 2);
    }
}
