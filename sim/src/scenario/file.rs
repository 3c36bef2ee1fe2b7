//! Scenario files: bytes from a path, checked before anything looks at what they say.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::Scenario;
use super::diagnostic::ScenarioError;

/// No scenario is longer: one with a thousand faults takes a tenth of it.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

impl Scenario {
    /// Reads a scenario file.
    ///
    /// # Errors
    ///
    /// The file is not there, is not a file, is larger than [`MAX_FILE_BYTES`], is not UTF-8, or
    /// is not a scenario; with everything that is wrong with it.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = Self::read_text(path)?;
        Ok(Self::from_toml(&path.display().to_string(), &text)?)
    }

    /// Reads the text of a scenario file, whatever it says.
    ///
    /// # Errors
    ///
    /// The file is not there, is not a file, is larger than [`MAX_FILE_BYTES`], or is not UTF-8.
    pub fn read_text(path: &Path) -> Result<String, ScenarioError> {
        let unreadable = |reason: String, help: &str| ScenarioError::Unreadable {
            path: path.to_owned(),
            reason,
            help: help.to_owned(),
        };
        let bytes = read_bounded(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                unreadable("there is no such file".to_owned(), "check the path")
            }
            io::ErrorKind::IsADirectory => unreadable(
                "it is a directory".to_owned(),
                "name one scenario file, such as `flash-sale.toml`",
            ),
            io::ErrorKind::FileTooLarge => unreadable(
                format!("it is larger than {MAX_FILE_BYTES} bytes (1 MiB)"),
                "a scenario is a few dozen lines of TOML: is this another file?",
            ),
            _ => unreadable(error.to_string(), "check that you may read it"),
        })?;
        String::from_utf8(bytes).map_err(|error| {
            let valid_up_to = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..valid_up_to].iter().filter(|b| **b == b'\n').count() + 1;
            unreadable(
                format!("it is not UTF-8: line {line}, byte offset {valid_up_to}"),
                "save it as UTF-8",
            )
        })
    }
}

/// The bytes of a file, of which no more than the bound are ever held: a size that is asked for
/// first says nothing about a pipe or a device.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
