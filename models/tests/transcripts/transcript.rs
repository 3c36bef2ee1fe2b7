//! A transcript as a file: read, and written back.
//!
//! ```text
//! # Prose about the file.
//! servers: single
//!
//! == a free key is taken, a taken one is refused
//! a> SET lock mine NX PX 30000
//! a< +OK\r\n
//! sleep 50ms
//! b> PTTL lock
//! ? near 100
//! b< :29949\r\n
//! ```
//!
//! `a>` is a command as one would type it at redis-cli, on a connection that is called `a`; on one server of
//! several, `replica.a`. It waits for its reply; `a~` does not, since none may come. `a<` is what came
//! meanwhile on a connection, whoever had caused it, the line below it what did not fit, indented by
//! three spaces. `?` says how the replies are compared, and `#` is for the reader.

use std::fmt::Write as _;

use crate::servers::Servers;

/// What was closed by the server, where a reply would stand.
const CLOSED: &str = "(closed)";

/// How far a reply goes before it continues on the next line.
const WIDTH: usize = 100;

/// A file.
pub struct Transcript {
    head: Vec<String>,
    pub servers: Servers,
    pub cases: Vec<Case>,
}

/// One story, told to servers that have just been started.
pub struct Case {
    pub line: usize,
    pub title: String,
    pub steps: Vec<Step>,
}

/// A line of it, and what was heard then.
pub struct Step {
    pub line: usize,
    pub act: Act,
    /// How it is compared, as it is written.
    pub masks: Vec<String>,
    pub heard: Vec<Heard>,
}

pub enum Act {
    /// For the reader.
    Comment(String),
    /// So many milliseconds.
    Sleep(u64),
    Command {
        connection: String,
        waits: bool,
        text: String,
    },
}

/// What a connection has received.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    pub connection: String,
    pub bytes: Vec<u8>,
    pub closed: bool,
}

impl Transcript {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Which line is none, and why.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut head = Vec::new();
        let mut servers = None;
        let mut cases: Vec<Case> = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            let wrong = |what: &str| format!("line {number}: {what}: {line}");
            if let Some(title) = line.strip_prefix("== ") {
                cases.push(Case { line: number, title: title.to_owned(), steps: Vec::new() });
            } else if let Some(case) = cases.last_mut() {
                case.take(line, number).map_err(wrong)?;
            } else if let Some(name) = line.strip_prefix("servers: ") {
                servers = Some(Servers::named(name).ok_or_else(|| wrong("no such servers"))?);
            } else if line.is_empty() || line.starts_with('#') {
                head.push(line.to_owned());
            } else {
                return Err(wrong("neither a comment nor the beginning of a case"));
            }
        }
        let servers = servers.ok_or("it does not say which servers it is about")?;
        head.truncate(head.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1));
        Ok(Self { head, servers, cases })
    }

    /// As a file.
    pub fn write(&self) -> String {
        let mut text = String::new();
        for line in &self.head {
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "servers: {}", self.servers.name());
        for case in &self.cases {
            let _ = writeln!(text, "\n== {}", case.title);
            case.steps.iter().for_each(|step| step.write(&mut text));
        }
        text
    }
}

impl Case {
    fn take(&mut self, line: &str, number: usize) -> Result<(), &'static str> {
        if line.is_empty() {
            return Ok(());
        }
        if let Some(mask) = line.strip_prefix("? ") {
            let step = self.steps.last_mut().ok_or("nothing to compare")?;
            step.masks.push(mask.to_owned());
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("   ") {
            let heard = self.steps.last_mut().and_then(|step| step.heard.last_mut());
            let heard = heard.ok_or("nothing that goes on")?;
            heard.bytes.extend(unescaped(rest)?);
            return Ok(());
        }
        let act = if let Some(text) = line.strip_prefix("# ") {
            Act::Comment(text.to_owned())
        } else if let Some(time) = line.strip_prefix("sleep ") {
            let millis = time.strip_suffix("ms").and_then(|millis| millis.parse().ok());
            Act::Sleep(millis.ok_or("a sleep is `sleep 120ms`")?)
        } else {
            let (connection, rest) = line.split_once(' ').ok_or("neither a command nor a reply")?;
            let kind = connection.chars().last();
            let connection = connection.trim_end_matches(['>', '~', '<']).to_owned();
            match kind {
                Some('<') => return self.hear(connection, rest),
                Some('>') => Act::Command { connection, waits: true, text: rest.to_owned() },
                Some('~') => Act::Command { connection, waits: false, text: rest.to_owned() },
                _ => return Err("neither a command nor a reply"),
            }
        };
        self.steps.push(Step { line: number, act, masks: Vec::new(), heard: Vec::new() });
        Ok(())
    }

    fn hear(&mut self, connection: String, rest: &str) -> Result<(), &'static str> {
        let step = self.steps.last_mut().ok_or("a reply to nothing")?;
        if step.heard.last().is_none_or(|heard| heard.connection != connection) {
            step.heard.push(Heard { connection, ..Heard::default() });
        }
        let heard = step.heard.last_mut().ok_or("a reply to nothing")?;
        if rest == CLOSED {
            heard.closed = true;
        } else {
            heard.bytes.extend(unescaped(rest)?);
        }
        Ok(())
    }
}

impl Step {
    fn write(&self, text: &mut String) {
        let _ = match &self.act {
            Act::Comment(comment) => writeln!(text, "# {comment}"),
            Act::Sleep(millis) => writeln!(text, "sleep {millis}ms"),
            Act::Command { connection, waits: true, text: command } => {
                writeln!(text, "{connection}> {command}")
            }
            Act::Command { connection, text: command, .. } => {
                writeln!(text, "{connection}~ {command}")
            }
        };
        for mask in &self.masks {
            let _ = writeln!(text, "? {mask}");
        }
        for heard in &self.heard {
            let _ = write!(text, "{heard}");
        }
    }
}

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut before = format!("{}< ", self.connection);
        let mut line = String::new();
        for piece in self.bytes.split_inclusive(|byte| *byte == b'\n') {
            let piece = escaped(piece);
            if !line.is_empty() && line.len() + piece.len() > WIDTH {
                writeln!(f, "{before}{line}")?;
                line.clear();
                "   ".clone_into(&mut before);
            }
            line.push_str(&piece);
        }
        if !line.is_empty() {
            writeln!(f, "{before}{line}")?;
        }
        if self.closed {
            writeln!(f, "{}< {CLOSED}", self.connection)?;
        }
        Ok(())
    }
}

/// As Rust would write a byte string, but for quotation marks, which need no escape here.
fn escaped(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'\'' => "'".to_owned(),
        b'"' => "\"".to_owned(),
        byte => byte.escape_ascii().to_string(),
    };
    bytes.iter().map(escape).collect()
}

fn unescaped(text: &str) -> Result<Vec<u8>, &'static str> {
    const WRONG: &str = "an escape that is none";
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let (kind, after) = rest.split_first().ok_or(WRONG)?;
        rest = after;
        bytes.push(match kind {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2).ok_or(WRONG)?;
                rest = after;
                let digits = std::str::from_utf8(digits).map_err(|_| WRONG)?;
                u8::from_str_radix(digits, 16).map_err(|_| WRONG)?
            }
            _ => return Err(WRONG),
        });
    }
    Ok(bytes)
}

#[test]
fn what_is_read_is_written_back() {
    let text = "\
# Prose.
servers: replica

== a case
# a remark
a> SET k \"a b\"
? near 5
a< +OK\\r\\n
replica.b< $4\\r\\n\\x00\\\\'\"\\r\\n
sleep 20ms
a~ QUIT
a< (closed)
";
    assert_eq!(Transcript::read(text).expect("is well formed").write(), text);
    let long = "a".repeat(90);
    let text = format!("servers: single\n\n== long\na> X\na< +{long}\\r\\n\n   +{long}\\r\\n\n");
    assert_eq!(Transcript::read(&text).expect("is well formed").write(), text);
}

#[test]
fn what_is_no_transcript_is_refused_with_its_line() {
    for (text, line) in [
        ("nonsense", 1),
        ("servers: none", 1),
        ("servers: single\n== x\na> PING\na< \\q", 4),
        ("servers: single\n== x\n? near 5", 3),
        ("servers: single\n== x\na< +OK", 3),
        ("servers: single\n== x\nsleep 5", 3),
        ("servers: single\n== x\nPING", 3),
    ] {
        let error = Transcript::read(text).err().expect("is refused");
        assert!(error.starts_with(&format!("line {line}: ")), "{error}");
    }
    assert!(Transcript::read("").is_err());
}
