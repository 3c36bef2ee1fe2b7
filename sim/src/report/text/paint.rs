//! Lines of at most so many columns, with colour or without.

use std::borrow::Cow;
use std::fmt::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

/// How wide a page is that nobody asks to be otherwise, in terminal columns, but for lines that are commands.
pub const PAGE_WIDTH: usize = 100;

/// What a paragraph at the end of a page is about, before what it says: ten columns.
pub fn label(text: &str) -> String {
    format!("{text:<10}")
}

/// Writes styled text.
pub struct Painter<'a, W> {
    pub out: &'a mut W,
    pub colour: bool,
    /// No line is wider, in terminal columns.
    pub width: usize,
}

impl<W: Write> Painter<'_, W> {
    pub fn plain(&mut self, text: &str) -> fmt::Result {
        self.out.write_str(text)
    }

    pub fn styled(&mut self, style: Style, text: &str) -> fmt::Result {
        if self.colour && style != Style::new() && !text.trim().is_empty() {
            write!(self.out, "{style}{text}{style:#}")
        } else {
            self.out.write_str(text)
        }
    }

    pub fn end_line(&mut self) -> fmt::Result {
        self.out.write_char('\n')
    }

    /// A paragraph: its first line after `first`, the others after as many blanks.
    pub fn paragraph(&mut self, first: &str, style: Style, text: &str) -> fmt::Result {
        let indent = first.width();
        for (number, line) in wrap(text, self.width.saturating_sub(indent)).iter().enumerate() {
            if number == 0 {
                self.plain(first)?;
            } else {
                write!(self.out, "{:indent$}", "")?;
            }
            self.styled(style, line)?;
            self.end_line()?;
        }
        Ok(())
    }
}

/// Breaks a text into lines of at most so many columns, at blanks where it can. Control characters,
/// which would move the cursor, are replaced.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let clean: String = words.join(" ").chars().map(printable).collect();
    let options = textwrap::Options::new(columns.max(2))
        .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(&clean, options).into_iter().map(Cow::into_owned).collect()
}

pub fn printable(symbol: char) -> char {
    if symbol.is_control() { char::REPLACEMENT_CHARACTER } else { symbol }
}

/// A number in at most four columns: `9999`, `12k`, `18E`.
pub fn short(number: u64) -> String {
    let mut rest = number;
    for unit in ["", "k", "M", "G", "T", "P"] {
        if rest <= 999 || (unit.is_empty() && rest <= 9_999) {
            return format!("{rest}{unit}");
        }
        rest /= 1_000;
    }
    format!("{rest}E")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_or_where_it_must() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\tb\u{1b}[31m", 80), ["a b\u{fffd}[31m"]);
        assert_eq!(wrap("世界世界", 5), ["世界", "世界"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn large_numbers_are_shortened() {
        for (number, text) in [(0, "0"), (9_999, "9999"), (10_000, "10k"), (u64::MAX, "18E")] {
            assert_eq!(short(number), text);
        }
    }
}
