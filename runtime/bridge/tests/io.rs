//! Goroutines sleep, wait for descriptors, and are woken by deadlines and by closing.

mod common;

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{as_goroutine, ccall, enter, go};
use sched::fd::{self, Address, Error, Fd, Transfer};
use sched::netpoll::Mode;
use sched::timer::{self, Expire, Expiry, StartGoroutine, Timer};
use sched::{GRef, ops};
use stack::Outcome;

const MS: i64 = 1_000_000;

/// Runs `work` on the system stack.
fn on_system_stack<R>(work: impl FnOnce() -> R) -> R {
    extern "C" fn operation<F: FnOnce() -> R, R>(
        work: *mut Option<F>,
        result: *mut Option<R>,
    ) -> Outcome {
        // SAFETY: both are the caller's, who waits.
        unsafe { *result = (*work).take().map(|work| work()) };
        Outcome::done(0)
    }
    fn address<F: FnOnce() -> R, R>(_: &F) -> usize {
        operation::<F, R> as *const () as usize
    }
    let operation = address(&work);
    let (mut work, mut result) = (Some(work), None::<R>);
    enter(
        operation,
        &raw mut work as usize,
        &raw mut result as usize,
        0,
    );
    result.expect("the operation has run")
}

fn sleep(ns: i64) {
    extern "C" fn operation(ns: i64) -> Outcome {
        timer::sleep(GRef::current(), ns)
    }
    enter(operation as *const () as usize, ns as usize, 0, 0);
}

fn drive(mut transfer: Transfer) -> Transfer {
    extern "C" fn advance(transfer: *mut Transfer) -> Outcome {
        // SAFETY: the goroutine waits.
        unsafe { Transfer::advance(transfer, GRef::current()) }
    }
    let step = |transfer: &mut Transfer| enter(advance as *const () as usize, ptr(transfer), 0, 0);
    fd::drive(&mut transfer, step, |transfer| ccall(|| transfer.block()));
    transfer
}

fn ptr<T>(place: &mut T) -> usize {
    std::ptr::from_mut(place) as usize
}

fn result(transfer: Transfer) -> Result<usize, Error> {
    match drive(transfer).result() {
        (done, None) => Ok(done),
        (_, Some(error)) => Err(error),
    }
}

fn read(fd: &Arc<Fd>, bytes: &mut [u8]) -> Result<usize, Error> {
    result(Transfer::read(fd.clone(), bytes))
}

fn read_exact(fd: &Arc<Fd>, bytes: &mut [u8]) {
    let mut done = 0;
    while done < bytes.len() {
        let count = read(fd, &mut bytes[done..]).unwrap();
        assert!(count > 0, "the end, after {done} bytes");
        done += count;
    }
}

fn write(fd: &Arc<Fd>, bytes: &[u8]) -> Result<usize, Error> {
    result(Transfer::write(fd.clone(), bytes))
}

fn close(fd: &Arc<Fd>) -> usize {
    extern "C" fn operation(fd: *const Fd) -> Outcome {
        // SAFETY: the goroutine holds it and waits.
        unsafe { (*fd).close(GRef::current()) }
    }
    enter(
        operation as *const () as usize,
        Arc::as_ptr(fd) as usize,
        0,
        0,
    )
}

fn accept(fd: &Arc<Fd>) -> Arc<Fd> {
    open(
        drive(Transfer::accept(fd.clone()))
            .into_connection()
            .unwrap(),
    )
}

fn connect(address: &Address) -> Arc<Fd> {
    let fd = open(fd::connecting(address).unwrap());
    result(Transfer::connect(fd.clone(), address).unwrap()).unwrap();
    fd
}

fn open(fd: OwnedFd) -> Arc<Fd> {
    on_system_stack(|| Fd::new(fd).unwrap())
}

fn pipe() -> [Arc<Fd>; 2] {
    fd::pipe().unwrap().map(open)
}

fn set_deadline(fd: &Arc<Fd>, mode: Mode, when: Option<i64>) {
    on_system_stack(|| fd.set_deadline(mode, when)).unwrap();
}

/// Waits for goroutines by sleeping.
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        sleep(MS / 10);
        let stuck = start.elapsed() > Duration::from_secs(20);
        assert!(!stuck, "{what}\n{}", sched::dump::goroutines(true));
    }
}

fn wait_for(count: &Arc<AtomicUsize>, value: usize) {
    wait_until("too few are done", || count.load(Ordering::SeqCst) == value);
}

fn counter() -> Arc<AtomicUsize> {
    Arc::default()
}

#[test]
fn sleepers_wake_in_time_and_in_order() {
    as_goroutine(|| {
        let woken = Arc::new(Mutex::new(Vec::new()));
        let start = timer::nanotime();
        for ms in [60, 20, 40, 0, -5] {
            let woken = woken.clone();
            go(move || {
                sleep(ms * MS);
                assert!(timer::nanotime() - start >= ms * MS);
                woken.lock().unwrap().push(ms);
            });
        }
        wait_until("all have slept", || woken.lock().unwrap().len() == 5);
        let woken = woken.lock().unwrap();
        assert_eq!(woken[2..], [20, 40, 60]);
    });
}

#[test]
fn many_sleep_at_once() {
    as_goroutine(|| {
        let done = counter();
        for i in 0..2_000 {
            let done = done.clone();
            go(move || {
                for round in 0..3 {
                    sleep((i * 7 + round * 13) % 50 * MS / 10);
                }
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_for(&done, 2_000);
    });
}

#[test]
fn a_function_is_called_later_by_a_goroutine() {
    static CALLED: AtomicI64 = AtomicI64::new(0);
    extern "C" fn function(add: *mut u8) {
        sleep(MS);
        CALLED.fetch_add(add as i64, Ordering::SeqCst);
    }
    as_goroutine(|| {
        let timer = |add: usize| {
            // SAFETY: the function takes a number.
            let action = unsafe {
                StartGoroutine::new(function, add as *mut u8, ops::StackKind::Guarded(64 << 10))
            };
            Timer::new(action)
        };
        let (once, stopped) = (timer(1), timer(100));
        assert!(!on_system_stack(|| once.reset(timer::after(5 * MS), 0)));
        on_system_stack(|| stopped.reset(timer::after(10_000 * MS), 0));
        assert!(on_system_stack(|| stopped.stop()));
        wait_until("it is called", || CALLED.load(Ordering::SeqCst) == 1);
        assert!(!on_system_stack(|| once.reset(timer::after(5 * MS), 0)));
        wait_until("it is called again", || CALLED.load(Ordering::SeqCst) == 2);
    });
}

/// A timer that is set by a thread that isn't in Go.
#[test]
fn a_foreign_thread_sets_a_timer() {
    struct Flag(Arc<AtomicBool>);
    impl Expire for Flag {
        fn expire(&self, _: Expiry, _: &mut sched::GQueue) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    as_goroutine(|| {
        let expired = Arc::new(AtomicBool::new(false));
        let timer = Timer::new(Flag(expired.clone()));
        std::thread::spawn(move || timer.reset(timer::after(2 * MS), 0));
        wait_until("it expires", || expired.load(Ordering::SeqCst));
    });
}

#[test]
fn a_pipe_carries_everything_in_order() {
    as_goroutine(|| {
        const LEN: usize = 1 << 20;
        let byte = |i: usize| (i * 31 % 251) as u8;
        let [reader, writer] = pipe();
        go(move || {
            let bytes: Vec<u8> = (0..LEN).map(byte).collect();
            assert_eq!(write(&writer, &bytes), Ok(LEN));
            assert_eq!(close(&writer), 0);
        });
        let mut bytes = vec![0; LEN];
        read_exact(&reader, &mut bytes);
        assert!(bytes.iter().enumerate().all(|(i, &b)| b == byte(i)));
        assert_eq!(read(&reader, &mut bytes), Ok(0));
        assert_eq!(close(&reader), 0);
    });
}

/// Rounds of a byte each, through as many pairs of pipes at once as make several batches of events.
#[test]
fn many_wait_at_once() {
    as_goroutine(|| {
        let done = counter();
        for _ in 0..200 {
            let ([there_in, there_out], [back_in, back_out]) = (pipe(), pipe());
            go(move || {
                let mut byte = [0];
                while read(&there_in, &mut byte) == Ok(1) {
                    write(&back_out, &byte).unwrap();
                }
            });
            let done = done.clone();
            go(move || {
                for round in 0..20 {
                    let mut byte = [round];
                    write(&there_out, &byte).unwrap();
                    read_exact(&back_in, &mut byte);
                    assert_eq!(byte, [round]);
                }
                close(&there_out);
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        wait_for(&done, 200);
    });
}

fn echo(address: Address, listener: Arc<Fd>) {
    const CLIENTS: usize = 20;
    let done = counter();
    for client in 0..CLIENTS {
        let (address, done) = (address.clone(), done.clone());
        go(move || {
            let fd = connect(&address);
            let sent = vec![client as u8; 100_000];
            let mut got = vec![0; sent.len()];
            let (writer, bytes) = (fd.clone(), sent.clone());
            go(move || assert_eq!(write(&writer, &bytes), Ok(bytes.len())));
            read_exact(&fd, &mut got);
            assert_eq!(sent, got);
            assert_eq!(close(&fd), 0);
            done.fetch_add(1, Ordering::SeqCst);
        });
    }
    for _ in 0..CLIENTS {
        let connection = accept(&listener);
        go(move || {
            let mut bytes = vec![0; 8192];
            while let Ok(count @ 1..) = read(&connection, &mut bytes) {
                write(&connection, &bytes[..count]).unwrap();
            }
            close(&connection);
        });
    }
    wait_for(&done, CLIENTS);
    close(&listener);
}

#[test]
fn tcp_echoes() {
    as_goroutine(|| {
        let listener = open(fd::listen(&Address::Loopback(0)).unwrap());
        let port = fd::local_port(listener.raw()).unwrap();
        echo(Address::Loopback(port), listener);
    });
}

#[test]
fn unix_sockets_echo() {
    as_goroutine(|| {
        let path = std::env::temp_dir().join(format!("io-{}.sock", std::process::id()));
        let address = Address::Unix(path.clone());
        echo(address.clone(), open(fd::listen(&address).unwrap()));
        std::fs::remove_file(path).unwrap();
    });
}

#[test]
fn nobody_listens() {
    as_goroutine(|| {
        let listener = open(fd::listen(&Address::Loopback(0)).unwrap());
        let port = fd::local_port(listener.raw()).unwrap();
        close(&listener);
        let address = Address::Loopback(port);
        let fd = open(fd::connecting(&address).unwrap());
        let refused = result(Transfer::connect(fd, &address).unwrap());
        assert_eq!(refused, Err(Error::Os(libc::ECONNREFUSED)));
    });
}

#[test]
fn a_close_wakes_who_waits_and_who_stands_in_line() {
    as_goroutine(|| {
        let [reader, writer] = pipe();
        let failed = counter();
        for _ in 0..3 {
            let (reader, failed) = (reader.clone(), failed.clone());
            go(move || {
                let error = read(&reader, &mut [0]).unwrap_err();
                assert_eq!(error.to_string(), "use of closed file");
                failed.fetch_add(1, Ordering::SeqCst);
            });
        }
        sleep(5 * MS);
        assert_eq!(failed.load(Ordering::SeqCst), 0);
        assert_eq!(close(&reader), 0);
        wait_for(&failed, 3);
        assert_eq!(close(&reader), libc::EBADF as usize);
        assert_eq!(read(&reader, &mut [0]), Err(Error::FileClosing));
        drop(writer);
    });
}

#[test]
fn deadlines_end_waits() {
    as_goroutine(|| {
        let [reader, writer] = pipe();
        let start = timer::nanotime();
        set_deadline(&reader, Mode::Read, Some(start + 10 * MS));
        let error = read(&reader, &mut [0]).unwrap_err();
        assert!(timer::nanotime() - start >= 10 * MS);
        assert_eq!(error.to_string(), "i/o timeout");
        // Also for what would not wait, until there is another deadline.
        write(&writer, b"x").unwrap();
        assert_eq!(read(&reader, &mut [0]), Err(Error::Timeout));
        set_deadline(&reader, Mode::Read, Some(timer::after(60_000 * MS)));
        assert_eq!(read(&reader, &mut [0]), Ok(1));
        // A deadline in the past wakes who waits already.
        let failed = counter();
        let (waiting, count) = (reader.clone(), failed.clone());
        go(move || {
            assert_eq!(read(&waiting, &mut [0]), Err(Error::Timeout));
            count.fetch_add(1, Ordering::SeqCst);
        });
        sleep(5 * MS);
        set_deadline(&reader, Mode::Read, Some(start));
        wait_for(&failed, 1);
        set_deadline(&reader, Mode::Read, None);
        write(&writer, b"y").unwrap();
        assert_eq!(read(&reader, &mut [0]), Ok(1));
    });
}

/// A deadline moves all the time, while data comes just before it would pass.
#[test]
fn deadlines_move() {
    as_goroutine(|| {
        let [reader, writer] = pipe();
        go(move || {
            for _ in 0..50 {
                sleep(MS / 2);
                write(&writer, b"x").unwrap();
            }
        });
        for _ in 0..50 {
            set_deadline(&reader, Mode::Read, Some(timer::after(10_000 * MS)));
            assert_eq!(read(&reader, &mut [0]), Ok(1));
        }
        set_deadline(&reader, Mode::Read, Some(timer::after(MS)));
        sleep(3 * MS);
        assert_eq!(read(&reader, &mut [0]), Err(Error::Timeout));
    });
}

/// What is written by several at once doesn't mix.
#[test]
fn writers_take_turns() {
    as_goroutine(|| {
        const LEN: usize = 150_000;
        let [reader, writer] = pipe();
        for i in 0..4u8 {
            let writer = writer.clone();
            go(move || assert_eq!(write(&writer, &vec![i; LEN]), Ok(LEN)));
        }
        drop(writer);
        let mut runs = HashMap::new();
        for _ in 0..4 {
            let mut bytes = vec![0; LEN];
            read_exact(&reader, &mut bytes);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
            runs.insert(bytes[0], ());
        }
        assert_eq!(runs.len(), 4);
    });
}

#[test]
fn a_reader_that_is_gone_is_an_error_and_no_signal() {
    as_goroutine(|| {
        let listener = open(fd::listen(&Address::Loopback(0)).unwrap());
        let port = fd::local_port(listener.raw()).unwrap();
        let fd = connect(&Address::Loopback(port));
        close(&accept(&listener));
        let mut results = std::iter::repeat_with(|| write(&fd, b"xxxx"));
        let error = results.find_map(Result::err).unwrap();
        assert!(
            matches!(error, Error::Os(libc::EPIPE | libc::ECONNRESET)),
            "{error}"
        );
    });
}

#[test]
fn regular_files_block_their_thread() {
    as_goroutine(|| {
        let path = std::env::temp_dir().join(format!("io-{}.txt", std::process::id()));
        let file = std::fs::File::create(&path).unwrap();
        let writer = open(file.into());
        assert!(!writer.pollable());
        assert_eq!(write(&writer, b"hello"), Ok(5));
        let no = on_system_stack(|| writer.set_deadline(Mode::Read, None)).unwrap_err();
        assert_eq!(no.to_string(), "file type does not support deadline");
        assert_eq!(close(&writer), 0);
        let reader = open(std::fs::File::open(&path).unwrap().into());
        let mut bytes = [0; 16];
        assert_eq!(read(&reader, &mut bytes), Ok(5));
        assert_eq!(bytes[..5], *b"hello");
        assert_eq!(close(&reader), 0);
        std::fs::remove_file(path).unwrap();
    });
}

/// By number, as C knows them; a closed one is unknown.
#[test]
fn numbers_name_descriptors() {
    as_goroutine(|| {
        let [reader, writer] = pipe();
        let number = fd::insert(reader.clone());
        let found = fd::lookup(number).unwrap();
        assert!(Arc::ptr_eq(&found, &reader));
        assert!(fd::remove(number).is_some());
        assert!(fd::lookup(number).is_none());
        assert!(fd::lookup(-1).is_none());
        close(&found);
        close(&writer);
    });
}
