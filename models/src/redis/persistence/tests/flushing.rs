//! When the file is written and synced, and who waits for it.

use super::*;

#[test]
fn always_writes_and_syncs_before_it_replies() {
    let mut bench = Bench::new(AppendFsync::Always);
    assert_eq!(bench.command(1, "SET a 1"), ["key-set: a = 1", "write 50 bytes"]);
    assert_eq!(bench.disk(), ["sync"]);
    assert_eq!(bench.disk(), ["because of 0", "to 1: +OK"]);
    assert_eq!(bench.command(1, "GET a"), ["to 1: $1\\r\\n1"], "nothing to write");
    assert_eq!(bench.command(1, "SET a 2 NX"), ["to 1: $-1"], "nothing changed");
}

#[test]
fn everysec_writes_before_it_replies_and_syncs_once_in_each_second() {
    let mut bench = Bench::new(AppendFsync::EverySecond);
    bench.command(1, "SET a 1");
    assert_eq!(bench.disk(), ["because of 0", "to 1: +OK"], "the second is that of the start");
    assert_eq!(bench.tick(), [""; 0]);
    bench.pass(999);
    assert_eq!(bench.tick(), [""; 0]);
    bench.pass(1);
    assert_eq!(bench.tick(), ["sync"], "time alone brings it on");
    bench.disk();
    assert_eq!(bench.command(1, "INCR a"), ["key-set: a = 2", "write 21 bytes"]);
    assert_eq!(bench.disk().last().map(String::as_str), Some("to 1: :2"), "synced in this second");
    bench.pass(1000);
    bench.command(1, "INCR a");
    assert_eq!(bench.disk(), ["sync", "because of 8", "to 1: :3"], "nobody waits for it");
}

#[test]
fn no_never_syncs() {
    let mut bench = Bench::new(AppendFsync::No);
    bench.command(1, "SET a 1");
    bench.pass(5000);
    assert_eq!(bench.disk(), ["because of 0", "to 1: +OK"]);
    assert_eq!(bench.tick(), [""; 0]);
}

#[test]
fn the_policy_can_be_changed_while_the_server_runs() {
    let mut bench = Bench::new(AppendFsync::No);
    bench.done("SET a 1");
    // What no policy has synced yet is synced at once: before the reply, as a flush comes first.
    assert_eq!(bench.command(1, "CONFIG SET appendfsync always"), ["sync"]);
    assert_eq!(bench.disk(), ["because of 2", "to 1: +OK"]);
    assert_eq!(bench.command(1, "SET a 2"), ["key-set: a = 2", "write 27 bytes"]);
    assert_eq!(bench.disk(), ["sync"]);
    bench.disk();
    assert_eq!(bench.done("CONFIG SET appendfsync no"), "+OK");
    assert_eq!(
        bench.done("CONFIG GET appendfsync"),
        "*2\\r\\n$11\\r\\nappendfsync\\r\\n$2\\r\\nno"
    );
    bench.command(1, "SET a 3");
    assert_eq!(bench.disk().last().map(String::as_str), Some("to 1: +OK"), "nobody syncs");
    assert!(bench.done("INFO persistence").contains("aof_enabled:1"));
}

#[test]
fn what_comes_while_the_thread_is_blocked_is_handled_in_one_turn_afterwards() {
    let mut bench = Bench::new(AppendFsync::Always);
    bench.command(1, "SET a 1");
    bench.disk();
    assert_eq!(bench.command(2, "SET b 1 PX 50"), [""; 0], "input 2 waits");
    assert_eq!(bench.tick(), [""; 0], "input 3 waits");
    assert_eq!(bench.command(3, "GET a"), [""; 0], "a read waits too");
    bench.pass(300);
    // What had been done is answered, then all that waits is done, sockets before timers; it is
    // written together, and nobody is answered before that.
    assert_eq!(
        bench.disk(),
        [
            "because of 0",
            "to 1: +OK",
            "because of 2",
            "key-set: b = 1 until 350",
            "because of 4",
            "because of 3",
            "write 57 bytes",
        ]
    );
    bench.disk();
    let answers = ["because of 2", "to 2: +OK", "because of 4", "to 3: $1\\r\\n1"];
    assert_eq!(bench.disk(), answers);
}

/// A server with `everysec` that has begun to sync, and a disk that does not come to an end.
fn syncing() -> Bench {
    let mut bench = Bench::new(AppendFsync::EverySecond);
    bench.done("SET a 1");
    bench.pass(1000);
    assert_eq!(bench.tick(), ["sync"]);
    bench
}

#[test]
fn a_write_during_a_sync_is_put_off_and_the_reply_is_not() {
    let mut bench = syncing();
    assert_eq!(bench.command(1, "SET a 2"), ["key-set: a = 2", "to 1: +OK"]);
    assert!(!bench.commands().contains(&words("SET a 2")), "a crash takes it");
    bench.pass(100);
    assert_eq!(bench.tick(), [""; 0]);
    assert_eq!(bench.disk(), [""; 0], "the sync is done; the thread does not hear of it");
    bench.pass(100);
    assert_eq!(bench.tick(), ["write 27 bytes"]);
    assert!(bench.commands().contains(&words("SET a 2")));
}

#[test]
fn a_sync_that_takes_two_seconds_blocks_the_thread() {
    let mut bench = syncing();
    bench.command(1, "SET a 2");
    bench.pass(1999);
    assert_eq!(bench.command(1, "SET a 3"), ["key-set: a = 3", "to 1: +OK"]);
    bench.pass(1);
    assert_eq!(bench.command(1, "GET a"), ["write 54 bytes"], "even a read has to wait");
    assert_eq!(bench.command(2, "GET a"), [""; 0]);
    bench.pass(700);
    assert_eq!(bench.disk(), [""; 0], "the sync");
    assert_eq!(
        bench.disk(),
        ["because of 5", "to 1: $1\\r\\n3", "because of 6", "to 2: $1\\r\\n3"],
        "the write"
    );
    // Redis has missed the sync of that second.
    assert_eq!(bench.tick(), [""; 0]);
    bench.pass(300);
    assert_eq!(bench.tick(), ["sync"]);
}

#[test]
fn after_its_clock_was_set_back_a_server_does_not_sync() {
    let mut bench = Bench::new(AppendFsync::EverySecond);
    bench.wall_ms -= 60_000;
    bench.done("SET a 1");
    for _ in 0..60 {
        bench.pass(1000);
        assert_eq!(bench.tick(), [""; 0]);
    }
    bench.pass(1000);
    assert_eq!(bench.tick(), ["sync"]);
}

/// The timer of `DEBUG SLEEP`.
const AWAKE: TimerId = TimerId(2);

fn sleeper(policy: AppendFsync) -> Bench {
    let settings = RedisSettings { enable_debug_command: true, ..RedisSettings::default() };
    Bench::with(policy, settings)
}

#[test]
fn a_server_that_sleeps_does_nothing_and_answers_nobody_until_it_wakes() {
    let mut bench = sleeper(AppendFsync::No);
    bench.done("SET lock mine PX 50");
    assert_eq!(bench.command(1, "DEBUG SLEEP 0.1"), [""; 0]);
    assert_eq!(bench.command(2, "SET lock theirs NX"), [""; 0]);
    assert_eq!(bench.tick(), [""; 0], "not even what its clock would have it do");
    bench.pass(100);
    bench.give(Input::Timer(AWAKE));
    let story = bench.story();
    assert_eq!(story[..2], ["because of 2", "to 1: +OK"], "{story:?}");
    assert_eq!(story[2..5], ["because of 3", "key-expired: lock", "key-set: lock = theirs"]);
    assert!(story.last().is_some_and(|line| line.starts_with("write ")), "{story:?}");
    assert_eq!(bench.disk().last().map(String::as_str), Some("to 2: +OK"));
}

#[test]
fn a_server_that_wakes_waits_for_the_disk_before_it_answers() {
    let mut bench = sleeper(AppendFsync::Always);
    bench.command(1, "MULTI");
    bench.command(1, "SET a 1");
    bench.command(1, "DEBUG SLEEP 1");
    assert_eq!(bench.command(1, "EXEC"), [""; 0]);
    bench.command(2, "GET a");
    bench.pass(1000);
    bench.give(Input::Timer(AWAKE));
    assert_eq!(bench.story(), ["because of 3", "key-set: a = 1", "write 50 bytes"]);
    assert_eq!(bench.disk(), ["sync"]);
    let story = bench.disk();
    let replies = ["because of 3", "to 1: *2\\r\\n+OK\\r\\n+OK", "because of 4"];
    assert_eq!(story[..3], replies, "{story:?}");
    assert_eq!(story[3..], ["to 2: $1\\r\\n1"]);
}

#[test]
fn who_sends_a_server_to_sleep_again_lets_the_others_wait_once_more() {
    let mut bench = sleeper(AppendFsync::EverySecond);
    bench.command(1, "DEBUG SLEEP 1");
    bench.command(2, "PING");
    bench.command(3, "DEBUG SLEEP 1");
    bench.command(4, "PING");
    bench.pass(1000);
    bench.give(Input::Timer(AWAKE));
    // The replies of a turn go out at its end, and the second sleep is a part of the turn.
    assert_eq!(bench.story(), ["because of 0", "to 1: +OK", "because of 1", "because of 2"]);
    bench.pass(1000);
    bench.give(Input::Timer(AWAKE));
    let story = bench.story();
    let replies: Vec<&String> = story.iter().filter(|line| line.starts_with("to ")).collect();
    assert_eq!(replies, ["to 2: +PONG", "to 3: +OK", "to 4: +PONG"]);
}
