//! A process driven by hand: what every test of a process needs, whatever it makes of the effects.

use super::{Host, Process};
use crate::machine::{Boot, Context, Effect, Files, Input, InputId, Machine, NodeId};
use crate::random::Random;
use crate::time::{LocalClock, Mono, Wall};

/// What a process on that node is given when it first starts.
pub fn boot(node: NodeId) -> Boot {
    Boot {
        node,
        incarnation: 0,
        random: Random::new(1, 1),
        files: Files::new(),
        clock: LocalClock::default(),
    }
}

/// A process that gets its inputs one by one, at the time that both its clocks show.
pub struct Driven {
    pub process: Process,
    pub now: Mono,
    pub next_connection: u32,
    inputs: u32,
}

impl Driven {
    /// A process on that node, not yet started.
    pub fn new<F: Future<Output = ()> + 'static>(
        node: NodeId,
        main: impl FnOnce(Host) -> F,
    ) -> Self {
        let process = Process::new(boot(node), main);
        Self { process, now: Mono::default(), next_connection: 0, inputs: 0 }
    }

    /// The number that the next input will have.
    pub fn next_input(&self) -> InputId {
        InputId(self.inputs)
    }

    /// Hands an input over: what the process asks for then.
    pub fn handle(&mut self, input: Input<'_>) -> Vec<Effect> {
        let number = self.next_input();
        self.inputs += 1;
        let wall = Wall::from_nanos(self.now.as_nanos());
        let mut outbox = Vec::new();
        let clock = LocalClock { wall, mono: self.now };
        let mut context = Context::new(clock, &mut self.next_connection, &mut outbox);
        context.input = Some(number);
        self.process.handle(input, &mut context);
        outbox
    }
}
