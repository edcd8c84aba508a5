//! Datagrams in batches on Linux: `recvmmsg` and `sendmmsg`, with the local address of each (`IP_PKTINFO`). This is the one
//! file with `unsafe` code, because no safe wrapper gives every datagram of a batch its own control message. It knows sockets
//! and buffers; it must not know DNS.
#![allow(unsafe_code)]
// The lengths of control messages have other types with musl.
#![allow(clippy::unnecessary_cast)]

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr::{from_mut, from_ref, null_mut};
use std::sync::Arc;

use super::datagrams::{BATCH, Datagrams, LocalAddr, Outgoing, RECEIVE_BYTES, Sent, Slot};
use crate::wire::MAX_UDP_PAYLOAD;

/// The accumulator as a result, in the kernel's `linux/bpf_common.h`; libc has no name for it.
const BPF_A: u32 = 0x10;
/// Room for the larger of the two control messages: a header and an `in6_pktinfo`, aligned.
const CONTROL: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// One batch of datagrams and the replies to them.
pub(super) struct Batch {
    socket: Arc<UdpSocket>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    controls: Box<[Control; BATCH]>,
    lengths: [Received; BATCH],
    replies: [usize; BATCH],
    input: Box<[u8]>,
    output: Box<[u8]>,
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Received {
    bytes: usize,
    name: libc::socklen_t,
    control: usize,
}

/// Prepares a socket: local addresses are reported if it is bound to a wildcard, and replies are never fragmented on the way
/// nor shortened by a forged path MTU (RFC 9715 3.1).
pub(super) fn prepare(socket: &UdpSocket) -> io::Result<()> {
    let local = socket.local_addr()?;
    let wildcard = local.ip().is_unspecified();
    if local.is_ipv4() {
        set_option(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT)?;
        if wildcard {
            set_option(socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?;
        }
    } else {
        set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT)?;
        if wildcard {
            set_option(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        }
    }
    Ok(())
}

/// Deals the datagrams of a group of this many sockets out at random, whoever sends them. The kernel's own choice is by the
/// sender's address and port, and a few clients that keep their ports may all be one worker's.
pub(super) fn deal(socket: &UdpSocket, sockets: u32) -> io::Result<()> {
    let step = |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, (libc::SKF_AD_OFF + libc::SKF_AD_RANDOM) as u32),
        step(libc::BPF_ALU | libc::BPF_MOD | libc::BPF_K, sockets.max(1)),
        // The number of a socket; one that is gone by now leaves the choice to the kernel.
        step(libc::BPF_RET | BPF_A, 0),
    ];
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF, program)
}

/// `T` is what the kernel expects for that name.
fn set_option<T>(socket: &UdpSocket, level: libc::c_int, name: libc::c_int, value: T) -> io::Result<()> {
    // SAFETY: the pointer is to a value that lives through the call, with its own size; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), level, name, from_ref(&value).cast(), size_of::<T>() as libc::socklen_t)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Batch {
    pub(super) fn new(socket: Arc<UdpSocket>) -> Self {
        // SAFETY: sockaddr_storage is plain bytes, and all zeroes is AF_UNSPEC.
        let names = Box::new(unsafe { zeroed::<[libc::sockaddr_storage; BATCH]>() });
        Self {
            socket,
            names,
            controls: Box::new([Control([0; CONTROL]); BATCH]),
            lengths: [Received::default(); BATCH],
            replies: [0; BATCH],
            input: vec![0; BATCH * RECEIVE_BYTES].into(),
            output: vec![0; BATCH * MAX_UDP_PAYLOAD].into(),
            count: 0,
        }
    }
}

impl Datagrams for Batch {
    fn receive(&mut self) -> io::Result<usize> {
        // SAFETY: iovec and mmsghdr are plain data for which zeroes are valid.
        let (mut vectors, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { zeroed() };
        let inputs = self.input.chunks_exact_mut(RECEIVE_BYTES);
        let parts = headers.iter_mut().zip(&mut vectors).zip(inputs).zip(&mut *self.names).zip(&mut *self.controls);
        for ((((header, vector), input), name), control) in parts {
            vector.iov_base = input.as_mut_ptr().cast();
            vector.iov_len = input.len();
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = from_mut(name).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = CONTROL as _;
        }
        self.count = 0;
        // SAFETY: every header points to buffers of self, with their true lengths, that nothing else touches meanwhile.
        let count = unsafe {
            libc::recvmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_WAITFORONE,
                null_mut(),
            )
        };
        self.count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (length, header) in self.lengths.iter_mut().zip(&headers).take(self.count) {
            // A datagram that is longer than the buffer is no question that we answer.
            let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0;
            *length = Received {
                bytes: if whole { header.msg_len as usize } else { 0 },
                name: header.msg_hdr.msg_namelen,
                control: (header.msg_hdr.msg_controllen as usize).min(CONTROL),
            };
        }
        self.replies = [0; BATCH];
        Ok(self.count)
    }

    fn slot(&mut self, number: usize) -> Slot<'_> {
        let length = self.lengths[number];
        let input = number * RECEIVE_BYTES;
        Slot {
            message: &self.input[input..input + length.bytes],
            from: socket_addr(&self.names[number]),
            local: read_local(&self.controls[number].0[..length.control]),
            reply: &mut self.output[number * MAX_UDP_PAYLOAD..(number + 1) * MAX_UDP_PAYLOAD],
            reply_len: &mut self.replies[number],
        }
    }

    fn send(&mut self) -> Sent {
        // SAFETY: iovec and mmsghdr are plain data for which zeroes are valid.
        let (mut vectors, mut headers): ([libc::iovec; BATCH], [libc::mmsghdr; BATCH]) = unsafe { zeroed() };
        let mut count = 0;
        for number in (0..self.count).filter(|number| self.replies[*number] > 0) {
            let received = self.lengths[number];
            let output = number * MAX_UDP_PAYLOAD;
            vectors[count].iov_base = self.output[output..].as_mut_ptr().cast();
            vectors[count].iov_len = self.replies[number];
            let header = &mut headers[count].msg_hdr;
            header.msg_iov = &raw mut vectors[count];
            header.msg_iovlen = 1;
            header.msg_name = from_mut(&mut self.names[number]).cast();
            header.msg_namelen = received.name;
            let local = read_local(&self.controls[number].0[..received.control]);
            let len = write_local(&mut self.controls[number], local);
            if len > 0 {
                header.msg_control = self.controls[number].0.as_mut_ptr().cast();
                header.msg_controllen = len as _;
            }
            count += 1;
        }
        send_headers(&self.socket, &mut headers[..count])
    }
}

/// Sends datagrams from the local addresses that they name, without waiting for room in the socket's buffer; `N` of them with one
/// system call.
pub(super) fn send_some<const N: usize>(socket: &UdpSocket, datagrams: &[Outgoing<'_>]) -> Sent {
    let mut all = Sent::default();
    for datagrams in datagrams.chunks(N) {
        // SAFETY: iovec, mmsghdr and sockaddr_storage are plain data for which zeroes are valid.
        let (mut vectors, mut headers): ([libc::iovec; N], [libc::mmsghdr; N]) = unsafe { zeroed() };
        // SAFETY: as above.
        let mut names: [libc::sockaddr_storage; N] = unsafe { zeroed() };
        let mut controls = [Control([0; CONTROL]); N];
        let parts = headers.iter_mut().zip(&mut vectors).zip(&mut names).zip(&mut controls);
        for ((((header, vector), name), control), datagram) in parts.zip(datagrams) {
            vector.iov_base = datagram.bytes.as_ptr().cast_mut().cast();
            vector.iov_len = datagram.bytes.len();
            let header = &mut header.msg_hdr;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            (*name, header.msg_namelen) = libc_addr(datagram.to);
            header.msg_name = from_mut(name).cast();
            let len = write_local(control, datagram.from);
            if len > 0 {
                header.msg_control = control.0.as_mut_ptr().cast();
                header.msg_controllen = len as _;
            }
        }
        let sent = send_headers(socket, &mut headers[..datagrams.len()]);
        all = Sent { sent: all.sent + sent.sent, dropped: all.dropped + sent.dropped };
    }
    all
}

/// Sends what these headers point to. Those that cannot be sent are given up.
fn send_headers(socket: &UdpSocket, headers: &mut [libc::mmsghdr]) -> Sent {
    let mut sent = Sent::default();
    let mut next = 0;
    // Each round either sends something or gives one reply up, so this ends.
    while next < headers.len() {
        let left = &mut headers[next..];
        // SAFETY: every header points to buffers of the caller, with their true lengths; the kernel only reads these.
        let done = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), left.as_mut_ptr(), left.len() as libc::c_uint, libc::MSG_DONTWAIT)
        };
        match usize::try_from(done) {
            Ok(done) if done > 0 => {
                sent.sent += done;
                next += done;
            }
            _ => {
                sent.dropped += 1;
                next += 1;
            }
        }
    }
    sent
}

/// The address in a control message, if the socket reports one.
fn read_local(control: &[u8]) -> LocalAddr {
    let head = size_of::<libc::cmsghdr>();
    if control.len() < head {
        return LocalAddr::default();
    }
    // SAFETY: there are enough bytes for a cmsghdr, which is plain data; it is read unaligned.
    let header: libc::cmsghdr = unsafe { control.as_ptr().cast::<libc::cmsghdr>().read_unaligned() };
    let data = &control[head..(header.cmsg_len as usize).clamp(head, control.len())];
    match (header.cmsg_level, header.cmsg_type) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) if data.len() >= size_of::<libc::in_pktinfo>() => {
            // SAFETY: there are enough bytes for an in_pktinfo, which is plain data.
            let info: libc::in_pktinfo = unsafe { data.as_ptr().cast::<libc::in_pktinfo>().read_unaligned() };
            let address = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
            LocalAddr { address: Some(address.into()), interface: 0 }
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if data.len() >= size_of::<libc::in6_pktinfo>() => {
            // SAFETY: there are enough bytes for an in6_pktinfo, which is plain data.
            let info: libc::in6_pktinfo = unsafe { data.as_ptr().cast::<libc::in6_pktinfo>().read_unaligned() };
            let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
            // A link-local address means nothing without its interface.
            let interface = if address.is_unicast_link_local() { info.ipi6_ifindex } else { 0 };
            LocalAddr { address: Some(address.into()), interface }
        }
        _ => LocalAddr::default(),
    }
}

/// Writes the control message that sends from this address, and gives its length; 0 if there is none to name.
fn write_local(control: &mut Control, local: LocalAddr) -> usize {
    match local.address {
        None => 0,
        Some(IpAddr::V4(address)) => {
            let info = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr { s_addr: u32::from(address).to_be() },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            write_control(control, libc::IPPROTO_IP, libc::IP_PKTINFO, info)
        }
        Some(IpAddr::V6(address)) => {
            let info = libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: address.octets() },
                ipi6_ifindex: local.interface,
            };
            write_control(control, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info)
        }
    }
}

/// Writes one control message. `T` is one of the two plain structs above, which fit.
fn write_control<T: Copy>(control: &mut Control, level: libc::c_int, kind: libc::c_int, info: T) -> usize {
    let head = size_of::<libc::cmsghdr>();
    let len = head + size_of::<T>();
    assert!(len <= CONTROL, "both control messages fit");
    // SAFETY: cmsghdr is plain data for which zeroes are valid.
    let mut header: libc::cmsghdr = unsafe { zeroed() };
    header.cmsg_len = len as _;
    header.cmsg_level = level;
    header.cmsg_type = kind;
    let base = control.0.as_mut_ptr();
    // SAFETY: `len` bytes are inside the buffer (asserted), written unaligned; both types are plain data.
    unsafe {
        base.cast::<libc::cmsghdr>().write_unaligned(header);
        base.add(head).cast::<T>().write_unaligned(info);
        libc::CMSG_SPACE(size_of::<T>() as libc::c_uint) as usize
    }
}

fn socket_addr(storage: &libc::sockaddr_storage) -> SocketAddr {
    let base = from_ref(storage);
    if libc::c_int::from(storage.ss_family) == libc::AF_INET6 {
        // SAFETY: the family says that a sockaddr_in6 stands here, and the storage is larger than one.
        let found: libc::sockaddr_in6 = unsafe { base.cast::<libc::sockaddr_in6>().read() };
        let address = Ipv6Addr::from(found.sin6_addr.s6_addr);
        return SocketAddrV6::new(address, u16::from_be(found.sin6_port), 0, found.sin6_scope_id).into();
    }
    // SAFETY: a UDP socket of the other family gives a sockaddr_in, and the storage is larger than one.
    let found: libc::sockaddr_in = unsafe { base.cast::<libc::sockaddr_in>().read() };
    SocketAddrV4::new(Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr)), u16::from_be(found.sin_port)).into()
}

fn libc_addr(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    // SAFETY: the sockaddr structs are plain data for which zeroes are valid, and the storage is larger than either.
    unsafe {
        let mut storage: libc::sockaddr_storage = zeroed();
        let base = from_mut(&mut storage);
        let len = match address {
            SocketAddr::V4(v4) => {
                let mut to: libc::sockaddr_in = zeroed();
                to.sin_family = libc::AF_INET as libc::sa_family_t;
                to.sin_port = v4.port().to_be();
                to.sin_addr.s_addr = u32::from(*v4.ip()).to_be();
                base.cast::<libc::sockaddr_in>().write(to);
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                let mut to: libc::sockaddr_in6 = zeroed();
                to.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                to.sin6_port = v6.port().to_be();
                to.sin6_addr.s6_addr = v6.ip().octets();
                to.sin6_scope_id = v6.scope_id();
                base.cast::<libc::sockaddr_in6>().write(to);
                size_of::<libc::sockaddr_in6>()
            }
        };
        (storage, len as libc::socklen_t)
    }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn one_client_is_served_by_all_sockets_of_a_group() {
        let bind = |address: SocketAddr| -> UdpSocket {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
            socket.set_reuse_port(true).unwrap();
            socket.bind(&address.into()).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket.into()
        };
        let first = bind("127.0.0.1:0".parse().unwrap());
        let address = first.local_addr().unwrap();
        let group = [first, bind(address), bind(address)];
        deal(&group[0], 3).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        for number in 0..200u8 {
            assert_eq!(client.send_to(&[number], address).unwrap(), 1);
        }
        // On loopback a datagram is there when the call that sent it is over.
        let counts = group.each_ref().map(|socket| std::iter::from_fn(|| socket.recv(&mut [0; 8]).ok()).count());
        assert_eq!(counts.iter().sum::<usize>(), 200);
        assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
    }
}
