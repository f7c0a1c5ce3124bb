//! Signatures in Go, and the file with a function for each: its parameters go to globals, and its results come from globals.

use std::fmt::Write;

use abi::model::{Basic, Model};
use abi::types::Kind;

use super::{Case, Random, Spelled};

const BASICS: &[(Basic, &str)] = &[
    (Basic::Bool, "bool"),
    (Basic::Char, "int8"),
    (Basic::Short, "uint16"),
    (Basic::Int, "int32"),
    (Basic::Long, "int"),
    (Basic::LongLong, "uint64"),
    (Basic::Float, "float32"),
    (Basic::Double, "float64"),
    (Basic::Pointer, "*int32"),
    (Basic::Pointer, "map[int]int"),
    (Basic::Pointer, "func()"),
];

pub struct Generator {
    random: Random,
    model: Model,
    definitions: String,
    structs: usize,
    /// The parts of each struct defined: what a selector must be appended to reach them, in order.
    parts: Vec<Vec<(String, Spelled)>>,
}

/// What a global holds: a part of a value that is stored and loaded as a whole.
pub struct Leaf {
    selector: String,
    pub offset: u64,
    pub one: Spelled,
}

impl Generator {
    pub fn new(model: Model, seed: u64) -> Generator {
        Generator {
            random: Random::new(seed),
            model,
            definitions: String::new(),
            structs: 0,
            parts: Vec::new(),
        }
    }

    pub fn case(&mut self) -> Case {
        let (params, results) = (self.random.below(9), self.random.below(5));
        Case {
            params: (0..params).map(|_| self.small()).collect(),
            results: (0..results).map(|_| self.small()).collect(),
            variadic: None,
        }
    }

    /// A value that is copied by plain moves: for larger ones there are loops and routines.
    fn small(&mut self) -> Spelled {
        loop {
            let value = self.value(0);
            if value.ty.size <= 64 {
                return value;
            }
        }
    }

    fn value(&mut self, depth: usize) -> Spelled {
        match self.random.below(16) {
            0..=6 => {
                let (basic, text) = self.random.pick(BASICS);
                let ty = self.model.basic(basic).expect("every target has it");
                self.named(text, ty)
            }
            7 => self.named("string", self.model.go_string()),
            8 => self.named("[]int16", self.model.go_slice()),
            9 => self.named("any", self.model.go_interface()),
            10 => {
                let ty = self.model.complex(Basic::Double).expect("a float");
                self.named("complex128", ty)
            }
            11 if depth < 3 => self.array(depth),
            _ if depth < 3 => self.structure(depth),
            _ => self.value(0),
        }
    }

    fn named(&self, text: &str, ty: abi::types::Type) -> Spelled {
        let text = text.to_owned();
        Spelled { text, ty }
    }

    fn array(&mut self, depth: usize) -> Spelled {
        let elem = self.value(depth + 1);
        let len = self.random.pick(&[0, 1, 1, 2, 3]);
        Spelled {
            text: format!("[{len}]{}", elem.text),
            ty: Model::array(elem.ty, len),
        }
    }

    fn structure(&mut self, depth: usize) -> Spelled {
        let count = self.random.below(5);
        let fields: Vec<Spelled> = (0..count).map(|_| self.value(depth + 1)).collect();
        let text = format!("S{}", self.structs);
        self.structs += 1;
        let _ = write!(self.definitions, "type {text} struct {{ ");
        for (index, field) in fields.iter().enumerate() {
            let _ = write!(self.definitions, "m{index} {}; ", field.text);
        }
        self.definitions.push_str("}\n");
        let types = fields.iter().map(|field| field.ty.clone());
        let ty = self.model.go_structure(types);
        let parts = fields.into_iter().enumerate();
        let parts = parts.map(|(index, field)| (format!(".m{index}"), field));
        self.parts.push(parts.collect());
        Spelled { text, ty }
    }

    pub fn leaves(&self, one: &Spelled) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.collect("", 0, one, &mut leaves);
        leaves
    }

    fn collect(&self, selector: &str, offset: u64, one: &Spelled, leaves: &mut Vec<Leaf>) {
        match &one.ty.kind {
            Kind::Array { elem, len } => {
                let (_, text) = one.text.split_once(']').expect("an array's spelling");
                let elem = self.named(text, (**elem).clone());
                for index in 0..*len {
                    let selector = format!("{selector}[{index}]");
                    self.collect(&selector, offset + index * elem.ty.size, &elem, leaves);
                }
            }
            Kind::Record(record) if one.text.starts_with('S') => {
                let index: usize = one.text[1..].parse().expect("a struct's number");
                for ((name, part), field) in self.parts[index].iter().zip(&record.fields) {
                    let selector = format!("{selector}{name}");
                    self.collect(&selector, offset + field.bit_offset / 8, part, leaves);
                }
            }
            _ => leaves.push(Leaf {
                selector: selector.to_owned(),
                offset,
                one: one.clone(),
            }),
        }
    }

    /// The functions, and the globals: `p3_0_1` for a leaf of a parameter, `r3_0_1` for one of a result.
    pub fn file(&self, cases: &[Case]) -> String {
        let mut text = format!("package x\n\n{}", self.definitions);
        for (number, case) in cases.iter().enumerate() {
            let list = |prefix: &str, values: &[Spelled]| -> String {
                let values = values.iter().enumerate();
                let list: Vec<String> = values
                    .map(|(index, one)| format!("{prefix}{index} {}", one.text))
                    .collect();
                list.join(", ")
            };
            let (params, results) = (list("p", &case.params), list("r", &case.results));
            let mut body = String::new();
            for (prefix, values) in [("p", &case.params), ("r", &case.results)] {
                for (index, one) in values.iter().enumerate() {
                    for (part, leaf) in self.leaves(one).into_iter().enumerate() {
                        let global = format!("{prefix}{number}_{index}_{part}");
                        let local = format!("{prefix}{index}{}", leaf.selector);
                        let _ = writeln!(text, "var {global} {}", leaf.one.text);
                        let (to, from) = match prefix {
                            "p" => (&global, &local),
                            _ => (&local, &global),
                        };
                        let _ = writeln!(body, "\t{to} = {from}");
                    }
                }
            }
            let _ = writeln!(
                text,
                "//go:noinline\nfunc F{number}({params}) ({results}) {{\n{body}\treturn\n}}"
            );
        }
        text
    }
}
