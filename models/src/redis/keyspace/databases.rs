//! The numbered databases of a server: each has keys of its own.

use std::ops::{Deref, DerefMut};

use super::Keyspace;

/// The number of a database that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Database(u8);

impl Database {
    /// How many there are. Source: `config.c`, `databases`.
    pub(crate) const COUNT: u8 = 16;

    /// The database of that number, if there is one.
    pub(crate) fn new(number: i64) -> Option<Self> {
        u8::try_from(number).ok().filter(|number| *number < Self::COUNT).map(Self)
    }

    /// All of them, in order.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// The one after it; the first after the last.
    pub(crate) const fn next(self) -> Self {
        Self((self.0 + 1) % Self::COUNT)
    }

    /// The number.
    pub(crate) const fn number(self) -> u8 {
        self.0
    }

    /// Its place in a table of all.
    pub(crate) const fn place(self) -> usize {
        self.0 as usize
    }
}

/// All databases; as a [`Keyspace`] it is the one that is selected.
///
/// A client's choice is selected before each of its commands, so that a command need not know that
/// there is more than one.
#[derive(Debug, Default)]
pub(crate) struct Databases {
    all: Box<[Keyspace; Database::COUNT as usize]>,
    selected: Database,
}

impl Databases {
    /// The one that is selected.
    pub(crate) const fn selected(&self) -> Database {
        self.selected
    }

    /// Selects another one; gives the one that was.
    pub(crate) const fn select(&mut self, database: Database) -> Database {
        std::mem::replace(&mut self.selected, database)
    }

    /// One of them.
    pub(crate) const fn of(&self, database: Database) -> &Keyspace {
        &self.all[database.place()]
    }

    /// One of them, to be changed.
    pub(crate) const fn of_mut(&mut self, database: Database) -> &mut Keyspace {
        &mut self.all[database.place()]
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Keyspace> {
        self.all.iter()
    }

    /// All of them, in order, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Keyspace> {
        self.all.iter_mut()
    }

    /// Two of them change their numbers.
    pub(crate) fn swap(&mut self, one: Database, other: Database) {
        self.all.swap(one.place(), other.place());
        for database in [one, other] {
            self.of_mut(database).note_all_anew();
        }
    }
}

impl Deref for Databases {
    type Target = Keyspace;

    fn deref(&self) -> &Keyspace {
        self.of(self.selected)
    }
}

impl DerefMut for Databases {
    fn deref_mut(&mut self) -> &mut Keyspace {
        self.of_mut(self.selected)
    }
}
