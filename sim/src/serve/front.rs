//! The real clock and the real sockets, as a world's outside.
#![expect(
    clippy::disallowed_methods,
    reason = "here is the real clock: what is served has it in place of a simulated one"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use super::Settings;
use super::control::{self, HELP, Order};
use super::gateway::{Entrance, Gateway};
use super::places::Place;
use super::sockets::{News, Sockets};
use crate::world::history::{Event, History, Record};
use crate::world::live::{Health, Live, Outside};
use crate::world::{SimTime, World};

/// All that is outside.
pub struct Front<'s> {
    sockets: Sockets,
    gateway: Rc<RefCell<Gateway>>,
    places: Vec<Place>,
    names: Vec<String>,
    /// The nodes that can be told to fail over.
    targets: Vec<String>,
    /// When clients can come, in the world's time, and when that was.
    settled: Duration,
    since: Option<Instant>,
    /// Lines from consoles, each with which.
    lines: Vec<(usize, String)>,
    /// Each fault, in words.
    faults: Vec<String>,
    say: &'s mut dyn FnMut(&str),
}

impl<'s> Front<'s> {
    /// Sockets at which nobody has been answered yet.
    pub fn new(
        sockets: Sockets,
        places: Vec<Place>,
        settings: &Settings,
        names: Vec<String>,
        say: &'s mut dyn FnMut(&str),
    ) -> Self {
        Self {
            sockets,
            gateway: Rc::default(),
            places,
            names,
            targets: settings.backend.failover_targets(),
            settled: settings.settled,
            since: None,
            lines: Vec::new(),
            faults: settings.faults.iter().map(ToString::to_string).collect(),
            say,
        }
    }

    /// What makes the gateway's process.
    pub fn entrance(&self) -> impl Fn() -> Entrance + use<> {
        let gateway = self.gateway.clone();
        move || Entrance(gateway.clone())
    }

    /// Sets the clocks of the world's hosts to what time it is.
    pub fn set_clocks(&self, world: &mut World) {
        let unix_time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        world.set_wall_clocks(self.settled, unix_time.unwrap_or_default());
    }

    /// What time it is in the world.
    fn now(&self) -> SimTime {
        let elapsed = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        SimTime::after(self.settled + elapsed)
    }

    /// Carries out what was said on a console.
    fn obey(&mut self, line: &str, world: &mut Live<'_>) -> String {
        match control::read(line, &self.names, &self.targets) {
            Ok(Order::Inject(plan)) => match world.inject(&plan) {
                Ok(_) => {
                    self.faults.extend(plan.iter().map(ToString::to_string));
                    "ok".to_owned()
                }
                Err(error) => format!("error: {error}"),
            },
            Ok(Order::Heal) => match world.heal() {
                0 => "ok: nothing was wrong".to_owned(),
                1 => "ok: 1 fault is over".to_owned(),
                faults => format!("ok: {faults} faults are over"),
            },
            Ok(Order::Status) => self.status(world),
            Ok(Order::Help) => format!("ok: {HELP}"),
            Err(error) => format!("error: {error}"),
        }
    }

    /// How the nodes are, and what is wrong, on one line.
    fn status(&self, world: &mut Live<'_>) -> String {
        let mut parts = Vec::new();
        for (place, name) in self.places.iter().zip(&self.names) {
            let health = match world.health(place.node) {
                Health::Up => "up",
                Health::Paused => "paused",
                Health::Down => "down",
                Health::Dark => "without power",
            };
            parts.push(format!("{name} {health}"));
        }
        let faults = world.faults().map(|(fault, since)| match since {
            Some(since) => format!("{fault} (since {since})"),
            None => format!("{fault} (to come)"),
        });
        parts.extend(faults);
        format!("ok: {}", parts.join("; "))
    }

    /// A node that is down refuses connections. One that is without power answers nothing, nor does one that is
    /// cut off: there the kernel of this host takes the connection, and nothing comes of it.
    fn set_doors(&mut self, world: &mut Live<'_>) {
        for (number, place) in self.places.iter().enumerate() {
            let is_open = world.health(place.node) != Health::Down;
            if let Err(error) = self.sockets.set_door(number, is_open) {
                let name = &self.names[number];
                (self.say)(&format!("{name} cannot listen again, and will try to: {error}"));
            }
        }
    }
}

impl Outside for Front<'_> {
    fn wait(&mut self, next: Option<SimTime>) -> Option<SimTime> {
        if self.since.is_none() {
            self.since = Some(Instant::now());
            return Some(self.now());
        }
        let most = next.map(|next| next.saturating_since(self.now()));
        let mut gateway = self.gateway.borrow_mut();
        for news in self.sockets.wait(most, &mut gateway)? {
            match news {
                News::Came(id, door) => {
                    let place = self.places[door];
                    gateway.come(id, place.node, place.wire());
                }
                News::Line(console, line) => self.lines.push((console, line)),
            }
        }
        drop(gateway);
        Some(self.now())
    }

    fn hear(&mut self, history: &History, news: &[Record]) {
        self.gateway.borrow_mut().hear(history, news);
        for record in news {
            let (fault, what) = match record.event {
                Event::FaultBegan(fault) => (fault, "begins"),
                Event::FaultEnded(fault) => (fault, "is over"),
                _ => continue,
            };
            let fault = self.faults.get(fault.0 as usize).map_or("?", String::as_str);
            (self.say)(&format!("{} {fault}: {what}", record.at));
        }
    }

    fn take_turn(&mut self, world: &mut Live<'_>) -> bool {
        let lines = std::mem::take(&mut self.lines);
        for (console, line) in &lines {
            let answer = self.obey(line, world);
            self.sockets.answer(*console, &answer);
        }
        self.set_doors(world);
        let has_to_speak = self.gateway.borrow().has_to_speak();
        if has_to_speak {
            world.speak(|context| self.gateway.borrow_mut().speak(context));
        }
        has_to_speak || !lines.is_empty()
    }
}
