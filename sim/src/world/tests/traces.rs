//! What somebody who listens to `tracing` hears.

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;

/// Writes down the fields of every event of this crate.
#[derive(Clone)]
struct Listener {
    level: Level,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("fencepost") && *metadata.level() <= self.level
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.heard.lock().unwrap().push(line.0.trim_end().to_owned());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

fn heard_at(level: Level) -> Vec<String> {
    let listener = Listener { level, heard: Arc::default() };
    // `tracing` remembers of each place in the code whether anybody listens, and asks the thread
    // that comes there first: another test's, perhaps. So the place is passed once before.
    run_pair(100, &[], Vec::new());
    tracing::subscriber::with_default(listener.clone(), || {
        tracing::callsite::rebuild_interest_cache();
        let mut world = world();
        let server = world.add_server("server", |_boot| {
            acts(|input, context| {
                if let Input::Message { .. } = input {
                    context.note(remark("thanks"));
                }
            })
        });
        world.add_client("client", sends(server, &[1500]));
        world.inject(vec![fault(1700, 100, crash("server"))]);
        world.run(ms(5000)).unwrap();
    });
    let heard = listener.heard.lock().unwrap();
    heard.clone()
}

#[test]
fn every_event_says_where_and_when_in_simulated_time() {
    let heard = heard_at(Level::TRACE);
    assert!(heard.iter().all(|line| line.starts_with("sim_time=") && line.contains(" node=")));
    for line in [
        r#"sim_time=0.030s node="server" event=Accepted(ConnectionId(0))"#,
        r#"sim_time=1.500s node="client" event=Sent(MessageId(0)) message=Number(1500)"#,
        r#"sim_time=1.510s node="server" event=Delivered(MessageId(0)) message=Number(1500)"#,
        r#"sim_time=1.510s node="server" note=Remark { text: "thanks" }"#,
        r#"sim_time=1.700s node="server" event=Crashed"#,
    ] {
        assert!(heard.iter().any(|one| one == line), "{line} in {heard:#?}");
    }

    // Messages and timers are for those who want it all.
    let heard = heard_at(Level::DEBUG);
    assert!(heard.iter().any(|line| line.contains("thanks")));
    assert!(!heard.iter().any(|line| line.contains("Sent") || line.contains("TimerFired")));
    assert_eq!(heard_at(Level::INFO), Vec::<String>::new());
}
