//! What a Sentinel tells its clients.

use super::*;

#[test]
fn who_listens_hears_of_the_new_master() {
    let mut rig = group();
    let listener = rig.client(12);
    rig.tell(listener, "SUBSCRIBE +switch-master");
    assert!(rig.hear(listener, 100).is_some());
    rig.kill(1);
    let Some(Reply::Array(items)) = rig.hear(listener, 20_000) else { panic!("nothing heard") };
    let new = master_by(&mut rig, 12).expect("a master");
    let bulk = |text: String| Reply::Bulk(text.into());
    let expected = [
        bulk("message".to_owned()),
        bulk("+switch-master".to_owned()),
        bulk(format!("mymaster 10.0.0.1 6379 10.0.0.{new} 6379")),
    ];
    assert_eq!(items, expected);
}

#[test]
fn what_a_sentinel_does_not_know_is_an_error() {
    let mut rig = group();
    let no_master = Reply::error("ERR No such master with that name");
    assert_eq!(rig.ask(11, "SENTINEL MASTER other"), Some(no_master));
    assert_eq!(rig.ask(11, "SENTINEL GET-MASTER-ADDR-BY-NAME other"), Some(Reply::NilArray));
    let no_news = Reply::error("ERR Only HELLO messages are accepted by Sentinel instances.");
    assert_eq!(rig.ask(11, "PUBLISH news x"), Some(no_news));
    assert!(matches!(rig.ask(11, "GET lock"), Some(Reply::Error(_))));
    assert_eq!(rig.ask(11, "PING"), Some(Reply::status("PONG")));
}

#[test]
fn who_asks_a_sentinel_for_resp3_gets_it() {
    let mut rig = group();
    let client = rig.client(11);
    let mut ask = |line: &str| {
        rig.tell(client, line);
        rig.hear(client, 100).expect("an answer")
    };
    assert!(matches!(ask("SENTINEL MASTER mymaster"), Reply::Array(_)));
    assert_eq!(ask("HELLO 4"), Reply::error("NOPROTO unsupported protocol version"));
    assert!(matches!(ask("HELLO 3"), Reply::Map(_)));
    assert!(matches!(ask("SENTINEL MASTER mymaster"), Reply::Map(_)));
    let Reply::Array(masters) = ask("SENTINEL MASTERS") else { panic!("no list") };
    assert!(matches!(masters[..], [Reply::Map(_)]));
    assert_eq!(ask("SENTINEL GET-MASTER-ADDR-BY-NAME other"), Reply::Null);
    assert!(matches!(ask("SUBSCRIBE +switch-master"), Reply::Push(_)));
    assert!(matches!(ask("INFO"), Reply::Verbatim(_)));
}
