//! A whole page for a browser around what it shows.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page with a style of its own; `script` follows what it shows, and is empty where none runs.
pub fn page(title: &str, style: &str, body: &Markup, script: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                main { (body) }
                (script)
            }
        }
    };
    page.into_string()
}
