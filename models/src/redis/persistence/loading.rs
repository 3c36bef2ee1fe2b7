//! What is read from the append-only file at the start.
//!
//! Source: `aof.c`, `loadSingleAppendOnlyFile`.

use std::time::Duration;

use bytes::Bytes;

use crate::redis::resp::CommandDecoder;

/// What an append-only file holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The commands to carry out, in order, without `MULTI` and `EXEC`: nothing comes between them.
    pub(crate) commands: Vec<Vec<Bytes>>,
    /// How much of the file they make up.
    pub(crate) valid_bytes: usize,
    /// What is wrong with what follows them.
    pub(crate) damage: Option<Damage>,
}

/// What may be wrong with an append-only file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// It ends amid a command or a transaction. Redis cuts it off there and goes on
    /// (`aof-load-truncated`, on by default).
    CutShort,
    /// It is no such file. Redis refuses to start.
    BadFormat,
}

impl Contents {
    /// Reads a file.
    pub(crate) fn read(file: &[u8]) -> Self {
        let mut contents = Self::default();
        let mut decoder = CommandDecoder::default();
        decoder.feed(file);
        // What the transaction under way holds.
        let mut transaction: Option<Vec<Vec<Bytes>>> = None;
        loop {
            let position = file.len() - decoder.unread_bytes();
            if transaction.is_none() {
                contents.valid_bytes = position;
            }
            // Redis takes no command typed by hand here.
            let is_command = file.get(position).is_none_or(|first| *first == b'*');
            let Ok(command) = decoder.next_command() else {
                return contents.with(Damage::BadFormat);
            };
            match command {
                _ if !is_command => return contents.with(Damage::BadFormat),
                None if contents.valid_bytes < file.len() => {
                    return contents.with(Damage::CutShort);
                }
                None => return contents,
                Some(command) => contents.take(command, &mut transaction),
            }
        }
    }

    fn with(self, damage: Damage) -> Self {
        Self { damage: Some(damage), ..self }
    }

    fn take(&mut self, command: Vec<Bytes>, transaction: &mut Option<Vec<Vec<Bytes>>>) {
        let is = |name: &str| command[0].eq_ignore_ascii_case(name.as_bytes());
        if is("multi") {
            *transaction = Some(Vec::new());
        } else if is("exec") {
            self.commands.extend(transaction.take().into_iter().flatten());
        } else {
            transaction.as_mut().unwrap_or(&mut self.commands).push(command);
        }
    }

    /// How long it takes to read and carry out the commands.
    ///
    /// Measured with Redis 7.0.15, x86-64, a file in the page cache: 200,000 `SET`s of new keys take
    /// 0.27 s with values of 20 bytes and 0.52 s with values of 1,000 bytes; 50,000 of 10,000 bytes
    /// 0.94 s.
    pub(crate) fn loading_time(&self) -> Duration {
        const NANOS_PER_COMMAND: u64 = 1_300;
        const NANOS_PER_1000_BYTES: u64 = 1_500;
        let (commands, bytes) = (self.commands.len() as u64, self.valid_bytes as u64);
        Duration::from_nanos(commands * NANOS_PER_COMMAND + bytes * NANOS_PER_1000_BYTES / 1000)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::redis::resp::encode_command;

    fn words(line: &str) -> Vec<Bytes> {
        line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    fn file(lines: &[&str]) -> Vec<u8> {
        let mut file = Vec::new();
        lines.iter().for_each(|line| encode_command(&words(line), &mut file));
        file
    }

    #[test]
    fn commands_are_read_in_order_and_transactions_whole() {
        let file = file(&["SELECT 0", "SET a 1", "MULTI", "SET b 2", "DEL a", "EXEC", "SET c 3"]);
        let contents = Contents::read(&file);
        let expected = ["SELECT 0", "SET a 1", "SET b 2", "DEL a", "SET c 3"].map(words);
        assert_eq!(contents.commands, expected);
        assert_eq!((contents.valid_bytes, contents.damage), (file.len(), None));
    }

    #[test]
    fn what_is_no_append_only_file_is_refused() {
        for bad in [&b"SET a 1\r\n"[..], b"REDIS0011", b"*1\r\n+PING\r\n", b"*x\r\n"] {
            assert_eq!(Contents::read(bad).damage, Some(Damage::BadFormat), "{bad:?}");
        }
        assert_eq!(Contents::read(b"").damage, None);
    }

    #[test]
    fn a_larger_file_takes_longer() {
        let small = Contents::read(&file(&["SET a 1"]));
        let value = "x".repeat(10_000);
        let large = Contents::read(&file(&[&format!("SET a {value}")]));
        assert!(large.loading_time() > small.loading_time() * 5);
    }

    proptest! {
        /// Wherever a file ends, what is whole is read, and no more.
        #[test]
        fn a_file_that_is_cut_short_is_read_up_to_its_last_whole_command(cut in 0..=500_usize) {
            let lines = ["SELECT 0", "SET a 1", "MULTI", "SET b 2", "DEL a", "EXEC", "SET c 3"];
            let whole = file(&lines);
            let cut = cut % (whole.len() + 1);
            let contents = Contents::read(&whole[..cut]);
            let ends = (0..=lines.len()).filter(|count| ![3, 4, 5].contains(count));
            let kept = ends.filter(|count| file(&lines[..*count]).len() <= cut).max();
            let kept = &lines[..kept.unwrap_or(0)];
            prop_assert_eq!(contents.valid_bytes, file(kept).len());
            let commands = kept.iter().filter(|line| !["MULTI", "EXEC"].contains(line));
            let commands: Vec<_> = commands.map(|line| words(line)).collect();
            prop_assert_eq!(contents.commands, commands);
            let is_cut = contents.valid_bytes < cut;
            prop_assert_eq!(contents.damage, is_cut.then_some(Damage::CutShort));
        }

        #[test]
        fn no_file_is_too_odd(file in prop::collection::vec(any::<u8>(), 0..200)) {
            let contents = Contents::read(&file);
            prop_assert!(contents.valid_bytes <= file.len());
        }
    }
}
