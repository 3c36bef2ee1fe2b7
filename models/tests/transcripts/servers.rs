//! Which servers a transcript is about. The real ones have the same addresses as those of the model, so
//! that what they say of each other can be compared as it is.

/// The servers of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Servers {
    /// One server.
    Single,
    /// A master and its replica.
    Replica,
    /// A master, its replica, and a Sentinel that needs no other to agree.
    Sentinel,
    /// Three masters of a cluster.
    Cluster,
}

/// The first port; each server has one of its own.
const PORT: u16 = 7471;

impl Servers {
    const ALL: [(&'static str, Self, &'static [&'static str]); 4] = [
        ("single", Self::Single, &["server"]),
        ("replica", Self::Replica, &["master", "replica"]),
        ("sentinel", Self::Sentinel, &["master", "replica", "sentinel"]),
        ("cluster", Self::Cluster, &["one", "two", "three"]),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.0 == name).map(|row| row.1)
    }

    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What each server is called in the names of connections.
    pub fn names(self) -> &'static [&'static str] {
        self.row().2
    }

    fn row(self) -> (&'static str, Self, &'static [&'static str]) {
        Self::ALL.into_iter().find(|row| row.1 == self).expect("all of them are listed")
    }

    /// Which server a connection leads to: `replica.a` to the replica, `a` to the first.
    pub fn of(self, connection: &str) -> Option<usize> {
        match connection.split_once('.') {
            None => Some(0),
            Some((server, _)) => self.names().iter().position(|name| *name == server),
        }
    }

    /// Where a server listens.
    pub fn port(at: usize) -> u16 {
        PORT + at as u16
    }

    /// What has to be there before a case begins: whom to ask, what, and a part of the answer.
    pub fn ready(self) -> &'static [(usize, &'static str, &'static str)] {
        match self {
            Self::Single => &[],
            Self::Replica => &[
                (1, "INFO replication", "master_link_status:up"),
                (0, "INFO replication", "state=online"),
                // A replica is online a while before the first write reaches it.
                (0, "SET ready yes", "+OK"),
                (0, "WAIT 1 2000", ":1"),
                (0, "DEL ready", ":1"),
                (0, "WAIT 1 2000", ":1"),
            ],
            Self::Sentinel => &[
                (1, "INFO replication", "master_link_status:up"),
                (0, "INFO replication", "state=online"),
                (2, "INFO sentinel", "status=ok"),
                (2, "INFO sentinel", "slaves=1"),
                (2, "SENTINEL REPLICAS mymaster", "master-link-status\r\n$2\r\nok"),
            ],
            Self::Cluster => &[
                (0, "CLUSTER INFO", "cluster_state:ok"),
                (1, "CLUSTER INFO", "cluster_state:ok"),
                (2, "CLUSTER INFO", "cluster_state:ok"),
            ],
        }
    }
}
