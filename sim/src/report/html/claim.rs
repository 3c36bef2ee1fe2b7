//! What a run shows, in a line: the title of its page.

use crate::judge::{Verdict, ViolationKind};
use crate::report::words;
use crate::scenario::Outcome;

/// What a run shows: `Two holders of one lock; 2 sold of 1`.
pub fn claim(outcome: &Outcome) -> String {
    let verdict = &outcome.verdict;
    let kinds = verdict.kinds();
    let mut said: Vec<String> = kinds.iter().map(|kind| of_kind(*kind, verdict)).collect();
    if said.is_empty() {
        said.push("nothing went wrong".to_owned());
    }
    if verdict.books.fenced_off > 0 {
        let requests = words::count(verdict.books.fenced_off, "request", "requests");
        said.push(format!("{requests} refused by the store"));
    }
    capitalised(&said.join("; "))
}

fn of_kind(kind: ViolationKind, verdict: &Verdict) -> String {
    let books = &verdict.books;
    match kind {
        ViolationKind::TwoHolders if verdict.max_holders > 2 => {
            format!("{} holders of one lock", verdict.max_holders)
        }
        ViolationKind::TwoHolders => "two holders of one lock".to_owned(),
        ViolationKind::Oversell if books.sold > books.initial => {
            format!("{} sold of {}", books.sold, books.initial)
        }
        ViolationKind::Oversell => "the books do not balance".to_owned(),
        ViolationKind::StaleWrite => "a write of a superseded holder taken".to_owned(),
        ViolationKind::TokenRegression => "a token that is not greater than the last".to_owned(),
        ViolationKind::ForeignRelease => "somebody else's lock removed".to_owned(),
        ViolationKind::StuckLock => "a lock that nobody can take any more".to_owned(),
        ViolationKind::Own(name) => format!("`{name}` broken"),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}
