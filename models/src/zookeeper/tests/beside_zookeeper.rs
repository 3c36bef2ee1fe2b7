//! The same requests as a real ensemble was asked, and its answers.
//!
//! `ensemble.recorded` is what three servers of ZooKeeper 3.8.0 answered, with the defaults of the sample, to a
//! client of the first of them (kazoo 2.11.0, requests sent as they are): a request, and behind the arrow the
//! answer, where numbers of transactions and times are left out.

use bytes::Bytes;

use super::client::Client;
use super::rig::Rig;
use crate::zookeeper::protocol::{Answer, CreateMode, ErrorCode, Op, SessionId, Stat};

const RECORDED: &str = include_str!("ensemble.recorded");

fn mode(name: &str) -> CreateMode {
    CreateMode { ephemeral: name.contains("ephemeral"), sequential: name.contains("sequential") }
}

fn op(words: &[&str]) -> Op {
    match *words {
        ["create", path, kind] => Op::Create {
            path: path.into(),
            data: Bytes::from_static(b"d"),
            mode: mode(kind),
            with_stat: false,
        },
        ["delete", path, version] => {
            Op::Delete { path: path.into(), version: version.parse().unwrap() }
        }
        ["set", path, version] => Op::SetData {
            path: path.into(),
            data: Bytes::from_static(b"new"),
            version: version.parse().unwrap(),
        },
        ["check", path, version] => {
            Op::Check { path: path.into(), version: version.parse().unwrap() }
        }
        ["stat", path] => Op::Exists { path: path.into(), watch: false },
        ["children", path] => Op::GetChildren { path: path.into(), watch: false, with_stat: false },
        ["multi", ref parts @ ..] => {
            let line = parts.join(" ");
            Op::Multi(
                line.split(',').map(|part| op(&part.split(' ').collect::<Vec<_>>())).collect(),
            )
        }
        _ => panic!("{words:?}"),
    }
}

fn shown_stat(stat: &Stat) -> String {
    let Stat { version, cversion, data_length, num_children, ephemeral_owner, .. } = stat;
    let ephemeral = u8::from(*ephemeral_owner != SessionId::NONE);
    format!(
        "version {version} cversion {cversion} length {data_length} children {num_children} \
         ephemeral {ephemeral}"
    )
}

fn shown(result: &Result<Answer, ErrorCode>) -> String {
    match result {
        Ok(Answer::Done) => "done".to_owned(),
        Ok(Answer::Created { path, .. }) => path.to_string(),
        Ok(Answer::Stat(stat)) => shown_stat(stat),
        Ok(Answer::Children { names, .. }) => names.join(" "),
        Ok(Answer::Multi(parts)) => parts.iter().map(shown).collect::<Vec<_>>().join(" | "),
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.to_string().replace(' ', "-"),
    }
}

#[test]
fn each_answer_is_the_real_ensembles() {
    // Through a follower, as the real ones were asked, and through the leader.
    for server in [1, 3] {
        let mut rig = Rig::of(3, 1, |_| {});
        rig.settle();
        let mut client = Client::new(&mut rig, server, 10_000).unwrap();
        for line in RECORDED.lines() {
            let (request, expected) = line.split_once(" -> ").unwrap();
            let words: Vec<&str> = request.split(' ').collect();
            let answer = client.ask(&mut rig, op(&words)).unwrap();
            assert_eq!(shown(&answer), expected, "{request} at server {server}");
        }
    }
    assert!(RECORDED.lines().count() > 40);
}

/// A session's number and its password, as the real ensemble gave them.
#[test]
fn a_password_is_the_real_ensembles() {
    let session = SessionId(72_061_603_439_509_504);
    assert_eq!(&session.password().0, b"\xc1\x02'^\xba\xc3\x96\xd7\x07>\x83\xa2\x93\xfb\xb1\xf1");
}
