//! A trace of crossings: which function was called across the border between Go and C, from which goroutine, on which thread, for how long, and
//! whether its P was taken meanwhile. docs/runtime/trace.md says how it is used.
//!
//! It is switched on by the environment (`GORT_TRACE`), before anything crosses, and works by exchanging instructions ([`patch`]): of each stub's
//! call of its C function, and at the runtime's own entries. So a process that isn't traced runs the very instructions that it would run if
//! there were no tracer. What is traced comes by [`x86_64`], and is noted ([`crossing`]) on C's stack; a thread of its own writes it ([`file`]).

mod crossing;
mod file;
mod functions;
mod hash;
mod patch;
mod stats;
mod table;
mod waits;
mod x86_64;

use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Once, OnceLock};

use heap::trace::Collection;
use sched::m::Note;
use sched::timer::nanotime;
use sched::{fatal, thread};
use stack::sync::Mutex;

use crossing::{Recorder, hold};
use functions::{Direction, FunctionId, Functions};
use hash::Addresses;
use patch::Code;
use table::Table;
use waits::Wait;

pub use crossing::give_up_to;

use crate::dynamic::called_function as dynamic_function;

/// The variable that switches it on.
const VARIABLE: &str = "GORT_TRACE";

/// How long a crossing waits at most to be written, in nanoseconds.
const SOON: i64 = 50_000_000;

/// A process that is traced.
struct Trace {
    /// Children of `fork` are not.
    on: AtomicBool,
    /// What a stub's call, known by where it returns to, would have called.
    targets: HashMap<usize, usize, Addresses>,
    wrappers: Vec<usize>,
    functions: Functions,
    /// C's `exit`, by which programs end.
    exit: FunctionId,
    recorders: Mutex<Vec<&'static Recorder>>,
    /// Tells when a thread ends that has a recorder.
    key: libc::pthread_key_t,
    /// Recorders of threads that have ended.
    free: Mutex<Vec<&'static Recorder>>,
    /// Goroutines that have no P, by their numbers.
    waits: Mutex<HashMap<u64, Wait>>,
    /// Those that the file has not been told of.
    collections: Mutex<Vec<Collection>>,
    file: Mutex<file::File>,
    /// Wakes the writer.
    note: Note,
}

static TRACE: OnceLock<Trace> = OnceLock::new();

/// Reads the environment, and has everything traced that crosses from now on. Nothing has crossed yet. It makes no threads: for constructors.
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let Some(wish) = wish() else { return };
        if let Err(why) = begin(&wish) {
            fatal::write(&format!("gort: GORT_TRACE: {why}: nothing is traced\n"));
        }
    });
}

/// Starts the thread that writes.
pub fn start() {
    static ONCE: Once = Once::new();
    prepare();
    ONCE.call_once(|| {
        if Trace::get().is_some() {
            thread::start_own(write);
        }
    });
}

/// What the variable says, unless who started the process has other rights than the process.
fn wish() -> Option<String> {
    // SAFETY: asks for a word that the kernel has given the process.
    let foreign = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    let value = std::env::var(VARIABLE).ok()?;
    (!foreign && !value.is_empty()).then_some(value)
}

fn begin(wish: &str) -> Result<(), String> {
    let code = Code::open();
    code.probe()
        .map_err(|why| format!("code cannot be changed here: {why}"))?;
    let file = file::File::open(wish)?;
    let table = Table::read();
    let mut names = table.names;
    let mut targets = HashMap::default();
    for (back, name) in table.calls {
        // SAFETY: the table is the linker's, and nothing has crossed yet.
        let target = unsafe { code.redirect_call(back, x86_64::traced_call()) };
        let target = target.map_err(|why| why.to_string())?;
        targets.insert(back, target);
        names.insert(back, name);
    }
    let functions = Functions::new(names);
    let exit = functions.find(Direction::Call, libc::exit as *const () as usize);
    let mut key = 0;
    // SAFETY: `key` is written by the call.
    let error = unsafe { libc::pthread_key_create(&raw mut key, Some(crossing::thread_ends)) };
    if error != 0 {
        return Err("no thread-specific key left".to_owned());
    }
    let trace = Trace {
        on: AtomicBool::new(true),
        targets,
        wrappers: table.wrappers,
        functions,
        exit,
        recorders: Mutex::default(),
        key,
        free: Mutex::default(),
        waits: Mutex::default(),
        collections: Mutex::default(),
        file: Mutex::new(file),
        note: Note::new(),
    };
    // Whatever is exchanged already needs it.
    let _ = TRACE.set(trace);
    for entry in x86_64::entries() {
        // SAFETY: nothing has crossed yet.
        unsafe { code.redirect_entry(&entry) }.map_err(|why| why.to_string())?;
    }
    let (reacquire, back) = x86_64::traced_reacquire();
    // SAFETY: as above.
    unsafe { code.redirect_call(back, reacquire) }.map_err(|why| why.to_string())?;
    heap::trace::observe(|collection| {
        if let Some(trace) = Trace::get().filter(|trace| trace.is_on()) {
            hold(&trace.collections).push(*collection);
        }
    });
    fatal::set_last(finish);
    // SAFETY: registers a function. If there is no room for it, a program that ends by itself has a trace without an end, and no table.
    unsafe { libc::atexit(finish) };
    Ok(())
}

extern "C" fn write(_: *mut c_void) -> *mut c_void {
    if let Some(trace) = Trace::get() {
        thread::obey(wake, || {
            while !thread::ending() {
                trace.note.sleep_for(SOON);
                if trace.is_on() {
                    trace.flush();
                }
            }
        });
    }
    ptr::null_mut()
}

fn wake() {
    if let Some(trace) = Trace::get() {
        trace.note.wake();
    }
}

/// The program ends: what is there is written, and the table goes to standard error.
pub extern "C" fn finish() {
    let Some(trace) = Trace::get() else { return };
    // Not in a child of fork, and once.
    if !trace.on.swap(false, Ordering::AcqRel) {
        return;
    }
    let now = nanotime();
    let all = hold(&trace.recorders).clone();
    all.iter()
        .for_each(|recorder| recorder.cut_off(now, trace.exit));
    trace.flush();
    fatal::write(&trace.summary(now));
}

/// The runtime is shut down, and its code perhaps unloaded.
pub fn end() {
    finish();
    if let Some(trace) = Trace::get() {
        // SAFETY: the key is ours, and nobody crosses any more. Threads that have ended since keep their recorders.
        unsafe { libc::pthread_key_delete(trace.key) };
    }
}

/// A child of `fork` goes on untraced: the file is its parent's.
pub fn forget() {
    if let Some(trace) = Trace::get() {
        trace.on.store(false, Ordering::Release);
    }
}

impl Trace {
    /// What is traced, if anything is.
    fn get() -> Option<&'static Trace> {
        TRACE.get()
    }

    fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// One that no thread has.
    fn recorder(&self) -> &'static Recorder {
        let free = hold(&self.free).pop();
        free.unwrap_or_else(|| {
            let new: &'static Recorder = Box::leak(Box::new(Recorder::new()));
            hold(&self.recorders).push(new);
            new
        })
    }
}
