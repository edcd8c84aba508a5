//! A listener that is a socket in the file system, for our own user alone: nobody else may open it, at no moment. It serves nothing.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use super::bind::BindError;

/// Read and write for the owner.
const OWN_USER: u32 = 0o600;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// The listener; its file goes with it.
#[derive(Debug)]
pub struct UnixDoor {
    listener: UnixListener,
    /// Whose file it is that we made: another instance may have put its own there since.
    inode: u64,
    path: PathBuf,
}

impl UnixDoor {
    /// Binds the path. A socket that was left there by a process that is no more is put away.
    ///
    /// # Errors
    /// If somebody listens there, or the file cannot be made.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        make(path).map_err(|error| BindError::Unix { path: path.to_owned(), why: why(&error) })
    }

    /// One more handle of the listener, which does not block.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.set_nonblocking(true)?;
        self.listener.try_clone()
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for UnixDoor {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            // What cannot be put away is put away by who comes next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn make(path: &Path) -> io::Result<UnixDoor> {
    make_room(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Before it listens: until then nobody is let in, whatever the umask gave away.
    fs::set_permissions(path, Permissions::from_mode(OWN_USER))?;
    socket.listen(BACKLOG)?;
    let inode = fs::symlink_metadata(path)?.ino();
    Ok(UnixDoor { listener: socket.into(), inode, path: path.to_owned() })
}

/// Puts a socket away that nobody listens on.
fn make_room(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(file) if !file.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
            Err(error) => Err(error),
        },
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there".to_owned(),
        io::ErrorKind::AlreadyExists => "there is a file that is no socket".to_owned(),
        io::ErrorKind::NotFound => "its folder is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "its folder, or the socket that is there, is not ours".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        UnixDoor::bind(path).expect_err("refused").to_string()
    }

    #[test]
    fn only_our_own_user_may_open_it_and_it_goes_with_us() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin.sock");
        let door = UnixDoor::bind(&path).expect("bound");
        assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o600);
        assert!(UnixStream::connect(&path).is_ok());
        assert_eq!(refusal(&path), format!("cannot listen on unix:{}: another process listens there", path.display()));
        drop(door);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_process_left_is_put_away_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin.sock");
        drop(UnixListener::bind(&path).expect("bound"));
        assert!(path.exists(), "as after SIGKILL");
        let door = UnixDoor::bind(&path).expect("the old one is put away");
        fs::remove_file(&path).expect("removed");
        let newer = UnixDoor::bind(&path).expect("bound");
        drop(door);
        assert!(path.exists(), "that of another instance stays");
        drop(newer);
        fs::write(&path, "precious").expect("written");
        assert!(refusal(&path).ends_with("there is a file that is no socket"));
        assert_eq!(fs::read_to_string(&path).expect("still there"), "precious");
        assert!(refusal(&folder.path().join("none/admin.sock")).ends_with("its folder is not there"));
    }
}
