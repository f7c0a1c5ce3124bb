//! Pipes and sockets, ready to become an [`Fd`](super::Fd).

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

/// Where to listen or connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// TCP on 127.0.0.1. To listen at port 0 is to let the kernel choose one.
    Loopback(u16),
    /// A path, of at most 107 bytes.
    Unix(PathBuf),
}

/// An address as the kernel wants it.
#[derive(Clone, Copy)]
pub(super) struct Encoded {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

/// A pipe: the end to read from, the end to write to.
pub fn pipe() -> io::Result<[OwnedFd; 2]> {
    let mut fds = [-1; 2];
    // SAFETY: `fds` has room for two.
    check(unsafe { libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })?;
    // SAFETY: just made, and nobody else's.
    Ok(fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }))
}

/// A socket that listens.
pub fn listen(address: &Address) -> io::Result<OwnedFd> {
    match address {
        Address::Loopback(port) => {
            TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, *port)).map(OwnedFd::from)
        }
        Address::Unix(path) => UnixListener::bind(path).map(OwnedFd::from),
    }
}

/// A socket that is yet to be connected, by [`Transfer::connect`](super::Transfer::connect).
pub fn connecting(address: &Address) -> io::Result<OwnedFd> {
    let family = match address {
        Address::Loopback(_) => libc::AF_INET,
        Address::Unix(_) => libc::AF_UNIX,
    };
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: makes a descriptor.
    let fd = check(unsafe { libc::socket(family, kind, 0) })?;
    set_no_delay(fd);
    // SAFETY: just made, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The port of a TCP socket's own side.
pub fn local_port(fd: RawFd) -> io::Result<u16> {
    // SAFETY: all zero is an address of no family.
    let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
    let mut len = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `address`.
    check(unsafe { libc::getsockname(fd, (&raw mut address).cast(), &mut len) })?;
    match i32::from(address.sin_family) {
        libc::AF_INET => Ok(u16::from_be(address.sin_port)),
        _ => Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)),
    }
}

impl Encoded {
    pub(super) fn new(address: &Address) -> io::Result<Encoded> {
        match address {
            Address::Loopback(port) => Ok(Encoded::loopback(*port)),
            Address::Unix(path) => Encoded::unix(path.as_os_str().as_bytes()),
        }
    }

    fn loopback(port: u16) -> Encoded {
        let address = libc::sockaddr_in {
            sin_family: libc::AF_INET as libc::sa_family_t,
            sin_port: port.to_be(),
            sin_addr: libc::in_addr {
                s_addr: u32::from(Ipv4Addr::LOCALHOST).to_be(),
            },
            sin_zero: [0; 8],
        };
        let mut encoded = Encoded::empty(mem::size_of_val(&address));
        // SAFETY: the storage is big enough and aligned for addresses of every family.
        unsafe {
            (&raw mut encoded.storage)
                .cast::<libc::sockaddr_in>()
                .write(address)
        };
        encoded
    }

    fn unix(path: &[u8]) -> io::Result<Encoded> {
        let mut address = libc::sockaddr_un {
            sun_family: libc::AF_UNIX as libc::sa_family_t,
            sun_path: [0; 108],
        };
        // One more for the NUL at the end.
        if path.len() >= address.sun_path.len() || path.contains(&0) {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        }
        for (to, from) in address.sun_path.iter_mut().zip(path) {
            *to = *from as libc::c_char;
        }
        let len = mem::offset_of!(libc::sockaddr_un, sun_path) + path.len() + 1;
        let mut encoded = Encoded::empty(len);
        // SAFETY: the storage is big enough and aligned for addresses of every family.
        unsafe {
            (&raw mut encoded.storage)
                .cast::<libc::sockaddr_un>()
                .write(address)
        };
        Ok(encoded)
    }

    fn empty(len: usize) -> Encoded {
        Encoded {
            // SAFETY: all zero is an address of no family.
            storage: unsafe { mem::zeroed() },
            len: len as libc::socklen_t,
        }
    }

    /// Begins to connect.
    pub(super) fn connect(&self, fd: RawFd) -> io::Result<()> {
        // SAFETY: `len` bytes of the storage are the address.
        check(unsafe { libc::connect(fd, (&raw const self.storage).cast(), self.len) }).map(|_| ())
    }
}

/// How a connection has come out: the pending error, if any; otherwise whether there is a peer.
pub(super) fn connected(fd: RawFd) -> io::Result<bool> {
    let mut error: libc::c_int = 0;
    let mut len = mem::size_of_val(&error) as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `error`.
    check(unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_ERROR,
            (&raw mut error).cast(),
            &mut len,
        )
    })?;
    match error {
        0 => Ok(has_peer(fd)),
        libc::EISCONN => Ok(true),
        libc::EINPROGRESS | libc::EALREADY | libc::EINTR => Ok(false),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn has_peer(fd: RawFd) -> bool {
    let mut address = Encoded::empty(mem::size_of::<libc::sockaddr_storage>());
    // SAFETY: the kernel writes at most `len` bytes to the storage.
    let result =
        unsafe { libc::getpeername(fd, (&raw mut address.storage).cast(), &mut address.len) };
    result == 0
}

/// The next connection, non-blocking.
pub(super) fn accept(fd: RawFd) -> io::Result<OwnedFd> {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no address is asked for.
    let fd =
        check(unsafe { libc::accept4(fd, std::ptr::null_mut(), std::ptr::null_mut(), flags) })?;
    set_no_delay(fd);
    // SAFETY: just made, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Small writes go out at once, as Go has it; no matter for sockets other than TCP's.
fn set_no_delay(fd: RawFd) {
    let on: libc::c_int = 1;
    let len = mem::size_of_val(&on) as libc::socklen_t;
    // SAFETY: the kernel reads `len` bytes of `on`.
    unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_NODELAY,
            (&raw const on).cast(),
            len,
        )
    };
}

pub(super) fn set_nonblocking(fd: RawFd) -> io::Result<()> {
    // SAFETY: reads and writes flags of a descriptor.
    let flags = check(unsafe { libc::fcntl(fd, libc::F_GETFL) })?;
    if flags & libc::O_NONBLOCK == 0 {
        // SAFETY: as above.
        check(unsafe { libc::fcntl(fd, libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
    }
    Ok(())
}

pub(super) fn is_socket(fd: RawFd) -> io::Result<bool> {
    // SAFETY: all zero is a value like another.
    let mut stat: libc::stat = unsafe { mem::zeroed() };
    // SAFETY: `stat` is writable.
    check(unsafe { libc::fstat(fd, &mut stat) })?;
    Ok(stat.st_mode & libc::S_IFMT == libc::S_IFSOCK)
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
