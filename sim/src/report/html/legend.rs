//! Every sign of the diagram, with what it means.

use maud::{Markup, html};

/// A sample's class, and what it means.
const BARS: [(&str, &str); 14] = [
    (
        "span holds c0",
        "a client believes that it holds the lock; a server's bar is paler: the lock is that client's there",
    ),
    ("span holds doubly c0", "the same, while another client believes so too"),
    ("span waits c0", "waits for the lock"),
    ("span reads", "has read the stock, and is not done with it"),
    ("span paused", "paused"),
    ("span down", "crashed, or without power"),
    ("span cut", "cut off"),
    ("span clock", "a clock that is wrong"),
    ("span owner stranger", "the lock is a stranger's on the server"),
    ("span leads", "a server of an ensemble that leads"),
    ("span follows", "one that follows"),
    ("span looks", "one that looks for a leader"),
    ("span books oversold", "the store has sold more than there was"),
    ("overlap", "two or more hold one lock"),
];

/// A message's class, and what it means.
const MESSAGES: [(&str, &str); 5] = [
    ("message delivered", "a message, from its sending to its delivery"),
    (
        "message delivered hindered",
        "one that was held back (⧖), cut off (⊣), or waited for its receiver",
    ),
    ("message lost", "one that is lost, or never arrives"),
    ("message delivered cause", "what led to the chosen event"),
    ("message delivered effect", "what came of it"),
];

const SIGNS: [(&str, &str); 8] = [
    ("●", "a grant with its token, or a write that the store takes"),
    ("○", "a client knows that it has lost the lock"),
    ("⊘", "refused for its token: the one that came < the highest seen"),
    ("∅", "a key or a session expires"),
    ("×", "a process or its host dies"),
    ("⏱", "a clock is set"),
    ("✖", "a violation"),
    ("1 2 3", "the clients, by whose numbers and colours locks are marked"),
];

/// The legend.
pub fn legend() -> Markup {
    html! {
        details {
            summary { "What the signs mean" }
            ul class="legend" {
                @for (class, meaning) in BARS {
                    li {
                        svg viewBox="0 0 36 16" aria-hidden="true" {
                            g class=(class) { rect x="1" y="3" width="34" height="10" rx="3"; }
                        }
                        (meaning)
                    }
                }
                @for (class, meaning) in MESSAGES {
                    li {
                        svg viewBox="0 0 36 16" aria-hidden="true" {
                            g class=(class) { path d="M2,3 L34,13"; }
                        }
                        (meaning)
                    }
                }
                @for (sign, meaning) in SIGNS { li { b { (sign) } " " (meaning) } }
                li { "the red line above the lanes: how many of the run's other futures violate from there on" }
            }
        }
    }
}
