//! What the recording beside the append-only file does not show.

use super::*;
use crate::redis::keyspace::Keyspace;
use crate::redis::resp::Reply;

fn words(line: &str) -> Vec<Bytes> {
    line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

#[test]
fn sums_of_fractions_are_passed_on_as_results() {
    let passed = |name, line, reply: &'static str| {
        let reply = Reply::Bulk(Bytes::from_static(reply.as_bytes()));
        rewritten(name, &words(line), &reply, &Keyspace::default()).to_vec()
    };
    assert_eq!(passed("incrbyfloat", "INCRBYFLOAT n 0.1", "1.1"), words("SET n 1.1 KEEPTTL"));
    assert_eq!(passed("hincrbyfloat", "HINCRBYFLOAT h f 0.1", "1.1"), words("HSET h f 1.1"));
}

#[test]
fn options_are_known_as_the_command_knows_them() {
    let passed = rewritten("set", &words("SET k v XX get\0x"), &Reply::Nil, &Keyspace::default());
    assert_eq!(passed.to_vec(), words("SET k v XX"));
}

#[test]
fn several_commands_of_a_client_make_a_transaction_and_a_round_of_deletions_none() {
    let mut propagation = Propagation::default();
    let [first, other] = [0, 1].map(|number| Database::new(number).expect("is there"));
    propagation.add(first, words("SET a 1").into(), Consumers::All);
    propagation.end_unit();
    assert_eq!(propagation.take().count(), 0, "nobody listens");
    propagation.set_listeners(Listeners { file: true, replicas: false });
    let both = |propagation: &mut Propagation| {
        propagation.add(first, words("SET a 1").into(), Consumers::All);
        propagation.add_deletion(other, &Bytes::from_static(b"b"));
    };
    let taken = |propagation: &mut Propagation| -> Vec<_> {
        let taken = propagation.take();
        taken.map(|it| (it.database.number(), it.arguments.to_vec())).collect()
    };
    let numbered = |(number, line)| (number, words(line));
    both(&mut propagation);
    propagation.end_unit();
    assert_eq!(
        taken(&mut propagation),
        [(0, "MULTI"), (0, "SET a 1"), (1, "DEL b"), (1, "EXEC")].map(numbered)
    );
    both(&mut propagation);
    propagation.end_round();
    assert_eq!(taken(&mut propagation), [(0, "SET a 1"), (1, "DEL b")].map(numbered));
    propagation.end_unit();
    assert_eq!(propagation.take().count(), 0, "each is passed on once");
}
