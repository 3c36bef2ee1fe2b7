//! Live runs: what happens waits for somebody outside, and in the end all is forgotten.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;

use super::*;
use crate::world::SimTime;
use crate::world::history::{History, Record};
use crate::world::live::{Health, Live, Outside};

/// What the gateway's process was told.
#[derive(Default)]
struct Told {
    open: Option<ConnectionId>,
    numbers: u64,
    last: u64,
    closed: Vec<SimTime>,
}

struct Gateway(Rc<RefCell<Told>>);

impl Machine for Gateway {
    fn handle(&mut self, input: Input<'_>, _: &mut Context<'_>) {
        let mut told = self.0.borrow_mut();
        match input {
            Input::Connected { connection } => told.open = Some(connection),
            Input::Message { message: Message::Number(number), .. } => {
                told.numbers += 1;
                told.last = *number;
            }
            Input::Closed { .. } => told.closed.push(SimTime::ZERO),
            _ => {}
        }
    }
}

/// What somebody does in his turn; whether he has said something.
type Act<'a> = Box<dyn FnMut(&mut Live<'_>) -> bool + 'a>;

/// A clock that is moved by hand: it stops at these moments, and something is done there.
struct ByHand<'a> {
    turns: Box<dyn Iterator<Item = (Duration, Act<'a>)> + 'a>,
    act: Option<Act<'a>>,
    heard: usize,
    most_memory: u64,
}

impl<'a> ByHand<'a> {
    fn new<T>(turns: T) -> Self
    where
        T: IntoIterator<Item = (Duration, Act<'a>)>,
        T::IntoIter: 'a,
    {
        Self { turns: Box::new(turns.into_iter()), act: None, heard: 0, most_memory: 0 }
    }
}

impl Outside for ByHand<'_> {
    fn wait(&mut self, _: Option<SimTime>) -> Option<SimTime> {
        let (at, act) = self.turns.next()?;
        self.act = Some(act);
        Some(SimTime::after(at))
    }

    fn hear(&mut self, history: &History, news: &[Record]) {
        self.heard += news.len();
        self.most_memory = self.most_memory.max(history.memory());
    }

    fn take_turn(&mut self, world: &mut Live<'_>) -> bool {
        self.act.as_mut().is_some_and(|act| act(world))
    }
}

fn once<'a>(mut act: impl FnMut(&mut Live<'_>) + 'a) -> Act<'a> {
    let mut is_done = false;
    Box::new(move |world| {
        let was_done = std::mem::replace(&mut is_done, true);
        if !was_done {
            act(world);
        }
        !was_done
    })
}

/// A server that sends back what it gets, at 10 ms from the gateway, and the gateway.
fn with_gateway(told: &Rc<RefCell<Told>>) -> (World, NodeId, NodeId) {
    let mut world = world();
    let server = world.add_server("server", echo);
    let told = told.clone();
    let gateway = world.add_client("gateway", move |_| Gateway(told.clone()));
    (world, server, gateway)
}

#[test]
fn what_is_said_from_outside_is_said_when_it_is() {
    let told = Rc::default();
    let (world, server, gateway) = with_gateway(&told);
    let say = |number| {
        let told = told.clone();
        once(move |world: &mut Live<'_>| {
            let connection = told.borrow().open.unwrap();
            world.speak(|context| context.send(connection, Message::Number(number)));
        })
    };
    let seen = |numbers: u64| {
        let told = told.clone();
        once(move |_: &mut Live<'_>| assert_eq!(told.borrow().numbers, numbers))
    };
    let mut outside = ByHand::new(vec![
        (ms(100), once(|world| world.speak(|context| _ = context.connect(server)))),
        (ms(119), once(|_| assert!(told.borrow().open.is_none()))),
        (
            ms(120),
            once(|world| {
                assert!(told.borrow().open.is_some());
                assert_eq!(world.now(), SimTime::after(ms(120)));
            }),
        ),
        (ms(200), say(7)),
        (ms(219), seen(0)),
        (ms(220), seen(1)),
        // A clock that is set back has no part in it.
        (ms(10), once(|world| assert_eq!(world.now(), SimTime::after(ms(220))))),
    ]);
    world.run_live(gateway, &mut outside).unwrap();
    assert_eq!(told.borrow().last, 7);
    assert!(outside.heard > 5, "{}", outside.heard);
}

#[test]
fn faults_come_when_they_are_asked_for_and_can_be_ended() {
    let told = Rc::default();
    let (mut world, server, gateway) = with_gateway(&told);
    world.inject(vec![for_ever(5_000, pause("server"))]);
    let health = move |wanted: Health| {
        once(move |world: &mut Live<'_>| assert_eq!(world.health(server), wanted))
    };
    let inject = |fault: Fault| {
        once(move |world: &mut Live<'_>| world.inject(&vec![fault.clone()]).unwrap())
    };
    let mut outside = ByHand::new(vec![
        (
            ms(100),
            once(|world| {
                world.speak(|context| _ = context.connect(server));
            }),
        ),
        (ms(1_000), inject(fault(0, 50, pause("server")))),
        (ms(1_001), health(Health::Paused)),
        (ms(1_050), health(Health::Up)),
        (ms(1_100), inject(fault(100, 50, crash("server")))),
        (ms(1_199), health(Health::Up)),
        (ms(1_200), health(Health::Down)),
        (
            ms(1_210),
            once(|_| assert_eq!(told.borrow().closed.len(), 1, "its connection is closed")),
        ),
        (ms(1_250), health(Health::Up)),
        (ms(1_300), inject(for_ever(0, power_loss("server")))),
        (ms(1_400), health(Health::Dark)),
        (
            ms(1_400),
            once(|world| {
                assert!(world.inject(&vec![for_ever(0, pause("nobody"))]).is_err());
                assert_eq!(world.faults().count(), 2);
                assert_eq!(world.heal(), 2, "the one in force and the one to come");
                assert_eq!((world.heal(), world.faults().count()), (0, 0));
            }),
        ),
        (ms(1_401), health(Health::Up)),
        (ms(6_000), health(Health::Up)),
    ]);
    world.run_live(gateway, &mut outside).unwrap();
}

/// A million messages there and back, while one to a server that is cut off is under way for half a second.
#[test]
fn a_run_that_goes_on_forgets_all_but_what_is_under_way() {
    const ROUNDS: u64 = 500_000;
    let told = Rc::default();
    let (mut world, server, gateway) = with_gateway(&told);
    let received = Rc::new(Cell::new(0));
    let at_other = received.clone();
    let other = world.add_server("other", move |_| {
        let received = at_other.clone();
        acts(move |input, _| {
            if let Input::Message { message: Message::Bytes(bytes), .. } = input {
                received.set(bytes.len());
            }
        })
    });
    world.inject(vec![fault(150, 500, Action::Partition(groups("other", "*")))]);
    let slow = Cell::new(None);
    let connect = once(|world| {
        world.speak(|context| {
            slow.set(Some(context.connect(other)));
            // It is connected to last.
            context.connect(server);
        });
    });
    let say_to_other = once(|world| {
        let connection = slow.get().unwrap();
        let bytes = Message::Bytes(Bytes::from(vec![0; 1_000]));
        world.speak(|context| context.send(connection, bytes));
    });
    let rounds = (0..ROUNDS).map(|round| {
        let told: &RefCell<Told> = &told;
        let say = once(move |world: &mut Live<'_>| {
            let connection = told.borrow().open.unwrap();
            world.speak(|context| context.send(connection, Message::Number(round)));
        });
        (ms(200) + Duration::from_micros(10) * round as u32, say)
    });
    let turns = [(ms(10), connect), (ms(200), say_to_other)].into_iter().chain(rounds);
    let mut outside = ByHand::new(turns.chain([(ms(10_000), once(|_| {}))]));
    world.run_live(gateway, &mut outside).unwrap();
    assert_eq!(told.borrow().numbers, ROUNDS);
    assert_eq!(received.get(), 1_000, "whatever was forgotten meanwhile");
    assert!(outside.heard as u64 > ROUNDS * 5, "{}", outside.heard);
    assert!(outside.most_memory < 12 * 1024 * 1024, "{}", outside.most_memory);
}

/// Every connection has a number of its own, and is forgotten with the rest when it is over.
#[test]
fn connections_that_are_over_are_forgotten_and_those_that_are_not_go_on() {
    let told = Rc::default();
    let (world, server, gateway) = with_gateway(&told);
    let first = Cell::new(None);
    let begin = once(|world| world.speak(|context| first.set(Some(context.connect(server)))));
    let come_and_go = (0..60_000_u32).map(|round| {
        let act = once(move |world: &mut Live<'_>| {
            world.speak(|context| {
                let connection = context.connect(server);
                context.close(connection);
            });
        });
        (ms(100) + Duration::from_micros(10) * round, act)
    });
    let say = once(|world| {
        world.speak(|context| context.send(first.get().unwrap(), Message::Number(3)));
    });
    let turns = [(ms(10), begin)].into_iter().chain(come_and_go);
    let turns = turns.chain([(ms(1_000), say), (ms(2_000), once(|_| {}))]);
    let mut outside = ByHand::new(turns);
    world.run_live(gateway, &mut outside).unwrap();
    assert!(outside.heard > 2 * Live::REMEMBERED, "{}", outside.heard);
    assert_eq!(told.borrow().last, 3);
}
