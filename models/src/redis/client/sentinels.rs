//! Clients that find the master through Sentinels.
//!
//! * **On connecting** (redis-py): the Sentinels are asked in turn for what they watch. One that finds the
//!   master down, or does not know it, counts as one that does not answer; one that answers is asked
//!   first from then on. An open connection stays what it is, until it breaks or its server says that it
//!   is a replica (`READONLY`).
//!   Source: redis-py, `redis/sentinel.py`: `discover_master`, `check_master_state`,
//!   `SentinelManagedConnection.read_response`.
//! * **Listening** (Jedis): besides, a subscription to `+switch-master` at every Sentinel tells of a new
//!   master; a connection to another one is not used any more.
//!   Source: jedis, `JedisSentinelPool`: `initSentinels`, `MasterListener.run`, `getResource`.
//! * **Scanning** (Redisson): once a second one of the Sentinels, whichever it may be, is asked where the
//!   master is. One that does not answer is followed by the next, a second later; once one has
//!   answered, the order is drawn anew. A connection to another server is not used any more.
//!   Source: redisson, `SentinelConnectionManager`: `scheduleChangeCheck`, `checkMasterChange`.
//!
//! Each may ask a server for its `ROLE` before it uses it, as the guidelines want and both leave out:
//! redis.io, "Guidelines for Redis clients with support for Redis Sentinel", step 3.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::Discovery;
use super::wire::Wire;
use crate::machine::NodeId;
use crate::process::Host;
use crate::redis::address;
use crate::redis::resp::Reply;

/// How long a listener waits before it subscribes again. Source: jedis,
/// `MasterListener.subscribeRetryWaitTimeMillis = 5000`.
const RESUBSCRIBE_AFTER: Duration = Duration::from_secs(5);

/// How long a scanner waits before it asks again. Source: redisson,
/// `SentinelServersConfig.scanInterval = 1000`.
const SCAN_AFTER: Duration = Duration::from_secs(1);

/// What a client knows of the Sentinels.
pub(super) struct Sentinels {
    master_name: Bytes,
    wires: Vec<Wire>,
    discovery: Discovery,
    /// The master, as a listener or a scanner heard of it last.
    heard: Option<Rc<Cell<Option<NodeId>>>>,
}

impl Sentinels {
    pub(super) fn new(
        host: &Host,
        nodes: Vec<NodeId>,
        master_name: Bytes,
        discovery: Discovery,
        timeout: Duration,
    ) -> Self {
        let heard = (discovery != Discovery::OnConnect).then(|| Rc::new(Cell::new(None)));
        let wire = |node: &NodeId| Wire::new(host.clone(), *node, timeout);
        if let Some(heard) = &heard {
            let name = || master_name.clone();
            match discovery {
                Discovery::Scanning => {
                    let wires = nodes.iter().map(wire).collect();
                    host.spawn(scan(host.clone(), wires, name(), heard.clone()));
                }
                Discovery::Listening | Discovery::OnConnect => {
                    for wire in nodes.iter().map(wire) {
                        host.spawn(listen(host.clone(), wire, name(), heard.clone()));
                    }
                }
            }
        }
        let wires = nodes.iter().map(wire).collect();
        Self { master_name, wires, discovery, heard }
    }

    /// Another client's, which hears what this one hears.
    pub(super) fn sibling(&self) -> Self {
        Self {
            master_name: self.master_name.clone(),
            wires: self.wires.iter().map(Wire::sibling).collect(),
            discovery: self.discovery,
            heard: self.heard.clone(),
        }
    }

    /// The master, as a listener or a scanner knows it.
    pub(super) fn heard(&self) -> Option<NodeId> {
        self.heard.as_ref().and_then(|heard| heard.get())
    }

    /// The master, as somebody says; `None` when nobody does.
    pub(super) async fn find(&mut self) -> Option<NodeId> {
        if let Some(node) = self.heard() {
            return Some(node);
        }
        for place in 0..self.wires.len() {
            let wire = &mut self.wires[place];
            let said = match self.discovery {
                Discovery::Scanning => named_master(wire, &self.master_name).await,
                Discovery::OnConnect | Discovery::Listening => {
                    let masters = ["SENTINEL", "MASTERS"].map(word);
                    let reply = wire.call(masters.into()).await;
                    reply.map(|reply| usable_master(&reply, &self.master_name))
                }
            };
            if let Ok(Some(node)) = said {
                // Who answers is asked first from now on.
                self.wires.swap(0, place);
                return Some(node);
            }
        }
        None
    }
}

/// The master of a name in the answer to `SENTINEL MASTERS`, unless it is down.
fn usable_master(reply: &Reply, name: &Bytes) -> Option<NodeId> {
    let Reply::Array(masters) = reply else { return None };
    let fields = masters.iter().find_map(|master| match master {
        Reply::Array(fields) if field(fields, b"name") == Some(name) => Some(fields),
        _ => None,
    })?;
    let flags = field(fields, b"flags")?;
    let mut flags = flags.split(|byte| *byte == b',');
    let is_down = flags.any(|flag| flag == b"s_down" || flag == b"o_down");
    if is_down { None } else { address::node(field(fields, b"ip")?, field(fields, b"port")?) }
}

/// The value that follows a name.
fn field<'a>(fields: &'a [Reply], name: &[u8]) -> Option<&'a Bytes> {
    let mut pairs = fields.as_chunks::<2>().0.iter();
    pairs.find_map(|pair| match pair {
        [Reply::Bulk(key), Reply::Bulk(value)] if &key[..] == name => Some(value),
        _ => None,
    })
}

/// Listens at one Sentinel for ever.
async fn listen(host: Host, mut wire: Wire, name: Bytes, heard: Rc<Cell<Option<NodeId>>>) {
    loop {
        let _ = listen_once(&mut wire, &name, &heard).await;
        wire.close();
        host.sleep(RESUBSCRIBE_AFTER).await;
    }
}

/// Asks the Sentinels for ever.
async fn scan(host: Host, mut wires: Vec<Wire>, name: Bytes, heard: Rc<Cell<Option<NodeId>>>) {
    let mut to_ask = Vec::new();
    loop {
        host.sleep(SCAN_AFTER).await;
        if to_ask.is_empty() {
            to_ask = (0..wires.len()).collect();
            host.random(|random| random.shuffle(&mut to_ask));
        }
        let Some(wire) = to_ask.pop().and_then(|place| wires.get_mut(place)) else { continue };
        if let Ok(master) = named_master(wire, &name).await {
            heard.set(master.or(heard.get()));
            to_ask.clear();
        }
    }
}

/// Where a Sentinel says that the master of a name is; `None` when it does not know the name.
async fn named_master(wire: &mut Wire, name: &Bytes) -> Result<Option<NodeId>, super::CallError> {
    let words = ["SENTINEL", "get-master-addr-by-name"].map(word);
    let command = words.into_iter().chain([name.clone()]).collect();
    let Reply::Array(items) = wire.call(command).await? else { return Ok(None) };
    let [Reply::Bulk(ip), Reply::Bulk(port)] = &items[..] else { return Ok(None) };
    Ok(address::node(ip, port))
}

/// Asks for the master, then hears of every new one, until the connection breaks.
async fn listen_once(
    wire: &mut Wire,
    name: &Bytes,
    heard: &Cell<Option<NodeId>>,
) -> Result<(), super::CallError> {
    heard.set(named_master(wire, name).await?.or(heard.get()));
    wire.call(["SUBSCRIBE", "+switch-master"].map(word).into()).await?;
    loop {
        let Reply::Array(items) = wire.receive().await? else { continue };
        let [Reply::Bulk(_), Reply::Bulk(_), Reply::Bulk(text)] = &items[..] else { continue };
        let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
        if let [master, _, _, ip, port] = words[..]
            && master == &name[..]
        {
            heard.set(address::node(ip, port).or(heard.get()));
        }
    }
}

const fn word(word: &'static str) -> Bytes {
    Bytes::from_static(word.as_bytes())
}
