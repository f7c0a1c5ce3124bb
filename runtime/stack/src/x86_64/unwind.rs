//! Looking at stacks from a signal handler or a dying program: by the system's unwinder, which takes no lock and no memory, from whatever
//! registers there are; on another stack; and so that a fault while looking is only the end of the look.

use std::arch::global_asm;
use std::cell::UnsafeCell;
use std::ffi::c_void;

/// Registers by DWARF's numbers: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, rip.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Registers([usize; 17]);

const RBX: usize = 3;
const RBP: usize = 6;
const RSP: usize = 7;
const R12: usize = 12;
const RIP: usize = 16;

impl Registers {
    /// Those that a signal has interrupted.
    pub fn interrupted(context: &libc::ucontext_t) -> Registers {
        const FROM: [i32; 17] = [
            libc::REG_RAX,
            libc::REG_RDX,
            libc::REG_RCX,
            libc::REG_RBX,
            libc::REG_RSI,
            libc::REG_RDI,
            libc::REG_RBP,
            libc::REG_RSP,
            libc::REG_R8,
            libc::REG_R9,
            libc::REG_R10,
            libc::REG_R11,
            libc::REG_R12,
            libc::REG_R13,
            libc::REG_R14,
            libc::REG_R15,
            libc::REG_RIP,
        ];
        Registers(FROM.map(|index| context.uc_mcontext.gregs[index as usize] as usize))
    }

    /// Those of a function that has called another, as far as that has kept them: `kept` are rbx, rbp and r12 to r15.
    pub fn calling(back: usize, sp: usize, kept: [usize; 6]) -> Registers {
        let mut all = [0; 17];
        [all[RBX], all[RBP]] = [kept[0], kept[1]];
        all[R12..RIP].copy_from_slice(&kept[2..]);
        // Within the call.
        all[RIP] = back.wrapping_sub(1);
        all[RSP] = sp;
        Registers(all)
    }

    /// The instruction.
    pub fn pc(&self) -> usize {
        self.0[RIP]
    }

    /// The stack pointer.
    pub fn sp(&self) -> usize {
        self.0[RSP]
    }

    /// The frame pointer, if the code has one.
    pub fn bp(&self) -> usize {
        self.0[RBP]
    }

    /// As if the function that begins at `pc` had returned already: for calls to where no code is.
    pub fn returned_to(mut self, back: usize) -> Registers {
        self.0[RIP] = back.wrapping_sub(1);
        self.0[RSP] += 8;
        self
    }
}

global_asm!(
    // walk_registers(registers, function, argument): calls function(argument) in a frame whose caller, as the tables have it, is where the
    // registers are.
    ".text",
    ".p2align 4",
    ".globl gort_walk_registers",
    ".hidden gort_walk_registers",
    ".type gort_walk_registers, @function",
    "gort_walk_registers:",
    ".cfi_startproc",
    ".cfi_signal_frame",
    "push rbx",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbx, -16",
    "mov rbx, rdi",
    "mov rdi, rdx",
    ".cfi_remember_state",
    // The frame's address is the word at rbx + 56, each register's place rbx plus 8 times its number.
    ".cfi_escape 0x0f, 3, 0x73, 56, 0x06",
    ".cfi_escape 0x10, 3, 2, 0x73, 24",
    ".cfi_escape 0x10, 6, 2, 0x73, 48",
    ".cfi_escape 0x10, 12, 3, 0x73, 0xe0, 0x00",
    ".cfi_escape 0x10, 13, 3, 0x73, 0xe8, 0x00",
    ".cfi_escape 0x10, 14, 3, 0x73, 0xf0, 0x00",
    ".cfi_escape 0x10, 15, 3, 0x73, 0xf8, 0x00",
    ".cfi_escape 0x10, 16, 3, 0x73, 0x80, 0x01",
    "call rsi",
    ".cfi_restore_state",
    "pop rbx",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size gort_walk_registers, . - gort_walk_registers",
    // guarded(function, argument): 0; 1 when a fault has ended it. A thread-local word says where to go on then:
    //
    //   return address, rbp ◄─ rbp, rbx, r12, r13, r14, r15, the word before ◄─ the word
    ".section .tbss.gort_guard, \"awT\", @nobits",
    ".p2align 3",
    ".type gort_guard, @object",
    ".size gort_guard, 8",
    "gort_guard: .zero 8",
    ".text",
    ".p2align 4",
    ".globl gort_guarded",
    ".hidden gort_guarded",
    ".type gort_guarded, @function",
    "gort_guarded:",
    ".cfi_startproc",
    open_frame!(),
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "mov rax, qword ptr [rip + gort_guard@GOTTPOFF]",
    "push qword ptr fs:[rax]",
    "mov qword ptr fs:[rax], rsp",
    "mov rax, rdi",
    "mov rdi, rsi",
    "call rax",
    "xor eax, eax",
    "2:",
    "mov rcx, qword ptr [rip + gort_guard@GOTTPOFF]",
    "pop qword ptr fs:[rcx]",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_guarded, . - gort_guarded",
    ".globl gort_guard_failed",
    ".hidden gort_guard_failed",
    ".type gort_guard_failed, @function",
    "gort_guard_failed:",
    "mov eax, 1",
    "jmp 2b",
    ".size gort_guard_failed, . - gort_guard_failed",
    // guard_word(): its value.
    ".p2align 4",
    ".globl gort_guard_word",
    ".hidden gort_guard_word",
    ".type gort_guard_word, @function",
    "gort_guard_word:",
    "mov rax, qword ptr [rip + gort_guard@GOTTPOFF]",
    "mov rax, qword ptr fs:[rax]",
    "ret",
    ".size gort_guard_word, . - gort_guard_word",
    // on_stack(top, function, argument): calls function(argument) on the stack that ends at top, a multiple of 16.
    ".p2align 4",
    ".globl gort_on_stack",
    ".hidden gort_on_stack",
    ".type gort_on_stack, @function",
    "gort_on_stack:",
    ".cfi_startproc",
    open_frame!(),
    "mov rsp, rdi",
    "mov rdi, rdx",
    "call rsi",
    "leave",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size gort_on_stack, . - gort_on_stack",
);

type Call = extern "C" fn(*mut c_void);

unsafe extern "C" {
    fn gort_walk_registers(registers: *const Registers, function: Call, argument: *mut c_void);
    fn gort_guarded(function: Call, argument: *mut c_void) -> usize;
    fn gort_guard_failed();
    safe fn gort_guard_word() -> usize;
    fn gort_on_stack(top: usize, function: Call, argument: *mut c_void);

    // The unwinder's, as the ABI of Itanium C++ has them.
    fn _Unwind_Backtrace(
        trace: extern "C" fn(*mut c_void, *mut c_void) -> i32,
        state: *mut c_void,
    ) -> i32;
    fn _Unwind_GetIPInfo(context: *mut c_void, exact: *mut i32) -> usize;
    fn _Unwind_GetCFA(context: *mut c_void) -> usize;
    fn _Unwind_GetGR(context: *mut c_void, register: i32) -> usize;
}

/// A frame that the unwinder has come to.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The instruction, or a byte of the call in it.
    pub at: usize,
    pub sp: usize,
    pub bp: usize,
}

struct Look<'a> {
    first: (usize, usize),
    begun: bool,
    each: &'a mut dyn FnMut(Seen) -> bool,
}

extern "C" fn look(look: *mut c_void) {
    // SAFETY: a routine of the unwinder's; `each` gets what it is passed.
    unsafe { _Unwind_Backtrace(each, look) };
}

extern "C" fn each(context: *mut c_void, state: *mut c_void) -> i32 {
    const GO_ON: i32 = 0;
    const STOP: i32 = 4;
    // SAFETY: `unwind` has it on its frame, and looks at it no more until the unwinder is through.
    let state = unsafe { &mut *state.cast::<Look<'_>>() };
    let mut exact = 0;
    // SAFETY: the unwinder's own context.
    let seen = unsafe {
        let ip = _Unwind_GetIPInfo(context, &raw mut exact);
        Seen {
            at: ip.wrapping_sub(usize::from(exact == 0)),
            sp: _Unwind_GetCFA(context),
            bp: _Unwind_GetGR(context, RBP as i32),
        }
    };
    // The first frame of all has no caller.
    if seen.at == usize::MAX {
        return STOP;
    }
    // First come the frames of those who look.
    state.begun |= (seen.at, seen.sp) == state.first;
    match !state.begun || (state.each)(seen) {
        true => GO_ON,
        false => STOP,
    }
}

/// Shows the frame that the registers are of, and those of its callers, to `each` until that says false.
///
/// # Safety
/// The stack doesn't change meanwhile. It may be broken under [`guarded`]: reading it may fault.
pub unsafe fn unwind(registers: &Registers, each: &mut dyn FnMut(Seen) -> bool) {
    let mut state = Look {
        first: (registers.pc(), registers.sp()),
        begun: false,
        each,
    };
    // SAFETY: passed on to the caller.
    unsafe { gort_walk_registers(registers, look, (&raw mut state).cast()) };
}

extern "C" fn call(function: *mut c_void) {
    // SAFETY: `guarded` and `on_stack` pass the address of such a reference, and wait.
    (unsafe { &mut *function.cast::<&mut dyn FnMut()>() })();
}

/// Runs `function`, of which a fault of memory makes an end ([`give_up`]); whether it came to its own. What it would have dropped is not.
pub fn guarded(function: &mut dyn FnMut()) -> bool {
    let mut function = function;
    // SAFETY: `call` takes such an argument.
    unsafe { gort_guarded(call, (&raw mut function).cast()) == 0 }
}

/// For the handler of a fault: the thread was in [`guarded`], which it returns from once the handler returns.
pub fn give_up(context: &mut libc::ucontext_t) -> bool {
    let sp = gort_guard_word();
    if sp != 0 {
        let registers = &mut context.uc_mcontext.gregs;
        registers[libc::REG_RSP as usize] = sp as i64;
        registers[libc::REG_RIP as usize] = gort_guard_failed as *const () as i64;
    }
    sp != 0
}

/// Runs `function` on the stack that ends at `top`.
///
/// # Safety
/// `top` is a multiple of 16, and nobody else uses that stack; it is big enough.
pub unsafe fn on_stack(top: usize, function: &mut dyn FnMut()) {
    let mut function = function;
    // SAFETY: the caller's word; `call` takes such an argument.
    unsafe { gort_on_stack(top, call, (&raw mut function).cast()) };
}

/// A stack for handlers that need more than a host's signal stack may have.
#[repr(align(16))]
pub struct SignalStack<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

// SAFETY: who runs something on it says that nobody else does.
unsafe impl<const SIZE: usize> Sync for SignalStack<SIZE> {}

impl<const SIZE: usize> SignalStack<SIZE> {
    pub const fn zeroed() -> SignalStack<SIZE> {
        const { assert!(SIZE.is_multiple_of(16)) };
        SignalStack(UnsafeCell::new([0; SIZE]))
    }

    /// For a handler: runs `function` on it. It is the thread's signal stack meanwhile: a handler that interrupts it goes on there, and leaves alone
    /// what the kernel has put on the thread's own for the first one.
    ///
    /// # Safety
    /// Nobody else uses it, and it has room for another handler, too.
    pub unsafe fn run(&self, function: &mut dyn FnMut()) {
        let base = self.0.get();
        let stack = libc::stack_t {
            ss_sp: base.cast(),
            ss_flags: 0,
            ss_size: SIZE,
        };
        let mut own = stack;
        // SAFETY: the caller's word. A thread may change its signal stack while it runs on another.
        unsafe {
            on_stack(base as usize + SIZE, &mut || {
                libc::sigaltstack(&stack, &mut own);
                function();
            });
            libc::sigaltstack(&own, std::ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_ends_what_is_guarded_only() {
        extern "C" fn handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
            // SAFETY: the kernel's.
            assert!(give_up(unsafe { &mut *context }));
        }
        // SAFETY: the handler is async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_NODEFER;
            libc::sigaction(libc::SIGSEGV, &raw const action, std::ptr::null_mut());
        }
        for _ in 0..3 {
            let mut steps = 0;
            let whole = guarded(&mut || {
                steps += 1;
                // SAFETY: none: it faults.
                unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(1) };
                steps += 1;
            });
            assert!(!whole && steps == 1);
            assert!(guarded(&mut || steps = 7) && steps == 7);
        }
        assert_eq!(gort_guard_word(), 0);
    }

    #[test]
    fn registers_lead_to_their_callers() {
        let mut memory = vec![0_u128; 16 << 10];
        let top = memory.as_mut_ptr_range().end as usize;
        let mut found = Vec::new();
        // SAFETY: the memory is nobody else's.
        unsafe {
            on_stack(top, &mut || {
                let mut here: libc::ucontext_t = std::mem::zeroed();
                libc::getcontext(&raw mut here);
                let registers = Registers::interrupted(&here);
                unwind(&registers, &mut |seen| {
                    found.push(seen);
                    true
                });
            });
        }
        assert!(found.len() > 3, "{found:x?}");
        let inside = |seen: &&Seen| seen.sp < top && seen.sp > top - (256 << 10);
        let first = found.iter().take_while(inside).count();
        assert!((1..found.len()).contains(&first), "{found:x?}");
    }
}
