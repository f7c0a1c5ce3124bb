//! What goes into the harness and what comes out of it: `struct job` and `struct record` of `tests/conventions/harness.c`.

use abi::call::Place;

use super::c::SLOT;
use super::machine::Machine;

pub const SLOT_BYTES: usize = SLOT as usize;
const ARGUMENTS: usize = 16;
pub const REGISTERS: usize = 256;
pub const STACK: usize = 1024;
const WINDOW: usize = 2048;
pub const RELOCATIONS: usize = 24;
pub const MEMORY: usize = SLOT_BYTES * (ARGUMENTS + 1);
/// Where in the harness's memory results go; as large as all arguments.
pub const RESULT: usize = SLOT_BYTES * ARGUMENTS;
/// Where an image of registers has the stack pointer.
pub const STACK_POINTER: usize = 248;

/// What the harness prints for a signature: `struct record`.
pub struct Record<'a>(pub &'a [u8]);

impl Record<'_> {
    const OBSERVED: usize = 24;
    const WINDOW: usize = Record::OBSERVED + REGISTERS;
    const RETURNED: usize = Record::WINDOW + WINDOW;
    const SEEN: usize = Record::RETURNED + REGISTERS;
    const MEMORY: usize = Record::SEEN + RESULT;
    pub const SIZE: usize = Record::MEMORY + MEMORY;

    fn word(&self, index: usize) -> u64 {
        u64::from_le_bytes(self.0[index * 8..][..8].try_into().expect("8 bytes"))
    }

    pub fn memory_address(&self) -> u64 {
        self.word(0)
    }

    pub fn popped(&self) -> u64 {
        self.word(2)
    }

    pub fn observed(&self) -> &[u8] {
        &self.0[Record::OBSERVED..][..REGISTERS]
    }

    pub fn window(&self) -> &[u8] {
        &self.0[Record::WINDOW..][..WINDOW]
    }

    pub fn returned(&self) -> &[u8] {
        &self.0[Record::RETURNED..][..REGISTERS]
    }

    pub fn seen(&self) -> &[u8] {
        &self.0[Record::SEEN..][..RESULT]
    }

    pub fn memory(&self) -> &[u8] {
        &self.0[Record::MEMORY..]
    }
}

/// What a job loads: registers and behind them the stack, and memory that they may point to.
pub struct Images {
    pub machine: &'static Machine,
    pub loaded: Vec<u8>,
    pub memory: Vec<u8>,
    pub relocations: Vec<[u32; 2]>,
}

impl Images {
    /// Puts a value in its place; one that is passed by reference lies in memory at `at`.
    pub fn put(&mut self, place: &Place, bytes: &[u8], at: usize) {
        match place {
            Place::Nothing => {}
            Place::Registers(parts) => {
                for part in parts {
                    let from = &bytes[part.offset as usize..][..part.size as usize];
                    let register = self.machine.register(part.register);
                    self.loaded[register..][..from.len()].copy_from_slice(from);
                }
            }
            Place::Stack { offset, .. } => {
                let start = REGISTERS + *offset as usize;
                self.loaded[start..][..bytes.len()].copy_from_slice(bytes);
            }
            Place::Indirect { pointer } => {
                self.memory[at..][..bytes.len()].copy_from_slice(bytes);
                self.point(pointer, at);
            }
        }
    }

    /// Puts the address of `to` in the harness's memory in a place.
    pub fn point(&mut self, place: &Place, to: usize) {
        let at = match place {
            Place::Registers(parts) => self.machine.register(parts[0].register),
            Place::Stack { offset, .. } => REGISTERS + *offset as usize,
            Place::Nothing | Place::Indirect { .. } => unreachable!("an address is passed itself"),
        };
        self.relocations.push([at as u32, to as u32]);
    }
}
