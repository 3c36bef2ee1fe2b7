//! Keyspace events: what becomes of keys, published as messages.
//!
//! `__keyspace@0__:lock` tells what happens to the key `lock`, `__keyevent@0__:expired` to which keys
//! it happens that they expire. Which events are told, `notify-keyspace-events` says.
//!
//! Source: `notify.c`; `server.h`, `NOTIFY_…`.

use std::fmt;

use bytes::Bytes;

use super::channels::Channels;
use super::keyspace::Database;

/// Classes of events, each a letter of `notify-keyspace-events`; none of them by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventClasses(u16);

impl EventClasses {
    /// Nothing is told.
    pub const NONE: Self = Self(0);
    /// `K`: on the channel of the key.
    const KEYSPACE: Self = Self(1);
    /// `E`: on the channel of the event.
    const KEYEVENT: Self = Self(1 << 1);
    /// `g`: commands on keys of any type.
    pub(crate) const GENERIC: Self = Self(1 << 2);
    /// `$`: commands on strings.
    pub(crate) const STRING: Self = Self(1 << 3);
    /// `l`: lists, which the model does not have, as those that follow.
    const LIST: Self = Self(1 << 4);
    /// `s`
    const SET: Self = Self(1 << 5);
    /// `h`: commands on hashes.
    pub(crate) const HASH: Self = Self(1 << 6);
    /// `z`
    const ZSET: Self = Self(1 << 7);
    /// `x`: a key has expired.
    pub(crate) const EXPIRED: Self = Self(1 << 8);
    /// `e`: a key was evicted.
    pub(crate) const EVICTED: Self = Self(1 << 9);
    /// `t`
    const STREAM: Self = Self(1 << 10);
    /// `m`: a key was looked up that is not there.
    pub(crate) const KEY_MISS: Self = Self(1 << 11);
    /// `d`
    const MODULE: Self = Self(1 << 13);
    /// `n`: there is a key of a name of which there was none.
    pub(crate) const NEW: Self = Self(1 << 14);
    /// `A`: all but the misses and the new ones.
    const ALL: Self = Self(0x7FC | Self::MODULE.0);

    /// Those of `A`, in the order in which Redis shows them.
    const OF_ALL: [(char, Self); 10] = [
        ('g', Self::GENERIC),
        ('$', Self::STRING),
        ('l', Self::LIST),
        ('s', Self::SET),
        ('h', Self::HASH),
        ('z', Self::ZSET),
        ('x', Self::EXPIRED),
        ('e', Self::EVICTED),
        ('t', Self::STREAM),
        ('d', Self::MODULE),
    ];
    const OTHERS: [(char, Self); 5] = [
        ('A', Self::ALL),
        ('n', Self::NEW),
        ('K', Self::KEYSPACE),
        ('E', Self::KEYEVENT),
        ('m', Self::KEY_MISS),
    ];

    /// Reads letters; `None` when one of them stands for nothing.
    ///
    /// Source: `keyspaceEventsStringToFlags`.
    pub fn parse(letters: &str) -> Option<Self> {
        let class = |letter| {
            let known =
                Self::OF_ALL.iter().chain(&Self::OTHERS).find(|(known, _)| *known == letter);
            known.map(|(_, class)| class.0)
        };
        letters.chars().try_fold(Self::NONE, |sum, letter| Some(Self(sum.0 | class(letter)?)))
    }

    /// The letters, so that [`EventClasses::parse`] reads the same from them.
    pub fn letters(self) -> String {
        self.all_letters().collect()
    }

    fn all_letters(self) -> impl Iterator<Item = char> {
        let has_all = self.has(Self::ALL);
        let of_all = Self::OF_ALL.iter().filter(move |_| !has_all);
        let held = of_all.chain(&Self::OTHERS).filter(move |(_, class)| self.has(*class));
        held.map(|(letter, _)| *letter)
    }

    const fn has(self, class: Self) -> bool {
        self.0 & class.0 == class.0
    }

    /// True when events of a class are told on some channel.
    #[inline]
    pub(crate) const fn tell(self, class: Self) -> bool {
        self.0 & class.0 != 0
    }

    /// Publishes an event, if its class is told.
    ///
    /// Source: `notifyKeyspaceEvent`.
    #[inline]
    pub(crate) fn publish(
        self,
        class: Self,
        event: &'static str,
        key: &Bytes,
        database: Database,
        channels: &mut Channels,
    ) {
        if self.tell(class) {
            self.publish_told(event, key, database, channels);
        }
    }

    #[cold]
    fn publish_told(
        self,
        event: &'static str,
        key: &Bytes,
        database: Database,
        channels: &mut Channels,
    ) {
        let channel = |kind: &str, name: &[u8]| {
            let head = format!("__key{kind}@{}__:", database.number());
            Bytes::from([head.as_bytes(), name].concat())
        };
        let event = Bytes::from_static(event.as_bytes());
        if self.tell(Self::KEYSPACE) {
            channels.publish(&channel("space", key), &event);
        }
        if self.tell(Self::KEYEVENT) {
            channels.publish(&channel("event", &event), key);
        }
    }
}

/// The letters, as `CONFIG GET` shows them: beside an `A` no `n` is shown, though it holds.
///
/// Source: `keyspaceEventsFlagsToString`.
impl fmt::Display for EventClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hides_new = self.has(Self::ALL);
        self.all_letters()
            .filter(|letter| !(hides_new && *letter == 'n'))
            .try_for_each(|it| write!(f, "{it}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_shown_as_redis_shows_them() {
        for (letters, shown) in [
            ("", ""),
            ("KEA", "AKE"),
            ("AKEn", "AKE"),
            ("Ex", "xE"),
            ("nmKE", "nKEm"),
            ("g$lshzxetd", "A"),
            ("tdxeK", "xetdK"),
        ] {
            let classes = EventClasses::parse(letters).expect(letters);
            assert_eq!(classes.to_string(), shown);
            assert_eq!(EventClasses::parse(&classes.letters()), Some(classes));
        }
        assert_eq!(EventClasses::parse("Kq"), None);
        assert!(EventClasses::parse("AKEn").is_some_and(|classes| classes.tell(EventClasses::NEW)));
    }
}
