//! Locks with the `redis` crate and with `rslock`, for `clients.py`: a line in, a line out.
//!
//!     driver sentinel ADDR…    SET NX PX at the master that Sentinels name
//!     driver redlock ADDR…     RedLock on these masters
//!
//! `take WHO MS`, `extend WHO MS`, `release WHO`, and `refresh` to ask the Sentinels for the master again.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::Duration;

use redis::sentinel::{SentinelClient, SentinelServerType};
use redis::{Connection, Script};
use rslock::{Lock, LockManager};

const RELEASE: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end";
const EXTEND: &str = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) else return 0 end";

type Answer = Result<String, Box<dyn Error>>;

trait Locks {
    fn take(&mut self, who: &str, ttl: Duration) -> Answer;
    fn extend(&mut self, who: &str, ttl: Duration) -> Answer;
    fn release(&mut self, who: &str) -> Answer;
    fn refresh(&mut self) -> Answer;
}

struct AtMaster {
    sentinels: SentinelClient,
    master: Connection,
}

impl AtMaster {
    fn new(urls: Vec<String>) -> Result<Self, Box<dyn Error>> {
        let mut sentinels =
            SentinelClient::build(urls, "mymaster", None, SentinelServerType::Master)?;
        let master = sentinels.get_connection()?;
        Ok(Self { sentinels, master })
    }
}

impl Locks for AtMaster {
    fn take(&mut self, who: &str, ttl: Duration) -> Answer {
        let mut set = redis::cmd("SET");
        set.arg("lock").arg(who).arg("NX").arg("PX").arg(ttl.as_millis() as u64);
        let taken: bool = set.query(&mut self.master)?;
        Ok(if taken { "taken" } else { "refused" }.to_owned())
    }

    fn extend(&mut self, who: &str, ttl: Duration) -> Answer {
        let script = Script::new(EXTEND);
        let done: i64 =
            script.key("lock").arg(who).arg(ttl.as_millis() as u64).invoke(&mut self.master)?;
        Ok(done.to_string())
    }

    fn release(&mut self, who: &str) -> Answer {
        let done: i64 = Script::new(RELEASE).key("lock").arg(who).invoke(&mut self.master)?;
        Ok(done.to_string())
    }

    fn refresh(&mut self) -> Answer {
        self.master = self.sentinels.get_connection()?;
        Ok("refreshed".to_owned())
    }
}

struct OnMajority {
    runtime: tokio::runtime::Runtime,
    manager: LockManager,
    held: BTreeMap<String, Lock>,
}

impl OnMajority {
    fn new(urls: Vec<String>) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut manager = LockManager::new(urls);
        // One attempt, so that a refusal is an answer.
        manager.set_retry(1, Duration::ZERO);
        Ok(Self { runtime, manager, held: BTreeMap::new() })
    }
}

impl Locks for OnMajority {
    fn take(&mut self, who: &str, ttl: Duration) -> Answer {
        let lock = self.runtime.block_on(self.manager.lock(b"lock".as_slice(), ttl))?;
        self.held.insert(who.to_owned(), lock);
        Ok("taken".to_owned())
    }

    fn extend(&mut self, who: &str, ttl: Duration) -> Answer {
        let lock = self.held.get(who).ok_or("holds nothing")?;
        let lock = self.runtime.block_on(self.manager.extend(lock, ttl))?;
        self.held.insert(who.to_owned(), lock);
        Ok("extended".to_owned())
    }

    fn release(&mut self, who: &str) -> Answer {
        let lock = self.held.get(who).ok_or("holds nothing")?;
        self.runtime.block_on(self.manager.unlock(lock));
        Ok("released".to_owned())
    }

    fn refresh(&mut self) -> Answer {
        Ok("refreshed".to_owned())
    }
}

fn carry_out(locks: &mut dyn Locks, line: &str) -> Answer {
    let millis = |word: &str| word.parse().map(Duration::from_millis);
    match line.split_whitespace().collect::<Vec<_>>()[..] {
        ["take", who, ms] => locks.take(who, millis(ms)?),
        ["extend", who, ms] => locks.extend(who, millis(ms)?),
        ["release", who] => locks.release(who),
        ["refresh"] => locks.refresh(),
        _ => Err(format!("what is `{line}`?").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let kind = arguments.next().unwrap_or_default();
    let urls: Vec<String> = arguments.map(|place| format!("redis://{place}")).collect();
    let mut locks: Box<dyn Locks> = match kind.as_str() {
        "sentinel" => Box::new(AtMaster::new(urls)?),
        "redlock" => Box::new(OnMajority::new(urls)?),
        _ => return Err("sentinel or redlock?".into()),
    };
    for line in stdin().lock().lines() {
        match carry_out(locks.as_mut(), &line?) {
            Ok(answer) => println!("{answer}"),
            // An address in it would differ from run to run, and its text may have several lines.
            Err(error) => match error.downcast_ref::<redis::RedisError>() {
                Some(error) => println!("{}", error.category()),
                None => println!("{error}"),
            },
        }
    }
    Ok(())
}
