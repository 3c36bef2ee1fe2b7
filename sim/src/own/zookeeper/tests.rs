//! Every request and every event, as a lock's author sees them.

use std::fmt::Debug;

use super::*;
use crate::own::testing::{Nothing, remarks};
use crate::own::{Node, Note, recipe};
use crate::scenario::{Backend, Scenario};

/// What the client says of itself when it has done that.
fn said(talk: impl AsyncFn(&Node, &ZooKeeper) + Clone + Send + Sync + 'static) -> Vec<String> {
    let make = async move |node: Node| {
        let zookeeper = node.zookeeper(Duration::from_secs(6));
        talk(&node, &zookeeper).await;
        Nothing(node)
    };
    let scenario = Scenario::default().but(|s| {
        s.backend = Some(Backend::ZooKeeper(Default::default()));
        s.lock = recipe("/lock", make).into();
        (s.shop.buyers, s.duration) = (1, Duration::from_secs(30));
    });
    remarks(&scenario.run(3).unwrap().run.history)
}

fn say(node: &Node, what: impl Debug) {
    node.host().note(Note::Remark { text: format!("{what:?}") });
}

#[test]
fn every_request_is_answered_as_the_usual_clients_are() {
    let told = said(async |node, zookeeper| {
        let created = zookeeper.create("/a", "one", CreateMode::PERSISTENT).await;
        say(node, created.map(|(path, stat)| (path, stat.version, stat.ephemeral_owner.0)));
        let again = zookeeper.create("/a", "one", CreateMode::PERSISTENT).await;
        say(node, again.map(|(path, _)| path));
        let numbered = zookeeper.create("/a/n-", "", CreateMode::EPHEMERAL_SEQUENTIAL).await;
        say(node, numbered.map(|(path, stat)| (path, stat.ephemeral_owner == zookeeper.session())));
        say(node, zookeeper.exists("/b", false).await);
        say(
            node,
            zookeeper.get_data("/a", false).await.map(|(data, stat)| (data, stat.num_children)),
        );
        say(node, zookeeper.set_data("/a", "two", Some(7)).await);
        say(node, zookeeper.set_data("/a", "two", Some(0)).await.map(|stat| stat.version));
        say(node, zookeeper.get_children("/a", false).await.map(|(names, _)| names));
        say(node, zookeeper.delete("/a", None).await);
        let (path, version) = (Path::from("/a"), 1);
        let check = Op::Check { path: Path::clone(&path), version };
        let delete = Op::Delete { path: Path::from("/none"), version };
        say(node, zookeeper.multi(vec![check.clone(), delete, check.clone()]).await);
        say(node, zookeeper.multi(vec![check]).await);
        say(node, zookeeper.sync("/a").await);
        say(node, zookeeper.session_timeout());
        say(node, zookeeper.close().await);
        say(node, zookeeper.sync("/a").await);
    });
    let expected = [
        r#"Ok(("/a", 0, 0))"#,
        "Err(NodeExists)",
        r#"Ok(("/a/n-0000000000", true))"#,
        "Ok(None)",
        r#"Ok((b"one", 1))"#,
        "Err(BadVersion)",
        "Ok(1)",
        r#"Ok(["n-0000000000"])"#,
        "Err(NotEmpty)",
        "Ok([Err(Ok), Err(NoNode), Err(RuntimeInconsistency)])",
        "Ok([Ok(Done)])",
        "Ok(())",
        "6s",
        "Ok(())",
        "Err(SessionExpired)",
    ];
    assert_eq!(told, expected);
}

#[test]
fn watches_fire_once_and_the_connection_is_told_of() {
    let told = said(async |node, zookeeper| {
        let mut events = zookeeper.events();
        say(node, zookeeper.state());
        say(node, events.wait().await);
        say(node, zookeeper.exists("/a", true).await.map(|stat| stat.is_some()));
        let other = node.zookeeper(Duration::from_secs(6));
        for value in ["one", "two"] {
            let _ = other.create("/a", value, CreateMode::PERSISTENT).await;
            let _ = other.set_data("/a", value, None).await;
        }
        say(node, events.wait().await);
        zookeeper.give_up_session();
        say(node, events.wait().await);
        say(node, zookeeper.state());
    });
    let fired = r#"Watch(WatchedEvent { kind: NodeCreated, path: "/a" })"#;
    let expected =
        ["Disconnected", "State(SyncConnected)", "Ok(false)", fired, "State(Expired)", "Expired"];
    assert_eq!(told, expected);
}
