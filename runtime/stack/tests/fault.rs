//! Overflows of real stacks, told by a real handler, each in a process of its own.
#![cfg(target_arch = "x86_64")]

use std::arch::asm;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::mem;
use std::os::fd::FromRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use stack::fault::{self, AltStack, Bounds, Message, Overflow};
use stack::memory::{Cache, Slot, Stack, inject, slot_of};

/// Where the handler writes.
static OUT: AtomicI32 = AtomicI32::new(-1);
const TOLD: i32 = 42;
const SOMETHING_ELSE: i32 = 43;

extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system passes both.
    let (address, sp) = unsafe {
        let context = context.cast::<libc::ucontext_t>();
        (
            (*info).si_addr() as usize,
            (*context).uc_mcontext.gregs[libc::REG_RSP as usize] as usize,
        )
    };
    let overflow = fault::classify(address, sp, BOUNDS.with(|bounds| bounds.get()));
    let mut message = Message::new();
    fault::describe(&overflow, sp, &mut message);
    let text = message.as_bytes();
    // SAFETY: writes a buffer, and leaves.
    unsafe {
        libc::write(
            OUT.load(Ordering::Relaxed),
            text.as_ptr().cast(),
            text.len(),
        );
        libc::_exit(if overflow == Overflow::None {
            SOMETHING_ELSE
        } else {
            TOLD
        });
    }
}

thread_local! {
    static BOUNDS: std::cell::Cell<Option<Bounds>> = const { std::cell::Cell::new(None) };
}

/// The handler, and what it needs on a thread.
fn prepare() -> AltStack {
    BOUNDS.set(fault::thread_bounds());
    // SAFETY: the handler calls nothing that a handler must not.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = on_fault as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &action, ptr::null_mut()), 0);
    }
    AltStack::install().unwrap()
}

/// Held while a process forks, and by those who use stacks in this one: the child needs the locks of their memory.
static FORK: Mutex<()> = Mutex::new(());

/// Runs `body` in a process of its own; returns how that ended and what its handler wrote.
fn forked(body: impl FnOnce()) -> (i32, String) {
    let mut pipe = [0; 2];
    let _alone = FORK.lock();
    // SAFETY: the child has one thread and never returns; no thread which it lacks holds a lock that it takes: see `FORK`.
    unsafe {
        assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        let child = libc::fork();
        if child == 0 {
            OUT.store(pipe[1], Ordering::Relaxed);
            body();
            libc::_exit(0);
        }
        libc::close(pipe[1]);
        let mut text = String::new();
        File::from_raw_fd(pipe[0])
            .read_to_string(&mut text)
            .unwrap();
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &mut status, 0), child);
        assert!(libc::WIFEXITED(status), "status {status:#x}: {text}");
        (libc::WEXITSTATUS(status), text)
    }
}

#[inline(never)]
fn recurse(depth: usize) -> usize {
    let frame = [depth; 40];
    match black_box(&frame)[0] {
        usize::MAX => 0,
        n => recurse(n + 1) + frame[1],
    }
}

extern "C" fn overflow() {
    black_box(recurse(0));
}

/// Calls `function` on another stack.
fn call_on(top: usize, function: extern "C" fn()) {
    // SAFETY: the stack is free, and r12 is kept by what is called.
    unsafe {
        asm!(
            "mov r12, rsp",
            "mov rsp, {top}",
            "call {function}",
            "mov rsp, r12",
            top = in(reg) top,
            function = in(reg) function,
            out("r12") _,
            clobber_abi("C"),
        );
    }
}

fn overflow_guarded(size: usize, plain: bool) -> (i32, String) {
    forked(|| {
        inject::plain_guards(plain);
        let _alt = prepare();
        let mut cache = Cache::new();
        // Neighbours on both sides.
        let stacks: Vec<_> = (0..3)
            .map(|_| Stack::guarded(&mut cache, size).unwrap())
            .collect();
        call_on(stacks[1].first().unwrap().hi, overflow);
    })
}

#[test]
fn a_rust_goroutine_runs_into_its_guard_page() {
    for size in [16 << 10, 256 << 10, 8 << 20] {
        let (code, text) = overflow_guarded(size, false);
        assert_eq!(code, TOLD, "{text}");
        let first = format!(
            "runtime: goroutine stack of {size} bytes overflowed (Rust goroutines' stacks do not grow; "
        );
        assert!(text.starts_with(&first), "{text}");
        assert!(text.contains("\nruntime: sp=0x"), "{text}");
        assert!(text.ends_with("\nfatal error: stack overflow\n"), "{text}");
    }
}

#[test]
fn guard_pages_of_the_old_kind_do_too() {
    let (code, text) = overflow_guarded(64 << 10, true);
    assert_eq!(code, TOLD, "{text}");
    assert!(
        text.contains("goroutine stack of 65536 bytes overflowed"),
        "{text}"
    );
}

#[test]
fn guard_pages_stay_when_memory_goes_back() {
    let (code, text) = forked(|| {
        let _alt = prepare();
        let mut cache = Cache::new();
        let stack = Stack::guarded(&mut cache, 64 << 10).unwrap();
        // SAFETY: nobody runs on it.
        unsafe { stack.release(&mut cache) };
        cache.flush();
        stack::memory::POOL.scavenge();
        let again = Stack::guarded(&mut cache, 64 << 10).unwrap();
        call_on(again.first().unwrap().hi, overflow);
    });
    assert_eq!(code, TOLD, "{text}");
}

extern "C" fn raw_thread(_: *mut libc::c_void) -> *mut libc::c_void {
    let alt = prepare();
    assert!(alt.is_own());
    overflow();
    ptr::null_mut()
}

#[test]
fn c_runs_off_a_thread_of_its_own() {
    let (code, text) = forked(|| {
        // SAFETY: the thread needs nothing.
        unsafe {
            let mut thread = mem::zeroed();
            libc::pthread_create(&mut thread, ptr::null(), raw_thread, ptr::null_mut());
            libc::pthread_join(thread, ptr::null_mut());
        }
    });
    assert_eq!(code, TOLD, "{text}");
    assert!(
        text.starts_with("runtime: C stack overflow on thread "),
        "{text}"
    );
    assert!(text.ends_with("\nfatal error: stack overflow\n"), "{text}");
}

/// Says to this program that it is to overflow its main thread's stack, on which no test ever runs.
const ON_MAIN_THREAD: &str = "OVERFLOW_ON_MAIN_THREAD";

extern "C" fn before_main() {
    if std::env::var_os(ON_MAIN_THREAD).is_some() {
        OUT.store(2, Ordering::Relaxed);
        let alt = prepare();
        assert!(alt.is_own());
        overflow();
    }
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

#[test]
fn c_runs_off_the_main_thread() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.env(ON_MAIN_THREAD, "");
    // SAFETY: what runs in the child before it becomes the program is one system call.
    unsafe {
        child.pre_exec(|| {
            let limit = libc::rlimit {
                rlim_cur: 1 << 20,
                rlim_max: 1 << 20,
            };
            libc::setrlimit(libc::RLIMIT_STACK, &limit);
            Ok(())
        })
    };
    let output = child.output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(TOLD), "{text}");
    assert!(
        text.starts_with("runtime: C stack overflow on thread "),
        "{text}"
    );
}

extern "C" fn wild() {
    // SAFETY: none: the handler ends the process.
    unsafe { ptr::read_volatile(black_box(8_usize) as *const usize) };
}

#[test]
fn other_faults_are_none() {
    let (code, text) = forked(|| {
        let _alt = prepare();
        wild();
    });
    assert_eq!((code, text.as_str()), (SOMETHING_ELSE, ""));
    let (code, _) = forked(|| {
        let _alt = prepare();
        let stack = Stack::guarded(&mut Cache::new(), 0).unwrap();
        call_on(stack.first().unwrap().hi, wild);
    });
    assert_eq!(code, SOMETHING_ELSE);
}

#[test]
fn both_address_and_stack_pointer_must_speak_for_it() {
    let _alone = FORK.lock();
    let mut cache = Cache::new();
    let stacks = [0, 1].map(|_| Stack::guarded(&mut cache, 64 << 10).unwrap());
    let [a, b]: [Slot; 2] = [0, 1].map(|n: usize| slot_of(stacks[n].first().unwrap().lo).unwrap());
    let system = Bounds {
        lo: 1 << 40,
        hi: (1 << 40) + (8 << 20),
    };
    let classify = |address, sp| fault::classify(address, sp, Some(system));
    assert_eq!(classify(a.guard, a.lo), Overflow::GoroutineGuard(a));
    assert_eq!(classify(a.lo - 1, a.guard + 8), Overflow::GoroutineGuard(a));
    assert_eq!(
        classify(a.lo, a.lo),
        Overflow::None,
        "not in the guard page"
    );
    assert_eq!(
        classify(a.guard, b.lo),
        Overflow::None,
        "another's guard page"
    );
    assert_eq!(
        classify(system.lo - 8, system.lo),
        Overflow::SystemStack(system)
    );
    assert_eq!(
        classify(system.lo - 100_000, system.lo - 100_100),
        Overflow::SystemStack(system)
    );
    assert_eq!(classify(system.lo, system.lo), Overflow::None);
    assert_eq!(classify(system.lo - 8, a.lo), Overflow::None);
    assert_eq!(classify(system.lo - (2 << 20), system.lo), Overflow::None);
    assert_eq!(
        fault::classify(system.lo - 8, system.lo, None),
        Overflow::None
    );
    for stack in stacks {
        // SAFETY: nobody runs on it.
        unsafe { stack.release(&mut cache) };
    }
}

#[test]
fn a_thread_knows_its_stack() {
    let check = || {
        let here = 0;
        let bounds = fault::thread_bounds().unwrap();
        assert!((bounds.lo..bounds.hi).contains(&(&raw const here as usize)));
        bounds.hi - bounds.lo
    };
    let size = thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(check)
        .unwrap()
        .join()
        .unwrap();
    assert!((1 << 20..2 << 20).contains(&size), "{size}");
    check();
}

#[test]
fn gos_words_for_a_stack_beyond_the_limit() {
    let mut message = Message::new();
    let segment = Bounds {
        lo: 0xc000_0000,
        hi: 0xc100_0000,
    };
    fault::describe(
        &Overflow::GoroutineLimit(segment),
        0xc000_0300,
        &mut message,
    );
    assert_eq!(
        str::from_utf8(message.as_bytes()).unwrap(),
        "runtime: goroutine stack exceeds 1000000000-byte limit\n\
         runtime: sp=0xc0000300 stack=[0xc0000000, 0xc1000000]\n\
         fatal error: stack overflow\n"
    );
    for _ in 0..10 {
        fault::describe(&Overflow::GoroutineLimit(segment), 0, &mut message);
    }
    assert_eq!(message.as_bytes().len(), 512, "cut short, not overrun");
}

fn now() -> libc::stack_t {
    // SAFETY: only asks.
    unsafe {
        let mut now: libc::stack_t = mem::zeroed();
        assert_eq!(libc::sigaltstack(ptr::null(), &mut now), 0);
        now
    }
}

extern "C" fn signal_stacks(_: *mut libc::c_void) -> *mut libc::c_void {
    assert_ne!(
        now().ss_flags & libc::SS_DISABLE,
        0,
        "a thread begins without one"
    );
    let mine = AltStack::install().unwrap();
    assert!(mine.is_own());
    let installed = now();
    assert!(installed.ss_flags & libc::SS_DISABLE == 0 && installed.ss_size >= 64 << 10);
    let second = AltStack::install().unwrap();
    assert!(!second.is_own());
    second.uninstall();
    assert_eq!(now().ss_sp, installed.ss_sp);
    mine.uninstall();
    assert_ne!(now().ss_flags & libc::SS_DISABLE, 0);

    // The host's stays, whether it was there before or came in between.
    let mut room = vec![0u8; 64 << 10];
    let host = libc::stack_t {
        ss_sp: room.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: room.len(),
    };
    let between = AltStack::install().unwrap();
    // SAFETY: the room outlives its use.
    assert_eq!(unsafe { libc::sigaltstack(&host, ptr::null_mut()) }, 0);
    between.uninstall();
    assert_eq!(now().ss_sp, host.ss_sp);
    let none = AltStack::install().unwrap();
    assert!(!none.is_own());
    drop(none);
    assert_eq!(now().ss_sp, host.ss_sp);
    let off = libc::stack_t {
        ss_sp: ptr::null_mut(),
        ss_flags: libc::SS_DISABLE,
        ss_size: 0,
    };
    // SAFETY: as above.
    assert_eq!(unsafe { libc::sigaltstack(&off, ptr::null_mut()) }, 0);
    TOLD as usize as *mut libc::c_void
}

#[test]
fn a_hosts_signal_stack_is_left_alone() {
    // SAFETY: the thread needs nothing. Rust's own threads begin with a signal stack.
    let result = unsafe {
        let mut thread = mem::zeroed();
        assert_eq!(
            libc::pthread_create(&mut thread, ptr::null(), signal_stacks, ptr::null_mut()),
            0
        );
        let mut result = ptr::null_mut();
        libc::pthread_join(thread, &mut result);
        result
    };
    assert_eq!(result as i32, TOLD);
}
