//! Round trips, and that no bytes do any harm.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::protocol::{
    Answer, Connect, Connected, CreateMode, ErrorCode, EventKind, Op, Password, Path, SessionId,
    SetWatches, Stat, WatchedEvent, Zxid,
};
use super::door::{Door, Next};
use super::{AUTH_FAILED, Asked, BadLength, Frames, MAX_FRAME_BYTES, client, kind, server};

fn path() -> impl Strategy<Value = Path> {
    "(/[a-zé_0-9]{0,6}){0,3}".prop_map(Path::from)
}

fn data() -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn paths() -> impl Strategy<Value = Vec<Path>> {
    prop::collection::vec(path(), 0..4)
}

fn part() -> impl Strategy<Value = Op> {
    let mode = any::<(bool, bool)>()
        .prop_map(|(ephemeral, sequential)| CreateMode { ephemeral, sequential });
    prop_oneof![
        (path(), data(), mode, any::<bool>()).prop_map(|(path, data, mode, with_stat)| {
            Op::Create { path, data, mode, with_stat }
        }),
        (path(), any::<i32>()).prop_map(|(path, version)| Op::Delete { path, version }),
        (path(), data(), any::<i32>()).prop_map(|(path, data, version)| Op::SetData {
            path,
            data,
            version
        }),
        (path(), any::<i32>()).prop_map(|(path, version)| Op::Check { path, version }),
    ]
}

/// Part of a `multi`, in which no creation is answered with a stat.
fn part_of_multi() -> impl Strategy<Value = Op> {
    part().prop_map(|part| match part {
        Op::Create { path, data, mode, .. } => Op::Create { path, data, mode, with_stat: false },
        part => part,
    })
}

fn op() -> impl Strategy<Value = Op> {
    let watches =
        (any::<u64>(), paths(), paths(), paths()).prop_map(|(zxid, data, exist, child)| {
            Op::SetWatches(SetWatches { relative_zxid: Zxid(zxid), data, exist, child })
        });
    prop_oneof![
        part(),
        (path(), any::<bool>()).prop_map(|(path, watch)| Op::Exists { path, watch }),
        (path(), any::<bool>()).prop_map(|(path, watch)| Op::GetData { path, watch }),
        (path(), any::<bool>(), any::<bool>())
            .prop_map(|(path, watch, with_stat)| Op::GetChildren { path, watch, with_stat }),
        path().prop_map(|path| Op::Sync { path }),
        Just(Op::Ping),
        Just(Op::CloseSession),
        watches,
        prop::collection::vec(part_of_multi(), 0..4).prop_map(Op::Multi),
    ]
}

fn stat() -> impl Strategy<Value = Stat> {
    (any::<[u64; 6]>(), any::<[i32; 2]>(), any::<[u32; 2]>()).prop_map(|(long, int, count)| Stat {
        czxid: Zxid(long[0]),
        mzxid: Zxid(long[1]),
        pzxid: Zxid(long[2]),
        ctime_ms: long[3],
        mtime_ms: long[4],
        ephemeral_owner: SessionId(long[5]),
        version: int[0],
        cversion: int[1],
        data_length: count[0],
        num_children: count[1],
    })
}

fn error() -> impl Strategy<Value = ErrorCode> {
    prop_oneof![
        Just(ErrorCode::NoNode),
        Just(ErrorCode::BadVersion),
        Just(ErrorCode::NodeExists),
        Just(ErrorCode::SessionExpired),
        Just(ErrorCode::RuntimeInconsistency),
    ]
}

/// An answer that fits what was asked.
fn answer(op: &Op) -> BoxedStrategy<Answer> {
    let optional = |with_stat: bool| match with_stat {
        true => stat().prop_map(Some).boxed(),
        false => Just(None).boxed(),
    };
    match op {
        Op::Create { with_stat, .. } => (path(), optional(*with_stat))
            .prop_map(|(path, stat)| Answer::Created { path, stat })
            .boxed(),
        Op::Exists { .. } | Op::SetData { .. } => stat().prop_map(Answer::Stat).boxed(),
        Op::GetData { .. } => {
            (data(), stat()).prop_map(|(data, stat)| Answer::Data { data, stat }).boxed()
        }
        Op::GetChildren { with_stat, .. } => (paths(), optional(*with_stat))
            .prop_map(|(names, stat)| Answer::Children { names, stat })
            .boxed(),
        Op::Sync { .. } => path().prop_map(|path| Answer::Synced { path }).boxed(),
        Op::Multi(parts) => {
            let results: Vec<_> = parts
                .iter()
                .map(|part| prop_oneof![answer(part).prop_map(Ok), error().prop_map(Err)].boxed())
                .collect();
            results.prop_map(Answer::Multi).boxed()
        }
        _ => Just(Answer::Done).boxed(),
    }
}

fn asked_and_answered() -> impl Strategy<Value = (Op, Result<Answer, ErrorCode>)> {
    op().prop_flat_map(|op| {
        let result = match op {
            Op::Multi(_) => answer(&op).prop_map(Ok).boxed(),
            _ => prop_oneof![answer(&op).prop_map(Ok), error().prop_map(Err)].boxed(),
        };
        (Just(op), result)
    })
}

/// The frames that bytes make up when they come in pieces of that size.
fn frames(bytes: &[u8], cut: usize) -> Vec<Bytes> {
    let mut decoder = Frames::default();
    let mut seen = Vec::new();
    for piece in bytes.chunks(cut) {
        decoder.feed(piece);
        while let Some(frame) = decoder.next_frame().expect("is well formed") {
            seen.push(frame);
        }
    }
    seen
}

proptest! {
    #[test]
    fn requests_survive_the_wire_however_they_are_cut(
        requests in prop::collection::vec((any::<i32>(), op()), 1..4),
        cut in 1..9_usize,
    ) {
        let bytes: Vec<u8> =
            requests.iter().flat_map(|(xid, op)| client::request(*xid, op)).collect();
        let seen: Option<Vec<_>> =
            frames(&bytes, cut).iter().map(|frame| server::read_request(frame)).collect();
        let sent: Vec<_> = requests.into_iter().map(|(xid, op)| (xid, Asked::Op(op))).collect();
        prop_assert_eq!(seen, Some(sent));
    }

    #[test]
    fn answers_survive_the_wire(
        xid in any::<i32>(),
        zxid in any::<u64>(),
        (op, result) in asked_and_answered(),
    ) {
        let bytes = server::reply(xid, Zxid(zxid), &result, &kind::of_parts(&op));
        let frame = &frames(&bytes, 7)[0];
        prop_assert_eq!(client::read_xid(frame), Some(xid));
        prop_assert_eq!(client::read_reply(frame, &op), Some((Zxid(zxid), result)));
    }

    #[test]
    fn a_greeting_and_its_answer_survive_the_wire(
        zxid in any::<u64>(), timeout_ms in 0..1_000_000_u32, session in any::<u64>(),
        password in any::<[u8; 16]>(),
    ) {
        let (session, password) = (SessionId(session), Password(password));
        let connect = Connect { last_zxid_seen: Zxid(zxid), timeout_ms, session, password };
        let frame = &frames(&client::connect(&connect), 5)[0];
        prop_assert_eq!(server::read_connect(frame), Some((connect, true)));
        let connected = Connected { timeout_ms, session, password };
        for is_new in [true, false] {
            let frame = &frames(&server::connected(&connected, is_new), 5)[0];
            prop_assert_eq!(client::read_connected(frame), Some(connected));
        }
    }

    #[test]
    fn no_bytes_do_any_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        kind in prop_oneof![-12..25_i32, 99..110_i32],
        op in op(),
    ) {
        let mut decoder = Frames::default();
        decoder.feed(&bytes);
        while let Ok(Some(_)) = decoder.next_frame() {}
        let _ = server::read_connect(&bytes);
        let _ = server::read_request(&bytes);
        let _ = client::read_connected(&bytes);
        let _ = client::read_reply(&bytes, &op);
        let _ = client::read_event(&bytes);
        let body = [&1_i32.to_be_bytes()[..], &kind.to_be_bytes(), &bytes].concat();
        let _ = server::read_request(&body);
    }

    #[test]
    fn half_a_request_is_malformed(op in op(), cut in any::<prop::sample::Index>()) {
        let whole = client::request(1, &op);
        let body = &whole[4..];
        prop_assume!(body.len() > 8);
        let cut = 8 + cut.index(body.len() - 8);
        prop_assert_eq!(server::read_request(&body[..cut]), Some((1, Asked::Malformed)));
    }
}

#[test]
fn a_length_that_is_none_or_too_much_is_refused_before_anything_comes() {
    for length in [-1, i32::MIN, MAX_FRAME_BYTES as i32 + 1, 1 << 30] {
        let mut decoder = Frames::default();
        decoder.feed(&length.to_be_bytes());
        assert_eq!(decoder.next_frame(), Err(BadLength(length)));
    }
    let mut decoder = Frames::default();
    decoder.feed(&(MAX_FRAME_BYTES as i32).to_be_bytes());
    assert_eq!(decoder.next_frame(), Ok(None));
}

#[test]
fn an_acl_may_leave_out_who_it_is_about() {
    let create = [
        &1_i32.to_be_bytes()[..],
        &kind::CREATE.to_be_bytes(),
        b"\0\0\0\x02/a\0\0\0\0",
        // One entry: everything, for whoever has said who he is.
        b"\0\0\0\x01\0\0\0\x1f\0\0\0\x04auth\xff\xff\xff\xff",
        &0_i32.to_be_bytes(),
    ];
    let read = server::read_request(&create.concat());
    let wanted = Op::Create {
        path: "/a".into(),
        data: Bytes::new(),
        mode: CreateMode::PERSISTENT,
        with_stat: false,
    };
    assert_eq!(read, Some((1, Asked::OfCreator(wanted))));
}

/// As ZooKeeper 3.8.0 does.
#[test]
fn whoever_says_who_he_is_in_an_unknown_way_is_hung_up_on() {
    for (scheme, error, next) in
        [("digest", 0, Next::Nothing), ("unknown", AUTH_FAILED, Next::HangUp)]
    {
        let mut door = Door::default();
        let connect = Connect {
            last_zxid_seen: Zxid::default(),
            timeout_ms: 4000,
            session: SessionId::NONE,
            password: Password::default(),
        };
        door.feed(&client::connect(&connect));
        let mut out = Vec::new();
        assert!(matches!(door.next(&mut out), Next::Packet(_)));
        let name = [&(scheme.len() as i32).to_be_bytes()[..], scheme.as_bytes()].concat();
        let body = [
            &(-4_i32).to_be_bytes()[..],
            &kind::AUTH.to_be_bytes(),
            &[0; 4],
            &name,
            b"\0\0\0\x01x",
        ];
        let body = body.concat();
        door.feed(&[&(body.len() as i32).to_be_bytes()[..], &body].concat());
        assert_eq!(door.next(&mut out), next);
        assert_eq!(out, server::bare_reply(-4, Zxid::default(), error));
    }
}

/// As ZooKeeper 3.8.0 does: `multi: create2 within a multi` in the recorded cases.
#[test]
fn a_create2_within_a_multi_is_answered_as_a_create() {
    let create = |with_stat| Op::Create {
        path: "/a".into(),
        data: Bytes::new(),
        mode: CreateMode::PERSISTENT,
        with_stat,
    };
    let asked = Op::Multi(vec![create(true)]);
    let read = server::read_request(&client::request(1, &asked)[4..]);
    assert_eq!(read, Some((1, Asked::Op(Op::Multi(vec![create(false)])))));
    let answer = Answer::Multi(vec![Ok(Answer::Created { path: "/a".into(), stat: None })]);
    let frame = server::reply(1, Zxid(2), &Ok(answer.clone()), &[kind::CREATE]);
    assert_eq!(client::read_reply(&frame[4..], &asked), Some((Zxid(2), Ok(answer))));
}

#[test]
fn a_list_that_is_only_announced_costs_nothing() {
    let body = [&1_i32.to_be_bytes()[..], &101_i32.to_be_bytes(), &[0; 8], &[0x7f, 255, 255, 255]];
    assert_eq!(server::read_request(&body.concat()), Some((1, Asked::Malformed)));
}

#[test]
fn events_are_read_as_they_were_written() {
    for kind in [
        EventKind::NodeCreated,
        EventKind::NodeDeleted,
        EventKind::NodeDataChanged,
        EventKind::NodeChildrenChanged,
    ] {
        let event = WatchedEvent { kind, path: "/lock".into() };
        let frame = &frames(&server::event(&event), 3)[0];
        assert_eq!(client::read_xid(frame), Some(-1));
        assert_eq!(client::read_event(frame), Some(event));
    }
}
