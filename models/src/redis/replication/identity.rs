//! Which history of writes a server has.

use crate::machine::{Boot, NodeId};

/// The identity of a history of writes, and of the one that it continues.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    node: NodeId,
    incarnation: u32,
    /// How many identities this process has made up.
    made: u32,
    /// Forty hexadecimal digits: `server.replid`.
    id: String,
    /// `server.replid2`, and the first offset that belongs to it no longer: `server.second_replid_offset`.
    second: Option<(String, i64)>,
}

impl Identity {
    /// That of a process that starts.
    ///
    /// Redis draws it at random. Here it follows from the node, from how often it has started and from
    /// how many were made before, which no other has.
    pub(crate) fn new(boot: &Boot) -> Self {
        let mut identity = Self {
            node: boot.node,
            incarnation: boot.incarnation,
            made: 0,
            id: String::new(),
            second: None,
        };
        identity.change();
        identity
    }

    /// The identity.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// The one before, and the first offset that is not its any more.
    pub(crate) fn second(&self) -> Option<(&str, i64)> {
        self.second.as_ref().map(|(id, until)| (id.as_str(), *until))
    }

    /// A new history that continues none. Source: `changeReplicationId`, `clearReplicationId2`.
    pub(crate) fn begin_anew(&mut self) {
        self.change();
        self.second = None;
    }

    /// A new history that continues this one, from an offset on. Source: `shiftReplicationId`: the first
    /// byte that a replica may ask for under the old identity is the one after what is there.
    pub(crate) fn shift(&mut self, offset: i64) {
        self.second = Some((std::mem::take(&mut self.id), offset + 1));
        self.change();
    }

    /// The master has another identity from now on, for what is the same history up to an offset.
    /// Source: `slaveTryPartialResynchronization`.
    pub(crate) fn follow_on(&mut self, id: &str, offset: i64) {
        if id != self.id {
            self.second = Some((std::mem::replace(&mut self.id, id.to_owned()), offset + 1));
        }
    }

    /// The history is the master's, and none before it is known. Source: `readSyncBulkPayload`.
    pub(crate) fn take_over(&mut self, id: String) {
        self.id = id;
        self.second = None;
    }

    /// Whether a byte of a history can be had here. Source: `masterTryPartialResynchronization`.
    pub(crate) fn is_known(&self, id: &[u8], offset: i64) -> bool {
        let is = |known: &str| known.as_bytes().eq_ignore_ascii_case(id);
        is(&self.id) || self.second().is_some_and(|(known, until)| is(known) && offset <= until)
    }

    fn change(&mut self) {
        let (node, incarnation, made) = (self.node.0, self.incarnation, self.made);
        // The first of a process needs no number.
        let text = match made {
            0 => format!("replication {node} {incarnation}"),
            made => format!("replication {node} {incarnation} {made}"),
        };
        self.id = sha1_smol::Sha1::from(text).digest().to_string();
        self.made += 1;
    }
}
