//! What the `redis` crate asks of a connection, asked here: commands, pipelines, transactions; and what it is
//! told when the connection breaks.

use std::fmt::Debug;

use ::redis::{AsyncCommands as _, cmd, pipe};
use fencepost_faults::{Action, Fault, Start};

use super::*;
use crate::own::testing::{Nothing, remarks};
use crate::own::{Note, recipe};
use crate::scenario::Scenario;

const PATIENCE: Duration = Duration::from_millis(300);

/// One client that does that, and then nothing worth mentioning.
fn talking(talk: impl AsyncFn(&Node) + Clone + Send + Sync + 'static) -> Scenario {
    let make = async move |node: Node| {
        talk(&node).await;
        Nothing(node)
    };
    Scenario::default().but(|s| {
        s.lock = recipe("none", make).into();
        (s.shop.buyers, s.duration) = (1, Duration::from_secs(10));
    })
}

fn say(node: &Node, what: impl Debug) {
    node.host().note(Note::Remark { text: format!("{what:?}") });
}

/// What was said, and the names of the commands that Redis was sent.
fn said(scenario: &Scenario) -> (Vec<String>, Vec<String>) {
    let history = scenario.run(1).unwrap().run.history;
    let command = |message: &Message| match message {
        Message::Redis(words) => Some(String::from_utf8_lossy(&words[0]).into_owned()),
        _ => None,
    };
    (
        remarks(&history),
        history.messages().iter().filter_map(|sent| command(&sent.message)).collect(),
    )
}

#[test]
fn pipelines_and_transactions_are_answered_as_the_crate_expects() {
    let talk = async |node: &Node| {
        let mut redis = node.redis("redis").await.unwrap();
        let both: RedisResult<(i64, String)> =
            pipe().incr("n", 2).set("k", "v").ignore().get("k").query_async(&mut redis).await;
        say(node, both);
        let atomic: RedisResult<(i64,)> =
            pipe().atomic().del("k").ignore().incr("n", 1).query_async(&mut redis).await;
        say(node, atomic);
        let wrong: RedisResult<(i64, i64)> =
            pipe().set("k", "v").ignore().incr("k", 1).incr("n", 1).query_async(&mut redis).await;
        say(node, wrong.map_err(|error| error.kind()));
        let unknown: RedisResult<()> = pipe().atomic().cmd("NONE").query_async(&mut redis).await;
        say(node, unknown.is_err());
        say(node, redis.get::<_, Option<i64>>("n").await);
    };
    let (told, sent) = said(&talking(talk));
    let expected =
        [r#"Ok((2, "v"))"#, "Ok((3,))", "Err(Server(ResponseError))", "true", "Ok(Some(4))"];
    assert_eq!(told, expected);
    assert_eq!(sent.iter().filter(|name| *name == "EXEC").count(), 2, "{sent:?}");
}

/// Redis is gone from 1 s to 3 s.
fn with_a_crash(talk: impl AsyncFn(&Node) + Clone + Send + Sync + 'static) -> Scenario {
    let action = Action::Crash { node: "redis".to_owned() };
    let (start, length) = (Start::At(Duration::from_secs(1)), Some(Duration::from_secs(2)));
    talking(talk).but(|s| s.faults = vec![Fault { start, length, action }])
}

#[test]
fn a_manager_connects_anew_and_a_connection_does_not() {
    let talk = async |node: &Node| {
        let mut single = node.redis("redis").await.unwrap().with_timeout(PATIENCE);
        let mut managed = node.redis_manager("redis", PATIENCE);
        for _ in 0..3 {
            let one = cmd("PING").query_async::<String>(&mut single).await;
            let other = cmd("PING").query_async::<String>(&mut managed).await;
            say(node, (one.is_ok(), single.is_broken(), other.is_ok()));
            node.host().sleep(Duration::from_millis(1_800)).await;
        }
    };
    let (told, _) = said(&with_a_crash(talk));
    assert_eq!(told, ["(true, false, true)", "(false, true, false)", "(false, true, true)"]);
}

#[test]
fn a_request_under_way_fails_with_its_connection_and_says_why() {
    let talk = async |node: &Node| {
        let mut redis = node.redis_manager("redis", Duration::from_secs(5));
        say(node, cmd("PING").query_async::<String>(&mut redis).await);
        // No replica ever has what was written.
        let lost = cmd("WAIT").arg(1).arg(0).query_async::<i64>(&mut redis).await;
        say(node, lost.map_err(|error| (error.is_io_error(), error.is_connection_dropped())));
    };
    let (told, _) = said(&with_a_crash(talk));
    assert_eq!(told, [r#"Ok("PONG")"#, "Err((true, true))"]);
}
