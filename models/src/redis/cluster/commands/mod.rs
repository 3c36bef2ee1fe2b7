//! `CLUSTER`.
//!
//! ```text
//! shown    what only shows something
//! changed  what changes nodes, slots and epochs
//! ```
//!
//! Source: `cluster.c`, `clusterCommand`; arities from `src/commands/cluster-*.json`.

mod changed;
mod shown;

use bytes::Bytes;

use super::{Cluster, Node, NodeName, SLOTS, Turn};
use crate::redis::commands::{error, unknown_subcommand, wrong_arity, wrong_subcommand};
use crate::redis::number::parse_i64;
use crate::redis::resp::Reply;

/// What carries a subcommand out; an error is a reply too.
type Run = fn(&mut Cluster, &[Bytes], Turn<'_>) -> Result<Reply, Reply>;

/// The subcommands in the order of their names: how many arguments they take, the command's and
/// their own name included (at least so many when it is negative), and what carries them out.
const SUBCOMMANDS: &[(&str, i32, Run)] = &[
    ("addslots", -3, Cluster::add_slots),
    ("addslotsrange", -4, Cluster::add_slot_ranges),
    ("bumpepoch", 2, Cluster::bump_epoch_now),
    ("count-failure-reports", 3, Cluster::show_failure_reports),
    ("countkeysinslot", 3, Cluster::count_keys),
    ("delslots", -3, Cluster::delete_slots),
    ("delslotsrange", -4, Cluster::delete_slot_ranges),
    ("failover", -2, Cluster::fail_over),
    ("flushslots", 2, Cluster::flush_slots),
    ("forget", 3, Cluster::forget),
    ("getkeysinslot", 4, Cluster::get_keys),
    ("info", 2, Cluster::info),
    ("keyslot", 3, Cluster::show_slot),
    ("meet", -4, Cluster::meet_node),
    ("myid", 2, Cluster::my_id),
    ("nodes", 2, Cluster::show_nodes),
    ("replicas", 3, Cluster::show_replicas),
    ("replicate", 3, Cluster::replicate_node),
    ("reset", -2, Cluster::reset),
    ("saveconfig", 2, Cluster::save_now),
    ("set-config-epoch", 3, Cluster::set_config_epoch),
    ("setslot", -4, Cluster::set_slot),
    ("shards", 2, Cluster::show_shards),
    ("slaves", 3, Cluster::show_replicas),
    ("slots", 2, Cluster::show_slots),
];

impl Cluster {
    /// Carries out `CLUSTER …`; the arguments begin with the command's name.
    pub(crate) fn command(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Reply {
        let Some(word) = arguments.get(1) else { return wrong_arity("cluster") };
        let row = SUBCOMMANDS.iter().find(|(name, ..)| word.eq_ignore_ascii_case(name.as_bytes()));
        let Some((name, arity, run)) = row else {
            return unknown_subcommand(arguments);
        };
        let wanted = arity.unsigned_abs() as usize;
        let is_right =
            if *arity < 0 { arguments.len() >= wanted } else { arguments.len() == wanted };
        if !is_right {
            return wrong_arity(&format!("cluster|{name}"));
        }
        run(self, arguments, turn).unwrap_or_else(|error| error)
    }

    /// A node that an argument names.
    fn named(&self, name: &Bytes) -> Option<&Node> {
        NodeName::parse(name).and_then(|name| self.node(name))
    }

    fn named_or_unknown(&self, name: &Bytes) -> Result<&Node, Reply> {
        self.named(name).ok_or_else(|| unknown("Unknown node", name))
    }
}

/// A slot that an argument names. Source: `cluster.c`, `getSlotOrReply`.
fn slot(argument: &Bytes) -> Result<u16, Reply> {
    let slot = parse_i64(argument).and_then(|slot| u16::try_from(slot).ok());
    slot.filter(|slot| *slot < SLOTS).ok_or_else(|| error("Invalid or out of range slot"))
}

/// Source: `object.c`, `getLongLongFromObjectOrReply`.
fn integer(argument: &Bytes) -> Result<i64, Reply> {
    parse_i64(argument).ok_or_else(|| error("value is not an integer or out of range"))
}

fn unknown(text: &str, name: &Bytes) -> Reply {
    error(format!("{text} {}", String::from_utf8_lossy(name)))
}

/// The last argument's word, when there is one argument more than the subcommand.
fn option(arguments: &[Bytes]) -> Result<Option<&Bytes>, Reply> {
    match arguments {
        [_, _] => Ok(None),
        [_, _, word] => Ok(Some(word)),
        _ => Err(wrong_subcommand(arguments)),
    }
}
