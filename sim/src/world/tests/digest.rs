//! Equal digests mean equal runs.

use std::collections::BTreeSet;

use fencepost_models::process::Process;

use super::super::Digest;
use super::*;

fn digest(seed: u64, text: &'static str) -> Digest {
    let mut world = World::new(seed, Latency::Exponential { min: ms(1), mean_rest: ms(5) });
    let server = world.add_server("server", echo);
    for name in ["a", "b"] {
        world.add_client(name, move |boot| {
            Process::new(boot, move |host| async move {
                let Ok(connection) = host.connect(server).await else { return };
                for _ in 0..20 {
                    host.work(ms(1)..=ms(20)).await;
                    connection.send(Message::Number(host.random(|random| random.below(9))));
                    let _ = host.timeout(ms(10), connection.receive()).await;
                }
                host.note(remark(text));
            })
        });
    }
    world.inject(vec![
        fault(50, 100, pause("server")),
        fault(200, 50, Action::Partition(groups("a", "*"))),
    ]);
    world.run(ms(5000)).unwrap().history.digest()
}

#[test]
fn the_same_seed_gives_the_same_digest_and_others_give_others() {
    let digests: BTreeSet<Digest> = (0..50).map(|seed| digest(seed, "done")).collect();
    assert_eq!(digests.len(), 50);
    assert_eq!(digest(1, "done"), digest(1, "done"));
}

#[test]
fn the_digest_is_pinned() {
    // Changing it is a reviewed act: every seed in a corpus changes its meaning with it.
    insta::assert_snapshot!(digest(1, "done").to_string());
}

#[test]
fn every_thread_gives_the_same_digest() {
    let here: Vec<Digest> = (0..8).map(|seed| digest(seed, "done")).collect();
    let there: Vec<_> = (0..2)
        .map(|_| fresh_thread(|| (0..8).map(|seed| digest(seed, "done")).collect()))
        .collect();
    for digests in there {
        let digests: Vec<Digest> = digests;
        assert_eq!(digests, here);
    }
}

#[test]
fn one_byte_of_a_note_changes_the_digest() {
    assert_ne!(digest(1, "done"), digest(1, "dons"));
}

#[test]
fn a_node_by_another_name_changes_the_digest() {
    let digest = |name| {
        let mut world = world();
        world.add_client(name, sink);
        world.run(ms(10)).unwrap().history.digest()
    };
    assert_ne!(digest("one"), digest("two"));
}
