//! Checks of what C gets to see: cgo's rules for passing pointers.
//!
//! | level (`GODEBUG=cgocheck=`) | what is checked |
//! |---|---|
//! | 0 | nothing |
//! | 1, unless said otherwise | arguments: memory of Go's that C is pointed to holds no pointer to unpinned memory of the heap; results of exported functions: are none and hold none |
//! | 2 | stores as well: no pointer to unpinned memory of the heap gets into memory that isn't Go's |
//!
//! Memory of Go's is the heap, goroutines' stacks, and variables that were named as roots. Of it only objects of the heap can be unpinned: what was
//! linked stays where it is, and stacks never move. Verdicts and words are those of `runtime/cgocall.go` and `runtime/cgocheck.go`.

use std::sync::atomic::{AtomicU8, Ordering};

use heap::barrier::{self, StoreChecks};
use heap::object;
use heap::types::{Kind, Type, WORD};
use sched::{GRef, M, fatal};

use super::{Any, pin};

/// What is checked; assembly looks at it as well.
pub static LEVEL: AtomicU8 = AtomicU8::new(1);

/// Takes the level from the environment.
pub fn init() {
    let Ok(options) = std::env::var("GODEBUG") else {
        return;
    };
    let mut named = options
        .split(',')
        .filter_map(|o| o.strip_prefix("cgocheck="));
    if let Some(level) = named.next_back().and_then(|level| level.parse::<u8>().ok()) {
        LEVEL.store(level.min(2), Ordering::Relaxed);
        if level >= 2 {
            barrier::check_stores(StoreChecks { store, copy });
        }
    }
}

/// Something points to what C must not see: the kind of what does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(Kind);

impl Refused {
    /// As Go's messages name it.
    fn name(self) -> &'static str {
        match self.0 {
            Kind::Chan => "channel",
            Kind::Func => "function",
            Kind::Interface => "interface",
            Kind::Map => "map",
            Kind::Slice => "slice",
            Kind::String => "string",
            Kind::Struct => "struct",
            Kind::UnsafePointer => "unsafe pointer",
            _ => "pointer",
        }
    }

    /// Go's words for an argument.
    pub fn argument(self) -> String {
        format!(
            "runtime error: argument of cgo function has Go pointer to unpinned Go {}",
            self.name()
        )
    }

    /// Go's words for a result of the function at `file:line`.
    pub fn result(self, function: &str, file: &str, line: u32) -> String {
        let kind = self.name();
        format!(
            "runtime error: {file}:{line}: result of Go function {function} called from cgo is unpinned Go {kind} or points to unpinned Go {kind}"
        )
    }
}

type Verdict = Result<(), Refused>;

/// Whether the address is of memory of Go's that may hold pointers; of stacks only the running goroutine's.
fn is_go(address: usize) -> bool {
    heap::layout::contains(address) || is_on_own_stack(address) || heap::roots::contains(address)
}

fn is_on_own_stack(address: usize) -> bool {
    let g = M::try_current().and_then(M::g);
    g.is_some_and(|g: GRef| g.stack().contains(address))
}

/// Whether the address is in an object of the heap that nobody has pinned.
fn is_unpinned(address: usize) -> bool {
    object::find(address).is_some_and(|object| !pin::is_pinned(&object))
}

/// A word of memory that is being looked at.
///
/// # Safety
/// It can be read.
unsafe fn word(address: usize) -> usize {
    // SAFETY: the caller's word. Another goroutine may write it: then either value will do.
    unsafe { (address as *const usize).read_volatile() }
}

/// Whether an `any` has such a value itself in its second word, which is a pointer then.
fn is_direct(ty: &Type) -> bool {
    match ty.kind {
        Kind::Pointer | Kind::UnsafePointer | Kind::Chan | Kind::Map | Kind::Func => true,
        Kind::Array if ty.len == 1 => ty.elem().is_some_and(is_direct),
        // SAFETY: a field's type is a constant.
        Kind::Struct if ty.len == 1 => is_direct(unsafe { &*ty.fields()[0].ty }),
        _ => false,
    }
}

/// Whether C may be given `value`. It was got from what `whole` has:
///
/// | `whole` | the argument was | what is looked at |
/// |---|---|---|
/// | nil | anything else | all of the object that it points to |
/// | a bool | `&x`, `x[i:j]` | what the type says |
/// | a slice | `&s[i]` | the slice |
/// | an array, or a pointer to one | `&a[i]` | the array |
///
/// # Safety
/// Both are what an `any` of Go's holds, and their memory can be read.
pub unsafe fn argument(value: Any, whole: Any) -> Verdict {
    // SAFETY: types are null or constants.
    let (Some(ty), whole_ty) = (unsafe { (value.ty(), whole.ty()) }) else {
        return Ok(());
    };
    let is_pointer = matches!(ty.kind, Kind::Pointer | Kind::UnsafePointer);
    let Some(whole_ty) = whole_ty.filter(|_| is_pointer) else {
        // SAFETY: passed on.
        return unsafe { look(ty, value.data, !is_direct(ty), true) };
    };
    if !is_go(value.data) {
        return Ok(());
    }
    // SAFETY: passed on; `whole` of the kind Array is the address of one.
    unsafe {
        match (whole_ty.kind, whole_ty.elem(), ty.elem()) {
            (Kind::Bool, _, Some(elem)) if ty.kind == Kind::Pointer => {
                look(elem, value.data, true, false)
            }
            (Kind::Slice, ..) => look(whole_ty, whole.data, true, true),
            (Kind::Array, ..) => look(whole_ty, whole.data, !is_direct(whole_ty), false),
            (Kind::Pointer, Some(array), _) => look(array, whole.data, true, false),
            _ => look(ty, value.data, false, true),
        }
    }
}

/// Whether an exported function may return `value` to C.
///
/// # Safety
/// As for [`argument`].
pub unsafe fn result(value: Any) -> Verdict {
    // SAFETY: passed on.
    unsafe {
        match value.ty() {
            Some(ty) => look(ty, value.data, !is_direct(ty), false),
            None => Ok(()),
        }
    }
}

/// Looks at a value of the type: `at` is where it is, or the value itself unless `indirect`. `top`: it is what C gets, and may point to Go's memory
/// itself.
///
/// # Safety
/// As for [`argument`].
unsafe fn look(ty: &Type, at: usize, indirect: bool, top: bool) -> Verdict {
    if !ty.has_pointers() || at == 0 {
        return Ok(());
    }
    let refused = Err(Refused(ty.kind));
    // SAFETY: a value of a type has what its descriptor says, and can be read, says the caller.
    unsafe {
        match ty.kind {
            Kind::Array => look_at_elements(ty, at, ty.len, indirect, top),
            Kind::Struct => look_at_fields(ty, at, indirect, top),
            Kind::Chan | Kind::Map => refused,
            Kind::Func => {
                let closure = if indirect { word(at) } else { at };
                if is_go(closure) { refused } else { Ok(()) }
            }
            Kind::Interface => look_at_interface(at, top),
            Kind::Slice => {
                let elements = word(at);
                if !is_go(elements) {
                    return Ok(());
                }
                if !top && is_unpinned(elements) {
                    return refused;
                }
                look_at_elements(ty, elements, word(at + 2 * WORD), true, false)
            }
            Kind::String if !top && is_unpinned(word(at)) => refused,
            Kind::Pointer | Kind::UnsafePointer => {
                let to = if indirect { word(at) } else { at };
                if !top && is_unpinned(to) {
                    return refused;
                }
                look_at_object(to)
            }
            _ => Ok(()),
        }
    }
}

/// # Safety
/// As for [`argument`].
unsafe fn look_at_elements(
    ty: &Type,
    at: usize,
    count: usize,
    indirect: bool,
    top: bool,
) -> Verdict {
    let Some(elem) = ty.elem().filter(|elem| elem.has_pointers()) else {
        return Ok(());
    };
    // SAFETY: passed on; a value in one word has one element.
    unsafe {
        if !indirect {
            return look(elem, at, false, top);
        }
        for index in 0..count {
            look(elem, at + index * elem.size, true, top)?;
        }
    }
    Ok(())
}

/// # Safety
/// As for [`argument`].
unsafe fn look_at_fields(ty: &Type, at: usize, indirect: bool, top: bool) -> Verdict {
    for field in ty.fields() {
        // SAFETY: passed on; a field's type is a constant, and a value in one word has one field.
        unsafe {
            match indirect {
                true => look(&*field.ty, at + field.offset, true, top)?,
                false => look(&*field.ty, at, false, top)?,
            }
        }
    }
    Ok(())
}

/// # Safety
/// As for [`argument`]; an interface is there.
unsafe fn look_at_interface(at: usize, top: bool) -> Verdict {
    let refused = Err(Refused(Kind::Interface));
    // SAFETY: an interface has two words, the first its type or null.
    let (kind, data) = unsafe { (word(at), word(at + WORD)) };
    if kind == 0 {
        return Ok(());
    }
    // A type that the compiler knew is a constant; one that was made is in the heap.
    if object::find(kind).is_some() {
        return refused;
    }
    if !is_go(data) {
        return Ok(());
    }
    if !top && is_unpinned(data) {
        return refused;
    }
    // SAFETY: passed on; the first word is a type's address.
    unsafe {
        let ty = &*(kind as *const Type);
        look(ty, data, !is_direct(ty), false)
    }
}

/// A pointer into Go's memory of which nothing is known but the object.
///
/// # Safety
/// The memory can be read.
unsafe fn look_at_object(at: usize) -> Verdict {
    let refused = Refused(Kind::Pointer);
    let Some(object) = object::find(at) else {
        // How large a variable is nobody knows: it may hold a pointer.
        return match heap::roots::contains(at) {
            true => Err(refused),
            false => Ok(()),
        };
    };
    let mut verdict = Ok(());
    object.for_each_pointer(|slot| {
        if verdict.is_ok() && is_unpinned(slot.load(Ordering::Relaxed)) {
            verdict = Err(refused);
        }
    });
    verdict
}

/// Go's words for a store that level 2 refuses.
const STORED: &str = "unpinned Go pointer stored into non-Go memory";

/// Whether a store there makes a pointer C's.
fn is_foreign(slot: usize) -> bool {
    !is_go(slot) && !stack::memory::owns(slot)
}

/// Level 2: ends the program if `value`, which is about to be stored, is a pointer that must not be there.
pub fn store(slot: usize, value: usize) {
    if is_unpinned(value) && is_foreign(slot) {
        fatal::throw(
            &format!("write of unpinned Go pointer {value:#x} to non-Go memory {slot:#x}\n"),
            STORED,
        );
    }
}

/// Level 2: the same for `size` bytes of values of the type that are about to be copied.
///
/// # Safety
/// So many bytes, values of the type, can be read from `source` on.
pub unsafe fn copy(ty: &Type, target: usize, source: usize, size: usize) {
    let from_go = || is_go(source) || stack::memory::owns(source);
    if !ty.has_pointers() || ty.size == 0 || !is_foreign(target) || !from_go() {
        return;
    }
    for offset in (0..size).step_by(WORD) {
        let index = offset % ty.size / WORD;
        // SAFETY: within what the caller says.
        let value = || unsafe { word(source + offset) };
        if ty.is_pointer(index) && is_unpinned(value()) {
            fatal::throw("", STORED);
        }
    }
}
