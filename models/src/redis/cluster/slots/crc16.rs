//! Which slot a key lies in.

/// How many slots there are. Source: `cluster.h`, `CLUSTER_SLOTS`.
pub const SLOTS: u16 = 16_384;

/// The slot of a key: CRC16 of what stands between its first `{` and the next `}`, when there is
/// anything, and of the whole key otherwise.
///
/// Source: `cluster.c`, `keyHashSlot`.
///
/// ```
/// use fencepost_models::redis::cluster::key_slot;
///
/// assert_eq!(key_slot(b"123456789"), 0x31c3);
/// assert_eq!(key_slot(b"{lock}:token"), key_slot(b"lock"));
/// ```
pub fn key_slot(key: &[u8]) -> u16 {
    crc16(tag(key).unwrap_or(key)) % SLOTS
}

fn tag(key: &[u8]) -> Option<&[u8]> {
    let start = key.iter().position(|byte| *byte == b'{')? + 1;
    let length = key[start..].iter().position(|byte| *byte == b'}')?;
    (length > 0).then(|| &key[start..start + length])
}

/// CRC16 as XMODEM has it: polynomial 0x1021, from 0, highest bit first. Source: `crc16.c`.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| crc << 8 ^ TABLE[usize::from(crc.to_be_bytes()[0] ^ byte)])
}

/// What each leading byte adds.
static TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut crc, mut bit) = ((byte as u16) << 8, 0);
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// As Redis 7.0.15 answers `CLUSTER KEYSLOT`.
    #[test]
    fn keys_lie_where_redis_puts_them() {
        for (key, slot) in [
            ("", 0),
            ("foo", 12_182),
            ("bar", 5_061),
            ("lock", 8_718),
            ("user:{42}:x", 8_000),
            ("{}a", 10_875),
            ("a{}b", 13_694),
            ("{a}{b}", 15_495),
            ("a{b", 13_340),
            ("{KEY}:token", 5_305),
            ("123456789", 12_739),
        ] {
            assert_eq!(key_slot(key.as_bytes()), slot, "{key}");
        }
    }
}
