//! What each recipe sends, in order, and what it makes of the answers.

mod replicas;

use super::set_nx::SetNx;
use super::set_nx_plain_del::SetNxPlainDel;
use super::setnx_expire::SetnxExpire;
use super::*;
use crate::locks::testing::Bench;
use crate::locks::{Guarded, Lock};
use crate::machine::NodeId;
use crate::note::Note;
use crate::time::Mono;

const SERVER: NodeId = NodeId(2);

fn settings() -> RedisLockSettings {
    RedisLockSettings {
        ttl: Duration::from_secs(10),
        poll: Duration::from_millis(100),
        poll_jitter: Duration::ZERO,
        timeout: Duration::from_secs(2),
        ..RedisLockSettings::default()
    }
}

/// A client that takes the lock, writes down until when its lease lasts, works for a second and
/// gives it back.
fn client<L: Lock>(make: impl FnOnce(Host) -> L + 'static) -> Bench {
    Bench::new(|host| async move {
        let mut lock = Guarded::new(host.clone(), make(host.clone()));
        let held = lock.acquire().await;
        let until = held.grant().valid_until.map(Mono::as_millis);
        host.note(Note::Remark { text: format!("{until:?}") });
        host.sleep(Duration::from_secs(1)).await;
        lock.release(held).await;
    })
}

/// The one command that was sent.
fn only(bench: &mut Bench) -> Vec<String> {
    let mut commands = bench.commands();
    assert_eq!(commands.len(), 1, "{commands:?}");
    commands.remove(0)
}

/// The value in an attempt, after its other words were looked at.
fn value_of(command: &[String], place: usize, others: &[&str]) -> String {
    let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
    let value = words.remove(place).to_owned();
    assert_eq!(words, others);
    assert!(value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_hexdigit()), "{value}");
    value
}

/// The value in an attempt of `SET NX PX`.
fn set_nx_value(command: &[String]) -> String {
    value_of(command, 4, &["EVALSHA", "2", "lock:stock", "lock:stock:token", "10000"])
}

fn setnx_value(command: &[String]) -> String {
    value_of(command, 2, &["SETNX", "lock:stock"])
}

fn release_value(command: &[String]) -> String {
    value_of(command, 3, &["EVALSHA", "1", "lock:stock"])
}

fn token(bench: &Bench) -> Option<u64> {
    bench.notes.iter().find_map(|note| match note {
        Note::Acquired { token, .. } => *token,
        _ => None,
    })
}

fn granted_by(bench: &Bench) -> Option<crate::machine::InputId> {
    bench.notes.iter().find_map(|note| match note {
        Note::Acquired { granted_by, .. } => *granted_by,
        _ => None,
    })
}

fn released(bench: &Bench) -> Option<ReleaseOutcome> {
    bench.notes.iter().find_map(|note| match note {
        Note::Released { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

fn lease_end_ms(bench: &Bench) -> String {
    let remark = bench.notes.iter().find_map(|note| match note {
        Note::Remark { text } => Some(text.clone()),
        _ => None,
    });
    remark.expect("it was granted")
}

#[test]
fn set_nx_is_one_script_to_acquire_and_one_to_release() {
    let mut bench = client(|host| SetNx::new(host, SERVER, settings()));
    bench.connected(1);
    let value = set_nx_value(&only(&mut bench));
    let granted = bench.reply(5, Reply::Int(7));
    assert_eq!((token(&bench), granted_by(&bench)), (Some(7), Some(granted)));
    assert_eq!(lease_end_ms(&bench), "Some(10000)", "from before it was asked for");
    bench.time(1_005);
    assert_eq!(release_value(&only(&mut bench)), value);
    bench.reply(1_006, Reply::Int(1));
    assert_eq!(released(&bench), Some(ReleaseOutcome::Removed));
}

#[test]
fn set_nx_polls_with_the_same_value_while_the_key_is_somebody_elses() {
    let mut bench = client(|host| SetNx::new(host, SERVER, settings()));
    bench.connected(1);
    let value = set_nx_value(&only(&mut bench));
    bench.reply(2, Reply::Nil);
    bench.time(101);
    assert_eq!(bench.commands(), [[""; 0]; 0], "it waits for its poll");
    bench.time(102);
    assert_eq!(set_nx_value(&only(&mut bench)), value);
    bench.reply(103, Reply::Int(1));
    assert_eq!(lease_end_ms(&bench), "Some(10102)", "from before the attempt that was granted");
}

#[test]
fn set_nx_takes_a_new_value_and_a_new_connection_after_a_lost_answer() {
    let mut bench = client(|host| SetNx::new(host, SERVER, settings()));
    bench.connected(1);
    let lost = set_nx_value(&only(&mut bench));
    bench.reset(3);
    bench.time(103);
    assert_eq!(bench.commands(), [[""; 0]; 0], "it has no connection yet");
    bench.connected(104);
    assert_ne!(set_nx_value(&only(&mut bench)), lost);
    bench.time(2_104);
    bench.time(2_204);
    bench.connected(2_205);
    assert_eq!(bench.commands().len(), 1, "an answer that is late is a lost one");
}

#[test]
fn a_lost_answer_to_a_release_is_asked_for_again_as_often_as_it_is_set_to() {
    for release_retries in 0..3 {
        let settings = RedisLockSettings { release_retries, ..settings() };
        let mut bench = client(move |host| SetNx::new(host, SERVER, settings));
        bench.connected(1);
        let value = set_nx_value(&only(&mut bench));
        bench.reply(1, Reply::Int(1));
        bench.time(1_001);
        let mut now_ms = 1_002;
        for _ in 0..release_retries {
            assert_eq!(release_value(&only(&mut bench)), value);
            bench.reset(now_ms);
            assert_eq!(released(&bench), None);
            bench.time(now_ms + 100);
            bench.connected(now_ms + 101);
            now_ms += 102;
        }
        assert_eq!(release_value(&only(&mut bench)), value);
        bench.reset(now_ms);
        assert_eq!(released(&bench), Some(ReleaseOutcome::Unknown));
    }
}

/// What a Redis says while it reads its file.
const LOADING: Reply = Reply::error("LOADING Redis is loading the dataset in memory");

#[test]
fn an_error_for_an_answer_does_not_tell_that_the_lock_was_somebody_elses() {
    for (release_retries, after_one_error) in [(0, Some(ReleaseOutcome::Unknown)), (1, None)] {
        let settings = RedisLockSettings { release_retries, ..settings() };
        let mut bench = client(move |host| SetNx::new(host, SERVER, settings));
        bench.connected(1);
        bench.commands();
        bench.reply(1, Reply::Int(1));
        bench.time(1_001);
        bench.commands();
        bench.reply(1_002, LOADING);
        assert_eq!(released(&bench), after_one_error);
        if release_retries > 0 {
            bench.time(1_102);
            release_value(&only(&mut bench));
            bench.reply(1_103, Reply::Int(1));
            assert_eq!(released(&bench), Some(ReleaseOutcome::Removed));
        }
    }
}

#[test]
fn plain_del_acquires_as_set_nx_and_removes_whatever_is_there() {
    let mut bench = client(|host| SetNxPlainDel::new(host, SERVER, settings()));
    bench.connected(1);
    set_nx_value(&only(&mut bench));
    bench.reply(1, Reply::Int(3));
    assert_eq!(token(&bench), Some(3));
    bench.time(1_001);
    assert_eq!(only(&mut bench), ["DEL", "lock:stock"]);
    bench.reply(1_002, Reply::Int(0));
    assert_eq!(released(&bench), Some(ReleaseOutcome::NotHeld));
}

#[test]
fn setnx_expire_is_three_commands_one_after_the_other() {
    let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
    bench.connected(1);
    let value = setnx_value(&only(&mut bench));
    let granted = bench.reply(2, Reply::Int(1));
    assert_eq!(bench.commands(), [[""; 0]; 0], "code takes time");
    bench.time(3);
    assert_eq!(only(&mut bench), ["EXPIRE", "lock:stock", "10"]);
    bench.reply(4, Reply::Int(1));
    bench.time(5);
    assert_eq!(only(&mut bench), ["INCR", "lock:stock:token"]);
    assert_eq!(token(&bench), None);
    bench.reply(6, Reply::Int(9));
    assert_eq!(token(&bench), Some(9));
    assert_eq!(granted_by(&bench), Some(granted), "the grant is that of the key, not of the count");
    assert_eq!(lease_end_ms(&bench), "Some(10003)", "from before the expiry was set");
    bench.time(1_006);
    assert_eq!(release_value(&only(&mut bench)), value);
}

#[test]
fn setnx_expire_polls_while_the_key_is_somebody_elses() {
    let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
    bench.connected(1);
    let value = setnx_value(&only(&mut bench));
    bench.reply(2, Reply::Int(0));
    bench.time(102);
    assert_eq!(setnx_value(&only(&mut bench)), value);
}

#[test]
fn setnx_expire_begins_anew_after_each_lost_answer() {
    for lost in 0..3 {
        let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
        bench.connected(1);
        let value = setnx_value(&only(&mut bench));
        for answered in 0..lost {
            bench.reply(2 + 2 * answered, Reply::Int(1));
            bench.time(3 + 2 * answered);
            only(&mut bench);
        }
        bench.reset(10);
        bench.time(110);
        bench.connected(111);
        assert_ne!(setnx_value(&only(&mut bench)), value, "it does not look for its own value");
        assert_eq!(token(&bench), None);
    }
}

#[test]
fn setnx_expire_is_not_granted_what_redis_has_no_memory_to_count() {
    let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
    bench.connected(1);
    let value = setnx_value(&only(&mut bench));
    bench.reply(2, Reply::Int(1));
    bench.time(3);
    bench.reply(4, Reply::Int(1));
    bench.time(5);
    bench.commands();
    bench.reply(6, Reply::error("OOM command not allowed when used memory > 'maxmemory'."));
    assert_eq!(granted_by(&bench), None);
    bench.time(106);
    assert_ne!(setnx_value(&only(&mut bench)), value, "what it has set is nobody's");
}

#[test]
fn setnx_expire_does_not_look_at_what_expire_answers() {
    let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
    bench.connected(1);
    bench.reply(2, Reply::Int(1));
    bench.time(3);
    bench.reply(4, Reply::Int(0));
    bench.time(5);
    bench.reply(6, Reply::Int(1));
    assert_eq!(token(&bench), Some(1));
}

#[test]
fn expire_takes_whole_seconds_and_a_time_to_live_is_rounded_up() {
    let settings = RedisLockSettings { ttl: Duration::from_millis(1_500), ..settings() };
    let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings));
    bench.connected(1);
    bench.reply(2, Reply::Int(1));
    bench.time(3);
    assert_eq!(bench.commands()[1], ["EXPIRE", "lock:stock", "2"]);
}

mod against_the_server {
    //! What a Redis has of the three commands when their client is gone in between.

    use super::*;
    use crate::redis::engine::Engine;
    use crate::time::Wall;

    fn run(engine: &mut Engine, words: &[&str], at_s: u64) -> Reply {
        let words: Vec<Bytes> = words.iter().map(|word| Bytes::from(word.to_string())).collect();
        engine.execute(&words, Wall::from_nanos(at_s * 1_000_000_000))
    }

    /// Sends to the engine what the client has sent, and back what it answers.
    fn carry_over(bench: &mut Bench, engine: &mut Engine, at_ms: u64) {
        for command in bench.commands() {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            let reply = run(engine, &words, at_ms / 1_000);
            bench.reply(at_ms, reply);
        }
    }

    #[test]
    fn a_client_that_crashes_between_setnx_and_expire_leaves_a_key_for_ever() {
        let mut engine = Engine::default();
        let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
        bench.connected(1);
        carry_over(&mut bench, &mut engine, 2);
        drop(bench);
        assert_eq!(run(&mut engine, &["TTL", "lock:stock"], 0), Reply::Int(-1));
        let years = 10 * 365 * 24 * 3_600;
        assert_eq!(run(&mut engine, &["SETNX", "lock:stock", "mine"], years), Reply::Int(0));
    }

    #[test]
    fn a_client_that_crashes_after_expire_leaves_a_key_for_its_ttl() {
        let mut engine = Engine::default();
        let mut bench = client(|host| SetnxExpire::new(host, SERVER, settings()));
        bench.connected(1);
        carry_over(&mut bench, &mut engine, 2);
        bench.time(3);
        carry_over(&mut bench, &mut engine, 4);
        drop(bench);
        assert_eq!(run(&mut engine, &["SETNX", "lock:stock", "mine"], 9), Reply::Int(0));
        assert_eq!(run(&mut engine, &["SETNX", "lock:stock", "mine"], 11), Reply::Int(1));
    }
}
