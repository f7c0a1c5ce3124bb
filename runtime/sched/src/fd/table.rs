//! Descriptors by number, for those who know them by nothing else: C's interface.

use std::os::fd::RawFd;
use std::sync::Arc;

use crate::sync::Mutex;

use super::Fd;

static TABLE: Mutex<Vec<Option<Arc<Fd>>>> = Mutex::new(Vec::new());

/// Makes a descriptor known by its number, which is returned.
pub fn insert(fd: Arc<Fd>) -> RawFd {
    let number = fd.raw();
    let index = usize::try_from(number).expect("an open descriptor's number");
    let mut table = TABLE.lock().unwrap();
    if table.len() <= index {
        table.resize(index + 1, None);
    }
    // One of the same number was closed behind our back: its Fd must not close the number again.
    if let Some(stale) = table[index].replace(fd) {
        stale.lose();
        std::mem::forget(stale);
    }
    number
}

/// The descriptor of that number.
pub fn lookup(number: RawFd) -> Option<Arc<Fd>> {
    let index = usize::try_from(number).ok()?;
    TABLE.lock().unwrap().get(index)?.clone()
}

/// Forgets the number, before the descriptor is closed.
pub fn remove(number: RawFd) -> Option<Arc<Fd>> {
    let index = usize::try_from(number).ok()?;
    TABLE.lock().unwrap().get_mut(index)?.take()
}
