//! The answers that need no compiler: C's basic types, `size_t`, and the functions that official cgo's
//! prolog declares.
//!
//! Many files ask for nothing else, and loading libclang costs more than everything else about them. What
//! these names mean depends on the target alone as long as
//!
//! - the flags leave the ABI alone: only flags known to do so are let through ([`is_harmless`]);
//! - no macro has the name of a keyword or identifier involved: none is defined on the command line or by
//!   a directive of the source itself. Headers included by it are trusted, since C forbids a program to
//!   define keywords as macros before including a standard header, and everything else here is declared by
//!   the prolog, before any of the user's text.

use crate::model::{Answer, Field, Location, Meaning, RecordKind, Type, TypeId, TypeKind, Unit};
use crate::{Compiler, text};

/// What a target's ABI says of the basic types, in bytes.
#[derive(Clone, Copy)]
struct Target {
    pointer: u64,
    long: u64,
    /// Alignment of `long long` and `double`.
    wide_align: u64,
    char_signed: bool,
    /// What `size_t` and `ptrdiff_t` are made of.
    size: (&'static str, &'static str),
}

impl Target {
    fn of(goos: &str, goarch: &str) -> Option<Target> {
        let windows = goos == "windows";
        let apple = goos == "darwin" || goos == "ios";
        let (pointer, char_signed) = match (goos, goarch) {
            ("linux" | "darwin" | "ios" | "windows" | "freebsd", "amd64") => (8, true),
            ("linux" | "windows" | "freebsd", "386") => (4, true),
            ("linux" | "darwin" | "ios" | "windows" | "freebsd", "arm64") => (8, windows || apple),
            ("linux", "arm") => (4, false),
            ("linux", "riscv64" | "ppc64" | "ppc64le" | "s390x") => (8, false),
            ("linux", "loong64" | "mips64" | "mips64le") => (8, true),
            ("linux", "mips" | "mipsle") => (4, true),
            _ => return None,
        };
        Some(Target {
            pointer,
            long: if windows { 4 } else { pointer },
            wide_align: if goarch == "386" && !windows { 4 } else { 8 },
            char_signed,
            size: match (pointer, windows) {
                (4, _) => ("unsigned int", "int"),
                (_, true) => ("long long unsigned int", "long long int"),
                (_, false) => ("long unsigned int", "long int"),
            },
        })
    }
}

/// Answers all of `names`, or nothing if there is one that needs the compiler.
pub fn resolve(compiler: &Compiler, source: &str, names: &[String]) -> Option<Unit> {
    let target = Target::of(&compiler.goos, &compiler.goarch)?;
    let plain_command = compiler.command.iter().all(|word| !word.starts_with('-'));
    if !plain_command || !source.contains(PROLOG_MARK) {
        return None;
    }
    let mut basic = Basic {
        target,
        source,
        unit: Unit::default(),
    };
    let mut answers = Vec::with_capacity(names.len());
    for name in names {
        let meaning = basic.meaning(name)?;
        answers.push(Answer {
            meaning,
            is_macro: false,
            char_literal: None,
            suggestion: None,
        });
    }
    basic.unit.answers = answers;
    let words = names
        .iter()
        .flat_map(|name| name.split(' '))
        .chain(DEPENDENCIES);
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.dedup();
    let harmless = only_harmless(&compiler.flags, &compiler.goarch, &words);
    (harmless && !text::touches_macros(source, &words)).then_some(basic.unit)
}

const PROLOG_MARK: &str = "#line 1 \"cgo-builtin-prolog\"";
/// What the declarations of the prolog are made of.
const DEPENDENCIES: [&str; 8] = [
    "char",
    "int",
    "void",
    "const",
    "struct",
    "typedef",
    "intgo",
    "ptrdiff_t",
];

/// Whether no flag changes what the `words` mean.
fn only_harmless(flags: &[String], goarch: &str, words: &[&str]) -> bool {
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let harmless = match flag.as_str() {
            "-I" | "-isystem" | "-iquote" | "-idirafter" => flags.next().is_some(),
            "-m64" => goarch == "amd64" || goarch == "s390x",
            "-m32" => goarch == "386",
            "-marm" => goarch == "arm",
            _ => match flag.strip_prefix("-D").or_else(|| flag.strip_prefix("-U")) {
                Some(name) => {
                    !name.is_empty() && !words.contains(&name.split('=').next().unwrap_or_default())
                }
                None => is_harmless(flag),
            },
        };
        if !harmless {
            return false;
        }
    }
    true
}

fn is_harmless(flag: &str) -> bool {
    let beginnings = [
        "-I",
        "-O",
        "-g",
        "-W",
        "-std=c",
        "-std=gnu",
        "-pthread",
        "-fPIC",
        "-fpic",
        "-fPIE",
        "-fpie",
        "-fno-lto",
        "-flto",
        "-fstack-protector",
        "-fno-stack-protector",
        "-fvisibility=",
        "-fno-strict-aliasing",
        "-fcommon",
        "-fno-common",
        "-fmessage-length=",
        "-fdiagnostics",
        "-fno-caret-diagnostics",
        "-fdebug-prefix-map=",
        "-ffile-prefix-map=",
        "-fmacro-prefix-map=",
        "-frandom-seed=",
        "-fomit-frame-pointer",
        "-fno-omit-frame-pointer",
        "-Qunused-arguments",
        "-fstack-clash-protection",
        "-fcf-protection",
        "-fno-asynchronous-unwind-tables",
        "-fexceptions",
    ];
    beginnings
        .iter()
        .any(|beginning| flag.starts_with(beginning))
        && !flag.starts_with("-Wp,")
}

struct Basic<'a> {
    target: Target,
    source: &'a str,
    unit: Unit,
}

impl Basic<'_> {
    fn meaning(&mut self, name: &str) -> Option<Meaning> {
        if let Some(ty) = self.basic_type(name) {
            return Some(Meaning::Type(ty));
        }
        let (params, result): (Vec<TypeId>, TypeId) = match name {
            "size_t" => return Some(Meaning::Type(self.size_t())),
            "_GoString_" => return Some(Meaning::Type(self.go_string())),
            "_GoBytes_" => return Some(Meaning::Type(self.go_bytes())),
            "GoString" => (vec![self.pointer("char")], self.go_string()),
            "GoStringN" => (
                vec![self.pointer("char"), self.basic_type("int")?],
                self.go_string(),
            ),
            "GoBytes" => (
                vec![self.pointer("void"), self.basic_type("int")?],
                self.go_bytes(),
            ),
            "CString" => (vec![self.go_string()], self.pointer("char")),
            "CBytes" => (vec![self.go_bytes()], self.pointer("void")),
            "_CMalloc" => (vec![self.size_t()], self.pointer("void")),
            _ => return None,
        };
        let kind = TypeKind::Func {
            params,
            result,
            variadic: false,
            prototyped: true,
        };
        Some(Meaning::Expr {
            ty: self.add(kind, None),
        })
    }

    /// Adds a type unless it is there already; typedefs and records are compared by name.
    fn add(&mut self, kind: TypeKind, layout: Option<(u64, u64)>) -> TypeId {
        let ty = Type {
            kind,
            size: layout.map(|layout| layout.0),
            align: layout.map(|layout| layout.1),
        };
        let rendered = format!("{ty:?}");
        let known = self
            .unit
            .types
            .iter()
            .position(|known| format!("{known:?}") == rendered);
        let index = known.unwrap_or_else(|| {
            self.unit.types.push(ty);
            self.unit.types.len() - 1
        });
        TypeId(index as u32)
    }

    /// A type of C itself, as C or as gcc's debug information spells it.
    fn basic_type(&mut self, name: &str) -> Option<TypeId> {
        let target = self.target;
        let int = |name: &str, signed: bool| TypeKind::Int {
            name: name.into(),
            signed,
        };
        let (kind, size) = match name {
            "char" => (int("char", target.char_signed), 1),
            "signed char" => (int(name, true), 1),
            "unsigned char" => (int(name, false), 1),
            "short" => (int("short int", true), 2),
            "unsigned short" => (int("short unsigned int", false), 2),
            "int" => (int(name, true), 4),
            "unsigned int" => (int(name, false), 4),
            "long" | "long int" => (int("long int", true), target.long),
            "unsigned long" | "long unsigned int" => (int("long unsigned int", false), target.long),
            "long long" | "long long int" => (int("long long int", true), 8),
            "unsigned long long" | "long long unsigned int" => {
                (int("long long unsigned int", false), 8)
            }
            "float" => (TypeKind::Float { name: name.into() }, 4),
            "double" => (TypeKind::Float { name: name.into() }, 8),
            "float _Complex" => {
                return Some(self.add(
                    TypeKind::Complex {
                        name: "float".into(),
                    },
                    Some((8, 4)),
                ));
            }
            "double _Complex" => {
                let align = target.wide_align;
                return Some(self.add(
                    TypeKind::Complex {
                        name: "double".into(),
                    },
                    Some((16, align)),
                ));
            }
            _ => return None,
        };
        let align = if size == 8 && target.long != 8 {
            target.wide_align
        } else {
            size
        };
        Some(self.add(kind, Some((size, align))))
    }

    fn word(&self) -> Option<(u64, u64)> {
        Some((self.target.pointer, self.target.pointer))
    }

    fn pointer(&mut self, name: &str) -> TypeId {
        let target = self
            .basic_type(name)
            .unwrap_or_else(|| self.add(TypeKind::Void, None));
        self.add(TypeKind::Pointer(target), self.word())
    }

    fn typedef(&mut self, name: &str, target: TypeId, location: Location) -> TypeId {
        let layout = self.unit.get(target).size.zip(self.unit.get(target).align);
        self.add(
            TypeKind::Typedef {
                name: name.into(),
                target,
                location,
            },
            layout,
        )
    }

    fn word_typedef(&mut self, name: &str, base: &'static str) -> TypeId {
        let target = self.basic_type(base).expect("a basic type");
        self.typedef(name, target, Location::default())
    }

    fn size_t(&mut self) -> TypeId {
        self.word_typedef("size_t", self.target.size.0)
    }

    fn intgo(&mut self) -> TypeId {
        let target = self.word_typedef("ptrdiff_t", self.target.size.1);
        let location = self.locate("typedef ptrdiff_t ", "intgo");
        self.typedef("intgo", target, location)
    }

    fn go_string(&mut self) -> TypeId {
        let char_type = self.basic_type("char").expect("a basic type");
        let qualified = TypeKind::Qualified {
            is_const: true,
            is_volatile: false,
            is_restrict: false,
            target: char_type,
        };
        let char_type = self.add(qualified, Some((1, 1)));
        let text = self.add(TypeKind::Pointer(char_type), self.word());
        let intgo = self.intgo();
        self.record(
            "struct { const char *p; intgo n; } ",
            "_GoString_",
            &[("p", text), ("n", intgo)],
        )
    }

    fn go_bytes(&mut self) -> TypeId {
        let (data, intgo) = (self.pointer("char"), self.intgo());
        self.record(
            "struct { char *p; intgo n; intgo c; } ",
            "_GoBytes_",
            &[("p", data), ("n", intgo), ("c", intgo)],
        )
    }

    /// A typedef of an untagged struct of words.
    fn record(&mut self, body: &str, name: &str, fields: &[(&str, TypeId)]) -> TypeId {
        let word = self.target.pointer;
        let field = |(i, &(name, ty)): (usize, &(&str, TypeId))| Field {
            name: Some(name.into()),
            ty,
            bit_offset: i as u64 * word * 8,
            bit_width: None,
        };
        let fields: Vec<Field> = fields.iter().enumerate().map(field).collect();
        let layout = Some((fields.len() as u64 * word, word));
        let location = self.locate("typedef ", body);
        let kind = TypeKind::Record {
            kind: RecordKind::Struct,
            tag: None,
            fields: Some(fields),
            location,
        };
        let record = self.add(kind, layout);
        let location = self.locate(body, name);
        self.typedef(name, record, location)
    }

    /// Where `what` stands in the prolog, right behind `before`.
    fn locate(&self, before: &str, what: &str) -> Location {
        let find = || {
            let start = self.source.find(PROLOG_MARK)? + PROLOG_MARK.len() + 1;
            let text = self.source.get(start..)?;
            let at = text.find(&format!("{before}{what}"))? + before.len();
            let line = text[..at].matches('\n').count() + 1;
            let column = at - text[..at].rfind('\n').map_or(0, |end| end + 1) + 1;
            Some(Location {
                file: "cgo-builtin-prolog".into(),
                line: line as u32,
                column: column as u32,
            })
        };
        find().unwrap_or_default()
    }
}
