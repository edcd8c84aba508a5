//! Reads a configuration file into memory, up to `limits.config_bytes`: a wrong path may lead to anything, a device without end
//! included. It does not look at what it read.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The whole file.
///
/// # Errors
/// If it cannot be read, is no text, or is longer than `max` bytes.
pub fn read(path: &Path, max: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::other(format!("longer than {max} bytes (limits.config_bytes)")));
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
        assert_eq!(read(file.path(), 5).unwrap(), "12345");
        let error = read(file.path(), 4).unwrap_err().to_string();
        assert_eq!(error, "longer than 4 bytes (limits.config_bytes)");
        let endless = read(Path::new("/dev/zero"), 4).unwrap_err();
        assert_eq!(endless.to_string(), error);
    }
}
