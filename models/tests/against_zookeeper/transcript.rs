//! A file of cases, played and written down anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::play::{Play, Side};

/// One file.
pub struct Transcript {
    pub name: String,
    pub path: PathBuf,
    pub servers: u16,
    pub tick_ms: u64,
    head: String,
    pub cases: Vec<Case>,
}

/// One case.
pub struct Case {
    pub title: String,
    /// The line that it begins on.
    pub line: usize,
    /// Steps and answers, as they stand there.
    pub lines: Vec<String>,
}

/// Where the files lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/transcripts/zookeeper")
}

impl Transcript {
    /// All files, in the order of their names.
    pub fn all() -> Vec<Self> {
        let entries = std::fs::read_dir(folder()).expect("the folder is there");
        let mut paths: Vec<PathBuf> =
            entries.map(|entry| entry.expect("can be read").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|it| it == "transcript"));
        paths.sort();
        paths.into_iter().map(Self::read).collect()
    }

    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).expect("is text");
        let name = path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let mut read =
            Self { name, path, servers: 1, tick_ms: 2000, head: String::new(), cases: Vec::new() };
        for (place, line) in text.lines().enumerate() {
            if let Some(title) = line.strip_prefix("== ") {
                let (title, lines) = (title.to_owned(), Vec::new());
                read.cases.push(Case { title, line: place + 1, lines });
            } else if let Some(case) = read.cases.last_mut() {
                if !line.is_empty() {
                    case.lines.push(line.to_owned());
                }
            } else {
                let _ = writeln!(read.head, "{line}");
                match line.split_once(' ') {
                    Some(("servers", number)) => read.servers = number.parse().expect("a number"),
                    Some(("tick", ms)) => read.tick_ms = ms.parse().expect("milliseconds"),
                    _ => {}
                }
            }
        }
        read
    }

    /// What this side answers, case by case.
    pub fn play(&self, side: &mut dyn Side) -> Vec<Vec<String>> {
        self.cases.iter().map(|case| case.play(side)).collect()
    }

    /// The file with these answers in it.
    pub fn written(&self, played: &[Vec<String>]) -> String {
        let mut text = self.head.clone();
        for (place, (case, lines)) in self.cases.iter().zip(played).enumerate() {
            let gap = if place > 0 { "\n" } else { "" };
            let _ = writeln!(text, "{gap}== {}\n{}", case.title, lines.join("\n"));
        }
        text
    }
}

impl Case {
    fn play(&self, side: &mut dyn Side) -> Vec<String> {
        let mut play = Play::begin(side);
        let mut out = Vec::new();
        let steps = self.lines.iter().filter(|line| !line.starts_with(' '));
        for step in steps {
            out.push(step.clone());
            out.extend(play.step(step).into_iter().map(|line| format!("  {line}")));
        }
        for (step, lines) in play.end() {
            out.push(step);
            out.extend(lines.into_iter().map(|line| format!("  {line}")));
        }
        out
    }

    /// The first line in which an outcome is not the recorded one.
    pub fn difference(&self, of: &Transcript, played: &[String]) -> Option<String> {
        let length = self.lines.len().max(played.len());
        let line =
            |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or("(nothing more)".into());
        let at = (0..length).find(|at| self.lines.get(*at) != played.get(*at))?;
        let step = played[..at.min(played.len())].iter().rev().find(|line| !line.starts_with(' '));
        Some(format!(
            "tests/transcripts/zookeeper/{}.transcript:{}: {}: {}\n  expected {}\n  given    {}",
            of.name,
            self.line + at + 1,
            self.title,
            step.map_or("", String::as_str),
            line(&self.lines, at).trim(),
            line(played, at).trim(),
        ))
    }
}
