//! The functions that are called across, by number, and what they are called.

use std::collections::HashMap;
use std::sync::Arc;

use stack::sync::{Mutex, MutexGuard};

use super::crossing::hold;
use super::hash::Addresses;

/// Which way a crossing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Go calls C.
    Call = 0,
    /// C calls Go.
    Callback = 1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionId(pub u32);

/// A function of one direction.
#[derive(Clone)]
pub struct Function {
    pub direction: Direction,
    pub name: Arc<str>,
}

struct Found {
    direction: Direction,
    key: usize,
}

pub struct Functions {
    /// Of return addresses in stubs, and of functions.
    names: HashMap<usize, String, Addresses>,
    found: Mutex<Vec<Found>>,
}

impl Functions {
    pub fn new(names: HashMap<usize, String, Addresses>) -> Functions {
        Functions {
            names,
            found: Mutex::new(Vec::new()),
        }
    }

    /// Its number. `key` is the function's address, or where a stub's call of it returns to.
    pub fn find(&self, direction: Direction, key: usize) -> FunctionId {
        let mut found = self.lock();
        let same = |known: &Found| known.key == key && known.direction == direction;
        let index = found.iter().position(same).unwrap_or_else(|| {
            found.push(Found { direction, key });
            found.len() - 1
        });
        FunctionId(index as u32)
    }

    /// What is known of it. Symbols are looked for now, which may take long.
    pub fn get(&self, id: FunctionId) -> Function {
        let (direction, key) = {
            let found = &self.lock()[id.0 as usize];
            (found.direction, found.key)
        };
        let name = match self.names.get(&key) {
            Some(name) => name.as_str().into(),
            None => symbol(key).into(),
        };
        Function { direction, name }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Found>> {
        hold(&self.found)
    }
}

/// What the symbols of the program and its libraries say.
fn symbol(address: usize) -> String {
    let mut name = None;
    // It looks for the instruction before, as for a return address.
    backtrace::resolve((address + 1) as *mut _, |symbol| {
        // Of functions that were inlined into one another the last counts.
        name = symbol
            .name()
            .map(|found| format!("{found:#}"))
            .or(name.take());
    });
    name.unwrap_or_else(|| format!("{address:#x}"))
}
