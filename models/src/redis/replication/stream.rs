//! Commands as they travel in a master's stream.

use std::sync::Arc;

use bytes::Bytes;

use crate::redis::keyspace::Database;

/// How many bytes a command has in the protocol: offsets count them.
pub(crate) fn encoded_len(arguments: &[Bytes]) -> i64 {
    let bulk = |argument: &Bytes| 1 + digits(argument.len()) + 2 + argument.len() + 2;
    (1 + digits(arguments.len()) + 2 + arguments.iter().map(bulk).sum::<usize>()) as i64
}

const fn digits(number: usize) -> usize {
    match number {
        0..10 => 1,
        10..100 => 2,
        _ => number.ilog10() as usize + 1,
    }
}

/// The `SELECT` of a database.
pub(super) fn select(database: Database) -> Arc<[Bytes]> {
    Arc::new([Bytes::from_static(b"SELECT"), Bytes::from(database.number().to_string())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::resp::encode_command;

    #[test]
    fn the_length_of_a_command_is_that_of_its_encoding() {
        for line in
            ["PING", "SET lock 0123456789abcdef PXAT 1700000000000", "a b c d e f g h i j k"]
        {
            let words: Vec<Bytes> =
                line.split(' ').map(|word| Bytes::from(word.to_owned())).collect();
            let mut bytes = Vec::new();
            encode_command(&words, &mut bytes);
            assert_eq!(encoded_len(&words), bytes.len() as i64, "{line}");
        }
        assert_eq!(encoded_len(&[Bytes::new()]), "*1\r\n$0\r\n\r\n".len() as i64);
    }
}
