//! Who is hit by a fault: not which buyer, but a buyer.

use std::fmt;

use fencepost_faults::{Action, Fault, FaultKind, Groups};

use crate::scenario::{Backend, Scenario};

/// What a node is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// It wants the lock: a buyer, or a process with buyers.
    Client,
    /// It keeps the lock, and is no replica when the run begins.
    Server,
    /// It follows a server that keeps the lock, when the run begins.
    Replica,
    /// It watches those.
    Sentinel,
    /// It keeps what the lock protects.
    Store,
    /// It is there besides: the load, an operator.
    Other,
}

impl Role {
    /// What the role is called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Replica => "replica",
            Self::Sentinel => "sentinel",
            Self::Store => "store",
            Self::Other => "other",
        }
    }
}

/// What each node of a scenario is there for.
pub struct Cast {
    servers: Vec<String>,
    replicas: Vec<String>,
    watchers: Vec<String>,
}

impl Cast {
    /// The roles of a scenario's nodes.
    pub fn of(scenario: &Scenario) -> Self {
        let backend = scenario.backend.as_ref();
        let mut servers = backend.map(Backend::server_names).unwrap_or_default();
        let masters = match backend {
            Some(Backend::RedisSentinel(_)) => 1,
            Some(Backend::RedisCluster(cluster)) => usize::from(cluster.masters),
            _ => servers.len(),
        };
        let replicas = servers.split_off(masters.min(servers.len()));
        let watchers = backend.map(Backend::watcher_names).unwrap_or_default();
        Self { servers, replicas, watchers }
    }

    fn role(&self, node: &str) -> Role {
        let is_in = |names: &[String]| names.iter().any(|name| name == node);
        match node {
            "store" | "orders" => Role::Store,
            "load" | "operator" => Role::Other,
            _ if is_in(&self.servers) => Role::Server,
            _ if is_in(&self.replicas) => Role::Replica,
            _ if is_in(&self.watchers) => Role::Sentinel,
            _ => Role::Client,
        }
    }

    /// A side of a cut: the roles that are on it.
    fn side(&self, names: &[String]) -> Vec<Role> {
        let mut roles: Vec<Role> = names.iter().map(|name| self.role(name)).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }
}

/// What a fault hits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Target {
    /// A node.
    Node(Role),
    /// Links between two sides; nobody on the other one is everybody else.
    Link(Vec<Role>, Vec<Role>),
}

/// A kind of fault and what it hits, whichever node that is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Blow {
    /// What goes wrong.
    pub kind: FaultKind,
    /// For whom.
    pub target: Target,
}

impl Blow {
    /// What a fault is, for the nodes' roles.
    pub fn of(fault: &Fault, cast: &Cast) -> Self {
        let between =
            |groups: &Groups| Target::Link(cast.side(&groups.one), cast.side(&groups.other));
        let target = match &fault.action {
            Action::Pause { node }
            | Action::Crash { node }
            | Action::PowerLoss { node }
            | Action::ClockJump { node, .. }
            | Action::ClockDrift { node, .. }
            | Action::SlowDisk { node, .. }
            | Action::Failover { node } => Target::Node(cast.role(node)),
            Action::HoldMessage { from, to, .. } => {
                Target::Link(vec![cast.role(from)], vec![cast.role(to)])
            }
            Action::Partition(groups)
            | Action::OneWayPartition(groups)
            | Action::DropConnection(groups)
            | Action::Delay { groups, .. } => between(groups),
        };
        Self { kind: fault.kind(), target }
    }

    /// Whether it may be the other in a simpler form: the same kind at a node of the same role, or at links,
    /// of which fewer may be left.
    pub fn may_come_of(&self, other: &Self) -> bool {
        let are_links =
            matches!((&self.target, &other.target), (Target::Link(..), Target::Link(..)));
        self.kind == other.kind && (are_links || self.target == other.target)
    }
}

impl fmt::Display for Blow {
    /// `pause client`, `partition server|client`, `hold-message client|store`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |roles: &[Role]| match roles {
            [] => "all".to_owned(),
            roles => roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join("+"),
        };
        match &self.target {
            Target::Node(role) => write!(f, "{} {}", self.kind, role.as_str()),
            Target::Link(one, other) => write!(f, "{} {}|{}", self.kind, side(one), side(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fencepost_faults::Start;

    use super::*;
    use crate::scenario::{RedisCluster, RedisSentinel};

    fn blow(scenario: &Scenario, action: Action) -> Blow {
        let fault = Fault { start: Start::At(Duration::ZERO), length: None, action };
        Blow::of(&fault, &Cast::of(scenario))
    }

    fn pause(node: &str) -> Action {
        Action::Pause { node: node.to_owned() }
    }

    fn cut(one: &[&str], other: &[&str]) -> Action {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Action::Partition(Groups { one: names(one), other: names(other) })
    }

    #[test]
    fn every_node_has_its_role() {
        let sentinel = Scenario::default()
            .but(|s| s.backend = Some(Backend::RedisSentinel(RedisSentinel::default())));
        let cluster = Scenario::default()
            .but(|s| s.backend = Some(Backend::RedisCluster(RedisCluster::default())));
        let cases = [
            (&sentinel, "redis-1", "pause server"),
            (&sentinel, "redis-2", "pause replica"),
            (&sentinel, "sentinel-1", "pause sentinel"),
            (&sentinel, "buyer-2", "pause client"),
            (&sentinel, "store", "pause store"),
            (&sentinel, "orders", "pause store"),
            (&sentinel, "load", "pause other"),
            (&cluster, "redis-3", "pause server"),
            (&cluster, "redis-4", "pause replica"),
        ];
        for (scenario, node, said) in cases {
            assert_eq!(blow(scenario, pause(node)).to_string(), said);
        }
        for (scenario, name) in [&sentinel, &cluster].map(|one| (one, one.node_names())) {
            let unknown = name
                .iter()
                .filter(|name| blow(scenario, pause(name)).target == Target::Node(Role::Other));
            assert_eq!(unknown.count(), 0);
        }
    }

    #[test]
    fn a_cut_is_about_the_roles_on_its_sides() {
        let scenario = Scenario::default();
        let said = |one: &[&str], other: &[&str]| blow(&scenario, cut(one, other)).to_string();
        assert_eq!(said(&["buyer-1", "buyer-2"], &["redis"]), "partition client|server");
        assert_eq!(said(&["redis", "buyer-1"], &[]), "partition client+server|all");
    }

    #[test]
    fn a_simpler_fault_comes_of_its_like_alone() {
        let scenario = Scenario::default();
        let of = |action| blow(&scenario, action);
        let (wide, narrow) = (of(cut(&["redis", "buyer-1"], &[])), of(cut(&["redis"], &["store"])));
        assert!(narrow.may_come_of(&wide));
        assert!(of(pause("buyer-1")).may_come_of(&of(pause("buyer-2"))));
        assert!(!of(pause("redis")).may_come_of(&of(pause("buyer-2"))));
        assert!(!of(pause("redis")).may_come_of(&of(Action::Crash { node: "redis".to_owned() })));
    }
}
