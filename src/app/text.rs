//! Reads a file into memory, up to a limit: a wrong path may lead to anything, a device without end
//! included. It does not look at what it read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::limits::Limits;

/// A configuration or a peer table.
///
/// # Errors
/// If it cannot be read, is no text, or is longer than `limits.config_bytes`.
pub fn config(path: &Path, limits: &Limits) -> io::Result<String> {
    read(path, limits.config_bytes, "limits.config_bytes")
}

/// The whole file.
///
/// # Errors
/// If it cannot be read, is no text, or is longer than `max` bytes, which is what `limit` says in the configuration.
pub fn read(path: &Path, max: u64, limit: &str) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("longer than {max} bytes ({limit})")));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_the_limit() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        assert_eq!(read(file.path(), 5, "limits.x").unwrap(), "12345");
        let error = read(file.path(), 4, "limits.x").unwrap_err().to_string();
        assert_eq!(error, "longer than 4 bytes (limits.x)");
        let endless = read(Path::new("/dev/zero"), 4, "limits.x").unwrap_err();
        assert_eq!(endless.to_string(), error);
    }
}
