//! Strings on their way between Rust and Lua.

use bytes::Bytes;
use mlua::{Lua, LuaString};

/// What scripts about locks write literally. Such bytes are nobody's, so that taking and giving
/// them back costs no atomic count.
const WORDS: [&str; 40] = [
    "DEL", "del", "EX", "ex", "EXISTS", "exists", "EXPIRE", "expire", "GET", "get", "HDEL", "hdel",
    "HEXISTS", "hexists", "HGET", "hget", "HINCRBY", "hincrby", "HSET", "hset", "INCR", "incr",
    "INCRBY", "incrby", "NX", "nx", "PEXPIRE", "pexpire", "PTTL", "pttl", "PX", "px", "SET", "set",
    "SETNX", "setnx", "TTL", "ttl", "XX", "xx",
];

/// The short strings that crossed last, each in both shapes, so that one that crosses again is
/// neither hashed, copied nor allocated: keys, values, `SET` and `NX` go to and fro all the time.
/// Redis keeps the like in `lua_args_cached_objects`. What it holds never shows.
pub(super) struct Strings {
    /// By the address of the Lua string: Lua has one object for equal strings, and ours is kept
    /// from being freed, so that the address of a string that is known stands for no other.
    slots: Vec<Option<Known>>,
    /// By a hash of the bytes: in which slot they stand, if they still do.
    places: [u8; Self::SLOTS],
}

struct Known {
    bytes: Bytes,
    lua: LuaString,
    address: usize,
}

impl Default for Strings {
    fn default() -> Self {
        let slots = std::iter::repeat_with(|| None).take(Self::SLOTS).collect();
        Self { slots, places: [0; Self::SLOTS] }
    }
}

impl Strings {
    const SLOTS: usize = 128;
    /// Longer ones are copied each time, lest this table hold them for long.
    const KEPT_MAX_BYTES: usize = 64;

    /// The Lua string with these bytes.
    pub(super) fn lua_string(&mut self, lua: &Lua, bytes: &Bytes) -> mlua::Result<LuaString> {
        if bytes.len() > Self::KEPT_MAX_BYTES {
            return lua.create_string(bytes);
        }
        let place = usize::from(self.places[place(bytes)]);
        match &self.slots[place] {
            Some(known) if known.bytes == *bytes => Ok(known.lua.clone()),
            _ => {
                let string = lua.create_string(bytes)?;
                self.keep(&string, address(&string), bytes);
                Ok(string)
            }
        }
    }

    /// The bytes of a Lua string.
    pub(super) fn bytes(&mut self, string: &LuaString) -> Bytes {
        let address = address(string);
        match &self.slots[slot(address)] {
            Some(known) if known.address == address => known.bytes.clone(),
            _ => {
                let bytes = owned(&string.as_bytes());
                if bytes.len() <= Self::KEPT_MAX_BYTES {
                    self.keep(string, address, &bytes);
                }
                bytes
            }
        }
    }

    fn keep(&mut self, string: &LuaString, address: usize, bytes: &Bytes) {
        let slot = slot(address);
        let known = Known { bytes: bytes.clone(), lua: string.clone(), address };
        self.slots[slot] = Some(known);
        self.places[place(bytes)] = slot as u8;
    }
}

/// What a script says, as bytes of our own.
pub(super) fn owned(text: &[u8]) -> Bytes {
    let word = WORDS.iter().find(|word| word.as_bytes() == text);
    word.map_or_else(|| Bytes::copy_from_slice(text), |word| Bytes::from_static(word.as_bytes()))
}

fn address(string: &LuaString) -> usize {
    string.to_pointer().addr()
}

fn slot(address: usize) -> usize {
    // What malloc gives is aligned to 16 bytes; a string is 40 bytes or more.
    (address >> 5) % Strings::SLOTS
}

fn place(bytes: &[u8]) -> usize {
    let (first, last) = (bytes.first().unwrap_or(&0), bytes.last().unwrap_or(&0));
    (usize::from(*first) * 7 + usize::from(*last) * 3 + bytes.len()) % Strings::SLOTS
}
