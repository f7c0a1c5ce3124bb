//! The model: what a C name means, as plain data that outlives libclang.
//!
//! A [`Unit`] is one parsed translation unit seen through the names somebody asked for. Types live in
//! an arena and refer to each other by [`TypeId`]; every record, enum and typedef declaration has
//! exactly one id, so identity of types is identity of ids. Layouts (sizes, alignments, offsets) are
//! the target's, in bytes unless a name says bits.

/// Index of a type in its [`Unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(pub u32);

/// A place in the C source as the preprocessor presents it (`#line` directives applied).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    pub file: String,
    /// 1-based; 0 where unknown.
    pub line: u32,
    /// 1-based, in bytes; 0 where unknown.
    pub column: u32,
}

/// One parsed translation unit: the answers, and the types that they reach.
#[derive(Clone, Debug, Default)]
pub struct Unit {
    pub types: Vec<Type>,
    /// One answer for each query, in the order asked.
    pub answers: Vec<Answer>,
}

impl Unit {
    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }
}

/// What a queried name turned out to be.
#[derive(Clone, Debug)]
pub struct Answer {
    pub meaning: Meaning,
    /// The name is an object-like macro with a non-empty expansion.
    pub is_macro: bool,
    /// The macro is defined directly as one character constant: its text as written, `'a'`.
    /// (A macro that names another macro is not.) Only where Go reads the text alike: `'\0'` is not given.
    pub char_literal: Option<String>,
    /// For a name that is not declared: one that is, and that is spelled much alike.
    pub suggestion: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Meaning {
    /// The name is not declared, or it is a macro whose expansion is neither type nor expression.
    Undeclared,
    /// A type. An incomplete or never declared `struct x` is a type too.
    Type(TypeId),
    /// An integer constant expression of type `ty`. `value` is the mathematical value. `ty` is what gcc says of
    /// `__typeof__`: `long unsigned int` for `sizeof(x)`, the enum itself for an enumerator too large for `int`.
    IntConst { ty: TypeId, value: i128 },
    /// An arithmetic constant usable as a static initialiser but not as an integer constant. As in official cgo,
    /// that includes constant variables of floating, `char`, `_Bool` and enum types where the compiler is gcc.
    FloatConst { ty: TypeId, value: f64 },
    /// A string literal (or a macro for one), without the terminating NUL; embedded NULs are kept.
    StrConst { ty: TypeId, value: Vec<u8> },
    /// Any other expression: a variable, a function, a macro that expands to an expression.
    /// For a function `ty` is its [`TypeKind::Func`].
    Expr { ty: TypeId },
}

#[derive(Clone, Debug)]
pub struct Type {
    pub kind: TypeKind,
    /// `sizeof` in bytes; `None` for incomplete, function and void types.
    pub size: Option<u64>,
    /// `_Alignof` in bytes; `None` where `size` is.
    pub align: Option<u64>,
}

#[derive(Clone, Debug)]
pub enum TypeKind {
    Void,
    Bool,
    /// `char` itself: signedness depends on the target; `name` is always `char`.
    /// Integer types with the spelling that gcc gives them in debug information:
    /// `char`, `signed char`, `unsigned char`, `short int`, `short unsigned int`, `int`, `unsigned int`,
    /// `long int`, `long unsigned int`, `long long int`, `long long unsigned int`, `__int128`,
    /// `__int128 unsigned`. Other integers (`_BitInt`) have their C spelling.
    Int {
        name: String,
        signed: bool,
    },
    /// `float`, `double`, `long double`, `_Float16`, `__float128`, … by C spelling.
    Float {
        name: String,
    },
    /// `float _Complex`, `double _Complex`, `long double _Complex` …: `name` is that of the element.
    Complex {
        name: String,
    },
    Pointer(TypeId),
    /// `len` is `None` for a flexible or otherwise incomplete array. A variable length (in a parameter) is none either.
    Array {
        elem: TypeId,
        len: Option<u64>,
    },
    Func {
        params: Vec<TypeId>,
        result: TypeId,
        variadic: bool,
        /// False for `f()` without a prototype.
        prototyped: bool,
    },
    Enum {
        tag: Option<String>,
        /// `None` while only declared forward.
        values: Option<Vec<(String, i128)>>,
    },
    Record {
        kind: RecordKind,
        tag: Option<String>,
        /// In declaration order; `None` while incomplete.
        fields: Option<Vec<Field>>,
        location: Location,
    },
    Typedef {
        name: String,
        target: TypeId,
        location: Location,
    },
    Qualified {
        is_const: bool,
        is_volatile: bool,
        is_restrict: bool,
        target: TypeId,
    },
    /// A vector (`__attribute__((vector_size))`), or anything else that has a size but no Go counterpart.
    Opaque {
        spelling: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    Struct,
    Union,
}

#[derive(Clone, Debug)]
pub struct Field {
    /// `None` for an anonymous struct or union member, and for unnamed bit-fields.
    pub name: Option<String>,
    pub ty: TypeId,
    /// From the start of the record, in bits.
    pub bit_offset: u64,
    /// For a bit-field, its width in bits.
    pub bit_width: Option<u32>,
}

/// One diagnostic of the C front end, at its presumed location.
#[derive(Clone, Debug)]
pub struct CDiagnostic {
    pub location: Location,
    pub is_error: bool,
    pub message: String,
}
