//! Lua scripts: real Lua 5.1, in Redis's sandbox.
//!
//! A VM is expensive to make, so each OS thread has one, and a script is compiled once in each.
//! Which scripts a *server* knows is another matter: its [`ScriptCache`] says, and forgets them
//! when the process ends. Nothing that a script does to the VM reaches the next run: see
//! `prelude.lua`.
//!
//! What differs from Redis 7.0.15: `cjson`, `cmsgpack`, `struct`, `bit` and `newproxy` are
//! missing, and so are the flags of a shebang line; a runaway script ends after a fixed number
//! of instructions, where Redis would let it run and answer `BUSY`; `tostring` of a table shows
//! no address; a table with weak references may lose them at any time, as everywhere in Lua.

mod convert;
mod library;
mod lrand48;
mod plain;
mod runner;
mod sites;
mod strings;
mod vm;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
pub(crate) use lrand48::Lrand48;

use super::engine::Data;
use super::resp::Reply;
use vm::Script;

/// The SHA-1 of a script's source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Digest([u8; 20]);

impl Digest {
    /// How many hexadecimal digits it has.
    pub(crate) const HEX_LEN: usize = 40;

    fn of(source: &[u8]) -> Self {
        Self(sha1_smol::Sha1::from(source).digest().bytes())
    }

    /// Reads hexadecimal digits, small or capital.
    pub(crate) fn parse(hex: &[u8]) -> Option<Self> {
        let (pairs, []) = hex.as_chunks::<2>() else {
            return None;
        };
        let pairs: &[[u8; 2]; 20] = pairs.try_into().ok()?;
        let mut bytes = [0; 20];
        let mut all = 0;
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let (high, low) = (hex_value(*high), hex_value(*low));
            *byte = high << 4 | low;
            all |= high | low;
        }
        (all & NO_DIGIT == 0).then_some(Self(bytes))
    }

    /// The digits.
    pub(crate) fn to_hex(self) -> Bytes {
        Bytes::from(self.to_string())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is no digit has this bit: every `EVALSHA` reads a digest, and one look at the end is
/// faster than forty on the way.
const NO_DIGIT: u8 = 0x80;

fn hex_value(digit: u8) -> u8 {
    const VALUES: [u8; 256] = {
        let mut values = [NO_DIGIT; 256];
        let mut value = 0;
        while value < 16 {
            values[b"0123456789abcdef"[value] as usize] = value as u8;
            values[b"0123456789ABCDEF"[value] as usize] = value as u8;
            value += 1;
        }
        values
    };
    VALUES[usize::from(digit)]
}

/// The scripts that one server knows by their digest. The VM of this thread has compiled them (a machine stays on
/// the thread that it was made on), and may have forgotten it since.
#[derive(Default)]
pub(crate) struct ScriptCache {
    sources: BTreeMap<Digest, Bytes>,
    /// The first few of them, compiled, by the digits that clients send: to compare them as they are takes
    /// a fifth of the time of reading them.
    by_digits: Vec<(Bytes, Digest, Script)>,
}

impl fmt::Debug for ScriptCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.sources.keys()).finish()
    }
}

impl ScriptCache {
    const BY_DIGITS_MAX: usize = 8;

    /// Takes a script in, if it compiles.
    ///
    /// # Errors
    ///
    /// The reply to give when it does not.
    pub(crate) fn load(&mut self, source: &Bytes) -> Result<Digest, Reply> {
        let digest = Digest::of(source);
        if !self.knows(digest) {
            let script = vm::compile(digest, source)?;
            if self.by_digits.len() < Self::BY_DIGITS_MAX {
                self.by_digits.push((digest.to_hex(), digest, script));
            }
            self.sources.insert(digest, source.clone());
        }
        Ok(digest)
    }

    /// True when the server knows the script.
    pub(crate) fn knows(&self, digest: Digest) -> bool {
        self.sources.contains_key(&digest)
    }

    /// How many the server knows.
    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// Forgets every script.
    pub(crate) fn flush(&mut self) {
        self.sources.clear();
        self.by_digits.clear();
    }

    /// Runs a script; `None` when the server does not know it. The first `keys` of the arguments
    /// are its `KEYS`, the others its `ARGV`.
    pub(crate) fn run(
        &self,
        data: &mut Box<Data>,
        digest: Digest,
        keys: usize,
        arguments: &[Bytes],
    ) -> Option<Reply> {
        let source = self.sources.get(&digest)?;
        Some(match vm::compile(digest, source) {
            Ok(script) => vm::run(data, digest, &script, keys, arguments),
            Err(reply) => reply,
        })
    }

    /// The same for a script whose digest is given in hexadecimal digits.
    pub(crate) fn run_by_digits(
        &self,
        data: &mut Box<Data>,
        digits: &[u8],
        keys: usize,
        arguments: &[Bytes],
    ) -> Option<Reply> {
        match self.by_digits.iter().find(|(known, ..)| known == digits) {
            Some((_, digest, script)) => Some(vm::run(data, *digest, script, keys, arguments)),
            None => self.run(data, Digest::parse(digits)?, keys, arguments),
        }
    }
}

#[cfg(test)]
mod tests;
