//! How copies of the runtime find each other: every object that has one linked in carries an ELF note, which says where its [`Copy`] is. No
//! symbol need be visible for that, and nothing is left behind when an object is unloaded.

use std::arch::global_asm;
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::slice;

use super::copies::{COPY, Copy};

/// The note's type: copies of another version have other `Copy`s, and are left alone.
const VERSION: u32 = 1;
const NAME: &[u8; 5] = b"gort\0";

global_asm!(
    ".pushsection .note.gort, \"a\", @note",
    ".p2align 2",
    ".long 5, 4, {version}",
    ".asciz \"gort\"",
    ".p2align 2",
    "7: .long {copy} - 7b",
    ".popsection",
    ".hidden {copy}",
    version = const VERSION,
    copy = sym COPY,
);

/// Calls `found` for each copy in this process, this one included.
pub fn each(mut found: impl FnMut(&'static Copy)) {
    each_object(&mut |object, headers| {
        for header in headers.iter().filter(|h| h.p_type == libc::PT_NOTE) {
            let place = object + header.p_vaddr as usize;
            let bytes = header.p_memsz as usize;
            // SAFETY: a segment of notes is mapped as it is in the file.
            let notes = unsafe { slice::from_raw_parts(place as *const u8, bytes) };
            if let Some(copy) = search(notes) {
                found(copy);
            }
        }
    });
}

/// The addresses of the object that has this one; none if it is nobody's.
pub fn object_of(address: usize) -> Range<usize> {
    let mut range = 0..0;
    each_object(&mut |object, headers| {
        let loaded = || headers.iter().filter(|h| h.p_type == libc::PT_LOAD);
        let start = loaded().map(|h| object + h.p_vaddr as usize).min();
        let end = loaded()
            .map(|h| object + (h.p_vaddr + h.p_memsz) as usize)
            .max();
        if let (Some(start), Some(end)) = (start, end)
            && (start..end).contains(&address)
        {
            range = start..end;
        }
    });
    range
}

/// What is done with an object: where it is, and its program headers.
type Look<'a> = &'a mut dyn FnMut(usize, &[libc::Elf64_Phdr]);

/// Unlike `dladdr`, this doesn't wait for whoever loads a library, and runs its constructors, right now.
fn each_object(mut look: Look) {
    // SAFETY: `visit` takes what is passed here. The list of objects stays as it is meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut look).cast()) };
}

unsafe extern "C" fn visit(object: *mut libc::dl_phdr_info, _: usize, look: *mut c_void) -> c_int {
    // SAFETY: the system's description of an object, whose program headers are mapped; and what `each_object` passes.
    unsafe {
        let object = &*object;
        let headers = slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into());
        (*look.cast::<Look>())(object.dlpi_addr as usize, headers);
    }
    0
}

/// The copy that one of these notes tells of: each has the lengths of its name and of its text, a type, the name and the text.
fn search(mut notes: &[u8]) -> Option<&'static Copy> {
    loop {
        let (lengths, rest) = notes.split_at_checked(12)?;
        let word =
            |at: usize| u32::from_ne_bytes(lengths[at..at + 4].try_into().expect("four bytes"));
        let (name_bytes, text_bytes) = (word(0) as usize, word(4) as usize);
        let (name, rest) = rest.split_at_checked(name_bytes.next_multiple_of(4))?;
        let text = rest.get(..text_bytes)?;
        if word(8) == VERSION && name.get(..name_bytes)? == NAME {
            let distance = i32::from_ne_bytes(text.try_into().ok()?);
            let place = text.as_ptr().wrapping_offset(distance as isize);
            // SAFETY: a runtime's note of this version says how far from here its `Copy` is, a static of an object that is loaded.
            return Some(unsafe { &*place.cast::<Copy>() });
        }
        notes = rest.get(text_bytes.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_copy_is_found_once() {
        let mut count = 0;
        each(|copy| count += usize::from(std::ptr::eq(copy, &COPY)));
        assert_eq!(count, 1);
    }

    #[test]
    fn an_object_has_the_code_and_data_that_are_in_it() {
        static DATA: [u8; 3] = [1; 3];
        let object = object_of(DATA.as_ptr().addr());
        assert!(object.contains(&(search as *const () as usize)));
        let elsewhere = Box::new(1);
        assert!(!object.contains(&std::ptr::from_ref(&*elsewhere).addr()));
        assert!(object_of(8).is_empty());
    }

    #[test]
    fn other_notes_are_passed_over() {
        let note = |name: &[u8], kind: u32, text: &[u8]| {
            let mut bytes = Vec::new();
            bytes.extend((name.len() as u32).to_ne_bytes());
            bytes.extend((text.len() as u32).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            for part in [name, text] {
                bytes.extend(part);
                bytes.resize(bytes.len().next_multiple_of(4), 0);
            }
            bytes
        };
        let mut notes = note(b"GNU\0", 3, &[7; 20]);
        notes.extend(note(b"gort\0", VERSION + 1, &[0; 4]));
        assert!(search(&notes).is_none());
        assert!(search(&notes[..17]).is_none());
        notes.extend(note(NAME, VERSION, &16_i32.to_ne_bytes()));
        let place = notes.as_ptr().wrapping_add(notes.len() - 4 + 16);
        let found = search(&notes).map(std::ptr::from_ref);
        assert_eq!(found, Some(place.cast()));
    }
}
