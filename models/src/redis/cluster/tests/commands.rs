use bytes::Bytes;

use super::Rig;
use crate::redis::resp::Reply;

fn text(reply: Reply) -> String {
    match reply {
        Reply::Error(text) | Reply::Status(text) | Reply::Bulk(text) => {
            String::from_utf8(text.to_vec()).expect("text")
        }
        Reply::Int(number) => number.to_string(),
        other => panic!("{other:?}"),
    }
}

/// As Redis 7.0.15 answers.
#[test]
fn errors_are_those_of_redis() {
    let mut rig = Rig::new(1);
    for (command, answer) in [
        ("CLUSTER", "ERR wrong number of arguments for 'cluster' command"),
        ("CLUSTER foo", "ERR unknown subcommand 'foo'. Try CLUSTER HELP."),
        ("CLUSTER MEET", "ERR wrong number of arguments for 'cluster|meet' command"),
        ("CLUSTER MEET 127.0.0.1 x", "ERR Invalid TCP base port specified: x"),
        ("CLUSTER MEET a.b 7", "ERR Invalid node address specified: a.b:7"),
        ("CLUSTER ADDSLOTS 99999", "ERR Invalid or out of range slot"),
        ("CLUSTER ADDSLOTS 1 1", "ERR Slot 1 is already busy"),
        (
            "CLUSTER ADDSLOTSRANGE 1 2 3",
            "ERR wrong number of arguments for 'cluster|addslotsrange' command",
        ),
        ("CLUSTER ADDSLOTSRANGE 5 2", "ERR start slot number 5 is greater than end slot number 2"),
        ("CLUSTER DELSLOTS 1 1", "ERR Slot 1 specified multiple times"),
        ("CLUSTER FAILOVER", "ERR You should send CLUSTER FAILOVER to a replica"),
        ("CLUSTER FAILOVER x", "ERR syntax error"),
        (
            "CLUSTER FAILOVER force x",
            "ERR unknown subcommand or wrong number of arguments for 'FAILOVER'. Try CLUSTER HELP.",
        ),
        ("CLUSTER FORGET x", "ERR Unknown node x"),
        ("CLUSTER REPLICATE x", "ERR Unknown node x"),
        ("CLUSTER RESET x", "ERR syntax error"),
        (
            "CLUSTER SETSLOT 1 x",
            "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
        ),
        (
            "CLUSTER SETSLOT 1 MIGRATING",
            "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
        ),
        ("CLUSTER SETSLOT 1 MIGRATING zz", "ERR I don't know about node zz"),
        ("CLUSTER SETSLOT 9999 MIGRATING zz", "ERR I'm not the owner of hash slot 9999"),
        ("CLUSTER SETSLOT 1 IMPORTING zz", "ERR I'm already the owner of hash slot 1"),
        ("CLUSTER SETSLOT 1 NODE zz", "ERR Unknown node zz"),
        ("CLUSTER SETSLOT 99999 STABLE", "ERR Invalid or out of range slot"),
        (
            "CLUSTER SET-CONFIG-EPOCH 1",
            "ERR The user can assign a config epoch only when the node does not know any other node.",
        ),
        ("CLUSTER SET-CONFIG-EPOCH -1", "ERR Invalid config epoch specified: -1"),
        ("CLUSTER BUMPEPOCH", "BUMPED 7"),
        ("CLUSTER BUMPEPOCH", "STILL 7"),
        ("CLUSTER COUNT-FAILURE-REPORTS x", "ERR Unknown node x"),
        ("CLUSTER KEYSLOT", "ERR wrong number of arguments for 'cluster|keyslot' command"),
        ("CLUSTER KEYSLOT foo", "12182"),
        ("CLUSTER COUNTKEYSINSLOT 99999", "ERR Invalid slot"),
        ("CLUSTER COUNTKEYSINSLOT x", "ERR value is not an integer or out of range"),
        ("CLUSTER GETKEYSINSLOT 1 -1", "ERR Invalid slot or number of keys"),
        ("CLUSTER GETKEYSINSLOT 1 x", "ERR value is not an integer or out of range"),
        ("CLUSTER REPLICAS x", "ERR Unknown node x"),
        ("CLUSTER SAVECONFIG", "OK"),
    ] {
        assert_eq!(text(rig.command(0, command)), answer, "{command}");
    }
    let stable = rig.command(3, "CLUSTER SETSLOT 1 STABLE");
    assert_eq!(text(stable), "ERR Please use SETSLOT only with masters.");
    let name = rig.name(0);
    for (place, command, answer) in [
        (3, "CLUSTER FORGET", "ERR Can't forget my master!"),
        (0, "CLUSTER FORGET", "ERR I tried hard but I can't forget myself..."),
        (0, "CLUSTER REPLICATE", "ERR Can't replicate myself"),
        (
            1,
            "CLUSTER REPLICATE",
            "ERR To set a master the node must be empty and without assigned slots.",
        ),
    ] {
        assert_eq!(text(rig.command(place, &format!("{command} {name}"))), answer);
    }
    let replica = rig.name(3);
    let sub_replica = rig.command(4, &format!("CLUSTER REPLICATE {replica}"));
    assert_eq!(text(sub_replica), "ERR I can only replicate a master, not a replica.");
    rig.hosts[0].keys.0.insert(Bytes::from("bar"));
    let reset = rig.command(0, "CLUSTER RESET");
    assert_eq!(text(reset), "ERR CLUSTER RESET can't be called with master nodes containing keys");
}

#[test]
fn nodes_are_shown_as_redis_shows_them() {
    let mut rig = Rig::new(2);
    let shown = text(rig.command(3, "CLUSTER NODES"));
    let mut lines: Vec<&str> = shown.lines().collect();
    lines.sort_unstable_by_key(|line| line.split(' ').nth(1));
    assert_eq!(lines.len(), 6);
    let (master, replica) = (rig.name(0), rig.name(3));
    let words: Vec<&str> = lines[0].split(' ').collect();
    assert_eq!(words[..5], [&master, "10.0.0.0:6379@16379", "master", "-", "0"]);
    assert_eq!(words[6..], ["1", "connected", "0-5460"]);
    let pong_ms: u64 = words[5].parse().expect("milliseconds");
    assert!(rig.now_ms - pong_ms <= 2_700, "{pong_ms}");
    let words: Vec<&str> = lines[3].split(' ').collect();
    assert_eq!(words[..4], [&replica, "10.0.0.3:6379@16379", "myself,slave", &master]);
    assert_eq!(words[6..], ["1", "connected"]);
    let replicas = rig.command(1, &format!("CLUSTER REPLICAS {master}"));
    let Reply::Array(replicas) = replicas else { panic!("{replicas:?}") };
    assert_eq!(replicas.len(), 1);
    assert!(
        text(replicas[0].clone()).starts_with(&format!("{replica} 10.0.0.3:6379@16379 slave "))
    );
}

#[test]
fn slots_and_shards_are_shown_with_their_replicas() {
    let mut rig = Rig::new(3);
    rig.hosts[4].offset = 0;
    rig.hosts[4].is_lagging = true;
    rig.run(6_000);
    let Reply::Array(entries) = rig.command(0, "CLUSTER SLOTS") else { panic!() };
    let bulk = |text: &str| Reply::Bulk(Bytes::copy_from_slice(text.as_bytes()));
    let node = |rig: &Rig, place: usize| {
        let (host, name) = (format!("10.0.0.{place}"), rig.name(place));
        Reply::Array(vec![bulk(&host), Reply::Int(6379), bulk(&name), Reply::Array(Vec::new())])
    };
    let expected = [
        vec![Reply::Int(0), Reply::Int(5460), node(&rig, 0), node(&rig, 3)],
        // A replica without data is not to be read from.
        vec![Reply::Int(5461), Reply::Int(10_922), node(&rig, 1)],
        vec![Reply::Int(10_923), Reply::Int(16_383), node(&rig, 2), node(&rig, 5)],
    ];
    assert_eq!(entries, expected.map(Reply::Array));

    let Reply::Array(shards) = rig.command(0, "CLUSTER SHARDS") else { panic!() };
    assert_eq!(shards.len(), 3);
    let Reply::Array(fields) = &shards[0] else { panic!() };
    assert_eq!(fields[..2], [bulk("slots"), Reply::Array(vec![Reply::Int(0), Reply::Int(5460)])]);
    let Reply::Array(members) = &fields[3] else { panic!() };
    let member = [
        bulk("id"),
        bulk(&rig.name(3)),
        bulk("port"),
        Reply::Int(6379),
        bulk("ip"),
        bulk("10.0.0.3"),
        bulk("endpoint"),
        bulk("10.0.0.3"),
        bulk("role"),
        bulk("replica"),
        bulk("replication-offset"),
        Reply::Int(100),
        bulk("health"),
        bulk("online"),
    ];
    assert_eq!(members[1], Reply::Array(member.to_vec()));
}

#[test]
fn info_counts_slots_and_messages() {
    let mut rig = Rig::new(4);
    let info = text(rig.command(0, "CLUSTER INFO"));
    let start = "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:16384\r\n\
                 cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:6\r\n\
                 cluster_size:3\r\ncluster_current_epoch:6\r\ncluster_my_epoch:1\r\n\
                 cluster_stats_messages_ping_sent:";
    assert!(info.starts_with(start), "{info}");
    assert!(info.ends_with("total_cluster_links_buffer_limit_exceeded:0\r\n"));
    rig.crash(1);
    rig.wait(20_000, |rig| rig.noted(0, "fail", 0).is_some()).expect("it fails");
    let info = text(rig.command(0, "CLUSTER INFO"));
    assert!(info.contains("cluster_slots_ok:10922\r\ncluster_slots_pfail:0\r\n"), "{info}");
    assert!(info.contains("cluster_slots_fail:5462\r\n"), "{info}");
}

#[test]
fn a_reset_node_is_alone() {
    let mut rig = Rig::new(5);
    rig.hosts[3].keys.0.insert(Bytes::from("bar"));
    let (name, epoch) = (rig.name(3), rig.cluster(3).current_epoch);
    assert_eq!(rig.command(3, "CLUSTER RESET"), Reply::OK);
    assert!(rig.is_master(3) && rig.hosts[3].keys.0.is_empty());
    assert_eq!((rig.name(3), rig.cluster(3).current_epoch), (name.clone(), epoch));
    assert_eq!(rig.cluster(3).others.len(), 0);
    assert_eq!(rig.command(3, "CLUSTER SET-CONFIG-EPOCH 5"), Reply::OK);
    let again = text(rig.command(3, "CLUSTER SET-CONFIG-EPOCH 5"));
    assert_eq!(again, "ERR Node config epoch is already non-zero");
    assert_eq!(rig.command(3, "CLUSTER RESET HARD"), Reply::OK);
    assert_ne!(rig.name(3), name);
    assert_eq!((rig.cluster(3).current_epoch, rig.cluster(3).myself.config_epoch), (0, 0));
}

#[test]
fn keys_are_found_by_slot() {
    let mut rig = Rig::new(6);
    for key in ["{bar}1", "{bar}2", "{bar}3", "foo"] {
        rig.hosts[0].keys.0.insert(Bytes::from(key));
    }
    assert_eq!(rig.command(0, "CLUSTER COUNTKEYSINSLOT 5061"), Reply::Int(3));
    let two = ["{bar}1", "{bar}2"].map(|key| Reply::Bulk(Bytes::from(key)));
    assert_eq!(rig.command(0, "CLUSTER GETKEYSINSLOT 5061 2"), Reply::Array(two.to_vec()));
}
