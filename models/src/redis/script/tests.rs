//! What a script must not leave behind, and how it ends. Its replies are compared with a real
//! server's in the engine's tests.

use super::*;
use crate::redis::engine::Engine;
use crate::time::Wall;

fn eval(engine: &mut Engine, script: &str) -> Reply {
    let arguments = [Bytes::from_static(b"EVAL"), Bytes::from(script.to_owned()), "0".into()];
    engine.execute(&arguments, Wall::default())
}

fn bulk(text: &'static str) -> Reply {
    Reply::Bulk(Bytes::from_static(text.as_bytes()))
}

fn error_of(reply: Reply) -> String {
    match reply {
        Reply::Error(text) => String::from_utf8_lossy(&text).into_owned(),
        other => panic!("no error: {other:?}"),
    }
}

/// Each first script tries to leave something behind in its own way, each second one looks.
#[test]
fn no_state_leaks_from_one_script_to_the_next() {
    let attempts = [
        ("pcall(function() leak = 1 end)", "return pcall(function() return leak end) and 1 or 0"),
        ("pcall(rawset, _G, 'leak', 1)", "return rawget(_G, 'leak') == nil and 0 or 1"),
        ("pcall(function() string.leak = 1 end)", "return string.leak and 1 or 0"),
        (
            "pcall(function() redis.call = 1 end)",
            "return type(redis.call) == 'function' and 0 or 1",
        ),
        ("pcall(table.insert, math, 1)", "return math[1] and 1 or 0"),
        ("pcall(setmetatable, _G, {})", "return pcall(function() return x end) and 1 or 0"),
        (
            "pcall(function() getmetatable('').__index = {upper = 1} end)",
            "return ('a'):upper() == 'A' and 0 or 1",
        ),
        ("KEYS[1] = 'leak' ARGV.leak = 1", "return (KEYS[1] or ARGV.leak) and 1 or 0"),
        ("setmetatable(KEYS, {__index = ARGV})", "return getmetatable(KEYS) and 1 or 0"),
        (
            "local r = redis.call('SET', 'k', 'v') r.leak = 1 r.ok = 'X'",
            "local r = redis.call('SET', 'k', 'v') return (r.leak or r.ok ~= 'OK') and 1 or 0",
        ),
        (
            "local a, b = redis.call('SET', 'k', 1), redis.call('SET', 'k', 2) a.x = 1",
            "local a, b = redis.call('SET', 'k', 1), redis.call('SET', 'k', 2) return a == b and 1 or 0",
        ),
    ];
    for (attempt, look) in attempts {
        let mut engine = Engine::default();
        eval(&mut engine, attempt);
        assert_eq!(eval(&mut engine, look), Reply::Int(0), "{attempt}");
        assert_eq!(eval(&mut Engine::default(), look), Reply::Int(0), "{attempt}");
    }
}

/// Few arguments and many take different ways into Lua, and so do the two kinds of scripts.
#[test]
fn keys_and_arguments_arrive_however_many_there_are() {
    let mut engine = Engine::default();
    let list =
        "return {#KEYS, #ARGV, KEYS[1] or '', KEYS[#KEYS] or '', ARGV[1] or '', ARGV[#ARGV] or ''}";
    let plain = "return {0, 0, KEYS[1] or '', '', ARGV[1] or '', ''}";
    for (keys, others) in [(0, 0), (1, 0), (0, 1), (2, 3), (32, 32), (33, 32), (0, 9000), (9000, 1)]
    {
        let name = |letter: char, count: usize, at: usize| match at {
            at if at <= count && at > 0 => Bytes::from(format!("{letter}\u{e4}{at}")),
            _ => Bytes::new(),
        };
        for (script, last) in [(list, 1), (plain, 0)] {
            let mut call = vec![Bytes::from("EVAL"), script.into(), keys.to_string().into()];
            call.extend((1..=keys).map(|at| name('k', keys, at)));
            call.extend((1..=others).map(|at| name('a', others, at)));
            let int = |number: usize| Reply::Int(i64::try_from(number * last).expect("small"));
            let bulk = |letter, count, at| Reply::Bulk(name(letter, count, at));
            let expected = Reply::Array(vec![
                int(keys),
                int(others),
                bulk('k', keys, 1),
                bulk('k', keys, keys * last),
                bulk('a', others, 1),
                bulk('a', others, others * last),
            ]);
            assert_eq!(engine.execute(&call, Wall::default()), expected, "{keys} {others}");
        }
    }
}

#[test]
fn what_a_plain_script_sees_is_what_this_call_passed() {
    let mut engine = Engine::default();
    let mut call = |keys: &[&'static str]| {
        let mut call = vec![
            Bytes::from("EVAL"),
            Bytes::from("return {KEYS[1] or 'none', KEYS[2] or 'none'}"),
            Bytes::from(keys.len().to_string()),
        ];
        call.extend(keys.iter().map(|key| Bytes::from(*key)));
        engine.execute(&call, Wall::default())
    };
    assert_eq!(call(&["a", "b"]), Reply::Array(vec![bulk("a"), bulk("b")]));
    assert_eq!(call(&["c"]), Reply::Array(vec![bulk("c"), bulk("none")]));
    assert_eq!(call(&[]), Reply::Array(vec![bulk("none"), bulk("none")]));
}

#[test]
fn a_plain_script_sees_the_same_sandbox() {
    let shown = |script: &str| error_of(eval(&mut Engine::default(), script));
    let text = |script: &str| shown(script).split(" script: ").next().expect("text").to_owned();
    assert_eq!(text("return nothing"), text("return nothing -- for"));
    assert_eq!(text("return redis.call('X')"), text("return redis.call('X') -- for"));
    assert_eq!(text("return redis.nothing()"), text("return redis.nothing() -- for"));
}

/// The comment takes a script out of the plain ones, and with them out of the numbered calls. Each
/// is called several times, with other words and with other numbers of them.
#[test]
fn a_plain_script_does_what_the_same_script_does_in_the_sandbox() {
    const SCRIPTS: [&str; 12] = [
        "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return redis.call('INCR', KEYS[2]) end return false",
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
        "return redis.call('SET', KEYS[1], ARGV[1])",
        "local a, b = redis.call('SET', KEYS[1], '1'), redis.call('SET', KEYS[1], '2') return {a, b, a == b}",
        "return redis.call('GET', KEYS[3])",
        "return redis.call('GET', KEYS[0])",
        "return redis.call('GET', ARGV[2], ARGV[1])",
        "return redis.call('EVAL', 'return 1', '0')",
        "return redis.call('SCRIPT', ARGV[1])",
        "return redis.call(ARGV[1], KEYS[1])",
        "return {pcall(redis.call, 'GET'), redis.call('GET', KEYS[2]), #ARGV[1] .. 'redis.call(\"GET\", KEYS[1])'}",
        "local x = 1\nreturn {x,\nredis.call('HGET', KEYS[1], ARGV[1])}",
    ];
    let calls: [(usize, &[&'static str]); 7] = [
        (2, &["k", "n", "GET", "5000"]),
        (2, &["k", "n", "DEL", "5000"]),
        (2, &["k", "m", "DEL", "x"]),
        (1, &["k", "PTTL", "5000"]),
        (1, &["k", "GET", "n", "n"]),
        (0, &[]),
        (3, &["k", "n", "m", "INCR", "9000"]),
    ];
    for script in SCRIPTS {
        // The digests differ, and error texts name them.
        let in_sandbox = format!("{script} -- for");
        let run = |script: &str| -> Vec<Reply> {
            let (mut engine, digest) = (Engine::default(), Digest::of(script.as_bytes()));
            let mut reply = |(keys, words): &(usize, &[&'static str])| {
                let mut call = vec![Bytes::from("EVAL"), script.to_owned().into()];
                call.push(keys.to_string().into());
                call.extend(words.iter().map(|word| Bytes::from(*word)));
                match engine.execute(&call, Wall::default()) {
                    Reply::Error(text) => {
                        let text = String::from_utf8_lossy(&text).into_owned();
                        Reply::Error(text.replace(&digest.to_string(), "DIGEST").into())
                    }
                    reply => reply,
                }
            };
            calls.iter().chain(&calls).map(&mut reply).collect()
        };
        assert_eq!(run(script), run(&in_sandbox), "{script}");
    }
}

/// A thread keeps only so many plain scripts, and only so many shapes of each.
#[test]
fn there_is_no_end_to_scripts_and_shapes() {
    let mut engine = Engine::default();
    for number in 0..600 {
        let script = format!("return {{redis.call('ECHO', ARGV[1]), KEYS[1] or 'none', {number}}}");
        for keys in [0, 1, 2, 3, 4, 5, 0] {
            let mut call =
                vec![Bytes::from("EVAL"), script.clone().into(), keys.to_string().into()];
            call.extend((1..=keys).map(|key| Bytes::from(format!("k{key}"))));
            call.push(Bytes::from(number.to_string()));
            let echo = Reply::Bulk(number.to_string().into());
            let key = bulk(if keys == 0 { "none" } else { "k1" });
            let expected = Reply::Array(vec![echo, key, Reply::Int(number)]);
            assert_eq!(engine.execute(&call, Wall::default()), expected);
        }
    }
}

/// Whoever sends ever new scripts does not fill the memory, and a server knows those that were forgotten.
#[test]
fn compiled_scripts_are_forgotten_and_compiled_again() {
    let mut engine = Engine::default();
    eval(&mut engine, "return 'the first'");
    for number in 0..2 * vm::SCRIPTS_MAX {
        eval(&mut engine, &format!("return {number}"));
        assert!(vm::kept() <= vm::SCRIPTS_MAX);
    }
    let digest = Digest::of(&Bytes::from("return 'the first'")).to_string();
    let again = [Bytes::from("EVALSHA"), digest.into(), "0".into()];
    assert_eq!(engine.execute(&again, Wall::default()), bulk("the first"));
    assert_eq!(eval(&mut Engine::default(), "return 'the first'"), bulk("the first"));
}

/// What is known to Rust by the address of a Lua string must not be taken for another's.
#[test]
fn strings_keep_their_bytes_on_the_way() {
    let mut engine = Engine::default();
    for round in 0..3 {
        for number in 0..1000 {
            let value = "x".repeat(number % 90) + &number.to_string();
            let script = format!(
                "redis.call('SET', KEYS[1], ARGV[1]) \
                 return redis.call('GET', KEYS[1]) .. '{round}' .. redis.call('ECHO', '{number}' .. ARGV[1])"
            );
            let call = ["EVAL", &script, "1", &format!("k{number}"), &value];
            let call = call.map(|word| Bytes::from(word.to_owned()));
            let expected = Bytes::from(format!("{value}{round}{number}{value}"));
            assert_eq!(engine.execute(&call, Wall::default()), Reply::Bulk(expected));
        }
    }
}

#[test]
fn what_would_show_the_vm_is_the_same_in_every_run() {
    let script = "local t = {} return {tostring(t), tostring(redis.call), tostring({}), \
                  tostring(t), collectgarbage('count')}";
    let first = eval(&mut Engine::default(), script);
    for filler in ["return {{}, {}, {}}", "local x = string.rep('x', 1000) return #x"] {
        eval(&mut Engine::default(), filler);
        assert_eq!(eval(&mut Engine::default(), script), first);
    }
    let on_another_thread = std::thread::scope(|scope| {
        scope.spawn(|| eval(&mut Engine::default(), script)).join().expect("does not panic")
    });
    assert_eq!(on_another_thread, first);
}

#[test]
fn random_numbers_belong_to_the_server_and_begin_as_rediss_do() {
    let draw = "return tostring(math.random())";
    let mut engine = Engine::default();
    // The first two that a fresh Redis 7.0.15 gives.
    assert_eq!(eval(&mut engine, draw), bulk("0.39646477363839"));
    assert_eq!(eval(&mut Engine::default(), draw), bulk("0.39646477363839"));
    assert_eq!(eval(&mut engine, draw), bulk("0.84048536971234"));
}

#[test]
fn a_server_knows_only_its_own_scripts() {
    let source = Bytes::from_static(b"return 'mine'");
    let (mut one, mut other) = (Engine::default(), Engine::default());
    let digest = one.scripts.load(&source).expect("compiles");
    let call = [Bytes::from_static(b"EVALSHA"), digest.to_hex(), "0".into()];
    assert_eq!(one.execute(&call, Wall::default()), bulk("mine"));
    let unknown = Reply::error("NOSCRIPT No matching script. Please use EVAL.");
    assert_eq!(other.execute(&call, Wall::default()), unknown);
    one.scripts.flush();
    assert_eq!(one.execute(&call, Wall::default()), unknown);
}

#[test]
fn a_runaway_script_ends_at_the_same_instruction_whatever_ran_before() {
    let count = |script: &str| {
        let mut engine = Engine::default();
        let error = error_of(eval(&mut engine, script));
        assert!(error.starts_with("ERR Script killed after 10000000 instructions"), "{error}");
        let get = ["GET", "n"].map(Bytes::from);
        engine.execute(&get, Wall::default())
    };
    let runaway = "while true do redis.call('INCR', 'n') end";
    let first = count(runaway);
    assert!(matches!(first, Reply::Bulk(_)));
    eval(&mut Engine::default(), "for i = 1, 12345 do local x = i end");
    assert_eq!(count(runaway), first);
    for catching in [
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() return 1 end) end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    ] {
        count(catching);
    }
}

/// More instructions in all than one script may have, after one that they were counted for.
#[test]
fn plain_scripts_do_not_use_up_what_one_script_may_take() {
    let mut engine = Engine::default();
    eval(&mut engine, "for i = 1, 10 do local x = i end");
    let script = "do local x = #ARGV[1] end ".repeat(4000) + "return 1";
    let call = ["EVAL", &script, "0", "word"].map(|word| Bytes::from(word.to_owned()));
    for _ in 0..1000 {
        assert_eq!(engine.execute(&call, Wall::default()), Reply::Int(1));
    }
}

#[test]
fn a_deep_recursion_is_an_error_and_not_the_end_of_the_process() {
    let mut engine = Engine::default();
    let error = error_of(eval(&mut engine, "local function f() return f() + 1 end return f()"));
    assert!(error.contains("stack overflow"), "{error}");
    let nested = "local t = {} t[1] = t return t";
    assert!(matches!(eval(&mut engine, nested), Reply::Array(_)));
    assert_eq!(eval(&mut engine, "return 1"), Reply::Int(1));
}

#[test]
fn bytecode_is_not_loaded() {
    let mut engine = Engine::default();
    let dumped = "return loadstring(string.dump(function() return 1 end)) and 1 or 0";
    assert_eq!(eval(&mut engine, dumped), Reply::Int(0));
    assert!(error_of(eval(&mut engine, "\u{1b}Lua")).starts_with("ERR Error compiling script"));
}
