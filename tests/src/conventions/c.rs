//! Signatures in C, and the file with a caller and a callee for each.

use std::fmt::Write;

use abi::call::Convention;
use abi::model::{Basic, Model};
use abi::types::{Field, Kind, Record, Type};

use super::{Case, Random, Spelled};

/// Bytes in which the file, the harness and the images keep one argument.
pub const SLOT: u64 = 64;
const MOST_PARAMS: usize = 12;

const BASICS: &[(Basic, &str)] = &[
    (Basic::Bool, "_Bool"),
    (Basic::Char, "char"),
    (Basic::Short, "short"),
    (Basic::Int, "int"),
    (Basic::Long, "long"),
    (Basic::LongLong, "long long"),
    (Basic::Int128, "__int128"),
    (Basic::Pointer, "void *"),
    (Basic::Float16, "_Float16"),
    (Basic::Float, "float"),
    (Basic::Double, "double"),
    (Basic::LongDouble, "long double"),
    (Basic::Float128, "__float128"),
];

/// As often as others together: what most signatures are made of.
const COMMON: &[(Basic, &str)] = &[
    (Basic::Int, "int"),
    (Basic::Double, "double"),
    (Basic::Float, "float"),
    (Basic::LongLong, "long long"),
    (Basic::Pointer, "void *"),
];

const COMPLEX: &[(Basic, &str)] = &[
    (Basic::Float, "float _Complex"),
    (Basic::Double, "double _Complex"),
    (Basic::LongDouble, "long double _Complex"),
];

/// What C's default promotions leave as it is.
const PROMOTED: &[(Basic, &str)] = &[
    (Basic::Int, "int"),
    (Basic::LongLong, "long long"),
    (Basic::Double, "double"),
    (Basic::Double, "double"),
    (Basic::LongDouble, "long double"),
    (Basic::Pointer, "void *"),
];

pub struct Generator {
    random: Random,
    convention: Convention,
    model: Model,
    /// Definitions of the records, with assertions of their layouts.
    pub definitions: String,
    records: usize,
}

impl Generator {
    pub fn new(convention: Convention, seed: u64) -> Generator {
        Generator {
            random: Random::new(seed),
            convention,
            model: convention.model(),
            definitions: String::new(),
            records: 0,
        }
    }

    pub fn case(&mut self) -> Case {
        let count = self.random.below(MOST_PARAMS + 1);
        let mut case = Case::default();
        if !self.random.once_in(6) {
            case.results.push(self.value());
        }
        if count > 1 && self.random.once_in(5) {
            let named = 1 + self.random.below(count - 1);
            case.params.extend((0..named).map(|_| self.value()));
            case.params.extend((named..count).map(|_| self.variable()));
            case.variadic = Some(named);
        } else {
            case.params.extend((0..count).map(|_| self.value()));
        }
        case
    }

    /// Of an argument or result.
    fn value(&mut self) -> Spelled {
        match self.random.below(10) {
            0..=2 => self.scalar(COMMON),
            3..=4 => self.scalar(BASICS),
            5 => self.complex(),
            _ => self.record(0),
        }
    }

    /// Of an argument in place of `...`.
    fn variable(&mut self) -> Spelled {
        match self.random.below(3) {
            0 => loop {
                let record = self.record(0);
                // Gcc 12 loads a 16-byte value with that alignment from where `va_start` saved the registers as if they lay
                // at such an address, and the program crashes.
                let crashes = record.ty.align > 8 && record.ty.size <= 16;
                if record.ty.size > 0 && !crashes {
                    break record;
                }
            },
            _ => self.scalar(PROMOTED),
        }
    }

    fn scalar(&mut self, from: &[(Basic, &str)]) -> Spelled {
        loop {
            let (basic, text) = self.random.pick(from);
            let lacks = match self.convention {
                Convention::Win64 => basic == Basic::Float16,
                // There it is called _Float128, and is long double.
                Convention::Aapcs64 => basic == Basic::Float128,
                _ => false,
            };
            if let Some(ty) = self.model.basic(basic).filter(|_| !lacks) {
                let text = text.to_owned();
                return Spelled { text, ty };
            }
        }
    }

    fn complex(&mut self) -> Spelled {
        let (part, text) = self.random.pick(COMPLEX);
        let ty = self.model.complex(part).expect("a floating type");
        let text = text.to_owned();
        Spelled { text, ty }
    }

    /// A new struct or union of up to 64 bytes.
    fn record(&mut self, depth: usize) -> Spelled {
        loop {
            let (keyword, ty, body) = match self.random.below(12) {
                0..=1 => self.union(depth),
                2 => self.bit_fields(),
                3 => self.alike(),
                _ => self.structure(depth),
            };
            if ty.size <= SLOT {
                return self.define(keyword, ty, &body);
            }
        }
    }

    fn define(&mut self, keyword: &str, ty: Type, body: &str) -> Spelled {
        let name = format!("{keyword} s{}", self.records);
        self.records += 1;
        let (size, align) = (ty.size, ty.align);
        let out = &mut self.definitions;
        let _ = writeln!(out, "{name} {body};");
        let _ = writeln!(
            out,
            "_Static_assert(sizeof({name}) == {size} && _Alignof({name}) == {align}, \"{name}\");"
        );
        let Kind::Record(record) = &ty.kind else {
            unreachable!("records are defined here");
        };
        for (index, field) in record.fields.iter().enumerate() {
            if field.width.is_none() {
                let offset = field.bit_offset / 8;
                let _ = writeln!(
                    out,
                    "_Static_assert(__builtin_offsetof({name}, m{index}) == {offset}, \"{name}\");"
                );
            }
        }
        Spelled { text: name, ty }
    }

    /// A member of a record: its declaration, and its type.
    fn member(&mut self, depth: usize, index: usize) -> (String, Type) {
        let one = match self.random.below(12) {
            0..=4 => self.scalar(COMMON),
            5..=8 => self.scalar(BASICS),
            9 => self.complex(),
            _ if depth < 2 => self.record(depth + 1),
            _ => self.scalar(COMMON),
        };
        if self.random.once_in(8) {
            let len = 1 + self.random.below(3) as u64;
            let text = format!("{} m{index}[{len}];", one.text);
            return (text, Model::array(one.ty, len));
        }
        (format!("{} m{index};", one.text), one.ty)
    }

    fn members(&mut self, depth: usize, most: usize) -> (String, Vec<Type>) {
        let count = 1 + self.random.below(most);
        let members = (0..count).map(|index| self.member(depth, index));
        members.unzip()
    }

    fn structure(&mut self, depth: usize) -> (&'static str, Type, String) {
        if depth == 0 && self.random.once_in(25) {
            return ("struct", self.model.structure([]), "{}".to_owned());
        }
        let (text, types) = self.members(depth, 4);
        match self.random.below(12) {
            0 => {
                let text = format!("{{ {text} }} __attribute__((packed))");
                ("struct", self.model.packed(types), text)
            }
            1 => {
                let align = self.random.pick(&[8, 16, 32]);
                let text = format!("{{ {text} }} __attribute__((aligned({align})))");
                let ty = self.model.aligned(self.model.structure(types), align);
                ("struct", ty, text)
            }
            _ => (
                "struct",
                self.model.structure(types),
                format!("{{ {text} }}"),
            ),
        }
    }

    fn union(&mut self, depth: usize) -> (&'static str, Type, String) {
        let (text, types) = self.members(depth, 3);
        ("union", self.model.union(types), format!("{{ {text} }}"))
    }

    /// Members of one type: what AAPCS64 calls homogeneous.
    fn alike(&mut self) -> (&'static str, Type, String) {
        let one = match self.random.below(6) {
            0 => self.complex(),
            1 => self.scalar(&[(Basic::LongDouble, "long double")]),
            _ => self.scalar(COMMON),
        };
        let count = 1 + self.random.below(5);
        let text: String = (0..count)
            .map(|index| format!("{} m{index}; ", one.text))
            .collect();
        let types = vec![one.ty; count];
        (
            "struct",
            self.model.structure(types),
            format!("{{ {text}}}"),
        )
    }

    /// Bit-fields of `unsigned`, which all compilers lay out alike, and an `int` or a `float`.
    fn bit_fields(&mut self) -> (&'static str, Type, String) {
        let int = self.model.basic(Basic::Int).expect("every target has it");
        let (mut text, mut fields, mut end) = (String::new(), Vec::new(), 0);
        for index in 0..1 + self.random.below(4) {
            let width = 1 + self.random.below(32) as u64;
            if end / 32 != (end + width - 1) / 32 {
                end = u64::next_multiple_of(end, 32);
            }
            // One without a name counts, too.
            let _ = match index > 0 && self.random.once_in(4) {
                true => write!(text, "unsigned : {width}; "),
                false => write!(text, "unsigned m{index} : {width}; "),
            };
            fields.push(Field {
                ty: int.clone(),
                bit_offset: end,
                width: Some(width as u32),
            });
            end += width;
        }
        let mut size = end.div_ceil(32) * 4;
        let index = fields.len();
        let plain = self
            .random
            .pick(&[(Basic::Int, "int"), (Basic::Float, "float")]);
        if self.random.once_in(2) {
            let ty = self.model.basic(plain.0).expect("every target has it");
            let _ = write!(text, "{} m{index}; ", plain.1);
            fields.push(Field {
                ty,
                bit_offset: size * 8,
                width: None,
            });
            size += 4;
        }
        let kind = Kind::Record(Record {
            is_union: false,
            fields,
        });
        let align = 4;
        ("struct", Type { size, align, kind }, format!("{{ {text}}}"))
    }
}

const HEAD: &str = "\
_Alignas(64) unsigned char in[1024] = {1}, seen[1024] = {1}, given[64] = {1};
#define IN(T, at) (*(T *)(in + at))
#define SEEN(T, at) (*(T *)(seen + at))
#define GIVEN(T) (*(T *)given)
";

/// The file of the cases, with its tables of callers and callees.
pub fn file(generator: &Generator, cases: &[Case]) -> String {
    let attribute = match generator.convention {
        Convention::Stdcall => "__attribute__((stdcall)) ",
        Convention::Fastcall => "__attribute__((fastcall)) ",
        _ => "",
    };
    let mut text = format!("{HEAD}{}", generator.definitions);
    for (index, case) in cases.iter().enumerate() {
        caller(&mut text, attribute, index, case);
        callee(&mut text, attribute, index, case);
    }
    for (table, name) in [("callers", "call"), ("callees", "callee")] {
        let _ = writeln!(text, "void *const {table}[] = {{");
        for index in 0..cases.len() {
            let _ = writeln!(text, "(void *){name}{index},");
        }
        text.push_str("};\n");
    }
    text
}

fn result(case: &Case) -> &str {
    case.results.first().map_or("void", |one| &one.text)
}

/// The parameters, the named ones with names.
fn parameters(case: &Case) -> String {
    let named = case.variadic.unwrap_or(case.params.len());
    let params = case.params[..named].iter().enumerate();
    let mut list: Vec<String> = params
        .map(|(index, one)| format!("{} p{index}", one.text))
        .collect();
    if case.variadic.is_some() {
        list.push("...".to_owned());
    }
    match list.is_empty() {
        true => "void".to_owned(),
        false => list.join(", "),
    }
}

/// All functions that are called are one symbol: the harness's `observe`.
fn caller(text: &mut String, attribute: &str, index: usize, case: &Case) {
    let (result, parameters) = (result(case), parameters(case));
    let arguments: Vec<String> = case
        .params
        .iter()
        .enumerate()
        .map(|(index, one)| format!("IN({}, {})", one.text, index as u64 * SLOT))
        .collect();
    let arguments = arguments.join(", ");
    let keep = match result {
        "void" => String::new(),
        result => format!("GIVEN({result}) = "),
    };
    let _ = writeln!(
        text,
        "{attribute}{result} f{index}({parameters}) __asm__(\"observe\");\n\
         void call{index}(void) {{ {keep}f{index}({arguments}); }}"
    );
}

fn callee(text: &mut String, attribute: &str, index: usize, case: &Case) {
    let (result, parameters) = (result(case), parameters(case));
    let _ = writeln!(text, "{attribute}{result} callee{index}({parameters}) {{");
    if let Some(named) = case.variadic {
        let _ = writeln!(
            text,
            "__builtin_va_list list; __builtin_va_start(list, p{});",
            named - 1
        );
    }
    for (index, one) in case.params.iter().enumerate() {
        let at = index as u64 * SLOT;
        let ty = &one.text;
        let value = match case.variadic {
            Some(named) if index >= named => format!("__builtin_va_arg(list, {ty})"),
            _ => format!("p{index}"),
        };
        let _ = writeln!(text, "SEEN({ty}, {at}) = {value};");
    }
    if result != "void" {
        let _ = writeln!(text, "return GIVEN({result});");
    }
    text.push_str("}\n");
}
