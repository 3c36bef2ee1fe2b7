//! Commands that are nearly right: every command of the keyspace, few keys, odd numbers.

use bytes::Bytes;
use fencepost_models::random::Random;

/// Words in capitals stand for themselves, others for one of their kind; a star makes none to three
/// of them.
const TEMPLATES: &[&str] = &[
    "SET key value set-option*",
    "SET key value set-option*",
    "SET key number",
    "GET key",
    "SETNX key value",
    "SETEX key seconds value",
    "PSETEX key millis value",
    "GETSET key value",
    "GETDEL key",
    "GETEX key getex-option*",
    "APPEND key value",
    "STRLEN key",
    "GETRANGE key index index",
    "SUBSTR key index index",
    "SETRANGE key index value",
    "SETBIT key bit-offset bit",
    "SETBIT key bit-offset bit",
    "GETBIT key bit-offset",
    "MGET key key*",
    "MSET key value key value",
    "MSETNX key value key value",
    "MSET key value key*",
    "INCR key",
    "DECR key",
    "INCRBY key number",
    "DECRBY key number",
    "INCRBYFLOAT key float",
    "INCRBYFLOAT key float",
    "LCS key key lcs-option*",
    "HSET key field value",
    "HSET key field value field value",
    "HSET key field value field*",
    "HMSET key field value field value",
    "HSETNX key field value",
    "HGET key field",
    "HMGET key field field*",
    "HGETALL key",
    "HKEYS key",
    "HVALS key",
    "HLEN key",
    "HEXISTS key field",
    "HDEL key field field*",
    "HSTRLEN key field",
    "HINCRBY key field number",
    "HINCRBYFLOAT key field float",
    "HINCRBYFLOAT key field float",
    "HRANDFIELD key",
    "HRANDFIELD key few",
    "HRANDFIELD key few WITHVALUES",
    "HSCAN key cursor scan-option*",
    "DEL key key*",
    "UNLINK key",
    "EXISTS key key*",
    "TOUCH key key*",
    "TYPE key",
    "RENAME key key",
    "RENAMENX key key",
    "COPY key key copy-option*",
    "RANDOMKEY",
    "KEYS pattern",
    "SCAN cursor scan-option*",
    "DBSIZE",
    "FLUSHALL flush-option*",
    "FLUSHDB flush-option*",
    "OBJECT ENCODING key",
    "OBJECT ENCODING key",
    "OBJECT REFCOUNT key",
    "OBJECT FREQ key",
    "OBJECT IDLETIME key",
    "OBJECT HELP",
    "OBJECT field key",
    "EXPIRE key seconds expire-option*",
    "PEXPIRE key millis expire-option*",
    "EXPIREAT key date expire-option*",
    "PEXPIREAT key date-millis expire-option*",
    "PERSIST key",
    "TTL key",
    "PTTL key",
    "EXPIRETIME key",
    "PEXPIRETIME key",
    "SELECT index",
    "SELECT 0",
    "SELECT 0",
    "SELECT 1",
    "MOVE key few",
    "MOVE key 1",
    "SWAPDB few few",
    "SWAPDB 0 1",
    "NOCOMMAND key value",
];

/// One command.
pub fn command(random: &mut Random) -> Vec<Bytes> {
    let template = random.choice(TEMPLATES).expect("there are some");
    let mut words: Vec<Bytes> =
        template.split(' ').flat_map(|kind| several(kind, random)).collect();
    if words[0].starts_with(b"FLUSH") && random.ratio(3, 4) {
        words[0] = Bytes::from_static(b"DBSIZE");
    }
    if random.ratio(1, 30) {
        words.pop();
    }
    // No numbers: a key would expire at once, or the server answer a large count for ever.
    if words.is_empty() || random.ratio(1, 20) {
        let kind = random.choice(&["key", "set-option", "pattern"]).expect("there are some");
        words.extend(several(kind, random));
    }
    if random.ratio(1, 4) {
        words[0] = words[0].to_ascii_lowercase().into();
    }
    words
}

fn several(kind: &str, random: &mut Random) -> Vec<Bytes> {
    match kind.strip_suffix('*') {
        Some(kind) => (0..random.below(4)).flat_map(|_| some(kind, random)).collect(),
        None => some(kind, random),
    }
}

fn some(kind: &str, random: &mut Random) -> Vec<Bytes> {
    let mut one = |choices: &[&str]| {
        let choice = random.choice(choices).copied().unwrap_or_default();
        choice.split(' ').flat_map(|word| lowest(word, random)).collect()
    };
    match kind {
        "set-option" => one(&[
            "NX",
            "XX",
            "GET",
            "KEEPTTL",
            "EX seconds",
            "PX millis",
            "EXAT date",
            "PXAT date-millis",
            "nx\0nx",
            "pX millis",
            "EX",
            "PERSIST",
        ]),
        "getex-option" => one(&[
            "PERSIST",
            "EX seconds",
            "PX millis",
            "EXAT date",
            "PXAT date-millis",
            "persist",
            "NX",
        ]),
        "expire-option" => one(&["NX", "XX", "GT", "LT", "gt", "xx\0x", "value"]),
        "lcs-option" => one(&["LEN", "IDX", "MINMATCHLEN index", "WITHMATCHLEN", "idx", "value"]),
        "scan-option" => one(&[
            "MATCH pattern",
            "match\0x pattern",
            "COUNT number",
            "COUNT 100",
            "TYPE type",
            "count",
            "value value",
        ]),
        "copy-option" => one(&["REPLACE", "replace\0", "DB index", "DB 0", "DB number", "DB"]),
        "flush-option" => one(&["SYNC", "ASYNC", "async", "value"]),
        _ => lowest(kind, random),
    }
}

/// One word of a kind that consists of one.
fn lowest(kind: &str, random: &mut Random) -> Vec<Bytes> {
    const EXTREME: &[&str] = &[
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-9223372036854775807",
        "9223372036854775",
        "9223372036854776",
        "-9223372036854776",
        "99999999999999999999",
        "",
        "x",
        "1.5",
        "+1",
        " 1",
        "01",
        "-0",
        "2147483648",
        "4611686018427387904",
    ];
    let odd = random.ratio(1, 8);
    let text = match kind {
        "key" => choose(random, &["a", "b", "c", "d", "e", "ab"]),
        "field" => choose(random, &["f", "g", "h", "i", "-7", "", "1"]),
        "type" => choose(random, &["string", "hash", "HASH", "list", "none", "x"]),
        "value" if odd => long_value(random),
        "value" => choose(
            random,
            &[
                "",
                "v",
                "hello",
                "hallo welt",
                "5",
                "-12",
                "10000",
                "9999",
                "007",
                "10.5",
                "1e3",
                "inf",
                " 1",
                "9223372036854775807",
                "-9223372036854775808",
                "a\0b",
                "\u{fc}ber",
                "nan",
                "0x10",
            ],
        ),
        "number" | "index" | "seconds" | "millis" | "date" | "date-millis" if odd => {
            choose(random, EXTREME)
        }
        "number" => (random.below(40) as i64 - 15).to_string(),
        "index" => (random.below(24) as i64 - 12).to_string(),
        // No large one: up to 4294967295 the server makes room for it.
        "bit-offset" if odd => choose(random, &["4294967296", "-1", "x", "", "+1", "01", "1.5"]),
        "bit-offset" => random.below(400).to_string(),
        "bit" if odd => choose(random, &["2", "-1", "x", "", "+1", "01"]),
        "bit" => random.below(2).to_string(),
        "few" if odd => {
            choose(random, &["9223372036854775807", "-9223372036854775808", "x", "1.5", ""])
        }
        "few" => (random.below(24) as i64 - 12).to_string(),
        "cursor" => {
            choose(random, &["0", "0", "0", "5", "-1", "+0", "x", "", " 0", "18446744073709551616"])
        }
        "seconds" => whole_number(random, 1000, 1000),
        "millis" => whole_number(random, 1_000_000, 1_000_000),
        // From the year 2100 on.
        "date" => whole_number(random, 4_102_444_800, 1000),
        "date-millis" => whole_number(random, 4_102_444_800_000, 1_000_000),
        "float" => float(random),
        "pattern" => pattern(random),
        word => word.to_owned(),
    };
    vec![Bytes::from(text)]
}

fn choose(random: &mut Random, choices: &[&str]) -> String {
    random.choice(choices).copied().unwrap_or_default().to_owned()
}

/// A time far enough away that no reply hangs on the millisecond, or one that is over.
fn whole_number(random: &mut Random, start: u64, step: u64) -> String {
    match random.below(8) {
        0 => choose(random, &["0", "-1", "-1000"]),
        _ => (start + random.below(6) * step).to_string(),
    }
}

fn long_value(random: &mut Random) -> String {
    let length = *random.choice(&[20, 21, 43, 44, 45, 63, 64, 65, 300]).expect("there are some");
    (0..length).map(|_| char::from(b'a' + random.below(3) as u8)).collect()
}

fn float(random: &mut Random) -> String {
    if random.ratio(1, 6) {
        return choose(
            random,
            &[
                "inf",
                "-inf",
                "+Infinity",
                "nan",
                "1e4932",
                "-1e4932",
                "1e4933",
                "1e-4950",
                "1e-5000",
                "",
                ".",
                "0x1p-3",
                "0X.8P4",
                "0x",
                "1e",
                "1e+",
                "--1",
                " 1",
                "1 ",
                "1.5x",
                "-0",
                ".5",
                "5.",
                "9223372036854775807",
                "18446744073709551615",
                "18446744073709551616.5",
                "0e99999999",
            ],
        );
    }
    let mut digits = |most: u64| -> String {
        (0..random.below(most)).map(|_| char::from(b'0' + random.below(10) as u8)).collect()
    };
    let (whole, fraction, exponent) = (digits(22), digits(25), digits(3));
    let sign = choose(random, &["", "", "-", "+"]);
    match random.below(4) {
        0 => format!("{sign}{whole}.{fraction}e{}{exponent}", choose(random, &["", "-", "+"])),
        1 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction}"),
    }
}

fn pattern(random: &mut Random) -> String {
    if random.ratio(1, 3) {
        return "*".to_owned();
    }
    (0..random.below(6))
        .map(|_| choose(random, &["a", "b", "*", "?", "[", "]", "^", "-", "\\", "c", "\u{fc}"]))
        .collect()
}
