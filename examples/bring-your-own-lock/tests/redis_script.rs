//! A script of the `redis` crate runs as it does on a real server: by its digest, and loaded first where the server
//! does not know it.

use std::time::Duration;

use fencepost::own::{Message, Node, Note, OwnLock, ReleaseOutcome, recipe};
use fencepost::scenario::Scenario;
use redis::{RedisResult, Script};

struct Nothing(Node);

impl OwnLock for Nothing {
    type Guard = ();

    async fn acquire(&self) {
        let script = Script::new("return {KEYS[1], ARGV[1] + 1}");
        let mut redis = self.0.redis("redis").await.unwrap();
        let answer: RedisResult<(String, i64)> =
            script.key("k").arg(41).invoke_async(&mut redis).await;
        self.0.host().note(Note::Remark { text: format!("{answer:?}") });
        self.0.host().sleep(Duration::from_secs(1)).await;
    }

    async fn release(&self, (): &()) -> ReleaseOutcome {
        ReleaseOutcome::Removed
    }
}

#[test]
fn it_is_loaded_once() {
    let scenario = Scenario::default().but(|s| {
        s.lock = recipe("none", async |node| Nothing(node)).into();
        (s.shop.buyers, s.shop.stock, s.duration) = (1, 9, Duration::from_millis(1_500));
    });
    let history = scenario.run(1).unwrap().run.history;
    let answers = history.notes().filter(|(_, _, note)| match note {
        Note::Remark { text } => text == r#"Ok(("k", 42))"#,
        _ => false,
    });
    assert_eq!(answers.count(), 2);
    let commands = history.messages().iter().filter_map(|sent| match &sent.message {
        Message::Redis(words) => Some(words[0].as_ref()),
        _ => None,
    });
    let expected: [&[u8]; 4] = [b"EVALSHA", b"SCRIPT", b"EVALSHA", b"EVALSHA"];
    assert_eq!(commands.collect::<Vec<_>>(), expected);
}
