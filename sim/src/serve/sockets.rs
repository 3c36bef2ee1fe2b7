//! Real sockets, on one thread: the doors of the nodes, the connections of clients, the consoles.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream, UnixStream};
use mio::{Events, Interest, Poll, Token};

use super::console::{Console, Stream};
use super::gateway::{ClientId, Fate, Gateway};
use super::queue::Queue;

/// How much is read from a client at a time, so that none keeps the others waiting.
const READ_BYTES: usize = 64 * 1024;

/// How many things are looked at after one wait.
const EVENTS: usize = 1024;

/// A process that has no descriptors left tries again after so long.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

const STOP: Token = Token(0);
const CONTROL: Token = Token(1);
const FIRST_DOOR: usize = 2;

/// Where a node takes connections.
struct Door {
    address: SocketAddr,
    /// Nothing while the node refuses connections.
    listener: Option<TcpListener>,
    /// Somebody may be waiting.
    has_guests: bool,
}

/// A connection from outside.
struct Guest {
    stream: TcpStream,
    /// After what there is to read comes its end, or an error.
    has_end: bool,
}

/// Something that has come up at the sockets.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody has connected at a door, the one of that number.
    Came(ClientId, usize),
    /// A line was written on a console.
    Line(usize, String),
}

/// All of them.
pub struct Sockets {
    poll: Poll,
    events: Events,
    stop: UnixStream,
    control: Option<TcpListener>,
    doors: Vec<Door>,
    guests: BTreeMap<ClientId, Guest>,
    consoles: BTreeMap<usize, Console>,
    /// Guests that may have sent something that has not been read.
    ready: Queue,
    /// Guests that can be written to again.
    writable: BTreeSet<ClientId>,
    next_token: usize,
    buffer: Vec<u8>,
}

impl Sockets {
    /// Listens at these addresses, for clients, and at that one, for consoles. What `stop` says, or that it is
    /// closed, is the end.
    ///
    /// # Errors
    ///
    /// An address cannot be listened at: which, and why.
    pub fn bind(
        addresses: &[SocketAddr],
        control: Option<SocketAddr>,
        stop: StdUnixStream,
    ) -> Result<Self, (SocketAddr, io::Error)> {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let at = |address: SocketAddr| move |error| (address, error);
        let poll = Poll::new().map_err(at(nowhere))?;
        stop.set_nonblocking(true).map_err(at(nowhere))?;
        let mut sockets = Self {
            poll,
            events: Events::with_capacity(EVENTS),
            stop: UnixStream::from_std(stop),
            control: None,
            doors: Vec::new(),
            guests: BTreeMap::new(),
            consoles: BTreeMap::new(),
            ready: Queue::default(),
            writable: BTreeSet::new(),
            next_token: FIRST_DOOR + addresses.len(),
            buffer: vec![0; READ_BYTES],
        };
        let registry = sockets.poll.registry();
        registry.register(&mut sockets.stop, STOP, Interest::READABLE).map_err(at(nowhere))?;
        for (number, address) in addresses.iter().enumerate() {
            let mut listener = TcpListener::bind(*address).map_err(at(*address))?;
            let token = Token(FIRST_DOOR + number);
            let outcome = registry.register(&mut listener, token, Interest::READABLE);
            outcome.map_err(at(*address))?;
            let address = listener.local_addr().map_err(at(*address))?;
            sockets.doors.push(Door { address, listener: Some(listener), has_guests: false });
        }
        if let Some(address) = control {
            let mut listener = TcpListener::bind(address).map_err(at(address))?;
            let outcome = registry.register(&mut listener, CONTROL, Interest::READABLE);
            outcome.map_err(at(address))?;
            sockets.control = Some(listener);
        }
        Ok(sockets)
    }

    /// Where the doors are.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.doors.iter().map(|door| door.address).collect()
    }

    /// Where consoles can connect.
    pub fn control_address(&self) -> Option<SocketAddr> {
        self.control.as_ref()?.local_addr().ok()
    }

    /// Takes lines from a stream that is there already.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn add_console(&mut self, stream: StdUnixStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        self.open_console(Box::new(UnixStream::from_std(stream)))
    }

    fn open_console(&mut self, mut stream: Box<dyn Stream>) -> io::Result<()> {
        let token = self.take_token();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut *stream, Token(token), interest)?;
        self.consoles.insert(token, Console::new(stream));
        Ok(())
    }

    fn take_token(&mut self) -> usize {
        self.next_token += 1;
        self.next_token - 1
    }

    /// Opens or closes a door. Who comes to a closed one is refused by the kernel.
    ///
    /// # Errors
    ///
    /// Somebody else listens there meanwhile.
    pub fn set_door(&mut self, number: usize, is_open: bool) -> io::Result<()> {
        let Some(door) = self.doors.get_mut(number) else { return Ok(()) };
        if is_open == door.listener.is_some() {
            return Ok(());
        }
        if let Some(mut listener) = door.listener.take() {
            return self.poll.registry().deregister(&mut listener);
        }
        let mut listener = TcpListener::bind(door.address)?;
        let token = Token(FIRST_DOOR + number);
        self.poll.registry().register(&mut listener, token, Interest::READABLE)?;
        door.listener = Some(listener);
        Ok(())
    }

    /// Waits for so long at most, or until something comes, and reads it. Nothing when it is time to stop.
    pub fn wait(&mut self, most: Option<Duration>, gateway: &mut Gateway) -> Option<Vec<News>> {
        self.write_all(gateway);
        let has_more = self.ready.iter().any(|id| gateway.listens_to(id));
        let is_short = self.doors.iter().any(|door| door.has_guests);
        let most = match (has_more, is_short) {
            (true, _) => Some(Duration::ZERO),
            (_, true) => Some(most.map_or(ACCEPT_AGAIN, |most| most.min(ACCEPT_AGAIN))),
            _ => most,
        };
        // A signal ends the wait too: what it is about comes over `stop`.
        let _ = self.poll.poll(&mut self.events, most);
        let mut news = Vec::new();
        let mut lines = BTreeSet::new();
        let mut has_console = false;
        for event in &self.events {
            match event.token() {
                STOP => return None,
                CONTROL => has_console = true,
                Token(token) if token < FIRST_DOOR + self.doors.len() => {
                    self.doors[token - FIRST_DOOR].has_guests = true;
                }
                Token(token) if self.consoles.contains_key(&token) => {
                    lines.insert(token);
                }
                Token(token) => {
                    let id = ClientId(token);
                    if let Some(guest) = self.guests.get_mut(&id) {
                        let has_end = event.is_read_closed() || event.is_error();
                        guest.has_end |= has_end;
                        if event.is_readable() || has_end {
                            self.ready.push(id);
                        }
                        if event.is_writable() {
                            self.writable.insert(id);
                        }
                    }
                }
            }
        }
        for number in 0..self.doors.len() {
            self.accept(number, &mut news);
        }
        if has_console {
            self.accept_consoles();
        }
        for token in lines {
            self.read_console(token, &mut news);
        }
        for id in self.ready.take() {
            if !gateway.listens_to(id) || self.read(id, gateway) {
                self.ready.push(id);
            }
        }
        Some(news)
    }

    fn accept(&mut self, number: usize, news: &mut Vec<News>) {
        while let Some(door) = self.doors.get_mut(number).filter(|door| door.has_guests) {
            let Some(listener) = &door.listener else {
                door.has_guests = false;
                return;
            };
            let mut stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    door.has_guests = false;
                    return;
                }
                // The guest has gone again.
                Err(error) if is_about_guest(&error) => continue,
                // There are no descriptors left: again when some may be.
                Err(_) => return,
            };
            let token = self.take_token();
            let _ = stream.set_nodelay(true);
            let interest = Interest::READABLE | Interest::WRITABLE;
            if self.poll.registry().register(&mut stream, Token(token), interest).is_ok() {
                let id = ClientId(token);
                self.guests.insert(id, Guest { stream, has_end: false });
                news.push(News::Came(id, number));
            }
        }
    }

    fn accept_consoles(&mut self) {
        while let Some(Ok((stream, _))) = self.control.as_ref().map(TcpListener::accept) {
            // One that cannot be registered is dropped, and so closed.
            let _ = self.open_console(Box::new(stream));
        }
    }

    fn read_console(&mut self, token: usize, news: &mut Vec<News>) {
        let Some(console) = self.consoles.get_mut(&token) else { return };
        let is_open = console.read(&mut self.buffer);
        news.extend(console.take_lines().map(|line| News::Line(token, line)));
        if !is_open || !console.write() {
            self.close_console(token);
        }
    }

    /// Answers a line.
    pub fn answer(&mut self, token: usize, text: &str) {
        let Some(console) = self.consoles.get_mut(&token) else { return };
        console.say(text);
        if !console.write() {
            self.close_console(token);
        }
    }

    fn close_console(&mut self, token: usize) {
        if let Some(mut console) = self.consoles.remove(&token) {
            let _ = self.poll.registry().deregister(console.source());
        }
    }

    /// Reads from a guest, once. True when there may be more: who has nothing more loses its place, so that the next
    /// thing that it says comes after what others have said before. Source: `epoll(7)`: a read of less than was asked
    /// for has read all.
    fn read(&mut self, id: ClientId, gateway: &mut Gateway) -> bool {
        let Some(guest) = self.guests.get_mut(&id) else { return false };
        match guest.stream.read(&mut self.buffer) {
            Ok(0) => {
                gateway.end(id);
                false
            }
            Ok(count) => {
                gateway.feed(id, &self.buffer[..count]);
                count == self.buffer.len() || guest.has_end
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) if error.kind() == ErrorKind::Interrupted => true,
            Err(_) => {
                self.drop_guest(id);
                gateway.lose(id);
                false
            }
        }
    }

    /// Writes all that can be written, and closes what is to be closed.
    fn write_all(&mut self, gateway: &mut Gateway) {
        let mut to_tell = gateway.take_to_tell();
        to_tell.append(&mut self.writable);
        for id in to_tell {
            self.write(id, gateway);
        }
    }

    fn write(&mut self, id: ClientId, gateway: &mut Gateway) {
        let Some(guest) = self.guests.get_mut(&id) else { return };
        loop {
            let (rest, fate) = gateway.output(id);
            if fate == Fate::Breaks {
                // So that the kernel sends a reset, whatever is in its buffers.
                let at_once = Some(Duration::ZERO);
                let _ = rustix::net::sockopt::set_socket_linger(&guest.stream, at_once);
                break;
            }
            if rest.is_empty() {
                match fate {
                    Fate::Stays => return,
                    Fate::Ends | Fate::Breaks => break,
                }
            }
            match guest.stream.write(rest) {
                Ok(0) => break,
                Ok(count) => gateway.wrote(id, count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.drop_guest(id);
        gateway.lose(id);
    }

    fn drop_guest(&mut self, id: ClientId) {
        self.ready.remove(id);
        if let Some(mut guest) = self.guests.remove(&id) {
            let _ = self.poll.registry().deregister(&mut guest.stream);
        }
    }
}

/// An error of `accept` that is about one connection. Source: `accept(2)`.
fn is_about_guest(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted)
}
