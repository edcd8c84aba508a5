//! Datagrams in batches, for the echo server and for the load: the same system calls as the server's own, and nothing else. It
//! does not look into the datagrams.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::ptr::{from_mut, null_mut};

/// As the server has it.
pub const BATCH: usize = 32;
const SIZE: usize = 4_096;

/// Datagrams with their senders.
pub struct Batch {
    buffers: Box<[[u8; SIZE]; BATCH]>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    name_lengths: [libc::socklen_t; BATCH],
    lengths: [usize; BATCH],
}

impl Batch {
    pub fn new() -> Self {
        // SAFETY: sockaddr_storage is plain bytes, and zeroes are valid.
        let names = Box::new(unsafe { zeroed::<[libc::sockaddr_storage; BATCH]>() });
        Self { buffers: Box::new([[0; SIZE]; BATCH]), names, name_lengths: [0; BATCH], lengths: [0; BATCH] }
    }

    /// Waits for one datagram and takes what else is there.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        self.lengths = [SIZE; BATCH];
        self.name_lengths = [size_of::<libc::sockaddr_storage>() as libc::socklen_t; BATCH];
        self.with_headers(true, |headers| {
            // SAFETY: the headers point to buffers of self with their true lengths; nothing else touches them meanwhile.
            let count = unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    headers.as_mut_ptr(),
                    BATCH as libc::c_uint,
                    libc::MSG_WAITFORONE,
                    null_mut(),
                )
            };
            usize::try_from(count).map_err(|_| io::Error::last_os_error())
        })
    }

    /// Sends the first `count`: back to their senders, or to where the socket is connected. Gives how many left.
    pub fn send(&mut self, socket: &UdpSocket, count: usize, back: bool) -> io::Result<usize> {
        self.with_headers(back, |headers| {
            // SAFETY: as above, and `count` is at most their number.
            let sent = unsafe {
                libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count.min(BATCH) as libc::c_uint, 0)
            };
            usize::try_from(sent).map_err(|_| io::Error::last_os_error())
        })
    }

    pub fn datagram(&mut self, number: usize) -> &mut [u8] {
        &mut self.buffers[number][..self.lengths[number]]
    }

    pub fn put(&mut self, number: usize, bytes: &[u8]) {
        self.lengths[number] = bytes.len();
        self.buffers[number][..bytes.len()].copy_from_slice(bytes);
    }

    fn with_headers(
        &mut self,
        named: bool,
        call: impl FnOnce(&mut [libc::mmsghdr; BATCH]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        // SAFETY: iovec and mmsghdr are plain data for which zeroes are valid.
        let (mut vectors, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { zeroed() };
        for (number, (header, vector)) in headers.iter_mut().zip(&mut vectors).enumerate() {
            vector.iov_base = self.buffers[number].as_mut_ptr().cast();
            vector.iov_len = self.lengths[number];
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            if named {
                header.msg_hdr.msg_name = from_mut(&mut self.names[number]).cast();
                header.msg_hdr.msg_namelen = self.name_lengths[number];
            }
        }
        let result = call(&mut headers)?;
        for (number, header) in headers.iter().enumerate().take(result) {
            self.lengths[number] = header.msg_len as usize;
            self.name_lengths[number] = header.msg_hdr.msg_namelen;
        }
        Ok(result)
    }
}
