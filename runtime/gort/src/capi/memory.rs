//! What memory there is: `runtime.ReadMemStats` and its like.

use std::sync::atomic::Ordering;

use heap::classes::{CLASSES, COUNT};
use heap::stats::{self, PAUSES};
use heap::{pacer, trace};
use sched::global::{self, SHARED};
use sched::timer::nanotime;
use sched::{G, GRef, ops, p, world};
use stack::Outcome;

/// `struct gort_memstats`.
#[repr(C)]
#[derive(Clone)]
struct MemStats {
    stacks_inuse: u64,
    stacks_free: u64,
    goroutines_inuse: u64,
    goroutines_free: u64,
    threads: u64,
    alloc: u64,
    total_alloc: u64,
    sys: u64,
    mallocs: u64,
    frees: u64,
    heap_alloc: u64,
    heap_sys: u64,
    heap_idle: u64,
    heap_inuse: u64,
    heap_released: u64,
    heap_objects: u64,
    stack_inuse: u64,
    stack_sys: u64,
    gc_sys: u64,
    other_sys: u64,
    next_gc: u64,
    last_gc: u64,
    pause_total_ns: u64,
    pause_ns: [u64; PAUSES],
    pause_end: [u64; PAUSES],
    num_gc: u32,
    num_forced_gc: u32,
    gc_cpu_fraction: f64,
    by_size: [BySize; COUNT],
}

#[repr(C)]
#[derive(Clone)]
struct BySize {
    size: u64,
    mallocs: u64,
    frees: u64,
}

/// The heap's part.
fn heap_part(to: &mut MemStats) {
    let heap = stats::heap();
    let live = |of: stats::Objects| of.allocated - of.freed;
    to.alloc = live(heap.bytes);
    to.heap_alloc = to.alloc;
    to.total_alloc = heap.bytes.allocated;
    to.mallocs = heap.objects.allocated;
    to.frees = heap.objects.freed;
    to.heap_objects = live(heap.objects);
    to.heap_sys = heap.pages.used as u64;
    to.heap_inuse = heap.pages.in_use as u64;
    to.heap_idle = to.heap_sys - to.heap_inuse;
    to.heap_released = heap.pages.released as u64;
    to.gc_sys = heap.tables as u64;
    for ((by_size, own), class) in to.by_size.iter_mut().zip(heap.by_class).zip(&CLASSES) {
        *by_size = BySize {
            size: class.size.into(),
            mallocs: own.allocated,
            frees: own.freed,
        };
    }
}

/// The goroutines' part.
fn goroutines_part(to: &mut MemStats) {
    let stacks = stack::memory::stats();
    let record = size_of::<G>() as u64;
    let made = G::made() as u64;
    let alive = SHARED.goroutines.load(Ordering::Relaxed) as u64;
    to.stacks_inuse = (stacks.inuse_bytes + stacks.guarded_bytes) as u64;
    to.stacks_free = stacks.free_bytes as u64;
    to.goroutines_inuse = alive * record;
    to.goroutines_free = made.saturating_sub(alive) * record;
    to.threads = global::lock().m_count as u64;
    to.stack_inuse = to.stacks_inuse;
    to.stack_sys = to.stacks_inuse.max(stacks.mapped_bytes as u64);
    to.other_sys = made * record;
}

/// The collector's part.
fn cycles_part(to: &mut MemStats) {
    let cycles = stats::cycles();
    to.last_gc = cycles.last;
    to.pause_total_ns = cycles.pause_total;
    to.pause_ns = cycles.pauses;
    to.pause_end = cycles.ends;
    to.num_gc = cycles.count;
    to.num_forced_gc = cycles.forced;
    // GOGC=off: no number is large enough.
    to.next_gc = pacer::goal() as u64;
    let lasts = nanotime() - trace::started();
    to.gc_cpu_fraction = cycles.cpu_fraction(lasts * p::count() as i64);
}

/// Fills the caller's variable; [`ops::BUSY`]: somebody else stops the world, and the goroutine asks again.
extern "C" fn read(stats: *mut MemStats) -> Outcome {
    let Some(world) = world::try_stop() else {
        let g = GRef::current();
        g.context.value.set(ops::BUSY);
        ops::requeue(g);
        return Outcome::switch();
    };
    // SAFETY: the caller's variable, of numbers only, which are all written before anybody reads one.
    let to = unsafe {
        stats.write_bytes(0, 1);
        &mut *stats
    };
    heap_part(to);
    drop(world);
    goroutines_part(to);
    cycles_part(to);
    to.sys = to.heap_sys + to.stack_sys + to.gc_sys + to.other_sys;
    ops::finish(0)
}

// From C, too: then it is a call into Go.
global_asm_anywhere!(
    concat!(
        function!(
            "gort_read_memstats",
            unless_on_goroutine!(),
            "jmp gort_read_memstats_here",
            "2:",
            "lea r11, [rip + gort_read_memstats_here]",
            "jmp gort_callback",
        ),
        function!(
            "gort_read_memstats_here",
            stack::open_frame!(),
            "push rdi",
            "2:",
            "mov rdi, qword ptr [rsp]",
            "lea r11, [rip + {read}]",
            "call gort_enter",
            "cmp rax, {busy}",
            "je 2b",
            "leave",
            ".cfi_def_cfa rsp, 8",
            ".cfi_restore rbp",
            "ret",
        ),
        ".hidden gort_read_memstats_here\n",
    ),
    read = sym read,
    busy = const ops::BUSY as i32,
);

/// What is free takes no memory any more.
extern "C" fn give_back() -> Outcome {
    heap::pages::release_to_system(0);
    stack::memory::POOL.scavenge();
    ops::finish(0)
}

std::arch::global_asm!(
    function!(
        "gort_free_os_memory",
        stack::open_frame!(),
        "call gort_gc",
        close_frame!(),
        "lea r11, [rip + {give_back}]",
        "jmp gort_enter",
    ),
    give_back = sym give_back,
);
