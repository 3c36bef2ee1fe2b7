//! What an operator changes.

use bytes::Bytes;

use super::super::manual::TIMEOUT_MS;
use super::super::{Body, Cluster, Flags, Node, NodeName, Order, SlotSet, Turn};
use super::{integer, option, slot, unknown};
use crate::redis::address::node as node_at;
use crate::redis::commands::{error, wrong_arity};
use crate::redis::number::parse_i64;
use crate::redis::resp::Reply;

type Changed = Result<Reply, Reply>;

const SYNTAX_ERROR: Reply = Reply::error("ERR syntax error");

/// What slots are to become.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Mine,
    Nobodys,
}

impl Cluster {
    /// `CLUSTER MEET ip port [bus-port]`. An address that is none of a node is refused, whatever it
    /// looks like. Source: `cluster.c`, `clusterStartHandshake`.
    pub(super) fn meet_node(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Changed {
        if arguments.len() > 5 {
            return Err(crate::redis::commands::wrong_subcommand(arguments));
        }
        let (address, port) = (&arguments[2], &arguments[3]);
        let port_given = parse_i64(port);
        let port_given =
            port_given.ok_or_else(|| unknown("Invalid TCP base port specified:", port))?;
        if let Some(bus_port) = arguments.get(4)
            && parse_i64(bus_port).is_none()
        {
            return Err(unknown("Invalid TCP bus port specified:", bus_port));
        }
        let node = node_at(address, port).filter(|_| (1..=65_535).contains(&port_given));
        let node = node.ok_or_else(|| {
            let shown = [address, &b":"[..], port].concat();
            unknown("Invalid node address specified:", &Bytes::from(shown))
        })?;
        let is_met = |other: &Node| other.is_in_handshake() && other.address == Some(node);
        if !self.others.values().any(is_met) {
            let flags = Flags::HANDSHAKE.with(Flags::MEET);
            let name = NodeName::drawn(&mut self.random);
            self.add_node(Node::new(name, Some(node), flags, turn.now_ms));
        }
        Ok(Reply::OK)
    }

    /// `CLUSTER FORGET node`
    pub(super) fn forget(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Changed {
        let name = self.named_or_unknown(&arguments[2])?.name;
        if name == self.myself.name {
            return Err(error("I tried hard but I can't forget myself..."));
        }
        if self.myself.is_replica() && self.myself.master == Some(name) {
            return Err(error("Can't forget my master!"));
        }
        self.remember_to_forget(name, turn.now_ms);
        self.remove_node(name);
        self.todo.save_and_update_state();
        Ok(Reply::OK)
    }

    /// `CLUSTER REPLICATE node`
    pub(super) fn replicate_node(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Changed {
        let node = self.named_or_unknown(&arguments[2])?;
        let name = node.name;
        if name == self.myself.name {
            return Err(error("Can't replicate myself"));
        }
        if node.is_replica() {
            return Err(error("I can only replicate a master, not a replica."));
        }
        let is_empty = self.myself.slots.is_empty() && turn.facts.keys.is_empty();
        if self.myself.is_master() && !is_empty {
            return Err(error(
                "To set a master the node must be empty and without assigned slots.",
            ));
        }
        self.replicate(name);
        self.todo.save_and_update_state();
        Ok(Reply::OK)
    }

    /// `CLUSTER FAILOVER [FORCE | TAKEOVER]`
    pub(super) fn fail_over(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Changed {
        let (mut is_forced, mut takes_over) = (false, false);
        if let Some(word) = option(arguments)? {
            takes_over = word.eq_ignore_ascii_case(b"takeover");
            is_forced = takes_over || word.eq_ignore_ascii_case(b"force");
            if !is_forced {
                return Err(SYNTAX_ERROR);
            }
        }
        if self.myself.is_master() {
            return Err(error("You should send CLUSTER FAILOVER to a replica"));
        }
        let Some(master) = self.myself.master.and_then(|name| self.node(name)) else {
            return Err(error("I'm a replica but my master is unknown to me"));
        };
        if !is_forced && (master.has_failed() || master.link.is_none()) {
            return Err(error("Master is down or failed, please use CLUSTER FAILOVER FORCE"));
        }
        let name = master.name;
        self.reset_manual();
        self.manual.until_ms = Some(turn.now_ms + TIMEOUT_MS);
        self.note("manual-failover", format!("to replace {}", self.shown(name)));
        if takes_over {
            self.bump_epoch();
            self.replace_master(turn);
        } else if is_forced {
            self.manual.can_start = true;
        } else {
            let message = self.compose(Body::ManualFailoverStart, turn);
            self.send(name, message.into());
        }
        Ok(Reply::OK)
    }

    /// `CLUSTER BUMPEPOCH`
    pub(super) fn bump_epoch_now(&mut self, _: &[Bytes], _: Turn<'_>) -> Changed {
        let word = if self.bump_epoch() { "BUMPED" } else { "STILL" };
        Ok(Reply::Status(Bytes::from(format!("{word} {}", self.myself.config_epoch))))
    }

    /// `CLUSTER SET-CONFIG-EPOCH epoch`
    pub(super) fn set_config_epoch(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Changed {
        let given = integer(&arguments[2])?;
        let Ok(epoch) = u64::try_from(given) else {
            return Err(error(format!("Invalid config epoch specified: {given}")));
        };
        if !self.others.is_empty() {
            return Err(error(
                "The user can assign a config epoch only when the node does not know any other node.",
            ));
        }
        if self.myself.config_epoch != 0 {
            return Err(error("Node config epoch is already non-zero"));
        }
        self.claim_under(epoch);
        self.current_epoch = self.current_epoch.max(epoch);
        self.todo.save_and_update_state();
        Ok(Reply::OK)
    }

    /// `CLUSTER RESET [HARD | SOFT]`. Source: `cluster.c`, `clusterReset`.
    pub(super) fn reset(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Changed {
        let mut is_hard = false;
        if let Some(word) = option(arguments)? {
            is_hard = word.eq_ignore_ascii_case(b"hard");
            if !is_hard && !word.eq_ignore_ascii_case(b"soft") {
                return Err(SYNTAX_ERROR);
            }
        }
        if self.myself.is_master() && !turn.facts.keys.is_empty() {
            return Err(error("CLUSTER RESET can't be called with master nodes containing keys"));
        }
        let me = self.myself.name;
        if self.myself.is_replica() {
            self.set_master(me);
            self.orders.extend([Order::Lead, Order::DeleteAllKeys]);
        }
        self.migrating.clear();
        self.importing.clear();
        self.reset_manual();
        let slots = self.myself.slots.clone();
        self.take_slots(me, &slots);
        for name in self.others.keys().copied().collect::<Vec<_>>() {
            self.remove_node(name);
        }
        if is_hard {
            self.current_epoch = 0;
            self.last_vote_epoch = 0;
            self.myself.config_epoch = 0;
            self.myself.name = NodeName::drawn(&mut self.random);
        }
        self.todo.save_and_sync();
        self.todo.update_state = true;
        Ok(Reply::OK)
    }

    /// `CLUSTER SAVECONFIG`
    pub(super) fn save_now(&mut self, _: &[Bytes], _: Turn<'_>) -> Changed {
        self.save(true);
        Ok(Reply::OK)
    }

    /// `CLUSTER FLUSHSLOTS`
    pub(super) fn flush_slots(&mut self, _: &[Bytes], turn: Turn<'_>) -> Changed {
        if !turn.facts.keys.is_empty() {
            return Err(error("DB must be empty to perform CLUSTER FLUSHSLOTS."));
        }
        let slots = self.myself.slots.clone();
        self.take_slots(self.myself.name, &slots);
        self.todo.save_and_update_state();
        Ok(Reply::OK)
    }

    /// `CLUSTER ADDSLOTS slot …`
    pub(super) fn add_slots(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Changed {
        self.change_slots(&single(&arguments[2..])?, Fate::Mine)
    }

    /// `CLUSTER ADDSLOTSRANGE first last …`
    pub(super) fn add_slot_ranges(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Changed {
        self.change_slots(&pairs(&arguments[2..], "cluster|addslotsrange")?, Fate::Mine)
    }

    /// `CLUSTER DELSLOTS slot …`
    pub(super) fn delete_slots(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Changed {
        self.change_slots(&single(&arguments[2..])?, Fate::Nobodys)
    }

    /// `CLUSTER DELSLOTSRANGE first last …`
    pub(super) fn delete_slot_ranges(&mut self, arguments: &[Bytes], _: Turn<'_>) -> Changed {
        self.change_slots(&pairs(&arguments[2..], "cluster|delslotsrange")?, Fate::Nobodys)
    }

    /// Source: `cluster.c`, `checkSlotAssignmentsOrReply`, `clusterUpdateSlots`.
    fn change_slots(&mut self, ranges: &[(u16, u16)], fate: Fate) -> Changed {
        let mut all = SlotSet::EMPTY;
        for (first, last) in ranges {
            for slot in *first..=*last {
                match (self.owner(slot).is_some(), fate) {
                    (true, Fate::Mine) => {
                        return Err(error(format!("Slot {slot} is already busy")));
                    }
                    (false, Fate::Nobodys) => {
                        return Err(error(format!("Slot {slot} is already unassigned")));
                    }
                    _ if all.contains(slot) => {
                        return Err(error(format!("Slot {slot} specified multiple times")));
                    }
                    _ => {}
                }
            }
            all = all.union(&SlotSet::range(*first..=*last));
        }
        self.importing.retain(|slot, _| !all.contains(*slot));
        match fate {
            Fate::Mine => self.give_slots(self.myself.name, &all),
            Fate::Nobodys => {
                for owner in self.nodes().map(|node| node.name).collect::<Vec<_>>() {
                    self.take_slots(owner, &all);
                }
            }
        }
        self.todo.save_and_update_state();
        Ok(Reply::OK)
    }

    /// `CLUSTER SETSLOT slot MIGRATING node | IMPORTING node | NODE node | STABLE`
    pub(super) fn set_slot(&mut self, arguments: &[Bytes], turn: Turn<'_>) -> Changed {
        if self.myself.is_replica() {
            return Err(error("Please use SETSLOT only with masters."));
        }
        let (slot, action) = (slot(&arguments[2])?, &arguments[3]);
        let is = |word: &str, length| {
            action.eq_ignore_ascii_case(word.as_bytes()) && arguments.len() == length
        };
        let is_mine = self.myself.slots.contains(slot);
        if is("stable", 4) {
            self.importing.remove(&slot);
            self.migrating.remove(&slot);
        } else if is("migrating", 5) {
            if !is_mine {
                return Err(error(format!("I'm not the owner of hash slot {slot}")));
            }
            let target = self.other_master(&arguments[4], "I don't know about node")?;
            self.migrating.insert(slot, target);
            self.note("slot-migrating", format!("{slot} to {}", self.shown(target)));
        } else if is("importing", 5) {
            if is_mine {
                return Err(error(format!("I'm already the owner of hash slot {slot}")));
            }
            let source = self.other_master(&arguments[4], "I don't know about node")?;
            self.importing.insert(slot, source);
            self.note("slot-importing", format!("{slot} from {}", self.shown(source)));
        } else if is("node", 5) {
            let owner = self.other_master(&arguments[4], "Unknown node")?;
            let has_keys = turn.facts.keys.slots().contains(slot);
            if is_mine && owner != self.myself.name && has_keys {
                return Err(error(format!(
                    "Can't assign hashslot {slot} to a different node while I still hold keys for \
                     this hash slot."
                )));
            }
            self.assign_slot(slot, owner, turn);
            self.note("slot-assigned", format!("{slot} to {}", self.shown(owner)));
        } else {
            return Err(error(
                "Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
            ));
        }
        self.todo.save_and_update_state();
        Ok(Reply::OK)
    }

    fn other_master(&self, name: &Bytes, error_text: &str) -> Result<NodeName, Reply> {
        let node = self.named(name).ok_or_else(|| unknown(error_text, name))?;
        if node.is_replica() { Err(error("Target node is not a master")) } else { Ok(node.name) }
    }
}

/// Slots, one by one.
fn single(arguments: &[Bytes]) -> Result<Vec<(u16, u16)>, Reply> {
    arguments.iter().map(|argument| slot(argument).map(|slot| (slot, slot))).collect()
}

/// First and last slots in turn.
fn pairs(arguments: &[Bytes], name: &str) -> Result<Vec<(u16, u16)>, Reply> {
    let mut ranges = Vec::new();
    if arguments.len() % 2 == 1 {
        return Err(wrong_arity(name));
    }
    for pair in arguments.chunks(2) {
        let (first, last) = (slot(&pair[0])?, slot(&pair[1])?);
        if first > last {
            return Err(error(format!(
                "start slot number {first} is greater than end slot number {last}"
            )));
        }
        ranges.push((first, last));
    }
    Ok(ranges)
}
