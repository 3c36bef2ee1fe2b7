//! Round trips, and what is refused in which words.

use proptest::prelude::*;

use super::*;

fn decoded(bytes: &[u8]) -> Result<Option<Vec<Bytes>>, ProtocolError> {
    let mut decoder = CommandDecoder::default();
    decoder.feed(bytes);
    decoder.next_command()
}

fn refused(bytes: &[u8]) -> String {
    decoded(bytes).expect_err("is refused").to_string()
}

fn words(words: &[&str]) -> Vec<Bytes> {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

#[test]
fn every_kind_of_reply_goes_over_the_wire() {
    let reply = Reply::Array(vec![
        Reply::OK,
        Reply::error("ERR a\r\nb"),
        Reply::Int(-7),
        Reply::Bulk(Bytes::from_static(b"a\r\nb")),
        Reply::Nil,
        Reply::NilArray,
        Reply::Array(Vec::new()),
    ]);
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    assert_eq!(bytes, b"*7\r\n+OK\r\n-ERR a  b\r\n:-7\r\n$4\r\na\r\nb\r\n$-1\r\n*-1\r\n*0\r\n");
}

/// The texts are those of a Redis 7.0.15.
#[test]
fn what_is_no_command_is_refused_in_rediss_words() {
    assert_eq!(refused(b"*x\r\n"), "Protocol error: invalid multibulk length");
    assert_eq!(refused(b"*2147483648\r\n"), "Protocol error: invalid multibulk length");
    assert_eq!(refused(b"*1\r\n$x\r\n"), "Protocol error: invalid bulk length");
    assert_eq!(refused(b"*1\r\n$-1\r\n"), "Protocol error: invalid bulk length");
    assert_eq!(refused(b"*1\r\n$536870913\r\n"), "Protocol error: invalid bulk length");
    assert_eq!(refused(b"*1\r\n:1\r\n"), "Protocol error: expected '$', got ':'");
    assert_eq!(refused(b"set \"a\r\n"), "Protocol error: unbalanced quotes in request");
    let long = vec![b'1'; 64 * 1024 + 1];
    assert_eq!(refused(&long), "Protocol error: too big inline request");
    let counted = |prefix: &[u8]| refused(&[prefix, &long[..]].concat());
    assert_eq!(counted(b"*"), "Protocol error: too big mbulk count string");
    assert_eq!(counted(b"*1\r\n$"), "Protocol error: too big bulk count string");
}

#[test]
fn what_resp3_adds_goes_over_the_wire() {
    let reply = Reply::Map(vec![
        Reply::Bulk(Bytes::from_static(b"k")),
        Reply::Push(vec![Reply::Null, Reply::Verbatim(Bytes::from_static(b"a"))]),
    ]);
    let mut bytes = Vec::new();
    reply.encode(&mut bytes);
    assert_eq!(bytes, b"%1\r\n$1\r\nk\r\n>2\r\n_\r\n=5\r\ntxt:a\r\n");
}

#[test]
fn a_huge_announcement_costs_nothing_until_it_comes() {
    assert_eq!(decoded(b"*2147483647\r\n$536870912\r\n"), Ok(None));
}

#[test]
fn commands_without_arguments_are_passed_over() {
    assert_eq!(decoded(b"*0\r\n*-1\r\n\r\n*1\r\n$4\r\nPING\r\n"), Ok(Some(words(&["PING"]))));
}

#[test]
fn inline_commands_know_quotes_and_escapes() {
    let line = b"set  k \"a \\x41\\n\" 'it\\'s'\r\n";
    assert_eq!(decoded(line), Ok(Some(words(&["set", "k", "a A\n", "it's"]))));
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
    let line = || "[ -~]{0,20}".prop_map(Bytes::from);
    let leaf = prop_oneof![
        line().prop_map(Reply::Status),
        line().prop_map(Reply::Error),
        any::<i64>().prop_map(Reply::Int),
        bytes().prop_map(Reply::Bulk),
        Just(Reply::Nil),
        Just(Reply::NilArray),
        Just(Reply::Null),
        bytes().prop_map(Reply::Verbatim),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..6);
        let pairs = prop::collection::vec((inner.clone(), inner.clone()), 0..3);
        prop_oneof![
            several().prop_map(Reply::Array),
            several().prop_map(Reply::Push),
            pairs.prop_map(|pairs| {
                Reply::Map(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn replies_survive_the_wire_however_they_are_cut(
        replies in prop::collection::vec(any_reply(), 1..4),
        cut in 1..9_usize,
    ) {
        let mut bytes = Vec::new();
        replies.iter().for_each(|reply| reply.encode(&mut bytes));
        let mut decoder = ReplyDecoder::default();
        let mut seen = Vec::new();
        for piece in bytes.chunks(cut) {
            decoder.feed(piece);
            while let Some(reply) = decoder.next_reply().expect("is well formed") {
                seen.push(reply);
            }
        }
        prop_assert_eq!(seen, replies);
    }

    #[test]
    fn commands_survive_the_wire_however_they_are_cut(
        commands in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 1..5), 1..4),
        cut in 1..9_usize,
    ) {
        let commands: Vec<Vec<Bytes>> = commands
            .into_iter()
            .map(|command| command.into_iter().map(Bytes::from).collect())
            .collect();
        let mut bytes = Vec::new();
        commands.iter().for_each(|command| encode_command(command, &mut bytes));
        let mut decoder = CommandDecoder::default();
        let mut seen = Vec::new();
        for piece in bytes.chunks(cut) {
            decoder.feed(piece);
            while let Some(command) = decoder.next_command().expect("is well formed") {
                seen.push(command);
            }
        }
        prop_assert_eq!(seen, commands);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        for prefix in [&b""[..], b"*2\r\n", b"*1\r\n$", b"$", b"*"] {
            let bytes = [prefix, &bytes].concat();
            let _ = decoded(&bytes);
            let mut decoder = ReplyDecoder::default();
            decoder.feed(&bytes);
            let _ = decoder.next_reply();
        }
    }
}
