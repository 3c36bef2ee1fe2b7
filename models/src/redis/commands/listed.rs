//! Lists of commands that have something in common, looked through while fencepost is built, where no trait
//! can be called.

/// What the commands of a group have in common, and their full names: `set`, `object|freq`.
pub(in crate::redis) type Groups<T> = &'static [(T, &'static [&'static str])];

/// What a command has according to its group, if it is in one.
pub(in crate::redis) const fn listed<T: Copy>(groups: Groups<T>, full_name: &str) -> Option<T> {
    let mut group = 0;
    while group < groups.len() {
        let (what, names) = groups[group];
        let mut at = 0;
        while at < names.len() {
            if same(names[at].as_bytes(), full_name.as_bytes()) {
                return Some(what);
            }
            at += 1;
        }
        group += 1;
    }
    None
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
