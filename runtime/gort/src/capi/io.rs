//! Input and output: descriptors by number.
//!
//! A transfer lies on the goroutine's stack, in the frame of the stub, which enters `advance` until that has finished, as `sched::fd::drive` does.

use std::arch::global_asm;
use std::ffi::c_int;
use std::io;
use std::sync::Arc;

use sched::GRef;
use sched::fd::{self, Address, Fd, Step, Transfer};
use stack::{Outcome, errno};

use super::leave_if_asked;

type Begun = Result<Transfer<'static>, fd::Error>;

/// Room for a transfer in a stub's frame.
const ROOM: usize = size_of::<Transfer>().next_multiple_of(16);

// Stubs run on what the stack check leaves over: see `stack::memory::GUARD`.
const _: () = assert!(ROOM <= 256 && align_of::<Transfer>() <= 16);

/// A result below zero.
fn failed(errno: c_int) -> usize {
    -(errno as isize) as usize
}

fn result(result: Result<usize, fd::Error>) -> usize {
    result.unwrap_or_else(|error| failed(error.errno()))
}

fn lookup(number: c_int) -> Result<Arc<Fd>, fd::Error> {
    fd::lookup(number).ok_or(fd::Error::Os(libc::EBADF))
}

/// Makes a descriptor known; its number.
fn adopt(fd: io::Result<std::os::fd::OwnedFd>) -> Result<usize, fd::Error> {
    Ok(fd::insert(Fd::new(fd?)?) as usize)
}

/// Puts a transfer in its place: 0, or what has failed.
///
/// # Safety
/// `place` is a stub's room.
unsafe fn begin(transfer: Begun, place: *mut Transfer<'static>) -> Outcome {
    let value = match transfer {
        // SAFETY: the caller's word.
        Ok(transfer) => unsafe {
            place.write(transfer);
            0
        },
        Err(error) => failed(error.errno()),
    };
    Outcome::done(value)
}

extern "C" fn read(
    number: c_int,
    bytes: *mut u8,
    len: usize,
    place: *mut Transfer<'static>,
) -> Outcome {
    // SAFETY: the caller's memory, until the function returns.
    let transfer = lookup(number).map(|fd| unsafe { Transfer::read_raw(fd, bytes, len) });
    // SAFETY: the stub's room.
    unsafe { begin(transfer, place) }
}

extern "C" fn write(
    number: c_int,
    bytes: *const u8,
    len: usize,
    place: *mut Transfer<'static>,
) -> Outcome {
    // SAFETY: the caller's memory, until the function returns.
    let transfer = lookup(number).map(|fd| unsafe { Transfer::write_raw(fd, bytes, len) });
    // SAFETY: the stub's room.
    unsafe { begin(transfer, place) }
}

extern "C" fn accept(number: c_int, _: usize, _: usize, place: *mut Transfer<'static>) -> Outcome {
    // SAFETY: the stub's room.
    unsafe { begin(lookup(number).map(Transfer::accept), place) }
}

extern "C" fn connect(port: u16, _: usize, _: usize, place: *mut Transfer<'static>) -> Outcome {
    let _errno = errno::keep();
    let address = Address::Loopback(port);
    let transfer = || {
        let number = adopt(fd::connecting(&address))? as c_int;
        Transfer::connect(lookup(number)?, &address)
    };
    // SAFETY: the stub's room.
    unsafe { begin(transfer(), place) }
}

/// Results in a [`Step`].
extern "C" fn advance(place: *mut Transfer<'static>) -> Outcome {
    let _errno = errno::keep();
    // SAFETY: `begin` has put a transfer in the stub's room, and the stub waits.
    unsafe { Transfer::advance(place, GRef::current()) }
}

/// Called as C is.
extern "C" fn block(place: *mut Transfer<'static>) {
    // SAFETY: as above.
    unsafe { (*place).block() };
}

/// Takes the transfer out of its place.
///
/// # Safety
/// It has finished, and is not used afterwards.
unsafe fn take(place: *mut Transfer<'static>) -> Transfer<'static> {
    // SAFETY: the caller's word.
    unsafe { place.read() }
}

extern "C" fn transferred(place: *mut Transfer<'static>) -> Outcome {
    // SAFETY: the stub has seen that it has finished.
    let value = match unsafe { take(place) }.result() {
        (done, None) => done,
        (_, Some(error)) => failed(error.errno()),
    };
    leave_if_asked(Outcome::done(value))
}

extern "C" fn accepted(place: *mut Transfer<'static>) -> Outcome {
    // SAFETY: the stub has seen that it has finished.
    let connection = unsafe { take(place) }.into_connection();
    leave_if_asked(Outcome::done(result(
        connection.and_then(|fd| adopt(Ok(fd))),
    )))
}

extern "C" fn connected(place: *mut Transfer<'static>) -> Outcome {
    // SAFETY: the stub has seen that it has finished.
    let transfer = unsafe { take(place) };
    let number = transfer.fd().raw();
    let value = match transfer.result() {
        (_, None) => number as usize,
        (_, Some(error)) => {
            // Nobody else knows it: it is closed with the last reference.
            fd::remove(number);
            failed(error.errno())
        }
    };
    leave_if_asked(Outcome::done(value))
}

extern "C" fn pipe(fds: *mut [c_int; 2]) -> Outcome {
    let _errno = errno::keep();
    let made = || -> Result<usize, fd::Error> {
        let [from, to] = fd::pipe()?;
        let numbers = [adopt(Ok(from))? as c_int, adopt(Ok(to))? as c_int];
        // SAFETY: the caller's array.
        unsafe { fds.write(numbers) };
        Ok(0)
    };
    Outcome::done(result(made()))
}

extern "C" fn listen(port: u16) -> Outcome {
    let _errno = errno::keep();
    Outcome::done(result(adopt(fd::listen(&Address::Loopback(port)))))
}

extern "C" fn local_port(number: c_int) -> Outcome {
    let _errno = errno::keep();
    let port = || -> Result<usize, fd::Error> {
        let fd = lookup(number)?;
        fd.borrow()?;
        let port = fd::local_port(fd.raw());
        fd.give_back();
        Ok(usize::from(port?))
    };
    Outcome::done(result(port()))
}

/// From now on the number is nobody's. Results in the descriptor that is to be closed, or below zero.
extern "C" fn forget(number: c_int) -> Outcome {
    let value = match fd::remove(number) {
        Some(fd) => Arc::into_raw(fd) as usize,
        None => failed(libc::EBADF),
    };
    Outcome::done(value)
}

/// Results in an errno, or 0.
extern "C" fn close(fd: *const Fd) -> Outcome {
    let _errno = errno::keep();
    // SAFETY: from `forget`, and the stub waits.
    unsafe { &*fd }.close(GRef::current())
}

extern "C" fn closed(fd: *const Fd, errno: c_int) -> Outcome {
    // SAFETY: from `forget`, and used no more.
    drop(unsafe { Arc::from_raw(fd) });
    leave_if_asked(Outcome::done(failed(errno)))
}

operation! {
    "gort_pipe" pipe;
    "gort_listen" listen;
    "gort_local_port" local_port;
}

/// A transfer from beginning to end: rsp is its place.
macro_rules! transfer {
    ($name:literal $begin:path, $end:path) => {
        global_asm!(
            function!(
                $name,
                stack::open_frame!(),
                "sub rsp, {room}",
                "mov rcx, rsp",
                "lea r11, [rip + {begin}]",
                "call gort_enter",
                "test rax, rax",
                "js 4f",
                "2:",
                "mov rdi, rsp",
                "lea r11, [rip + {advance}]",
                "call gort_enter",
                "cmp eax, {finished}",
                "je 3f",
                "cmp eax, {blocks}",
                "jne 2b",
                "mov rdi, rsp",
                "lea r11, [rip + {block}]",
                "call gort_ccall",
                "jmp 2b",
                "3:",
                "mov rdi, rsp",
                "lea r11, [rip + {end}]",
                "call gort_enter",
                "4:",
                "mov rsp, rbp",
                close_frame!(),
                "ret",
            ),
            room = const ROOM,
            begin = sym $begin,
            advance = sym advance,
            finished = const Step::Finished as usize,
            blocks = const Step::Block as usize,
            block = sym block,
            end = sym $end,
        );
    };
}

transfer!("gort_read" read, transferred);
transfer!("gort_write" write, transferred);
transfer!("gort_accept" accept, accepted);
transfer!("gort_connect" connect, connected);

// rbx: the descriptor.
global_asm!(
    function!(
        "gort_close",
        stack::open_frame!(),
        "push rbx",
        ".cfi_offset rbx, -24",
        "lea r11, [rip + {forget}]",
        "call gort_enter",
        "test rax, rax",
        "js 2f",
        "mov rbx, rax",
        "mov rdi, rax",
        "lea r11, [rip + {close}]",
        "call gort_enter",
        "mov rdi, rbx",
        "mov esi, eax",
        "lea r11, [rip + {closed}]",
        "call gort_enter",
        "2:",
        "pop rbx",
        close_frame!(),
        "ret",
    ),
    forget = sym forget,
    close = sym close,
    closed = sym closed,
);
