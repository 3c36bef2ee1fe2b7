//! Subscriptions. Source: `pubsub.c`.

use bytes::Bytes;

use super::Call;
use crate::redis::channels::{Kind, Published};
use crate::redis::commands::count;
use crate::redis::engine::Data;
use crate::redis::glob::{self, Case};
use crate::redis::propagation::Consumers;
use crate::redis::resp::Reply;

/// `SUBSCRIBE channel …`
pub(in crate::redis) fn subscribe(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    add(call, &arguments[1..], Kind::Channel, "subscribe")
}

/// `PSUBSCRIBE pattern …`
pub(in crate::redis) fn psubscribe(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    add(call, &arguments[1..], Kind::Pattern, "psubscribe")
}

/// `SSUBSCRIBE shardchannel …`: unlike the others it is refused when a transaction runs.
pub(in crate::redis) fn ssubscribe(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    if call.session().transaction.is_some() {
        return Some(Reply::error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    add(call, &arguments[1..], Kind::Shard, "ssubscribe")
}

/// `UNSUBSCRIBE [channel …]`
pub(in crate::redis) fn unsubscribe(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    remove(call, &arguments[1..], Kind::Channel, "unsubscribe")
}

/// `PUNSUBSCRIBE [pattern …]`
pub(in crate::redis) fn punsubscribe(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    remove(call, &arguments[1..], Kind::Pattern, "punsubscribe")
}

/// `SUNSUBSCRIBE [shardchannel …]`
pub(in crate::redis) fn sunsubscribe(call: &mut Call<'_>, arguments: &[Bytes]) -> Option<Reply> {
    remove(call, &arguments[1..], Kind::Shard, "sunsubscribe")
}

fn add(call: &mut Call<'_>, names: &[Bytes], kind: Kind, word: &'static str) -> Option<Reply> {
    let connection = call.connection();
    for name in names {
        if call.session().subscriptions.add(kind, name) {
            call.data().channels.subscribe(kind, name, connection);
        }
        confirm(call, kind, word, Reply::Bulk(name.clone()));
    }
    None
}

/// Takes subscriptions away: those that are named, or all of the kind.
fn remove(call: &mut Call<'_>, names: &[Bytes], kind: Kind, word: &'static str) -> Option<Reply> {
    let all = names.is_empty().then(|| call.session().subscriptions.of(kind).to_vec());
    let names = all.as_deref().unwrap_or(names);
    let connection = call.connection();
    for name in names {
        if call.session().subscriptions.remove(kind, name) {
            call.data().channels.unsubscribe(kind, name, connection);
        }
        confirm(call, kind, word, Reply::Bulk(name.clone()));
    }
    if names.is_empty() {
        confirm(call, kind, word, Reply::Nil);
    }
    None
}

/// What was done, to which channel, and how many subscriptions there are now.
fn confirm(call: &mut Call<'_>, kind: Kind, word: &'static str, name: Reply) {
    let left = count(call.session().subscriptions.count(kind));
    call.push(Reply::Array(vec![Reply::Bulk(Bytes::from_static(word.as_bytes())), name, left]));
}

/// `PUBLISH channel message`: to how many it was sent.
///
/// Replicas publish it too; in a cluster every node does, which hears of it on the bus. Source:
/// `pubsubPublishMessageAndPropagateToCluster`, `publishCommand`: `PROPAGATE_REPL`.
pub(in crate::redis) fn publish(data: &mut Data, arguments: &[Bytes]) -> Reply {
    pass_on(data, arguments, false);
    count(data.channels.publish(&arguments[1], &arguments[2]))
}

/// `SPUBLISH shardchannel message`
pub(in crate::redis) fn spublish(data: &mut Data, arguments: &[Bytes]) -> Reply {
    pass_on(data, arguments, true);
    count(data.channels.publish_to_shard(&arguments[1], &arguments[2]))
}

fn pass_on(data: &mut Data, arguments: &[Bytes], is_sharded: bool) {
    let (channel, message) = (arguments[1].clone(), arguments[2].clone());
    if !data.channels.tell_nodes(Published { channel, message, is_sharded }) {
        data.propagation.force(Consumers::ReplicasAlone);
    }
}

/// `PUBSUB CHANNELS [pattern]`
pub(in crate::redis) fn channels(data: &mut Data, arguments: &[Bytes]) -> Reply {
    names(data, arguments, Kind::Channel)
}

/// `PUBSUB SHARDCHANNELS [pattern]`
pub(in crate::redis) fn shard_channels(data: &mut Data, arguments: &[Bytes]) -> Reply {
    names(data, arguments, Kind::Shard)
}

/// `PUBSUB NUMSUB [channel …]`
pub(in crate::redis) fn numsub(data: &mut Data, arguments: &[Bytes]) -> Reply {
    numbers(data, &arguments[2..], Kind::Channel)
}

/// `PUBSUB SHARDNUMSUB [shardchannel …]`
pub(in crate::redis) fn shard_numsub(data: &mut Data, arguments: &[Bytes]) -> Reply {
    numbers(data, &arguments[2..], Kind::Shard)
}

/// `PUBSUB NUMPAT`: how many different patterns there are.
pub(in crate::redis) fn numpat(data: &mut Data, _: &[Bytes]) -> Reply {
    count(data.channels.of(Kind::Pattern).len())
}

fn names(data: &Data, arguments: &[Bytes], kind: Kind) -> Reply {
    let pattern = match &arguments[2..] {
        [] => None,
        [pattern] => Some(pattern),
        _ => return crate::redis::commands::wrong_subcommand(arguments),
    };
    let fits =
        |name: &&Bytes| pattern.is_none_or(|pattern| glob::fits(pattern, name, Case::Sensitive));
    let names = data.channels.of(kind).keys().filter(fits);
    Reply::Array(names.cloned().map(Reply::Bulk).collect())
}

fn numbers(data: &Data, names: &[Bytes], kind: Kind) -> Reply {
    let subscribers = |name| count(data.channels.of(kind).get(name).map_or(0, Vec::len));
    let pairs = names.iter().flat_map(|name| [Reply::Bulk(name.clone()), subscribers(name)]);
    Reply::Array(pairs.collect())
}
