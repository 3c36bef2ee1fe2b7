//! The data of a fault plan.

use std::fmt;
use std::time::Duration;

/// The faults of one run, in the order in which they were written.
pub type Plan = Vec<Fault>;

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub start: Start,
    /// How long it lasts; `None` for ever, or, where the fault is an instant, nothing.
    pub length: Option<Duration>,
    /// What happens, and to whom.
    pub action: Action,
}

/// When a fault begins, in true time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// So long after the run's begin.
    At(Duration),
    /// When something happens.
    When(Trigger),
}

/// Something that happens: the `nth` note of a kind that a node writes down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The node that writes the note; any when `None`.
    pub node: Option<String>,
    /// The note's kind, one of [`fencepost_models::note::NOTE_KINDS`].
    pub event: String,
    /// The how-manieth such note: 1 is the first.
    pub nth: u32,
    /// How long after it the fault begins.
    pub after: Duration,
}

/// Two groups of nodes with a cut between them. An empty second group is everybody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// One side.
    pub one: Vec<String>,
    /// The other side.
    pub other: Vec<String>,
}

/// What goes wrong, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The process stops being scheduled, as in a stop-the-world collection or under `SIGSTOP`;
    /// its kernel goes on taking what arrives.
    Pause {
        /// Whose process.
        node: String,
    },
    /// The process is gone; its kernel still delivers what it had written, and keeps its files.
    Crash {
        /// Whose process.
        node: String,
    },
    /// The host is gone: unsent messages and unsynced writes are lost, peers hear nothing.
    PowerLoss {
        /// Which host.
        node: String,
    },
    /// No packet passes between the groups.
    Partition(Groups),
    /// No packet passes from the first group to the second.
    OneWayPartition(Groups),
    /// Every message between the groups takes longer.
    Delay {
        /// Between whom.
        groups: Groups,
        /// By how much.
        by: Duration,
    },
    /// The next message from one node to another (the next one of that name) is held for as long
    /// as the fault lasts, and so is what follows it on its connection; all else goes on.
    HoldMessage {
        /// Who sends it.
        from: String,
        /// Whom it is for.
        to: String,
        /// Its name; any when `None`.
        message: Option<String>,
    },
    /// Connections between the groups are reset; what is under way on them is lost.
    DropConnection(Groups),
    /// The wall clock is set, forwards or backwards; set back again when the fault ends.
    ClockJump {
        /// Whose clock.
        node: String,
        /// By how many nanoseconds.
        by_nanos: i64,
    },
    /// Both clocks run too fast or too slow.
    ClockDrift {
        /// Whose clocks.
        node: String,
        /// By how many parts in a million.
        ppm: i32,
    },
    /// Every disk operation that waits for the platter takes longer: fsyncs, not writes to the page
    /// cache.
    SlowDisk {
        /// Whose disk.
        node: String,
        /// By how much.
        by: Duration,
    },
    /// An operator at a server has a replica take its master's place: what is said there is the
    /// backend's own command for that.
    Failover {
        /// Who is told.
        node: String,
    },
}

/// What can go wrong, as scenario files name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// [`Action::Pause`].
    Pause,
    /// [`Action::Crash`].
    Crash,
    /// [`Action::PowerLoss`].
    PowerLoss,
    /// [`Action::Partition`].
    Partition,
    /// [`Action::OneWayPartition`].
    OneWayPartition,
    /// [`Action::Delay`].
    Delay,
    /// [`Action::HoldMessage`].
    HoldMessage,
    /// [`Action::DropConnection`].
    DropConnection,
    /// [`Action::ClockJump`].
    ClockJump,
    /// [`Action::ClockDrift`].
    ClockDrift,
    /// [`Action::SlowDisk`].
    SlowDisk,
    /// [`Action::Failover`].
    Failover,
}

impl FaultKind {
    /// Whether faults of this kind are over as soon as they have begun, and can have no length.
    pub const fn is_instant(self) -> bool {
        matches!(self, Self::DropConnection | Self::Failover)
    }

    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Pause,
        Self::Crash,
        Self::PowerLoss,
        Self::Partition,
        Self::OneWayPartition,
        Self::Delay,
        Self::HoldMessage,
        Self::DropConnection,
        Self::ClockJump,
        Self::ClockDrift,
        Self::SlowDisk,
        Self::Failover,
    ];

    /// The kind's name in scenario files and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Crash => "crash",
            Self::PowerLoss => "power-loss",
            Self::Partition => "partition",
            Self::OneWayPartition => "one-way-partition",
            Self::Delay => "delay",
            Self::HoldMessage => "hold-message",
            Self::DropConnection => "drop-connection",
            Self::ClockJump => "clock-jump",
            Self::ClockDrift => "clock-drift",
            Self::SlowDisk => "slow-disk",
            Self::Failover => "failover",
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Action {
    /// The action's kind.
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Pause { .. } => FaultKind::Pause,
            Self::Crash { .. } => FaultKind::Crash,
            Self::PowerLoss { .. } => FaultKind::PowerLoss,
            Self::Partition(_) => FaultKind::Partition,
            Self::OneWayPartition(_) => FaultKind::OneWayPartition,
            Self::Delay { .. } => FaultKind::Delay,
            Self::HoldMessage { .. } => FaultKind::HoldMessage,
            Self::DropConnection(_) => FaultKind::DropConnection,
            Self::ClockJump { .. } => FaultKind::ClockJump,
            Self::ClockDrift { .. } => FaultKind::ClockDrift,
            Self::SlowDisk { .. } => FaultKind::SlowDisk,
            Self::Failover { .. } => FaultKind::Failover,
        }
    }

    /// The nodes that the action names.
    pub fn nodes(&self) -> Vec<&str> {
        match self {
            Self::Pause { node }
            | Self::Crash { node }
            | Self::PowerLoss { node }
            | Self::ClockJump { node, .. }
            | Self::ClockDrift { node, .. }
            | Self::SlowDisk { node, .. }
            | Self::Failover { node } => vec![node],
            Self::HoldMessage { from, to, .. } => vec![from, to],
            Self::Partition(groups)
            | Self::OneWayPartition(groups)
            | Self::DropConnection(groups)
            | Self::Delay { groups, .. } => {
                groups.one.iter().chain(&groups.other).map(String::as_str).collect()
            }
        }
    }
}

impl Fault {
    /// The fault's kind.
    pub const fn kind(&self) -> FaultKind {
        self.action.kind()
    }

    /// Whether it is over as soon as it has begun, and nothing is left to undo. A clock that is set is, unless
    /// it is set back later.
    pub const fn is_instant(&self) -> bool {
        self.kind().is_instant()
            || matches!((self.kind(), self.length), (FaultKind::ClockJump, None))
    }
}
