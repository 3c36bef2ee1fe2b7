//! What a test sees of an ensemble.

use super::rig::Rig;
use crate::machine::NodeId;
use crate::note::Note;
use crate::zookeeper::protocol::Zxid;

impl Rig {
    /// The events of that name, with their nodes.
    pub(super) fn events(&self, name: &str) -> Vec<(u16, String)> {
        self.notes
            .iter()
            .filter_map(|(_, NodeId(node), note)| match note {
                Note::ZooKeeper { event, detail } if *event == name => {
                    Some((*node, detail.clone()))
                }
                _ => None,
            })
            .collect()
    }

    /// When an event of a server's came last, in milliseconds.
    pub(super) fn time_of(&self, server: u16, name: &str) -> Option<u64> {
        self.notes.iter().rev().find_map(|(at, node, note)| match note {
            Note::ZooKeeper { event, .. } if *event == name && *node == NodeId(server) => Some(*at),
            _ => None,
        })
    }

    /// Lets time pass until some server leads an established epoch.
    pub(super) fn leader(&mut self) -> u16 {
        for _ in 0..600 {
            if let Some(leader) = self.leads() {
                return leader;
            }
            self.pass(100);
        }
        panic!("nobody leads: {:#?}", self.notes)
    }

    /// Who leads the latest epoch, if it is still up and leads.
    pub(super) fn leads(&self) -> Option<u16> {
        let servers = 1..=self.servers();
        let leading =
            servers.filter_map(|server| Some((self.server(server)?.epoch_led()?, server)));
        leading.max().map(|(_, server)| server)
    }

    /// Lets time pass until all servers that are up serve clients.
    pub(super) fn settle(&mut self) {
        for _ in 0..600 {
            let up = (1..=self.servers()).filter_map(|server| self.server(server));
            if up.clone().count() > 0 && up.clone().all(|server| server.serves()) {
                return;
            }
            self.pass(100);
        }
        panic!("not everybody serves: {:#?}", self.notes.iter().rev().take(40).collect::<Vec<_>>())
    }

    /// The last transaction of each server that is up.
    pub(super) fn last_zxids(&self) -> Vec<Zxid> {
        let up = (1..=self.servers()).filter_map(|server| self.server(server));
        up.map(|server| server.tree().last_zxid()).collect()
    }
}
