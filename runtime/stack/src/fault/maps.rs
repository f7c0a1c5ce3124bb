//! The bounds of a stack, asked of the system in a signal handler: by `/proc/self/maps`, read with little memory and no lock.

use std::ffi::CStr;

use super::Bounds;

const MAPS: &CStr = c"/proc/self/maps";

/// The mapping that is the stack of who runs at `sp`: the first that can be used and doesn't end below. None if the system won't say.
pub fn stack_at(sp: usize) -> Option<Bounds> {
    // SAFETY: a name that ends with NUL.
    let file = unsafe { libc::open(MAPS.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if file < 0 {
        return None;
    }
    let found = search(file, sp);
    // SAFETY: opened above.
    unsafe { libc::close(file) };
    found
}

fn search(file: i32, sp: usize) -> Option<Bounds> {
    let mut line = Line::default();
    let mut buffer = [0u8; 1024];
    loop {
        // SAFETY: reads into the buffer, as much as it holds.
        let read = unsafe { libc::read(file, buffer.as_mut_ptr().cast(), buffer.len()) };
        let bytes = buffer.get(..usize::try_from(read).ok()?)?;
        if bytes.is_empty() {
            return None;
        }
        for byte in bytes {
            if let Some(found) = line.next(*byte, sp) {
                return Some(found);
            }
        }
    }
}

/// A line such as `7f00-7f80 rw-p …`, as far as it has been read.
#[derive(Default)]
struct Line {
    bounds: [usize; 2],
    column: Column,
}

#[derive(Default, Clone, Copy)]
enum Column {
    #[default]
    Start,
    End,
    Readable,
    Rest,
}

impl Line {
    /// Takes the next byte; the mapping, once it is known to be the one.
    fn next(&mut self, byte: u8, sp: usize) -> Option<Bounds> {
        let digit = char::from(byte).to_digit(16);
        self.column = match (self.column, byte) {
            (_, b'\n') => {
                *self = Line::default();
                Column::Start
            }
            (Column::Start, b'-') => Column::End,
            (Column::End, b' ') => Column::Readable,
            (Column::Readable, b'r') if self.bounds[1] > sp => {
                let [lo, hi] = self.bounds;
                return Some(Bounds { lo, hi });
            }
            (Column::Readable, _) => Column::Rest,
            (column @ (Column::Start | Column::End), _) => {
                let bound = &mut self.bounds[column as usize];
                *bound = *bound << 4 | digit? as usize;
                column
            }
            (Column::Rest, _) => Column::Rest,
        };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_that_runs_is_found() {
        let here = 0;
        let address = (&raw const here).addr();
        let found = stack_at(address).expect("the system lists mappings");
        assert!((found.lo..found.hi).contains(&address));
        let bounds = crate::fault::thread_bounds().expect("the system knows");
        assert!((bounds.lo..=bounds.hi).contains(&found.hi.min(bounds.hi)));
    }
}
