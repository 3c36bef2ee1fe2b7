//! The last part of the stream, for replicas that come back.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

/// The last commands of a stream, with their place in it.
#[derive(Debug)]
pub(crate) struct Backlog {
    /// The offset of the byte before the first that is kept.
    start: i64,
    /// How many bytes are kept.
    length: i64,
    /// Each command with the offset of its last byte.
    commands: VecDeque<(Arc<[Bytes]>, i64)>,
}

impl Backlog {
    /// An empty one: what comes is after that offset.
    pub(super) const fn after(offset: i64) -> Self {
        Self { start: offset, length: 0, commands: VecDeque::new() }
    }

    pub(super) fn append(&mut self, arguments: Arc<[Bytes]>, length: i64) {
        self.length += length;
        self.commands.push_back((arguments, self.start + self.length));
    }

    /// The offset of the first byte that is kept, `repl_backlog->offset`.
    pub(crate) const fn first_byte(&self) -> i64 {
        self.start + 1
    }

    /// How many bytes are kept, `repl_backlog->histlen`.
    pub(crate) const fn length(&self) -> i64 {
        self.length
    }

    /// True when the stream can be had from a byte on. Source: `masterTryPartialResynchronization`.
    pub(crate) fn reaches(&self, first: i64) -> bool {
        (self.first_byte()..=self.first_byte() + self.length).contains(&first)
    }

    /// The commands after an offset.
    pub(crate) fn after_offset(&self, offset: i64) -> impl Iterator<Item = Arc<[Bytes]>> {
        let from = self.commands.partition_point(|(_, end)| *end <= offset);
        self.commands.range(from..).map(|(command, _)| command.clone())
    }

    /// Drops what is more than `size` bytes, but nothing after the offset `needed`. Source:
    /// `incrementalTrimReplicationBacklog`.
    pub(super) fn trim(&mut self, size: u64, needed: i64) {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        while let Some((_, end)) = self.commands.front() {
            let first_length = end - self.start;
            if self.length - first_length < size || *end > needed {
                return;
            }
            self.start = *end;
            self.length -= first_length;
            self.commands.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(word: &'static str) -> Arc<[Bytes]> {
        Arc::new([Bytes::from_static(word.as_bytes())])
    }

    #[test]
    fn what_is_too_much_goes_a_command_at_a_time_unless_somebody_needs_it() {
        let mut backlog = Backlog::after(100);
        for word in ["a", "b", "c"] {
            backlog.append(command(word), 10);
        }
        assert!(backlog.reaches(101) && backlog.reaches(131));
        assert!(!backlog.reaches(100) && !backlog.reaches(132));
        assert_eq!(backlog.after_offset(110).collect::<Vec<_>>(), [command("b"), command("c")]);

        backlog.trim(15, 105);
        assert_eq!(backlog.first_byte(), 101, "needed after 105");
        backlog.trim(15, 130);
        assert_eq!((backlog.first_byte(), backlog.length()), (111, 20), "10 would be too few");
        backlog.trim(0, 130);
        assert_eq!((backlog.first_byte(), backlog.length()), (131, 0));
        assert!(backlog.reaches(131), "what comes next can be had");
    }
}
