//! `fencepost serve` over real sockets: on loopback, at ports that the kernel picks. Nothing here is about how long
//! something takes, but that a test that would wait for ever fails after [`PATIENCE`].
#![expect(
    clippy::disallowed_methods,
    reason = "what is served runs on the real clock, on a thread of its own"
)]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use fencepost::scenario::{Backend, RedisCluster, RedisSentinel, Scenario, ZooKeeper};
use fencepost::serve::{Listen, ServeError, Serving, Settings};
use fencepost_models::redis::resp::{Reply, ReplyDecoder, encode_command};
use fencepost_models::redis::server::RedisSettings;
use fencepost_models::zookeeper::jute::{Frames, client};
use fencepost_models::zookeeper::protocol::{
    Answer, Connect, CreateMode, ErrorCode, Op, Password, SessionId, Zxid,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Servers on a thread of their own, until they are dropped.
struct Served {
    places: Vec<(String, SocketAddr)>,
    control: SocketAddr,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Served {
    fn new(settings: Settings) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (bound, when_bound) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let settings = Settings { listen: Listen::Ports(any), control: Some(any), ..settings };
            let serving = Serving::bind(settings, theirs)?;
            let places = serving.places().map(|(name, at)| (name.to_owned(), at)).collect();
            let _ = bound.send((places, serving.control_address()));
            serving.run(&mut |_| {})
        });
        let (places, control) = when_bound.recv().unwrap();
        Self { places, control: control.unwrap(), stop: Some(ours), thread: Some(thread) }
    }

    fn of(backend: Backend) -> Self {
        Self::new(Settings::new(backend))
    }

    fn redis() -> Self {
        Self::of(Backend::Redis(RedisSettings::default()))
    }

    fn address(&self, name: &str) -> SocketAddr {
        self.places.iter().find(|(known, _)| known == name).unwrap().1
    }

    fn client(&self, name: &str) -> Client {
        Client::at(self.address(name))
    }

    /// Says a line on a console, and gives the answer.
    fn order(&self, line: &str) -> String {
        let mut console = BufReader::new(connect(self.control));
        writeln!(console.get_mut(), "{line}").unwrap();
        let mut answer = String::new();
        console.read_line(&mut answer).unwrap();
        answer.trim_end().to_owned()
    }

    /// Waits until something is so.
    fn until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if let Some(seen) = look(self) {
                return seen;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it has not come about: {}", self.order("status"));
    }

    /// Ends it, and says how it ended.
    fn end(mut self) {
        drop(self.stop.take());
        self.thread.take().unwrap().join().expect("nothing panics").expect("nothing fails");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A client of a Redis.
struct Client {
    stream: TcpStream,
    decoder: ReplyDecoder,
}

impl Client {
    fn at(address: SocketAddr) -> Self {
        Self { stream: connect(address), decoder: ReplyDecoder::default() }
    }

    fn send(&mut self, words: &[&str]) {
        let words: Vec<Bytes> =
            words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        let mut bytes = Vec::new();
        encode_command(&words, &mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    /// The next reply; nothing when the connection is closed.
    fn receive(&mut self) -> Option<Reply> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(reply) = self.decoder.next_reply().unwrap() {
                return Some(reply);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.decoder.feed(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn ask(&mut self, words: &[&str]) -> Reply {
        self.send(words);
        self.receive().unwrap()
    }

    fn text(&mut self, words: &[&str]) -> String {
        text(&self.ask(words))
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Status(text) | Reply::Error(text) | Reply::Bulk(text) | Reply::Verbatim(text) => {
            String::from_utf8_lossy(text).into_owned()
        }
        Reply::Int(number) => number.to_string(),
        Reply::Nil | Reply::NilArray | Reply::Null => "nil".to_owned(),
        Reply::Array(items) | Reply::Map(items) | Reply::Push(items) => {
            items.iter().map(text).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Whoever connected first has no right of way.
#[test]
fn whoever_spoke_first_is_heard_first() {
    let served = Served::redis();
    let (mut second, mut first) = (served.client("redis"), served.client("redis"));
    // Both are there.
    for client in [&mut second, &mut first] {
        client.send(&["PING"]);
        assert_eq!(client.receive(), Some(Reply::status("PONG")));
    }
    for round in 0..200 {
        let value = round.to_string();
        first.send(&["SET", "key", &value]);
        second.send(&["GET", "key"]);
        assert_eq!(second.receive(), Some(Reply::Bulk(Bytes::from(value))));
        assert_eq!(first.receive(), Some(Reply::OK));
    }
    served.end();
}

#[test]
fn a_redis_answers_and_forgets_and_can_be_paused() {
    let served = Served::redis();
    let mut one = served.client("redis");
    assert_eq!(one.text(&["SET", "lock", "me", "NX", "PX", "200"]), "OK");
    let mut other = served.client("redis");
    served.until(|_| (other.text(&["SET", "lock", "other", "NX"]) == "OK").then_some(()));
    assert_eq!(served.order("pause node=redis"), "ok");
    other.send(&["GET", "lock"]);
    assert!(served.order("status").starts_with("ok: redis paused; pause redis at 0s"));
    assert_eq!(served.order("heal"), "ok: 1 fault is over");
    assert_eq!(other.receive().map(|reply| text(&reply)), Some("other".to_owned()));
    assert!(served.order("pause node=nobody").starts_with("error: "));
    served.end();
}

#[test]
fn wall_clocks_show_what_time_it_is() {
    let served = Served::redis();
    let seconds = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let before = seconds();
    let shown = served.client("redis").text(&["TIME"]);
    let shown: u64 = shown.split(' ').next().unwrap().parse().unwrap();
    assert!((before.saturating_sub(1)..=seconds() + 1).contains(&shown), "{before} {shown}");
}

#[test]
fn who_asks_for_resp3_gets_it() {
    let served = Served::redis();
    let mut one = served.client("redis");
    assert!(matches!(one.ask(&["HELLO", "3"]), Reply::Map(_)));
    assert_eq!(one.ask(&["GET", "nosuch"]), Reply::Null);
    assert!(matches!(one.ask(&["SUBSCRIBE", "c"]), Reply::Push(_)));
    assert_eq!(served.client("redis").text(&["PUBLISH", "c", "m"]), "1");
    assert_eq!(one.receive().map(|push| text(&push)), Some("message c m".to_owned()));
}

#[test]
fn a_server_that_has_crashed_refuses_connections_and_one_that_comes_back_does_not() {
    let served = Served::redis();
    let mut one = served.client("redis");
    one.text(&["SET", "a", "b"]);
    assert_eq!(served.order("crash node=redis"), "ok");
    assert_eq!(one.receive(), None, "its clients are told");
    served.until(|served| TcpStream::connect(served.address("redis")).err());
    served.order("heal");
    let stream = served.until(|served| TcpStream::connect(served.address("redis")).ok());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut again = Client { stream, decoder: ReplyDecoder::default() };
    assert_eq!(again.text(&["GET", "a"]), "nil", "it keeps no file");
}

#[test]
fn what_is_no_command_is_refused_in_rediss_words_and_hung_up_on() {
    let served = Served::redis();
    for (bytes, error) in [
        (&b"*2147483648\r\n"[..], "invalid multibulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"*1\r\n:1\r\n", "expected '$', got ':'"),
        (b"set \"a\r\n", "unbalanced quotes in request"),
        (&[b'x'; 70_000], "too big inline request"),
    ] {
        let mut client = served.client("redis");
        client.send(&["PING"]);
        client.stream.write_all(bytes).unwrap();
        assert_eq!(client.receive().map(|reply| text(&reply)), Some("PONG".to_owned()));
        let refusal = client.receive().map(|reply| text(&reply));
        assert_eq!(refusal, Some(format!("ERR Protocol error: {error}")));
        assert_eq!(client.receive(), None);
    }
    // What is announced and does not come costs nothing, and harms nobody.
    let mut silent = served.client("redis");
    silent.stream.write_all(b"*2147483647\r\n$536870912\r\n").unwrap();
    assert_eq!(served.client("redis").text(&["PING"]), "PONG");
}

#[test]
fn who_ends_his_half_of_a_connection_is_still_answered() {
    let served = Served::redis();
    let mut client = served.client("redis");
    client.send(&["PING"]);
    client.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.receive().map(|reply| text(&reply)), Some("PONG".to_owned()));
    assert_eq!(client.receive(), None);
}

#[test]
fn a_thousand_clients_are_served_at_once_and_may_vanish() {
    let served = Served::redis();
    let mut clients: Vec<Client> = (0..1_000).map(|_| served.client("redis")).collect();
    for client in &mut clients {
        client.send(&["INCR", "n"]);
    }
    let mut seen: Vec<String> =
        clients.iter_mut().map(|client| text(&client.receive().unwrap())).collect();
    seen.sort_by_key(|number| number.parse::<u32>().unwrap());
    let all: Vec<String> = (1..=1_000).map(|number: u32| number.to_string()).collect();
    assert_eq!(seen, all);
    drop(clients);
    let mut last = served.client("redis");
    served
        .until(|_| last.text(&["INFO", "clients"]).contains("connected_clients:1\r").then_some(()));
}

#[test]
fn who_sends_and_does_not_read_is_no_burden_to_others() {
    let served = Served::redis();
    let mut writer = served.client("redis");
    assert_eq!(writer.text(&["SET", "big", &"x".repeat(1 << 20)]), "OK");
    let mut greedy = served.client("redis");
    let short = Some(Duration::from_millis(200));
    greedy.stream.set_write_timeout(short).unwrap();
    // Whether it is made to wait or hung up on is up to how fast it is.
    for _ in 0..10_000 {
        if greedy.stream.write_all(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n").is_err() {
            break;
        }
    }
    assert_eq!(writer.text(&["PING"]), "PONG");
    served.end();
}

#[test]
fn who_writes_to_a_paused_server_is_made_to_wait() {
    let served = Served::redis();
    let mut writer = served.client("redis");
    served.order("pause node=redis");
    served.until(|served| served.order("status").contains("redis paused").then_some(()));
    writer.stream.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let chunk = vec![b'\n'; 1 << 20];
    let command = [&b"*2\r\n$4\r\nECHO\r\n$1048576\r\n"[..], &chunk, b"\r\n"].concat();
    let taken = (0..64).take_while(|_| writer.stream.write_all(&command).is_ok()).count();
    assert!(taken < 64, "it would have taken everything");
    served.order("heal");
    assert_eq!(served.client("redis").text(&["PING"]), "PONG");
}

#[test]
fn sentinels_name_addresses_that_can_be_connected_to_also_after_a_failover() {
    let group = RedisSentinel { down_after: Duration::from_millis(500), ..Default::default() };
    let served = Served::of(Backend::RedisSentinel(group));
    let mut sentinel = served.client("sentinel-1");
    let mut master = move || -> SocketAddr {
        let named = sentinel.text(&["SENTINEL", "get-master-addr-by-name", "mymaster"]);
        named.replace(' ', ":").parse().unwrap()
    };
    assert_eq!(master(), served.address("redis-1"));
    let role = Client::at(master()).text(&["ROLE"]);
    let replica = served.address("redis-2");
    assert!(role.contains(&format!("{} {}", replica.ip(), replica.port())), "{role}");
    assert_eq!(served.order("crash node=redis-1"), "ok");
    let new = served.until(|served| Some(master()).filter(|at| *at != served.address("redis-1")));
    assert!(served.places.iter().any(|(_, at)| *at == new));
    served.until(|_| Client::at(new).text(&["ROLE"]).starts_with("master").then_some(()));
    served.end();
}

#[test]
fn a_cluster_sends_clients_where_the_slot_is() {
    let served = Served::of(Backend::RedisCluster(RedisCluster::default()));
    let moved = served.client("redis-1").text(&["SET", "foo", "bar"]);
    let to: SocketAddr = moved.strip_prefix("MOVED 12182 ").unwrap().parse().unwrap();
    assert_eq!(to, served.address("redis-3"));
    assert_eq!(Client::at(to).text(&["SET", "foo", "bar"]), "OK");
    let nodes = served.client("redis-1").text(&["CLUSTER", "NODES"]);
    for (name, address) in &served.places {
        assert!(nodes.contains(&format!("{address}@")), "{name}: {nodes}");
    }
}

/// A client of an ensemble.
struct Session {
    stream: TcpStream,
    frames: Frames,
    xid: i32,
}

impl Session {
    /// Connects, and begins a session; nothing when the server does not serve, or is gone.
    fn begin(address: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut session = Self { stream, frames: Frames::default(), xid: 0 };
        session.write(&client::connect(&Connect {
            last_zxid_seen: Zxid::default(),
            timeout_ms: 4_000,
            session: SessionId::NONE,
            password: Password::default(),
        }));
        let frame = session.frame()?;
        let connected = client::read_connected(&frame).unwrap();
        assert!(connected.session != SessionId::NONE && connected.timeout_ms == 4_000);
        Some(session)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    fn frame(&mut self) -> Option<Bytes> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.frames.next_frame().unwrap() {
                return Some(frame);
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.frames.feed(&buffer[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn ask(&mut self, op: &Op) -> Result<Answer, ErrorCode> {
        self.xid += 1;
        self.write(&client::request(self.xid, op));
        let frame = self.frame().unwrap();
        assert_eq!(client::read_xid(&frame), Some(self.xid));
        client::read_reply(&frame, op).unwrap().1
    }
}

fn create(path: &str, mode: CreateMode) -> Op {
    Op::Create { path: path.into(), data: Bytes::new(), mode, with_stat: false }
}

#[test]
fn an_ensemble_gives_places_in_a_queue_and_tells_of_the_one_before() {
    let served = Served::of(Backend::ZooKeeper(ZooKeeper::default()));
    let mut one = Session::begin(served.address("zk-1")).unwrap();
    let mut other = Session::begin(served.address("zk-2")).unwrap();
    one.ask(&create("/lock", CreateMode::PERSISTENT)).unwrap();
    let place = create("/lock/x-", CreateMode::EPHEMERAL_SEQUENTIAL);
    let Ok(Answer::Created { path: first, .. }) = one.ask(&place) else { panic!() };
    let Ok(Answer::Created { path: second, .. }) = other.ask(&place) else { panic!() };
    assert_eq!((&*first, &*second), ("/lock/x-0000000000", "/lock/x-0000000001"));
    other.ask(&Op::Exists { path: first.clone(), watch: true }).unwrap();
    one.ask(&Op::CloseSession).unwrap();
    let event = client::read_event(&other.frame().unwrap()).unwrap();
    assert_eq!(event.path, first);
    let failed = other.ask(&Op::Multi(vec![
        create("/lock/y", CreateMode::PERSISTENT),
        Op::Check { path: first, version: -1 },
    ]));
    assert_eq!(failed, Ok(Answer::Multi(vec![Err(ErrorCode::Ok), Err(ErrorCode::NoNode)])));
}

#[test]
fn an_ensemble_hangs_up_on_what_is_no_frame() {
    let served = Served::of(Backend::ZooKeeper(ZooKeeper { servers: 1, ..Default::default() }));
    for bytes in [&[0x40, 0, 0, 0][..], &[0xff; 8], &[0, 0, 0, 2, 1, 2], b"ruok"] {
        let mut stream = connect(served.address("zk-1"));
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let expected = if bytes == b"ruok" { "ruok is not executed" } else { "" };
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.starts_with(expected) && answer.is_empty() == expected.is_empty(),
            "{answer}"
        );
    }
    assert!(Session::begin(served.address("zk-1")).is_some());
}

#[test]
fn a_session_outlives_its_server_when_the_leader_crashes() {
    let served = Served::of(Backend::ZooKeeper(ZooKeeper::default()));
    let mut one = Session::begin(served.address("zk-1")).unwrap();
    one.ask(&create("/a", CreateMode::PERSISTENT)).unwrap();
    assert_eq!(served.order("crash node=zk-3"), "ok");
    let mut again = served.until(|served| Session::begin(served.address("zk-2")));
    assert!(again.ask(&Op::Exists { path: "/a".into(), watch: false }).is_ok());
}

#[test]
fn a_scenarios_faults_come_and_those_about_buyers_are_left_out() {
    let scenario = Scenario::from_toml(
        "served.toml",
        "title = 'Served'\nseed = 3\nbackend.kind = 'redis'\nlock.recipe = 'set-nx'\n\
         [[faults]]\nkind = 'pause'\nat = '1ms'\nnode = 'redis'\n\
         [[faults]]\nkind = 'pause'\nat = '1ms'\nnode = 'buyer-1'\n",
    );
    let (settings, left_out) = Settings::of(&scenario.unwrap(), 3).unwrap();
    assert_eq!(left_out.len(), 1);
    let served = Served::new(settings);
    served.until(|served| served.order("status").contains("redis paused").then_some(()));
    served.end();
}
