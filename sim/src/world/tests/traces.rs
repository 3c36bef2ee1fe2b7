//! What somebody who listens to `tracing` hears.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::*;

thread_local! {
    /// How much this thread wants to hear; other tests' threads want nothing.
    static LISTENS: Cell<LevelFilter> = const { Cell::new(LevelFilter::OFF) };
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Writes down the fields of every event of this crate, for the threads that listen.
///
/// It is installed for all threads: `tracing` remembers of each place in the code whether anybody
/// listens, and when it asks, it asks on the thread that comes there first.
struct Listener;

impl Subscriber for Listener {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("fencepost") && *metadata.level() <= LISTENS.get()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        HEARD.with_borrow_mut(|heard| heard.push(line.0.trim_end().to_owned()));
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
    LISTENS.set(level.into());
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
    LISTENS.set(LevelFilter::OFF);
    HEARD.take()
}

#[test]
fn every_event_says_where_and_when_in_simulated_time() {
    tracing::subscriber::set_global_default(Listener).unwrap();
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
