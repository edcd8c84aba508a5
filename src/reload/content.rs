//! What a path holds, as a number to compare: the octets of a file, or of the files in a folder. Symlinks are followed, since
//! a ConfigMap is made of them.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::path::Path;

/// Equal contents are equal; nothing there is a content too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Missing,
    Unreadable,
    File(u64),
    Folder(u64),
}

impl Content {
    pub(super) fn of(path: &Path) -> Self {
        let read = || -> io::Result<Self> {
            if path.is_dir() {
                let mut files: Vec<_> = path.read_dir()?.collect::<Result<_, _>>()?;
                files.sort_by_key(std::fs::DirEntry::file_name);
                let mut hasher = DefaultHasher::new();
                // Only files: the folders of a ConfigMap hold the same files once more.
                for file in files.iter().filter(|file| file.path().is_file()) {
                    file.file_name().hash(&mut hasher);
                    // A file that was deleted just now, or may not be read, is one like any other; its time will come.
                    hash_file(&file.path()).ok().hash(&mut hasher);
                }
                return Ok(Self::Folder(hasher.finish()));
            }
            hash_file(path).map(Self::File)
        };
        read().unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable,
        })
    }
}

fn hash_file(path: &Path) -> io::Result<u64> {
    if !path.metadata()?.is_file() {
        // A pipe or a device might never end.
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut file = File::open(path)?;
    let mut hasher = DefaultHasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            len => hasher.write(&buffer[..len]),
        }
    }
}
