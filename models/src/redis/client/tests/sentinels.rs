//! Clients that find the master through Sentinels.

use super::*;

const MASTERS: &str = "SENTINEL MASTERS";
const MASTER_ADDRESS: &str = "SENTINEL get-master-addr-by-name mymaster";
const SUBSCRIBE: &str = "SUBSCRIBE +switch-master";

fn rig(discovery: Discovery) -> Rig {
    rig_with(settings(discovery))
}

fn rig_with(settings: ClientSettings) -> Rig {
    let nodes = vec![SENTINEL_1, SENTINEL_2, SENTINEL_3];
    let master_name = Bytes::from_static(b"mymaster");
    Rig::new(Address::Sentinels { nodes, master_name }, settings)
}

/// A master as `SENTINEL MASTERS` lists it.
fn master(name: &str, node: NodeId, flags: &str) -> Reply {
    let fields = ["name", name, "ip", &address::host(node), "port", "6379", "flags", flags];
    Reply::Array(fields.map(bulk).into())
}

/// A Sentinel's answer: another group, and ours with that master.
fn masters(node: NodeId, flags: &str) -> Reply {
    Reply::Array(vec![master("other", REDIS_3, "master"), master("mymaster", node, flags)])
}

/// What a subscriber hears when a master's place is taken.
fn switch(name: &str, [from, to]: [NodeId; 2]) -> Reply {
    let (from, to) = (address::host(from), address::host(to));
    let text = format!("{name} {from} 6379 {to} 6379");
    Reply::Array(vec![bulk("message"), bulk("+switch-master"), bulk(text)])
}

#[test]
fn the_master_is_asked_for_once_and_its_connection_is_kept() {
    let mut rig = rig(Discovery::OnConnect);
    assert_eq!(rig.done(), [""; 0], "nobody is asked before there is something to ask for");
    rig.call("GET foo");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
    rig.answer(REDIS_1, "GET foo", Reply::Nil);
    rig.call("GET foo");
    rig.answer(REDIS_1, "GET foo", Reply::Nil);
    assert_eq!(
        rig.done(),
        ["sentinel-1: SENTINEL MASTERS", "redis-1: GET foo", "redis-1: GET foo"]
    );
    assert_eq!(rig.results(), [Ok(Reply::Nil), Ok(Reply::Nil)]);
}

#[test]
fn a_sentinel_that_does_not_answer_is_passed_over_and_who_answers_is_asked_first_then() {
    let mut rig = rig(Discovery::OnConnect);
    rig.silent.insert(SENTINEL_1);
    rig.call("GET foo");
    assert_eq!(rig.done(), [""; 0]);
    rig.pass(TIMEOUT);
    rig.answer(SENTINEL_2, MASTERS, masters(REDIS_1, "master"));
    assert_eq!(
        rig.done(),
        ["sentinel-1 is left", "sentinel-2: SENTINEL MASTERS", "redis-1: GET foo"]
    );
    rig.lose(REDIS_1);
    assert_eq!(rig.results(), [Err(CallError::Closed(CloseReason::Reset))]);
    rig.call("GET foo");
    rig.answer(SENTINEL_2, MASTERS, masters(REDIS_2, "master"));
    rig.answer(REDIS_2, "GET foo", Reply::Nil);
    assert_eq!(rig.done(), ["sentinel-2: SENTINEL MASTERS", "redis-2: GET foo"]);
    assert_eq!(rig.results(), [Ok(Reply::Nil)]);
}

#[test]
fn a_master_that_is_down_or_unknown_is_none() {
    let mut rig = rig(Discovery::OnConnect);
    rig.call("GET foo");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "s_down,master"));
    rig.answer(SENTINEL_2, MASTERS, masters(REDIS_1, "s_down,o_down,master,disconnected"));
    let other = vec![master("other", REDIS_3, "master")];
    rig.answer(SENTINEL_3, MASTERS, Reply::Array(other));
    assert_eq!(rig.results(), [Err(CallError::NotConnected)]);
    let asked = [1, 2, 3].map(|number| format!("sentinel-{number}: SENTINEL MASTERS"));
    assert_eq!(rig.done(), asked, "no server is talked to");
}

#[test]
fn an_old_master_that_refuses_to_write_is_left() {
    let mut rig = rig(Discovery::OnConnect);
    rig.call("SET foo 1");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
    let refusal = Reply::error("READONLY You can't write against a read only replica.");
    rig.answer(REDIS_1, "SET foo 1", refusal);
    assert_eq!(rig.results(), [Err(CallError::Refused)]);
    assert_eq!(
        rig.done(),
        ["sentinel-1: SENTINEL MASTERS", "redis-1: SET foo 1", "redis-1 is left"]
    );
    rig.call("SET foo 1");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_2, "master"));
    rig.answer(REDIS_2, "SET foo 1", Reply::OK);
    assert_eq!(rig.results(), [Ok(Reply::OK)]);
}

#[test]
fn another_error_is_an_answer_and_the_server_stays_the_same() {
    for text in ["LOADING Redis is loading", "NOREPLICAS Not enough good replicas to write."] {
        let mut rig = rig(Discovery::OnConnect);
        rig.call("SET foo 1");
        rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
        rig.answer(REDIS_1, "SET foo 1", Reply::error(text));
        assert_eq!(rig.results(), [Ok(Reply::error(text))]);
        rig.done();
        rig.call("SET foo 1");
        assert_eq!(rig.done(), ["redis-1: SET foo 1"]);
    }
}

#[test]
fn what_is_about_a_connection_is_not_sent_on_another_one() {
    let mut rig = rig(Discovery::OnConnect);
    rig.call("SET foo 1");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
    rig.answer(REDIS_1, "SET foo 1", Reply::OK);
    rig.call_on_same("WAIT 1 100");
    rig.lose(REDIS_1);
    rig.done();
    rig.call_on_same("WAIT 1 100");
    let lost = Err(CallError::Closed(CloseReason::Reset));
    assert_eq!(rig.results(), [Ok(Reply::OK), lost, Err(CallError::NotConnected)]);
    assert_eq!(rig.done(), [""; 0]);
}

#[test]
fn a_server_that_is_asked_for_its_role_first_is_used_only_as_a_master() {
    let settings = ClientSettings { checks_role: true, ..settings(Discovery::OnConnect) };
    let mut rig = rig_with(settings);
    let role = |role: &str| Reply::Array(vec![bulk(role), Reply::Int(0), Reply::Array(vec![])]);
    rig.call("SET foo 1");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
    rig.answer(REDIS_1, "ROLE", role("slave"));
    assert_eq!(rig.results(), [Err(CallError::NotConnected)]);
    assert_eq!(rig.done(), ["sentinel-1: SENTINEL MASTERS", "redis-1: ROLE", "redis-1 is left"]);
    rig.call("SET foo 1");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
    rig.answer(REDIS_1, "ROLE", role("master"));
    rig.answer(REDIS_1, "SET foo 1", Reply::OK);
    rig.call("SET foo 1");
    let asked = ["sentinel-1: SENTINEL MASTERS", "redis-1: ROLE", "redis-1: SET foo 1"];
    assert_eq!(rig.done(), [&asked[..], &["redis-1: SET foo 1"]].concat(), "once a connection");
}

/// A client that listens at all Sentinels and has heard that `redis-1` is the master.
fn listening() -> Rig {
    let mut rig = rig(Discovery::Listening);
    rig.call("SET foo 1");
    rig.answer(SENTINEL_1, MASTERS, masters(REDIS_1, "master"));
    for sentinel in [SENTINEL_1, SENTINEL_2, SENTINEL_3] {
        let address = vec![bulk(address::host(REDIS_1)), bulk("6379")];
        rig.answer(sentinel, MASTER_ADDRESS, Reply::Array(address));
        let subscribed = vec![bulk("subscribe"), bulk("+switch-master"), Reply::Int(1)];
        rig.answer(sentinel, SUBSCRIBE, Reply::Array(subscribed));
    }
    rig.answer(REDIS_1, "SET foo 1", Reply::OK);
    assert_eq!(rig.results(), [Ok(Reply::OK)]);
    rig.done();
    rig
}

#[test]
fn who_listens_leaves_the_old_master_when_it_hears_of_a_new_one() {
    let mut rig = listening();
    rig.answer(SENTINEL_3, SUBSCRIBE, switch("other", [REDIS_1, REDIS_3]));
    rig.call("SET foo 1");
    rig.answer(REDIS_1, "SET foo 1", Reply::OK);
    assert_eq!(rig.done(), ["redis-1: SET foo 1"], "another group's master is not ours");
    rig.answer(SENTINEL_3, SUBSCRIBE, switch("mymaster", [REDIS_1, REDIS_2]));
    rig.call("SET foo 1");
    assert_eq!(rig.done(), ["redis-1 is left", "redis-2: SET foo 1"], "no Sentinel is asked");
}

#[test]
fn who_listens_no_longer_asks_for_the_master_when_it_listens_again() {
    let mut rig = listening();
    rig.lose(SENTINEL_2);
    rig.silent.clear();
    rig.pass(Duration::from_millis(4_999));
    assert_eq!(rig.done(), [""; 0]);
    rig.pass(Duration::from_millis(1));
    assert_eq!(rig.done(), [format!("sentinel-2: {MASTER_ADDRESS}")]);
    let address = vec![bulk(address::host(REDIS_2)), bulk("6379")];
    rig.answer(SENTINEL_2, MASTER_ADDRESS, Reply::Array(address));
    rig.call("SET foo 1");
    let asked = ["sentinel-2: SUBSCRIBE +switch-master", "redis-1 is left", "redis-2: SET foo 1"];
    assert_eq!(rig.done(), asked, "what it has missed it is told then");
}
