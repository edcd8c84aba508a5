//! What the standard library has no words for: cores, signals to a process that we started, and sockets that are ready. Each is one
//! system call.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

/// The cores that this thread may run on.
pub fn cores() -> Vec<usize> {
    // SAFETY: a cpu_set_t is plain bits, and the kernel writes at most its size.
    let set = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set);
        set
    };
    // SAFETY: every number is below the size of the set.
    (0..libc::CPU_SETSIZE as usize).filter(|core| unsafe { libc::CPU_ISSET(*core, &set) }).collect()
}

/// Keeps this thread, and those that it starts, on one core.
pub fn pin(core: usize) -> io::Result<()> {
    // SAFETY: as above.
    let result = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The program will run on this core, in a group of its own, and not longer than the thread that starts it.
pub fn confine(command: &mut Command, core: usize) {
    command.process_group(0);
    // SAFETY: between fork and exec only two system calls are made, which need no lock and no memory.
    unsafe {
        command.pre_exec(move || {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            pin(core)
        });
    }
}

/// Ends a child with all that it started.
pub fn end(child: &mut Child) {
    // SAFETY: the group is the child's own, and the child has not been waited for, so the number is still its own.
    unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) };
    let _ = child.wait();
}

/// Sockets that can be looked at together.
pub struct Poll(Vec<libc::pollfd>);

impl Poll {
    pub fn new<'s, S: AsRawFd + 's>(sockets: impl IntoIterator<Item = &'s S>) -> Self {
        let of = |fd: RawFd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        Self(sockets.into_iter().map(|socket| of(socket.as_raw_fd())).collect())
    }

    /// Waits until one of them can be read, and gives how many can.
    pub fn wait(&mut self, patience: Duration) -> usize {
        let millis = libc::c_int::try_from(patience.as_millis()).unwrap_or(libc::c_int::MAX);
        // SAFETY: the pointer is to that many entries.
        let ready = unsafe { libc::poll(self.0.as_mut_ptr(), self.0.len() as libc::nfds_t, millis) };
        usize::try_from(ready).unwrap_or(0)
    }

    pub fn is_ready(&self, number: usize) -> bool {
        self.0[number].revents != 0
    }
}
