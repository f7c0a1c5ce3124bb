//! `runtime.Pinner`: keeps objects alive and pinned until it is told otherwise.
//!
//! What a pinner has pinned is in an object of the heap, which the collector follows like any other:
//!
//! ```text
//! struct gort_pinner    Record               an array, once there are more than five
//!   record ──────────►    more ───────────►    objects
//!                         len, room
//!                         objects
//! ```
//!
//! A record that becomes unreachable with pins left is a program's mistake, found out by the record's finalizer. Making one and attaching that takes
//! longer than a pin, so each P keeps one at hand.
//!
//! All of this are operations. While the collector marks: nobody reads a pinned object's address out of a record but to count, so that clearing one needs
//! no barrier; what moves is the record, into the table of those at hand, and the addresses, into a larger array.

use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

use heap::alloc::{self, Again};
use heap::special::Misuse;
use heap::special::finalizer;
use heap::special::table::Call;
use heap::types::{Kind, Type, WORD};
use heap::{barrier, object, roots};
use sched::P;
use sched::p::MAX_PROCS;

use super::Any;
use super::pin::{self, NoMemory};

/// Go's words.
pub const NIL: &str = "runtime error: runtime.Pinner: argument is nil";
pub const LEAKED: &str =
    "runtime error: runtime.Pinner: found leaking pinned pointer; forgot to call Unpin()?";

const HERE: usize = 5;

/// `struct gort_pinner`.
#[repr(C)]
pub struct Pinner {
    /// Null while nothing is pinned.
    record: *mut Record,
}

/// What is pinned; an object of the heap.
#[repr(C)]
pub struct Record {
    /// Null: they are `here`.
    more: *mut usize,
    len: usize,
    /// How many `more` has room for.
    room: usize,
    here: [usize; HERE],
}

const fn words(size: usize, mask: &'static [u8]) -> Type {
    Type {
        size,
        ptrdata: size,
        ptrmask: mask.as_ptr(),
        kind: Kind::Struct,
        align: WORD as u8,
        reserved: [0; 6],
        len: 0,
        elem: ptr::null(),
        fields: ptr::null(),
        name: ptr::null(),
    }
}

/// Its first word is a pointer, and so are the last five.
static RECORD: Type = words(size_of::<Record>(), &[0b1111_1001]);
static POINTER: Type = words(WORD, &[1]);
const _: () = assert!(size_of::<Record>() == 8 * WORD);

/// Records without pins, one for each P, whose M alone changes it.
static AT_HAND: [AtomicUsize; MAX_PROCS] = [const { AtomicUsize::new(0) }; MAX_PROCS];

/// Why nothing was pinned.
pub enum Refused {
    /// The goroutine was parked, and asks again.
    Again,
    /// The program panics with this.
    Panic(String),
    /// No memory for so many bytes.
    Memory(usize),
}

impl From<Again> for Refused {
    fn from(_: Again) -> Refused {
        Refused::Again
    }
}

impl From<NoMemory> for Refused {
    fn from(NoMemory(bytes): NoMemory) -> Refused {
        Refused::Memory(bytes)
    }
}

/// What a pinner may pin: a pointer.
///
/// # Safety
/// It is an `any` of Go's.
unsafe fn pointer(value: Any) -> Result<usize, Refused> {
    // SAFETY: the caller's word.
    let Some(ty) = (unsafe { value.ty() }) else {
        return Err(Refused::Panic(NIL.to_owned()));
    };
    if matches!(ty.kind, Kind::Pointer | Kind::UnsafePointer) {
        return Ok(value.data);
    }
    let name = match ty.name.is_null() {
        true => "".into(),
        // SAFETY: a type's name is a constant text.
        false => unsafe { std::ffi::CStr::from_ptr(ty.name) }.to_string_lossy(),
    };
    Err(Refused::Panic(format!(
        "runtime error: runtime.Pinner: argument is not a pointer: {name}"
    )))
}

/// A record for the pinner: the one at hand, or a new one, whose finalizer is the function at `leaked`.
fn record(leaked: usize) -> Result<*mut Record, Refused> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| roots::add_source(show_at_hand));
    let place = &AT_HAND[P::current().id];
    let at_hand = place.load(Ordering::Relaxed);
    if at_hand != 0 {
        place.store(0, Ordering::Relaxed);
        return Ok(ptr::with_exposed_provenance_mut(at_hand));
    }
    let new = alloc::new(&RECORD, 1)?.as_ptr().cast::<Record>();
    let call = Call {
        function: leaked,
        closure: 0,
    };
    if let Err(Misuse(why)) = finalizer::set(new.expose_provenance(), Some(call)) {
        unreachable!("a new object takes a finalizer: {why:?}");
    }
    Ok(new)
}

fn show_at_hand(see: &mut dyn FnMut(usize)) {
    for record in &AT_HAND {
        see(record.load(Ordering::Relaxed));
    }
}

impl Record {
    /// Where what is pinned is.
    fn first(&mut self) -> *mut usize {
        match self.more.is_null() {
            true => self.here.as_mut_ptr(),
            false => self.more,
        }
    }

    /// Makes room for one more.
    fn reserve(&mut self) -> Result<(), Again> {
        let room = self.room.max(HERE);
        if self.len < room {
            return Ok(());
        }
        let larger = alloc::new(&POINTER, 2 * room)?.as_ptr().cast::<usize>();
        // SAFETY: the old place has `len` of them, the new, which is new, twice as many.
        unsafe { ptr::copy_nonoverlapping(self.first(), larger, self.len) };
        // The new array was born marked: what the old one has, others must still find.
        barrier::shade(self.more.expose_provenance());
        self.more = larger;
        self.room = 2 * room;
        Ok(())
    }

    fn push(&mut self, object: usize) {
        // SAFETY: there is room; who calls has seen to it.
        unsafe { self.first().add(self.len).write(object) };
        self.len += 1;
    }

    /// Nothing is pinned by it any more. An array is given up.
    fn clear(&mut self) {
        let first = self.first();
        for index in 0..self.len {
            // SAFETY: so many are there.
            let object = unsafe { first.add(index).read() };
            assert!(
                pin::unpin(object),
                "runtime.Pinner: object already unpinned"
            );
        }
        self.more = ptr::null_mut();
        self.room = 0;
        self.len = 0;
        self.here = [0; HERE];
    }
}

impl Pinner {
    /// Whether the next pin allocates, and so may park the goroutine.
    pub fn needs_memory(&self) -> bool {
        // SAFETY: null, or the pinner's own.
        match unsafe { self.record.as_ref() } {
            Some(record) => record.len >= record.room.max(HERE),
            None => AT_HAND[P::current().id].load(Ordering::Relaxed) == 0,
        }
    }

    /// `Pin(value)`. Addresses that are not of objects of the heap stay where they are anyway.
    ///
    /// # Safety
    /// `value` is an `any` of Go's. On the system stack, in an operation.
    pub unsafe fn pin(&mut self, value: Any, leaked: usize) -> Result<(), Refused> {
        // SAFETY: the caller's word.
        let address = unsafe { pointer(value) }?;
        if self.record.is_null() {
            self.record = record(leaked)?;
        }
        let Some(object) = object::find(address) else {
            return Ok(());
        };
        // SAFETY: a pinner's record is its own.
        let record = unsafe { &mut *self.record };
        record.reserve()?;
        pin::pin(&object)?;
        record.push(object.base);
        Ok(())
    }

    /// `Unpin()`. In an operation.
    pub fn unpin(&mut self) {
        // SAFETY: null, or the pinner's own.
        let Some(record) = (unsafe { self.record.as_mut() }) else {
            return;
        };
        record.clear();
        let at_hand = &AT_HAND[P::current().id];
        if at_hand.load(Ordering::Relaxed) == 0 {
            let record = ptr::from_mut(record).expose_provenance();
            // The table of those at hand was looked at when marking began.
            barrier::shade(record);
            at_hand.store(record, Ordering::Relaxed);
            self.record = ptr::null_mut();
        }
    }
}

/// Whether the record, which nobody refers to any more, has pins left. They are taken back.
///
/// # Safety
/// A record that was found unreachable.
pub unsafe fn has_leaked(record: *mut Record) -> bool {
    // SAFETY: the caller's word: nobody else has it.
    let record = unsafe { &mut *record };
    let leaked = record.len != 0;
    record.clear();
    leaked
}
