//! Follows values, byte by byte, through a function that `go tool compile -S` has printed.
//!
//! The functions have no branches but the one that grows the stack, and do nothing but move values. An instruction that isn't
//! known here leaves garbage in its last operand: whoever looks for a value there reports it.

use std::collections::HashMap;

use abi::call::GoArch;

/// What a byte is: where it was when the function began, or when its one call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Byte {
    Register(String, u64),
    /// Of the function's own argument area.
    Stack(i64),
    Global(String, i64),
    ReturnedRegister(String, u64),
    /// Of the argument area of the function that was called.
    ReturnedStack(i64),
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Region {
    /// Offsets are from the start of the function's argument area.
    Frame,
    /// arm64's name for the top of the locals.
    Locals,
    Global(String),
}

type Address = (Region, i64);

enum Operand<'a> {
    Register(&'a str),
    Pair(&'a str, &'a str),
    Memory(Address),
    AddressOf(Address),
    Other,
}

/// A function as the compiler printed it.
pub struct Function<'a> {
    pub name: &'a str,
    pub is_wrapper: bool,
    /// Bytes of its frame and of its argument area.
    frame: i64,
    pub area: u64,
    instructions: Vec<&'a str>,
}

/// The functions of a listing whose names begin with `x.F`.
pub fn functions(listing: &str) -> Vec<Function<'_>> {
    let mut functions: Vec<Function<'_>> = Vec::new();
    let mut is_ours = false;
    for line in listing.lines() {
        if !line.starts_with('\t') {
            is_ours = line.starts_with("x.F") && line.contains(" STEXT ");
            continue;
        }
        // \t0x0000 00000 (file:line)\tMOVL\tBX, x.b+64(SP)
        let Some((_, instruction)) = line[1..].split_once('\t').filter(|_| is_ours) else {
            continue;
        };
        match instruction.strip_prefix("TEXT\t") {
            Some(text) => functions.extend(head(text)),
            None => {
                if let Some(function) = functions.last_mut() {
                    function.instructions.push(instruction);
                }
            }
        }
    }
    functions
}

/// `x.F3(SB), NOSPLIT|ABIInternal, $0-112`
fn head(text: &str) -> Option<Function<'_>> {
    let (name, rest) = text.split_once("(SB)")?;
    let (_, last) = rest.rsplit_once(", ")?;
    let (frame, area) = last.strip_prefix('$')?.rsplit_once('-')?;
    Some(Function {
        name,
        is_wrapper: text.contains("ABIWRAPPER"),
        frame: frame.parse().ok()?,
        area: area.parse().ok()?,
        instructions: Vec::new(),
    })
}

/// What registers and memory hold.
pub struct State {
    arch: GoArch,
    frame: i64,
    has_called: bool,
    registers: HashMap<String, Vec<Byte>>,
    /// Registers that hold addresses.
    addresses: HashMap<String, Address>,
    memory: HashMap<Address, Byte>,
}

/// Bytes that the longest instruction moves.
const WIDTH: u64 = 16;

impl Function<'_> {
    /// The state before the call of a wrapper, if it has one, and at the end.
    pub fn follow(&self, arch: GoArch, callee_area: u64) -> (Option<State>, State) {
        let mut state = State::new(arch, self.frame);
        let mut at_call = None;
        for instruction in &self.instructions {
            let (mnemonic, operands) = instruction.split_once('\t').unwrap_or((instruction, ""));
            match mnemonic {
                "RET" => break,
                // A jump where there is nothing to bring back.
                "CALL" | "JMP" if operands.starts_with("x.F") => {
                    let after = state.after_call(callee_area);
                    at_call = Some(std::mem::replace(&mut state, after));
                }
                _ => state.step(mnemonic, operands),
            }
        }
        (at_call, state)
    }
}

impl State {
    fn new(arch: GoArch, frame: i64) -> State {
        State {
            arch,
            frame,
            has_called: false,
            registers: HashMap::new(),
            addresses: HashMap::new(),
            memory: HashMap::new(),
        }
    }

    /// Offset of the stack pointer from the start of the argument area.
    fn stack_pointer(&self) -> i64 {
        -self.frame - self.arch.model().pointer as i64
    }

    /// Offset of the argument area that the function prepares for its callee: arm64 keeps a word below it.
    pub fn outgoing(&self) -> i64 {
        let below = if self.arch == GoArch::Arm64 { 8 } else { 0 };
        self.stack_pointer() + below
    }

    fn after_call(&self, area: u64) -> State {
        let mut memory = self.memory.clone();
        let outgoing = self.outgoing();
        for offset in 0..area as i64 {
            memory.insert(
                (Region::Frame, outgoing + offset),
                Byte::ReturnedStack(offset),
            );
        }
        State {
            has_called: true,
            memory,
            ..State::new(self.arch, self.frame)
        }
    }

    pub fn register(&self, name: &str) -> Vec<Byte> {
        let name = whole(name);
        if let Some(bytes) = self.registers.get(name) {
            return bytes.clone();
        }
        let byte = |index| match self.has_called {
            false => Byte::Register(name.to_owned(), index),
            true => Byte::ReturnedRegister(name.to_owned(), index),
        };
        (0..WIDTH).map(byte).collect()
    }

    pub fn stack(&self, offset: i64) -> Byte {
        self.load(&(Region::Frame, offset))
    }

    pub fn global(&self, name: &str, offset: i64) -> Byte {
        self.load(&(Region::Global(name.to_owned()), offset))
    }

    fn load(&self, address: &Address) -> Byte {
        if let Some(byte) = self.memory.get(address) {
            return byte.clone();
        }
        match address {
            (Region::Frame, offset) if *offset >= 0 => Byte::Stack(*offset),
            (Region::Global(name), offset) => Byte::Global(name.clone(), *offset),
            _ => Byte::Unknown,
        }
    }

    fn set_register(&mut self, name: &str, mut bytes: Vec<Byte>) {
        bytes.resize(WIDTH as usize, Byte::Unknown);
        self.addresses.remove(whole(name));
        self.registers.insert(whole(name).to_owned(), bytes);
    }

    fn step(&mut self, mnemonic: &str, operands: &str) {
        let operands: Vec<Operand<'_>> = split(operands)
            .into_iter()
            .map(|text| self.operand(text))
            .collect();
        let size = size(self.arch, mnemonic);
        match (operands.as_slice(), size) {
            ([Operand::AddressOf(address), Operand::Register(to)], _) => {
                self.set_register(to, Vec::new());
                self.addresses.insert(whole(to).to_owned(), address.clone());
            }
            ([Operand::Memory(address), Operand::Register(to)], _)
                if mnemonic.starts_with("LEA") =>
            {
                self.set_register(to, Vec::new());
                self.addresses.insert(whole(to).to_owned(), address.clone());
            }
            ([Operand::Register(from), Operand::Register(to)], Some(_)) if is_stack(from) => {
                let address = (Region::Frame, self.stack_pointer());
                self.set_register(to, Vec::new());
                self.addresses.insert(whole(to).to_owned(), address);
            }
            ([from, to], Some(size)) => self.move_value(from, to, size),
            (operands, _) => {
                if let Some(Operand::Register(to)) = operands.last() {
                    self.set_register(to, Vec::new());
                }
            }
        }
    }

    fn move_value(&mut self, from: &Operand<'_>, to: &Operand<'_>, size: i64) {
        let load = |address: &Address, at: i64| -> Vec<Byte> {
            let bytes = (0..size).map(|index| (address.0.clone(), address.1 + at + index));
            bytes.map(|address| self.load(&address)).collect()
        };
        let low = |name: &str| self.register(name)[..size as usize].to_vec();
        let values: Vec<Vec<Byte>> = match from {
            Operand::Register(name) => vec![low(name)],
            Operand::Pair(one, two) => vec![low(one), low(two)],
            Operand::Memory(address) => vec![load(address, 0), load(address, size)],
            Operand::AddressOf(_) | Operand::Other => {
                vec![vec![Byte::Unknown; size as usize]; 2]
            }
        };
        match to {
            Operand::Register(name) => self.set_register(name, values[0].clone()),
            Operand::Pair(one, two) => {
                self.set_register(one, values[0].clone());
                self.set_register(two, values[1].clone());
            }
            Operand::Memory(address) => {
                let count = if let Operand::Pair(..) = from { 2 } else { 1 };
                for (index, byte) in values.into_iter().take(count).flatten().enumerate() {
                    let address = (address.0.clone(), address.1 + index as i64);
                    self.memory.insert(address, byte);
                }
            }
            Operand::AddressOf(_) | Operand::Other => {}
        }
    }

    /// `BX`, `(R5, R6)`, `x.b+64(SP)`, `x.G0(SB)`, `8(R8)`, `$x.z+24(FP)`.
    fn operand<'t>(&self, text: &'t str) -> Operand<'t> {
        if let Some(pair) = text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
            && let Some((one, two)) = pair.split_once(", ")
        {
            return Operand::Pair(one, two);
        }
        if let Some(address) = text.strip_prefix('$') {
            return self
                .address(address)
                .map_or(Operand::Other, Operand::AddressOf);
        }
        if text.contains('(') {
            return self.address(text).map_or(Operand::Other, Operand::Memory);
        }
        Operand::Register(text)
    }

    fn address(&self, text: &str) -> Option<Address> {
        let (front, base) = text.strip_suffix(')')?.rsplit_once('(')?;
        // Only the offset may stand alone: `24(SP)`, `x.b(SP)`, `x.b+24(SP)`.
        let split = front
            .rfind(['+', '-'])
            .filter(|at| front[at + 1..].parse::<i64>().is_ok());
        let (name, offset) = match (split, front.parse::<i64>()) {
            (_, Ok(offset)) => ("", offset),
            (Some(at), _) => (&front[..at], front[at..].parse().ok()?),
            (None, _) => (front, 0),
        };
        Some(match base {
            "SB" => (Region::Global(name.to_owned()), offset),
            "FP" => (Region::Frame, offset),
            "SP" if self.arch == GoArch::Arm64 => (Region::Locals, offset),
            base if is_stack(base) => (Region::Frame, self.stack_pointer() + offset),
            register => {
                let (region, start) = self.addresses.get(whole(register))?;
                (region.clone(), start + offset)
            }
        })
    }
}

fn is_stack(register: &str) -> bool {
    matches!(register, "SP" | "RSP")
}

/// The register that a name for its low byte is part of: `AL`, `SIB`, `R8B`.
fn whole(name: &str) -> &str {
    match name {
        "AL" => "AX",
        "BL" => "BX",
        "CL" => "CX",
        "DL" => "DX",
        _ => name
            .strip_suffix('B')
            .filter(|name| name.len() > 1)
            .unwrap_or(name),
    }
}

/// At commas outside of parentheses.
fn split(operands: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in operands.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(operands[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(operands[start..].trim());
    parts
}

const X86: &[(i64, &[&str])] = &[
    (1, &["MOVB", "MOVBLZX", "MOVBQZX", "MOVBLSX", "MOVBQSX"]),
    (2, &["MOVW", "MOVWLZX", "MOVWQZX", "MOVWLSX", "MOVWQSX"]),
    (4, &["MOVL", "MOVSS", "MOVLQZX", "MOVLQSX"]),
    (8, &["MOVQ", "MOVSD"]),
    (16, &["MOVUPS"]),
];

const ARM64: &[(i64, &[&str])] = &[
    (1, &["MOVB", "MOVBU"]),
    (2, &["MOVH", "MOVHU"]),
    (
        4,
        &[
            "MOVW", "MOVWU", "FMOVS", "LDPW", "LDPSW", "STPW", "FLDPS", "FSTPS",
        ],
    ),
    (8, &["MOVD", "FMOVD", "LDP", "STP", "FLDPD", "FSTPD"]),
    (16, &["FMOVQ", "FLDPQ", "FSTPQ"]),
];

/// Bytes that an instruction moves; of a pair, each.
fn size(arch: GoArch, mnemonic: &str) -> Option<i64> {
    let table = match arch {
        GoArch::Arm64 => ARM64,
        GoArch::Amd64 | GoArch::I386 => X86,
    };
    let mut rows = table.iter();
    let row = rows.find(|(_, mnemonics)| mnemonics.contains(&mnemonic))?;
    Some(row.0)
}
