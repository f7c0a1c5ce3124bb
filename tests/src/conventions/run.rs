//! C's conventions: compiles the generated file with the harness, executes it, and compares.
//!
//! Two observations for each signature. The compiled caller calls a routine that records all registers and the stack: are the
//! arguments where they should be? The compiled callee is called with them there and garbage everywhere else: does it see them,
//! where is its result, and how much does it pop?

use std::fs;
use std::path::Path;

use abi::call::{Assignment, Convention, Part, Place, Register};

use super::c::{self, Generator};
use super::images::{
    Images, MEMORY, REGISTERS, RELOCATIONS, RESULT, Record, SLOT_BYTES, STACK, STACK_POINTER,
};
use super::machine::{self, Machine};
use super::values::Value;
use super::{Assign, Case, Outcome, Random};

/// Compares `count` signatures of `convention`, chosen by `seed`, with what the compiler makes of them, in `dir`.
///
/// # Errors
/// A compiler that is missing or fails; the harness's failure.
pub fn check(
    dir: &Path,
    convention: Convention,
    assign: Assign,
    count: usize,
    seed: u64,
) -> Result<Outcome, String> {
    let mut generator = Generator::new(convention, seed);
    let cases: Vec<Case> = (0..count).map(|_| generator.case()).collect();
    fs::create_dir_all(dir).map_err(|err| err.to_string())?;
    let source = dir.join("cases.c");
    fs::write(&source, c::file(&generator, &cases)).map_err(|err| err.to_string())?;
    let program = machine::build(dir, convention, &source)?;

    let mut random = Random::new(2);
    let mut trials = Vec::new();
    for case in &cases {
        let assignment = assign(convention, &case.signature())
            .map_err(|why| format!("{}: {why:?}", case.shown()))?;
        trials.push(Trial::new(convention, case, assignment, &mut random));
    }
    let jobs: Vec<u8> = trials.iter().flat_map(Trial::job).collect();
    let output = machine::execute(Machine::of(convention), &program, jobs)?;
    let mut outcome = Outcome {
        signatures: cases.len(),
        ..Outcome::default()
    };
    let size = Record::SIZE;
    if output.len() != size * trials.len() {
        let done = output.len() / size;
        let case = trials.get(done).map(|trial| trial.case.shown());
        return Err(format!("the harness stopped at signature {done}: {case:?}"));
    }
    for (trial, record) in trials.iter().zip(output.chunks(size)) {
        outcome.values += trial.case.params.len() + trial.case.results.len();
        let complaints = trial.complaints(&Record(record));
        let shown = trial.case.shown();
        let complaints = complaints.into_iter();
        outcome
            .wrong
            .extend(complaints.map(|why| format!("{shown}: {why}")));
    }
    Ok(outcome)
}

/// A signature with the values to pass and where they should be.
struct Trial<'a> {
    convention: Convention,
    machine: &'static Machine,
    case: &'a Case,
    assignment: Assignment,
    params: Vec<Value>,
    result: Option<Value>,
    garbage: Vec<u8>,
}

impl<'a> Trial<'a> {
    fn new(
        convention: Convention,
        case: &'a Case,
        assignment: Assignment,
        random: &mut Random,
    ) -> Trial<'a> {
        let params = case.params.iter();
        let params = params.map(|one| Value::random(&one.ty, random)).collect();
        let result = case.results.first();
        let result = result.map(|one| Value::random(&one.ty, random));
        let garbage = (0..REGISTERS + STACK).map(|_| random.number() as u8);
        Trial {
            convention,
            machine: Machine::of(convention),
            case,
            assignment,
            params,
            result,
            garbage: garbage.collect(),
        }
    }

    /// `struct job` for the harness.
    fn job(&self) -> Vec<u8> {
        let mut images = Images {
            machine: self.machine,
            loaded: self.garbage.clone(),
            memory: vec![0; MEMORY],
            relocations: Vec::new(),
        };
        let mut arguments = vec![0; RESULT];
        for (index, value) in self.params.iter().enumerate() {
            let at = index * SLOT_BYTES;
            arguments[at..][..value.bytes.len()].copy_from_slice(&value.bytes);
            images.put(&self.assignment.params[index], &value.bytes, at);
        }
        if let Some(pointer) = &self.assignment.result_pointer {
            images.point(&pointer.place, RESULT);
        }
        if let Some(vectors) = self.assignment.vectors {
            images.loaded[self.machine.register(Register("rax"))] = vectors as u8;
        }
        let mut given = self
            .result
            .iter()
            .flat_map(|value| value.bytes.clone())
            .collect();
        Vec::resize(&mut given, SLOT_BYTES, 0);

        let mut job = [arguments, given, images.loaded, images.memory].concat();
        let count = images.relocations.len();
        images.relocations.resize(RELOCATIONS, [0, 0]);
        let words = images.relocations.into_iter().flatten();
        for word in words.chain([count as u32, 0]) {
            job.extend(word.to_le_bytes());
        }
        job
    }

    fn complaints(&self, record: &Record<'_>) -> Vec<String> {
        let mut complaints = Vec::new();
        for (index, value) in self.params.iter().enumerate() {
            let place = &self.assignment.params[index];
            let at = index * SLOT_BYTES;
            if !self.is_passed(record, place, value) {
                complaints.push(format!(
                    "the caller doesn't pass argument {index} in {place:?}"
                ));
            }
            if !value.is_in(0, &record.seen()[at..]) {
                complaints.push(format!(
                    "the callee doesn't see argument {index} in {place:?}"
                ));
            }
        }
        if let (Some(value), Some(place)) = (&self.result, self.assignment.results.first())
            && !self.is_returned(record, place, value)
        {
            complaints.push(format!("the callee doesn't return its result in {place:?}"));
        }
        complaints.extend(self.other_complaints(record));
        complaints
    }

    /// About what isn't a value of the signature.
    fn other_complaints(&self, record: &Record<'_>) -> Vec<String> {
        let mut complaints = Vec::new();
        if record.popped() != self.assignment.popped {
            complaints.push(format!(
                "the callee pops {} bytes, not {}",
                record.popped(),
                self.assignment.popped
            ));
        }
        if let Some(vectors) = self.assignment.vectors {
            let al = record.observed()[self.machine.register(Register("rax"))];
            if u64::from(al) != vectors {
                complaints.push(format!(
                    "the caller says {al} vector registers, not {vectors}"
                ));
            }
        }
        let returned = self.assignment.result_pointer.as_ref();
        if let Some(register) = returned.and_then(|pointer| pointer.returned) {
            let address = self.pointer(&record.returned()[self.machine.register(register)..]);
            if address != record.memory_address() + RESULT as u64 {
                complaints.push(format!(
                    "the callee doesn't return the address in {register}"
                ));
            }
        }
        complaints
    }

    fn pointer(&self, bytes: &[u8]) -> u64 {
        let mut word = [0; 8];
        word[..self.machine.pointer].copy_from_slice(&bytes[..self.machine.pointer]);
        u64::from_le_bytes(word)
    }

    /// What the caller left at `place`.
    fn passed<'r>(&self, record: &'r Record<'_>, place: &Place) -> Option<&'r [u8]> {
        match place {
            Place::Nothing => Some(&[]),
            Place::Registers(parts) => {
                let at = self.machine.register(parts.first()?.register);
                Some(&record.observed()[at..])
            }
            Place::Stack { offset, size } => {
                let at = self.convention.entry_distance() + offset;
                record.window().get(at as usize..(at + size) as usize)
            }
            Place::Indirect { pointer } => {
                let address = self.pointer(self.passed(record, pointer)?);
                let sp = self.pointer(&record.observed()[STACK_POINTER..]);
                record.window().get(address.checked_sub(sp)? as usize..)
            }
        }
    }

    fn is_passed(&self, record: &Record<'_>, place: &Place, value: &Value) -> bool {
        match place {
            Place::Registers(parts) => {
                self.are_in(parts, record.observed(), value) && covers(parts, value)
            }
            _ => self
                .passed(record, place)
                .is_some_and(|bytes| value.is_in(0, bytes)),
        }
    }

    fn is_returned(&self, record: &Record<'_>, place: &Place, value: &Value) -> bool {
        match place {
            Place::Nothing => value.bytes.is_empty(),
            Place::Registers(parts) => {
                self.are_in(parts, record.returned(), value) && covers(parts, value)
            }
            Place::Indirect { .. } => value.is_in(0, &record.memory()[RESULT..]),
            Place::Stack { .. } => false,
        }
    }

    fn are_in(&self, parts: &[Part], registers: &[u8], value: &Value) -> bool {
        parts.iter().all(|part| {
            let at = self.machine.register(part.register);
            let size = part.size as usize;
            let bytes = &registers[at..][..REGISTERS.min(16)];
            match part.register.0.starts_with("st") && size < 10 {
                true => value.is_in(part.offset as usize, &narrowed(bytes, size)),
                false => value.is_in(part.offset as usize, &bytes[..size]),
            }
        })
    }
}

/// Whether every byte that counts is in some part.
fn covers(parts: &[Part], value: &Value) -> bool {
    let mut seen: Vec<u8> = value.bytes.iter().map(|byte| !byte).collect();
    for part in parts {
        let range = part.offset as usize..(part.offset + part.size) as usize;
        if range.end > seen.len() {
            return false;
        }
        seen[range.clone()].copy_from_slice(&value.bytes[range]);
    }
    value.is_in(0, &seen)
}

/// The x87 keeps all numbers in its own format: `float` or `double` again, of a normal number that was one.
fn narrowed(bytes: &[u8], size: usize) -> Vec<u8> {
    let mantissa = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
    let top = u16::from_le_bytes([bytes[8], bytes[9]]);
    let exponent = u64::from(top & 0x7fff).wrapping_sub(16383 - 1023) & 0x7ff;
    let sign = u64::from(top >> 15);
    let double = sign << 63 | exponent << 52 | mantissa << 1 >> 12;
    match size {
        4 => (f64::from_bits(double) as f32).to_le_bytes().to_vec(),
        _ => double.to_le_bytes().to_vec(),
    }
}
