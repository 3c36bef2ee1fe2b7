//! A console: lines come in, answers go out.

use std::io::{ErrorKind, Read, Write};

use mio::event::Source;

/// The longest line, and the most that is kept for somebody who does not read.
const MOST_BYTES: usize = 64 * 1024;

/// What a console is connected by.
pub trait Stream: Read + Write + Source {}

impl<S: Read + Write + Source> Stream for S {}

/// One of them.
pub struct Console {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Console {
    /// A console that nobody has written on.
    pub fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, input: Vec::new(), output: Vec::new() }
    }

    /// What is to be taken off the list of what is waited for.
    pub fn source(&mut self) -> &mut dyn Source {
        &mut self.stream
    }

    /// Reads what there is. False when nothing more will come, or the line is too long.
    pub fn read(&mut self, buffer: &mut [u8]) -> bool {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return false,
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
            if self.input.len() > MOST_BYTES {
                return false;
            }
        }
    }

    /// The lines that are whole.
    pub fn take_lines(&mut self) -> impl Iterator<Item = String> {
        let end = self.input.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.input.drain(..end).collect();
        let lines = whole.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
        let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
        lines.into_iter().filter(|line| !line.is_empty())
    }

    /// Adds a line to what is to be written.
    pub fn say(&mut self, text: &str) {
        self.output.extend_from_slice(text.as_bytes());
        self.output.push(b'\n');
    }

    /// Writes what can be written. False when the console is gone, or does not read.
    pub fn write(&mut self) -> bool {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(0) => return false,
                Ok(count) => {
                    self.output.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.output.len() <= MOST_BYTES
    }
}
