//! Overflows of real stacks, told by a real handler, each in a process of its own.
#![cfg(target_arch = "x86_64")]

mod apart;

use std::arch::asm;
use std::cell::Cell;
use std::hint::black_box;
use std::mem;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use stack::fault::{self, AltStack, Bounds, Message, Overflow};
use stack::memory::{Cache, POOL, Slot, Stack, inject, slot_of};

const CASES: &[apart::Case] = &[
    ("16 KiB", || overflow_guarded(16 << 10)),
    ("256 KiB", || overflow_guarded(256 << 10)),
    ("8 MiB", || overflow_guarded(8 << 20)),
    ("old guard page", old_guard_page),
    ("used again", used_again),
    ("main thread", main_thread),
    ("other thread", other_thread),
    ("wild", wild_on_the_thread),
    ("wild on a goroutine", wild_on_a_goroutine),
];

extern "C" fn before_main() {
    apart::before_main(CASES);
}

#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = before_main;

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
        libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len());
        libc::_exit(if overflow == Overflow::None {
            SOMETHING_ELSE
        } else {
            TOLD
        });
    }
}

thread_local! {
    static BOUNDS: Cell<Option<Bounds>> = const { Cell::new(None) };
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

/// Runs what a command says; returns how it ended and what its handler wrote.
fn ended(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
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

fn overflow_guarded(size: usize) {
    let _alt = prepare();
    let mut cache = Cache::new();
    // Neighbours on both sides.
    let stacks = [0, 1, 2].map(|_| Stack::guarded(&mut cache, size).unwrap());
    call_on(stacks[1].first().unwrap().hi, overflow);
}

#[test]
fn a_rust_goroutine_runs_into_its_guard_page() {
    for (case, size) in [
        ("16 KiB", 16 << 10),
        ("256 KiB", 256 << 10),
        ("8 MiB", 8 << 20),
    ] {
        let (code, text) = ended(apart::command(case));
        assert_eq!(code, Some(TOLD), "{text}");
        let first = format!(
            "runtime: goroutine stack of {size} bytes overflowed (Rust goroutines' stacks do not grow; "
        );
        assert!(text.starts_with(&first), "{text}");
        assert!(text.contains("\nruntime: sp=0x"), "{text}");
        assert!(text.ends_with("\nfatal error: stack overflow\n"), "{text}");
    }
}

fn old_guard_page() {
    inject::plain_guards(true);
    overflow_guarded(64 << 10);
}

#[test]
fn guard_pages_of_the_old_kind_do_too() {
    let (code, text) = ended(apart::command("old guard page"));
    assert_eq!(code, Some(TOLD), "{text}");
    assert!(
        text.contains("goroutine stack of 65536 bytes overflowed"),
        "{text}"
    );
}

fn used_again() {
    let _alt = prepare();
    let mut cache = Cache::new();
    let stack = Stack::guarded(&mut cache, 64 << 10).unwrap();
    // SAFETY: nobody runs on it.
    unsafe { stack.release(&mut cache) };
    cache.flush();
    POOL.scavenge();
    let again = Stack::guarded(&mut cache, 64 << 10).unwrap();
    call_on(again.first().unwrap().hi, overflow);
}

#[test]
fn guard_pages_stay_when_memory_goes_back() {
    let (code, text) = ended(apart::command("used again"));
    assert_eq!(code, Some(TOLD), "{text}");
}

extern "C" fn raw_thread(_: *mut libc::c_void) -> *mut libc::c_void {
    let _alt = prepare();
    overflow();
    ptr::null_mut()
}

fn other_thread() {
    // SAFETY: the thread needs nothing.
    unsafe {
        let mut thread = mem::zeroed();
        libc::pthread_create(&mut thread, ptr::null(), raw_thread, ptr::null_mut());
        libc::pthread_join(thread, ptr::null_mut());
    }
}

#[test]
fn c_runs_off_a_thread_of_its_own() {
    let (code, text) = ended(apart::command("other thread"));
    assert_eq!(code, Some(TOLD), "{text}");
    assert!(
        text.starts_with("runtime: C stack overflow on thread "),
        "{text}"
    );
    assert!(text.ends_with("\nfatal error: stack overflow\n"), "{text}");
}

fn main_thread() {
    let _alt = prepare();
    overflow();
}

#[test]
fn c_runs_off_the_main_thread() {
    let mut command = apart::command("main thread");
    // SAFETY: what runs in the child before it becomes the program is one system call.
    unsafe {
        command.pre_exec(|| {
            let limit = libc::rlimit {
                rlim_cur: 1 << 20,
                rlim_max: 1 << 20,
            };
            libc::setrlimit(libc::RLIMIT_STACK, &limit);
            Ok(())
        })
    };
    let (code, text) = ended(command);
    assert_eq!(code, Some(TOLD), "{text}");
    assert!(
        text.starts_with("runtime: C stack overflow on thread "),
        "{text}"
    );
}

extern "C" fn wild() {
    // SAFETY: none: the handler ends the process.
    unsafe { ptr::read_volatile(black_box(8_usize) as *const usize) };
}

fn wild_on_the_thread() {
    let _alt = prepare();
    wild();
}

fn wild_on_a_goroutine() {
    let _alt = prepare();
    let stack = Stack::guarded(&mut Cache::new(), 0).unwrap();
    call_on(stack.first().unwrap().hi, wild);
}

#[test]
fn other_faults_are_none() {
    for case in ["wild", "wild on a goroutine"] {
        let (code, text) = ended(apart::command(case));
        assert_eq!((code, text.as_str()), (Some(SOMETHING_ELSE), ""));
    }
}

#[test]
fn both_address_and_stack_pointer_must_speak_for_it() {
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

fn set(stack: &libc::stack_t) {
    // SAFETY: the stacks of these tests outlive their use.
    assert_eq!(unsafe { libc::sigaltstack(stack, ptr::null_mut()) }, 0);
}

fn is_off() -> bool {
    now().ss_flags & libc::SS_DISABLE != 0
}

/// The system doesn't let go of a stack that a handler runs on.
fn in_a_handler_on_the_hosts() {
    static OWN: AtomicI32 = AtomicI32::new(-1);
    extern "C" fn handler(_: libc::c_int) {
        assert!(now().ss_flags & libc::SS_ONSTACK != 0);
        let stack = AltStack::install().unwrap();
        OWN.store(stack.is_own().into(), Ordering::Relaxed);
        stack.uninstall();
    }
    // SAFETY: nobody else uses the signal; `raise` calls the handler on this thread before it returns, where any function may be called.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &action, ptr::null_mut()), 0);
        assert_eq!(libc::raise(libc::SIGUSR2), 0);
    }
    assert_eq!(OWN.load(Ordering::Relaxed), 0, "it is the host's still");
}

extern "C" fn signal_stacks(_: *mut libc::c_void) -> *mut libc::c_void {
    let off = libc::stack_t {
        ss_sp: ptr::null_mut(),
        ss_flags: libc::SS_DISABLE,
        ss_size: 0,
    };
    // Sanitizers give every thread one.
    let first = now();
    set(&off);
    let mine = AltStack::install().unwrap();
    assert!(mine.is_own() && !is_off());
    assert!(now().ss_size >= 64 << 10);
    let second = AltStack::install().unwrap();
    assert!(!second.is_own());
    second.uninstall();
    assert!(!is_off(), "the first is still there");
    mine.uninstall();
    assert!(is_off());

    // The host's stays, whether it came in between or was there before.
    let mut room = vec![0u8; 64 << 10];
    let host = libc::stack_t {
        ss_sp: room.as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: room.len(),
    };
    let between = AltStack::install().unwrap();
    set(&host);
    between.uninstall();
    assert_eq!(now().ss_sp, host.ss_sp);
    let none = AltStack::install().unwrap();
    assert!(!none.is_own());
    drop(none);
    assert_eq!(now().ss_sp, host.ss_sp);
    in_a_handler_on_the_hosts();
    assert_eq!(now().ss_sp, host.ss_sp);
    set(&first);
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
