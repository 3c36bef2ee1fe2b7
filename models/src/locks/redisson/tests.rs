//! What Redisson's locks send, in order, and what they make of the answers.

mod multi;
mod scripts;

use super::rlock::RLock;
use super::*;
use crate::locks::testing::Bench;
use crate::locks::{Guarded, Lock};
use crate::machine::NodeId;
use crate::note::{Note, ReleaseOutcome};
use crate::process::Host;
use crate::redis::resp::Reply;

const SERVER: NodeId = NodeId(2);
const CHANNEL: &str = "redisson_lock__channel:{lock:stock}";

fn settings() -> RedissonSettings {
    RedissonSettings::default()
}

/// A client that takes the lock so often, works for so long and gives it back as often.
fn client<L: Lock>(times: usize, work_s: u64, make: impl FnOnce(&Host) -> L + 'static) -> Bench {
    Bench::new(move |host| async move {
        let mut lock = Guarded::new(host.clone(), make(&host));
        let mut held = Vec::new();
        for _ in 0..times {
            held.push(lock.acquire().await);
        }
        host.sleep(Duration::from_secs(work_s)).await;
        while let Some(one) = held.pop() {
            lock.release(one).await;
        }
    })
}

fn plain(work_s: u64, settings: RedissonSettings) -> Bench {
    client(1, work_s, move |host| RLock::plain(host, SERVER, settings))
}

/// The one command that was sent.
fn only(bench: &mut Bench) -> Vec<String> {
    let mut commands = bench.commands();
    assert_eq!(commands.len(), 1, "{commands:?}");
    commands.remove(0)
}

/// The holder in a script that locks or renews, after its other words were looked at.
fn holder_of(command: &[String], lease_ms: &str) -> String {
    let [name, number, key, lease, holder] = command else { panic!("{command:?}") };
    assert_eq!([name, number, key, lease], ["EVALSHA", "1", "lock:stock", lease_ms]);
    let (uuid, thread) = holder.split_once(':').expect("an id and a thread");
    assert_eq!((uuid.len(), uuid.split('-').count(), thread), (36, 5, "1"), "{holder}");
    holder.clone()
}

fn released(bench: &Bench) -> Option<ReleaseOutcome> {
    bench.notes.iter().find_map(|note| match note {
        Note::Released { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

fn grants(bench: &Bench) -> Vec<(Option<u64>, bool)> {
    let grant = |note: &Note| match note {
        Note::Acquired { token, reentered, .. } => Some((*token, *reentered)),
        _ => None,
    };
    bench.notes.iter().filter_map(grant).collect()
}

fn bulk(text: &'static str) -> Reply {
    Reply::Bulk(Bytes::from_static(text.as_bytes()))
}

fn ints(items: &[i64]) -> Reply {
    Reply::Array(items.iter().copied().map(Reply::Int).collect())
}

fn published() -> Reply {
    Reply::Array(vec![bulk("message"), bulk(CHANNEL), bulk("0")])
}

fn nothing(bench: &mut Bench) {
    assert_eq!(bench.commands(), [[""; 0]; 0]);
}

#[test]
fn a_lock_is_one_script_and_an_unlock_another_that_publishes() {
    let mut bench = plain(1, settings());
    bench.connected(1);
    let holder = holder_of(&only(&mut bench), "30000");
    bench.reply(2, Reply::Nil);
    assert_eq!(grants(&bench), [(None, false)]);
    bench.time(1_002);
    let unlock = only(&mut bench);
    let latch = unlock[4].clone();
    assert!(latch.starts_with("redisson_unlock_latch:{lock:stock}:"), "{latch}");
    let words: Vec<&str> = unlock.iter().map(String::as_str).collect();
    let head = ["EVALSHA", "3", "lock:stock", CHANNEL, &latch, "0", "30000", &holder, "PUBLISH"];
    assert_eq!(words[..9], head);
    bench.reply(1_003, Reply::Int(1));
    assert_eq!(released(&bench), Some(ReleaseOutcome::Removed));
    assert_eq!(only(&mut bench), ["DEL", &latch]);
}

#[test]
fn the_watchdog_renews_every_third_of_the_lease_until_the_unlock() {
    let mut bench = plain(25, settings());
    bench.connected(0);
    let holder = holder_of(&only(&mut bench), "30000");
    bench.reply(0, Reply::Nil);
    for at_ms in [10_000, 20_001] {
        bench.time(at_ms - 1);
        nothing(&mut bench);
        bench.time(at_ms);
        assert_eq!(holder_of(&only(&mut bench), "30000"), holder);
        bench.reply(at_ms + 1, ints(&[1]));
    }
    bench.time(25_000);
    assert_eq!(only(&mut bench)[1], "3", "it gives the lock back");
    bench.reply(25_001, Reply::Int(1));
    only(&mut bench);
    bench.reply(25_002, Reply::Int(1));
    bench.time(60_000);
    nothing(&mut bench);
}

#[test]
fn a_watchdog_that_finds_the_lock_gone_stops_and_tells_nobody() {
    let mut bench = plain(25, settings());
    bench.connected(0);
    only(&mut bench);
    bench.reply(0, Reply::Nil);
    bench.time(10_000);
    only(&mut bench);
    bench.reply(10_001, ints(&[0]));
    assert!(!bench.notes.iter().any(|note| matches!(note, Note::LockLost { .. })));
    bench.time(24_000);
    nothing(&mut bench);
    bench.time(25_000);
    only(&mut bench);
    bench.reply(25_001, Reply::Nil);
    assert_eq!(released(&bench), Some(ReleaseOutcome::NotHeld), "IllegalMonitorStateException");
}

#[test]
fn a_renewal_without_an_answer_is_sent_again() {
    let mut bench = plain(60, settings());
    bench.connected(0);
    only(&mut bench);
    bench.reply(0, Reply::Nil);
    bench.time(10_000);
    only(&mut bench);
    bench.time(13_000);
    nothing(&mut bench);
    // Half a second to one second later, on a new connection.
    bench.time(14_001);
    bench.connected(14_002);
    holder_of(&only(&mut bench), "30000");
}

#[test]
fn a_lock_with_a_lease_of_its_own_is_not_renewed() {
    let lease = Some(Duration::from_secs(5));
    let mut bench = plain(40, RedissonSettings { lease, ..settings() });
    bench.connected(0);
    holder_of(&only(&mut bench), "5000");
    bench.reply(0, Reply::Nil);
    bench.time(39_000);
    nothing(&mut bench);
}

#[test]
fn who_finds_it_taken_subscribes_tries_again_and_is_woken_by_a_message() {
    let mut bench = plain(1, settings());
    bench.connected(0);
    let holder = holder_of(&only(&mut bench), "30000");
    bench.reply(1, Reply::Int(20_000));
    bench.connected(2);
    assert_eq!(only(&mut bench), ["SUBSCRIBE", CHANNEL]);
    bench.reply(3, Reply::Array(vec![bulk("subscribe"), bulk(CHANNEL), Reply::Int(1)]));
    assert_eq!(holder_of(&only(&mut bench), "30000"), holder, "nothing falls in between");
    bench.reply_on(4, 0, Reply::Int(19_997));
    bench.time(10_000);
    nothing(&mut bench);
    bench.reply_on(12_000, 1, published());
    holder_of(&only(&mut bench), "30000");
    bench.reply_on(12_001, 0, Reply::Nil);
    assert_eq!(grants(&bench), [(None, false)]);
}

#[test]
fn who_is_not_woken_tries_again_when_the_lease_that_it_knows_of_is_over() {
    let mut bench = plain(1, settings());
    bench.connected(0);
    only(&mut bench);
    bench.reply(1, Reply::Int(20_000));
    bench.connected(2);
    only(&mut bench);
    bench.reply(3, Reply::Array(vec![bulk("subscribe"), bulk(CHANNEL), Reply::Int(1)]));
    only(&mut bench);
    bench.reply_on(4, 0, Reply::Int(19_997));
    bench.time(20_000);
    nothing(&mut bench);
    bench.time(20_001);
    holder_of(&only(&mut bench), "30000");
}

#[test]
fn a_lost_answer_makes_lock_throw_and_the_next_call_has_the_same_holder() {
    let mut bench = plain(1, settings());
    bench.connected(0);
    let holder = holder_of(&only(&mut bench), "30000");
    bench.time(3_000);
    nothing(&mut bench);
    bench.time(3_100);
    bench.connected(3_101);
    assert_eq!(holder_of(&only(&mut bench), "30000"), holder);
    bench.reply(3_102, Reply::Nil);
    assert_eq!(grants(&bench), [(None, false)], "it cannot know that it has entered twice");
}

#[test]
fn a_server_that_loads_is_asked_again() {
    let mut bench = plain(1, settings());
    bench.connected(0);
    only(&mut bench);
    bench.reply(1, Reply::error("LOADING Redis is loading the dataset in memory"));
    nothing(&mut bench);
    bench.time(1_001);
    holder_of(&only(&mut bench), "30000");
}

#[test]
fn who_holds_it_enters_it_once_more_and_leaves_it_as_often() {
    let mut bench = client(2, 1, |host| RLock::plain(host, SERVER, settings()));
    bench.connected(0);
    only(&mut bench);
    bench.reply(0, Reply::Nil);
    only(&mut bench);
    bench.reply(0, Reply::Nil);
    assert_eq!(grants(&bench), [(None, false), (None, true)]);
    bench.time(1_000);
    assert_eq!(only(&mut bench)[1], "3");
    bench.reply(1_001, Reply::Int(0));
    let commands = bench.commands();
    let names: Vec<&str> = commands.iter().map(|words| &words[0][..]).collect();
    assert!(names.contains(&"DEL") || names.contains(&"EVALSHA"), "{commands:?}");
}

#[test]
fn the_fenced_lock_has_a_counter_beside_it() {
    let mut bench = client(1, 1, |host| RLock::fenced(host, SERVER, settings()));
    bench.connected(0);
    let counter = "redisson_lock_token:{lock:stock}";
    assert_eq!(only(&mut bench)[..5], ["EVALSHA", "2", "lock:stock", counter, "30000"]);
    bench.reply(1, ints(&[-1, 7]));
    assert_eq!(grants(&bench), [(Some(7), false)]);
}
