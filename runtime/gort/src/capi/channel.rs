//! Channels.

use std::arch::global_asm;
use std::ptr::NonNull;

use heap::types::{Kind, Type, WORD};
use heap::{barrier, layout};
use sched::chan::{
    self, CLOSE_OF_CLOSED, CLOSE_OF_NIL, CLOSED, Chan, MakeError, NIL, Pointers, SEND_ON_CLOSED,
    WOULD_BLOCK, Watcher,
};
use sched::{GRef, fatal};
use stack::Outcome;

use super::{c_texts, leave_if_asked};

c_texts! {
    pub(super) SEND_ON_CLOSED_TEXT = SEND_ON_CLOSED;
    CLOSE_OF_NIL_TEXT = CLOSE_OF_NIL;
    CLOSE_OF_CLOSED_TEXT = CLOSE_OF_CLOSED;
    MAKE_SIZE_TEXT = MakeError::Size.text();
}

/// A pointer to a channel as C has it.
type ChanPtr = Option<NonNull<Chan>>;

/// # Safety
/// `chan` is null or a channel that lives as long as the caller needs it.
unsafe fn deref<'a>(chan: ChanPtr) -> Option<&'a Chan> {
    // SAFETY: the caller's word.
    chan.map(|chan| unsafe { chan.as_ref() })
}

/// The channel, or 0 where it would be too large.
extern "C" fn make(elem_size: usize, cap: usize) -> Outcome {
    match Chan::new(elem_size, cap) {
        Ok(chan) => Outcome::done(chan.as_ptr() as usize),
        Err(MakeError::Size) => Outcome::done(0),
        Err(error @ MakeError::ElemType) => fatal::throw("", error.text()),
    }
}

/// A channel in the collector's heap: where its buffer's address stands is a pointer.
static CHAN_TYPE: Type = Type {
    size: size_of::<Chan>(),
    ptrdata: size_of::<Chan>(),
    ptrmask: (&raw const CHAN_POINTERS).cast(),
    kind: Kind::Struct,
    align: 8,
    reserved: [0; 6],
    len: 0,
    elem: std::ptr::null(),
    fields: std::ptr::null(),
    name: std::ptr::null(),
};

static CHAN_POINTERS: [u64; 2] = {
    assert!(size_of::<Chan>() <= 128 * WORD);
    let word = Chan::BUFFER_OFFSET / WORD;
    let mut mask = [0; 2];
    mask[word / 64] = 1 << (word % 64);
    mask
};

static WATCHER: Watcher = Watcher {
    overwritten: |ty, place| {
        // SAFETY: the channel's elements are of the type, and this is one's place.
        unsafe { barrier::before_overwriting(&*ty.cast::<Type>(), place, 1) };
    },
    taken: |ty, place| {
        // SAFETY: as above.
        unsafe { barrier::before_moving(&*ty.cast::<Type>(), place, 1) };
    },
};

/// Whether such a channel can be: 0 if it would be too large.
extern "C" fn check(ty: &Type, cap: usize) -> Outcome {
    match Chan::check(ty.size, cap) {
        Ok(()) => Outcome::done(1),
        Err(MakeError::Size) => Outcome::done(0),
        Err(error @ MakeError::ElemType) => fatal::throw("", error.text()),
    }
}

/// Makes a channel of two new objects of the heap's.
extern "C" fn init(
    chan: NonNull<Chan>,
    buffer: NonNull<u8>,
    ty: &'static Type,
    cap: usize,
) -> Outcome {
    let pointers = ty.has_pointers().then_some(Pointers {
        ty: std::ptr::from_ref(ty).cast(),
        watcher: &WATCHER,
    });
    // SAFETY: the objects are new and as large as that; the channel keeps its buffer alive, and who uses it the channel.
    unsafe { Chan::init(chan, buffer, ty.size, cap, pointers) };
    Outcome::done(chan.as_ptr() as usize)
}

// The new objects lie on the goroutine's stack until there is a channel that others may have.
global_asm!(
    function!(
        "gort_makechan_of",
        stack::open_frame!(),
        "push rdi",
        "push rsi",
        "lea r11, [rip + {check}]",
        "call gort_enter",
        "test eax, eax",
        "jz 2f",
        "mov rdi, [rbp - 8]",
        "mov rsi, [rbp - 16]",
        "call gort_new_array",
        "push rax",
        "sub rsp, 8",
        "lea rdi, [rip + {chan_type}]",
        "call gort_new",
        "mov rdi, rax",
        "mov rsi, [rbp - 24]",
        "mov rdx, [rbp - 8]",
        "mov rcx, [rbp - 16]",
        "lea r11, [rip + {init}]",
        "call gort_enter",
        "leave",
        ".cfi_def_cfa rsp, 8",
        "ret",
        ".cfi_def_cfa rbp, 16",
        "2:",
        "leave",
        ".cfi_def_cfa rsp, 8",
        ".cfi_restore rbp",
        "lea rdi, [rip + {size_text}]",
        "jmp gort_panic_runtime",
    ),
    check = sym check,
    chan_type = sym CHAN_TYPE,
    init = sym init,
    size_text = sym MAKE_SIZE_TEXT,
);

extern "C" fn free(chan: ChanPtr) -> Outcome {
    if let Some(chan) = chan.filter(|chan| !layout::contains(chan.as_ptr().addr())) {
        // SAFETY: nobody uses the channel any more, says the caller.
        unsafe { Chan::free(chan) };
    }
    Outcome::done(0)
}

extern "C" fn send(chan: ChanPtr, elem: *const u8) -> Outcome {
    // SAFETY: the caller's channel, and an element of its; both for as long as the goroutine waits.
    leave_if_asked(unsafe { chan::send(deref(chan), GRef::current(), elem) })
}

extern "C" fn recv(chan: ChanPtr, elem: *mut u8) -> Outcome {
    // SAFETY: the caller's channel, and room for an element; both for as long as the goroutine waits.
    leave_if_asked(unsafe { chan::recv(deref(chan), GRef::current(), elem) })
}

/// 0: closed. 1: sent. 2: would block.
extern "C" fn try_send(chan: ChanPtr, elem: *const u8) -> Outcome {
    // SAFETY: the caller's channel, and an element of its.
    leave_if_asked(unsafe { chan::try_send(deref(chan), elem) })
}

extern "C" fn try_recv(chan: ChanPtr, elem: *mut u8, received: *mut bool) -> Outcome {
    // SAFETY: the caller's channel, and room for an element.
    let value = unsafe { chan::try_recv(deref(chan), elem) }.value;
    if value != WOULD_BLOCK && !received.is_null() {
        // SAFETY: the caller's variable.
        unsafe { received.write(value != CLOSED) };
    }
    leave_if_asked(Outcome::done(usize::from(value != WOULD_BLOCK)))
}

/// 0, or the text of a panic.
extern "C" fn close(chan: ChanPtr) -> Outcome {
    // SAFETY: the caller's channel.
    let text = match unsafe { chan::close(deref(chan)) }.value {
        NIL => CLOSE_OF_NIL_TEXT.as_ptr() as usize,
        CLOSED => CLOSE_OF_CLOSED_TEXT.as_ptr() as usize,
        _ => 0,
    };
    leave_if_asked(Outcome::done(text))
}

extern "C" fn len(chan: ChanPtr) -> Outcome {
    // SAFETY: the caller's channel.
    Outcome::done(unsafe { deref(chan) }.map_or(0, Chan::len))
}

extern "C" fn cap(chan: ChanPtr) -> Outcome {
    // SAFETY: the caller's channel.
    Outcome::done(unsafe { deref(chan) }.map_or(0, Chan::cap))
}

operation! {
    "gort_chanrecv" recv;
    "gort_try_recv" try_recv;
}

anywhere!("gort_freechan" free);
anywhere!("gort_chanlen" len);
anywhere!("gort_chancap" cap);

checked!("gort_chansend" send, zero panics SEND_ON_CLOSED_TEXT);
checked!("gort_closechan" close, text panics "gort_panic_runtime");

global_asm_anywhere!(
    concat!(
        function!(
            "gort_try_send",
            stack::open_frame!(),
            "lea r11, [rip + {try_send}]",
            "call gort_enter",
            close_frame!(),
            "test eax, eax",
            "jz 2f",
            "cmp eax, {would_block}",
            "setne al",
            "ret",
            "2:",
            "lea rdi, [rip + {send_on_closed}]",
            "jmp gort_panic_runtime",
        ),
        // Called by C it panics where C was called from: as Go that C calls.
        function!(
            "gort_makechan",
            unless_on_goroutine!(),
            stack::open_frame!(),
            "lea r11, [rip + {make}]",
            "call gort_enter",
            close_frame!(),
            "test rax, rax",
            "jz 3f",
            "ret",
            "3:",
            "lea rdi, [rip + {make_size}]",
            "jmp gort_panic_runtime",
            "2:",
            stack::open_frame!(),
            "call {make}",
            close_frame!(),
            "test rax, rax",
            "jz 4f",
            "ret",
            "4:",
            "lea rdi, [rip + {make_size}]",
            "mov r11, qword ptr [rip + gort_panic_runtime@GOTPCREL]",
            "jmp gort_callback",
        ),
    ),
    try_send = sym try_send,
    would_block = const WOULD_BLOCK,
    send_on_closed = sym SEND_ON_CLOSED_TEXT,
    make = sym make,
    make_size = sym MAKE_SIZE_TEXT,
);
