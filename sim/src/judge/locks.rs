//! The locks of a history by number. Most notes name a lock, and a number is compared and looked up
//! much faster than a name.

use std::collections::BTreeMap;

use fencepost_models::note::Name;

/// A lock: its place among all, in the order in which clients first spoke of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockId(pub usize);

/// Every lock that a client has waited for or got, so far.
#[derive(Default)]
pub struct Locks<'h> {
    numbers: BTreeMap<&'h Name, LockId>,
    /// The last one asked for: most histories are about one lock.
    last: Option<(&'h Name, LockId)>,
}

impl<'h> Locks<'h> {
    /// The number of a lock that a client waits for or has got.
    pub fn number(&mut self, name: &'h Name) -> LockId {
        if let Some(known) = self.find(name) {
            return known;
        }
        let new = LockId(self.numbers.len());
        self.numbers.insert(name, new);
        self.last = Some((name, new));
        new
    }

    /// The number of what may be a lock, or any other key of a server.
    #[inline]
    pub fn find(&mut self, name: &Name) -> Option<LockId> {
        if let Some((last, number)) = self.last
            && is_same(last, name)
        {
            return Some(number);
        }
        self.look_up(name)
    }

    fn look_up(&mut self, name: &Name) -> Option<LockId> {
        let (name, number) = self.numbers.get_key_value(name)?;
        self.last = Some((name, *number));
        Some(*number)
    }
}

/// Names of one lock are mostly copies of one name, which share their bytes.
fn is_same(one: &Name, other: &Name) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.len() == other.len() && (one.as_ptr() == other.as_ptr() || one == other)
}

/// What is kept of a lock or of a node, by its number: nothing yet, where it is new.
pub fn grown<T: Default>(list: &mut Vec<T>, place: usize) -> &mut T {
    if place >= list.len() {
        list.resize_with(place + 1, T::default);
    }
    &mut list[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lock_has_its_number_and_other_keys_have_none() {
        let (one, other, same) = (Name::from("one"), Name::from("other"), Name::from("other"));
        let mut locks = Locks::default();
        assert_eq!(locks.find(&one), None);
        assert_eq!(locks.number(&one), LockId(0));
        assert_eq!(locks.find(&other), None);
        assert_eq!((locks.number(&other), locks.number(&one)), (LockId(1), LockId(0)));
        assert_eq!((locks.find(&same), locks.find(&one)), (Some(LockId(1)), Some(LockId(0))));
    }
}
