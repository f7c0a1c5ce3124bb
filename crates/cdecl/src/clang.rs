//! The FFI edge: libclang behind safe, borrowed handles.
//!
//! libclang is opened at run time from the first place that has one, once per process, and never
//! closed. [`Parsed`] owns a translation unit; [`Cursor`] and [`Ty`] borrow from it, so no handle can
//! outlive what it points into.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_longlong, c_uint, c_ulong, c_ulonglong, c_void};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use clang_sys::{
    CXClientData, CXCursor, CXCursorKind, CXDiagnostic, CXDiagnosticSet, CXEvalResult, CXFile,
    CXIndex, CXSourceLocation, CXString, CXTranslationUnit, CXType, CXTypeKind, CXUnsavedFile,
};

/// Declares the table of libclang's functions and how it is filled.
macro_rules! functions {
    ($(fn $name:ident($($type:ty),*) $(-> $result:ty)?;)*) => {
        #[allow(non_snake_case)]
        struct Functions { $($name: unsafe extern "C" fn($($type),*) $(-> $result)?,)* }

        impl Functions {
            fn load(library: &libloading::Library) -> Result<Functions, libloading::Error> {
                Ok(Functions { $(
                    // SAFETY: the signature is that of libclang's C header `clang-c/Index.h`, which keeps
                    // its ABI; the pointer stays valid because the library is never closed.
                    $name: *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }?,
                )* })
            }
        }
    };
}

type Visitor = extern "C" fn(CXCursor, CXCursor, CXClientData) -> c_int;
type FieldVisitor = extern "C" fn(CXCursor, CXClientData) -> c_int;

functions! {
    fn clang_createIndex(c_int, c_int) -> CXIndex;
    fn clang_disposeIndex(CXIndex);
    fn clang_parseTranslationUnit2(CXIndex, *const c_char, *const *const c_char, c_int,
        *mut CXUnsavedFile, c_uint, c_int, *mut CXTranslationUnit) -> c_int;
    fn clang_disposeTranslationUnit(CXTranslationUnit);
    fn clang_saveTranslationUnit(CXTranslationUnit, *const c_char, c_uint) -> c_int;
    fn clang_getTranslationUnitCursor(CXTranslationUnit) -> CXCursor;
    fn clang_visitChildren(CXCursor, Visitor, CXClientData) -> c_uint;
    fn clang_Type_visitFields(CXType, FieldVisitor, CXClientData) -> c_uint;
    fn clang_getCString(CXString) -> *const c_char;
    fn clang_disposeString(CXString);
    fn clang_getNumDiagnostics(CXTranslationUnit) -> c_uint;
    fn clang_getDiagnostic(CXTranslationUnit, c_uint) -> CXDiagnostic;
    fn clang_disposeDiagnostic(CXDiagnostic);
    fn clang_getDiagnosticSeverity(CXDiagnostic) -> c_int;
    fn clang_getDiagnosticLocation(CXDiagnostic) -> CXSourceLocation;
    fn clang_getDiagnosticSpelling(CXDiagnostic) -> CXString;
    fn clang_getChildDiagnostics(CXDiagnostic) -> CXDiagnosticSet;
    fn clang_getNumDiagnosticsInSet(CXDiagnosticSet) -> c_uint;
    fn clang_getDiagnosticInSet(CXDiagnosticSet, c_uint) -> CXDiagnostic;
    fn clang_getExpansionLocation(CXSourceLocation, *mut CXFile, *mut c_uint, *mut c_uint, *mut c_uint);
    fn clang_getPresumedLocation(CXSourceLocation, *mut CXString, *mut c_uint, *mut c_uint);
    fn clang_getFile(CXTranslationUnit, *const c_char) -> CXFile;
    fn clang_getFileContents(CXTranslationUnit, CXFile, *mut usize) -> *const c_char;
    fn clang_getCursorLocation(CXCursor) -> CXSourceLocation;
    fn clang_getCursorSpelling(CXCursor) -> CXString;
    fn clang_getCursorType(CXCursor) -> CXType;
    fn clang_getCursorReferenced(CXCursor) -> CXCursor;
    fn clang_getCursorDefinition(CXCursor) -> CXCursor;
    fn clang_getCursorSemanticParent(CXCursor) -> CXCursor;
    fn clang_getCanonicalCursor(CXCursor) -> CXCursor;
    fn clang_getEnumConstantDeclValue(CXCursor) -> c_longlong;
    fn clang_getEnumConstantDeclUnsignedValue(CXCursor) -> c_ulonglong;
    fn clang_getEnumDeclIntegerType(CXCursor) -> CXType;
    fn clang_getTypedefDeclUnderlyingType(CXCursor) -> CXType;
    fn clang_getCursorBinaryOperatorKind(CXCursor) -> c_int;
    fn clang_getFieldDeclBitWidth(CXCursor) -> c_int;
    fn clang_Cursor_getOffsetOfField(CXCursor) -> c_longlong;
    fn clang_Cursor_Evaluate(CXCursor) -> CXEvalResult;
    fn clang_EvalResult_getKind(CXEvalResult) -> c_int;
    fn clang_EvalResult_getAsDouble(CXEvalResult) -> f64;
    fn clang_EvalResult_isUnsignedInt(CXEvalResult) -> c_uint;
    fn clang_EvalResult_getAsLongLong(CXEvalResult) -> c_longlong;
    fn clang_EvalResult_getAsUnsigned(CXEvalResult) -> c_ulonglong;
    fn clang_EvalResult_dispose(CXEvalResult);
    fn clang_getTypeSpelling(CXType) -> CXString;
    fn clang_getTypeDeclaration(CXType) -> CXCursor;
    fn clang_getCanonicalType(CXType) -> CXType;
    fn clang_getUnqualifiedType(CXType) -> CXType;
    fn clang_isConstQualifiedType(CXType) -> c_uint;
    fn clang_isVolatileQualifiedType(CXType) -> c_uint;
    fn clang_isRestrictQualifiedType(CXType) -> c_uint;
    fn clang_isFunctionTypeVariadic(CXType) -> c_uint;
    fn clang_getPointeeType(CXType) -> CXType;
    fn clang_getElementType(CXType) -> CXType;
    fn clang_getNumElements(CXType) -> c_longlong;
    fn clang_getArrayElementType(CXType) -> CXType;
    fn clang_getResultType(CXType) -> CXType;
    fn clang_getNumArgTypes(CXType) -> c_int;
    fn clang_getArgType(CXType, c_uint) -> CXType;
    fn clang_Type_getSizeOf(CXType) -> c_longlong;
    fn clang_Type_getAlignOf(CXType) -> c_longlong;
    fn clang_Type_getNamedType(CXType) -> CXType;
    fn clang_Type_getModifiedType(CXType) -> CXType;
    fn clang_Type_getValueType(CXType) -> CXType;
}

/// The loaded libclang.
pub struct Clang {
    functions: Functions,
    /// The directory of clang's own headers (`stddef.h`, `immintrin.h`, …), where there is one.
    pub resource_dir: Option<PathBuf>,
}

/// Opens libclang, the first time that it is needed.
///
/// # Errors
/// Says what was missing and what to install.
pub fn load() -> Result<&'static Clang, String> {
    static CLANG: OnceLock<Result<Clang, String>> = OnceLock::new();
    CLANG.get_or_init(open).as_ref().map_err(Clone::clone)
}

fn open() -> Result<Clang, String> {
    let mut tried = String::new();
    for path in candidates() {
        if path.is_absolute() && !path.exists() {
            continue;
        }
        // SAFETY: libclang's initialisers have no requirements on the process.
        let library = match unsafe { libloading::Library::new(&path) } {
            Ok(library) => library,
            Err(error) => {
                if path.is_absolute() {
                    tried += &format!("\n\t{}: {error}", path.display());
                }
                continue;
            }
        };
        match Functions::load(&library) {
            Ok(functions) => {
                let resource_dir = resource_dir(&loaded_path(&path));
                std::mem::forget(library);
                return Ok(Clang {
                    functions,
                    resource_dir,
                });
            }
            Err(error) => tried += &format!("\n\t{}: {error}", path.display()),
        }
    }
    Err(format!(
        "libclang (version 17 or later) was not found; install it (Debian, Ubuntu: apt install libclang-19-dev; \
         Fedora: dnf install clang-libs; Arch: pacman -S clang; macOS: brew install llvm) \
         or point CROSSCALL_LIBCLANG at the library{tried}"
    ))
}

/// The versions that are looked for, best first.
const VERSIONS: [u32; 6] = [19, 20, 21, 22, 18, 17];

fn candidates() -> impl Iterator<Item = PathBuf> {
    let mut paths = Vec::new();
    for variable in ["CROSSCALL_LIBCLANG", "LIBCLANG_PATH"] {
        let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = PathBuf::from(value);
        if value.is_dir() {
            let names = [
                "libclang.so",
                "libclang.so.1",
                "libclang.dylib",
                "libclang.dll",
            ];
            paths.extend(names.iter().map(|name| value.join(name)));
            paths.extend(
                VERSIONS
                    .iter()
                    .map(|v| value.join(format!("libclang-{v}.so.1"))),
            );
        } else {
            paths.push(value);
        }
    }
    if cfg!(target_os = "macos") {
        let roots = [
            "/opt/homebrew/opt/llvm/lib",
            "/usr/local/opt/llvm/lib",
            "/Library/Developer/CommandLineTools/usr/lib",
            "/Applications/Xcode.app/Contents/Developer/Toolchains/XcodeDefault.xctoolchain/usr/lib",
        ];
        paths.extend(
            roots
                .iter()
                .map(|root| Path::new(root).join("libclang.dylib")),
        );
    } else if cfg!(windows) {
        paths.push("C:\\Program Files\\LLVM\\bin\\libclang.dll".into());
        paths.push("libclang.dll".into());
    } else {
        for v in VERSIONS {
            paths.push(format!("/usr/lib/llvm-{v}/lib/libclang-{v}.so.1").into());
            paths.push(format!("/usr/lib/llvm-{v}/lib/libclang.so.1").into());
            paths.push(format!("/usr/lib/llvm/{v}/lib64/libclang.so").into());
            paths.push(format!("/usr/lib64/llvm{v}/lib64/libclang.so").into());
        }
        for v in VERSIONS {
            paths.extend([
                format!("libclang-{v}.so.1").into(),
                format!("libclang.so.{v}.1").into(),
            ]);
        }
        paths.extend(["libclang.so.1".into(), "libclang.so".into()]);
    }
    // Last, the exhaustive search of clang-sys (it globs and runs llvm-config).
    let exhaustive =
        std::iter::once_with(|| clang_sys::load_manually().ok().map(|l| l.path().to_owned()));
    paths.into_iter().chain(exhaustive.flatten())
}

/// Where a library opened by a bare name was found.
fn loaded_path(path: &Path) -> PathBuf {
    if path.is_absolute() {
        return path.to_owned();
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let line = maps.lines().find(|line| line.contains("/libclang"));
    line.and_then(|line| line.find('/').map(|at| line[at..].into()))
        .unwrap_or_else(|| path.to_owned())
}

/// Clang's resource directory for the libclang at `library`: `clang/VERSION` beside it.
fn resource_dir(library: &Path) -> Option<PathBuf> {
    let real = library.canonicalize().ok();
    let parents = [Some(library), real.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(Path::parent);
    let mut roots: Vec<PathBuf> = parents
        .flat_map(|p| [p.join("clang"), p.join("../lib/clang")])
        .collect();
    let name = real
        .as_deref()
        .unwrap_or(library)
        .file_name()?
        .to_string_lossy()
        .into_owned();
    let digits = name
        .split(|c: char| !c.is_ascii_digit())
        .find(|digits| !digits.is_empty());
    if let Some(version) = digits {
        roots.push(format!("/usr/lib/llvm-{version}/lib/clang").into());
    }
    roots.into_iter().find_map(|root| {
        let versions = std::fs::read_dir(root)
            .ok()?
            .flatten()
            .map(|entry| entry.path());
        versions
            .filter(|dir| dir.join("include/stddef.h").exists())
            .max()
    })
}

impl Clang {
    fn string(&self, string: CXString) -> String {
        // SAFETY: `string` comes from libclang and has not been disposed of; its text is read before it is.
        unsafe {
            let text = (self.functions.clang_getCString)(string);
            let owned = if text.is_null() {
                String::new()
            } else {
                CStr::from_ptr(text).to_string_lossy().into_owned()
            };
            (self.functions.clang_disposeString)(string);
            owned
        }
    }

    /// Parses `main` with the virtual `files` in place. `None` when libclang gives up before parsing,
    /// which is how it answers to arguments that it rejects.
    pub fn parse(
        &'static self,
        main: &CStr,
        files: &[(CString, &str)],
        arguments: &[CString],
        options: c_int,
    ) -> Option<Parsed> {
        let arguments: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
        let mut unsaved: Vec<_> = files
            .iter()
            .map(|(name, text)| CXUnsavedFile {
                Filename: name.as_ptr(),
                Contents: text.as_ptr().cast(),
                Length: text.len() as c_ulong,
            })
            .collect();
        let mut unit: CXTranslationUnit = std::ptr::null_mut();
        // Declarations of a precompiled header are no children of the unit: nobody walks through them.
        // SAFETY: all pointers are to live, NUL-terminated or counted buffers that libclang copies.
        let (index, code) = unsafe {
            let index = (self.functions.clang_createIndex)(1, 0);
            let code = (self.functions.clang_parseTranslationUnit2)(
                index,
                main.as_ptr(),
                arguments.as_ptr(),
                arguments.len() as c_int,
                unsaved.as_mut_ptr(),
                unsaved.len() as c_uint,
                options,
                &mut unit,
            );
            (index, code)
        };
        let parsed = Parsed {
            clang: self,
            index,
            unit,
        };
        (code == 0 && !unit.is_null()).then_some(parsed)
    }
}

/// A parsed translation unit.
pub struct Parsed {
    clang: &'static Clang,
    index: CXIndex,
    unit: CXTranslationUnit,
}

impl Drop for Parsed {
    fn drop(&mut self) {
        // SAFETY: both are owned by `self`, nothing that borrows from them is left, and a null unit is allowed.
        unsafe {
            if !self.unit.is_null() {
                (self.clang.functions.clang_disposeTranslationUnit)(self.unit);
            }
            (self.clang.functions.clang_disposeIndex)(self.index);
        }
    }
}

/// A file of a [`Parsed`] unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct File<'a>(CXFile, PhantomData<&'a Parsed>);

impl File<'_> {
    /// Whether this is no file at all.
    pub fn is_none(self) -> bool {
        self.0.is_null()
    }
}

/// A physical position: line and byte offset after macro expansion.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    pub file: File<'a>,
    pub line: u32,
    pub offset: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// A diagnostic of the front end. Its text is only rendered on demand.
pub struct Diagnostic<'a> {
    unit: &'a Parsed,
    raw: CXDiagnostic,
}

impl Drop for Diagnostic<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from clang_getDiagnostic, whose results the caller disposes of, once.
        unsafe { (self.unit.clang.functions.clang_disposeDiagnostic)(self.raw) }
    }
}

impl Parsed {
    /// Writes the unit as a precompiled header. False if it has errors or cannot be written.
    pub fn save(&self, path: &CStr) -> bool {
        // SAFETY: the unit is alive and the path ends in a NUL.
        unsafe {
            (self.clang.functions.clang_saveTranslationUnit)(self.unit, path.as_ptr(), 0) == 0
        }
    }

    pub fn diagnostics(&self) -> impl Iterator<Item = Diagnostic<'_>> {
        // SAFETY: the unit is alive.
        let count = unsafe { (self.clang.functions.clang_getNumDiagnostics)(self.unit) };
        (0..count).map(|i| {
            // SAFETY: the unit is alive and `i` is below the count just taken.
            let raw = unsafe { (self.clang.functions.clang_getDiagnostic)(self.unit, i) };
            Diagnostic { unit: self, raw }
        })
    }

    /// The file of this unit that was read under `name`, or a file that equals no other.
    pub fn file(&self, name: &CStr) -> File<'_> {
        // SAFETY: the unit is alive and `name` is NUL-terminated.
        File(
            unsafe { (self.clang.functions.clang_getFile)(self.unit, name.as_ptr()) },
            PhantomData,
        )
    }

    /// The text of a file of this unit as the preprocessor read it.
    pub fn contents(&self, file: File<'_>) -> &[u8] {
        if file.0.is_null() {
            return &[];
        }
        let mut length = 0;
        // SAFETY: `file` is alive, and one that is not of this unit has no contents in it; the buffer of
        // `length` bytes lives as long as the unit, which `self` borrows.
        unsafe {
            let text = (self.clang.functions.clang_getFileContents)(self.unit, file.0, &mut length);
            if text.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(text.cast(), length)
            }
        }
    }

    pub fn root(&self) -> Cursor<'_> {
        // SAFETY: the unit is alive.
        let raw = unsafe { (self.clang.functions.clang_getTranslationUnitCursor)(self.unit) };
        Cursor {
            raw,
            clang: self.clang,
            unit: PhantomData,
        }
    }
}

impl<'a> Diagnostic<'a> {
    pub fn severity(&self) -> Severity {
        // SAFETY: `raw` is alive as long as `self`.
        match unsafe { (self.unit.clang.functions.clang_getDiagnosticSeverity)(self.raw) } {
            0 | 1 => Severity::Note,
            2 => Severity::Warning,
            _ => Severity::Error,
        }
    }

    pub fn spot(&self) -> Spot<'a> {
        // SAFETY: `raw` is alive as long as `self`, and so is its location.
        let location = unsafe { (self.unit.clang.functions.clang_getDiagnosticLocation)(self.raw) };
        self.unit.clang.spot(location)
    }

    pub fn message(&self) -> String {
        // SAFETY: `raw` is alive as long as `self`.
        self.unit
            .clang
            .string(unsafe { (self.unit.clang.functions.clang_getDiagnosticSpelling)(self.raw) })
    }

    /// Where its first note points.
    pub fn note(&self) -> Option<Spot<'a>> {
        let functions = &self.unit.clang.functions;
        // SAFETY: `raw` is alive as long as `self`; the set of children belongs to it and is not disposed of.
        let raw = unsafe {
            let set = (functions.clang_getChildDiagnostics)(self.raw);
            if set.is_null() || (functions.clang_getNumDiagnosticsInSet)(set) == 0 {
                return None;
            }
            (functions.clang_getDiagnosticInSet)(set, 0)
        };
        // SAFETY: `raw` is alive as long as `self`, and so is its location.
        Some(
            self.unit
                .clang
                .spot(unsafe { (functions.clang_getDiagnosticLocation)(raw) }),
        )
    }
}

impl Clang {
    /// Where `location` is; the caller knows that its unit is alive for 'a.
    fn spot<'a>(&self, location: CXSourceLocation) -> Spot<'a> {
        let (mut file, mut line, mut offset) = (std::ptr::null_mut(), 0, 0);
        let column = std::ptr::null_mut();
        // SAFETY: the location is of a live unit; a null column is allowed.
        unsafe {
            (self.functions.clang_getExpansionLocation)(
                location,
                &mut file,
                &mut line,
                column,
                &mut offset,
            )
        };
        Spot {
            file: File(file, PhantomData),
            line,
            offset,
        }
    }
}

/// A node of the tree of a [`Parsed`] unit.
#[derive(Clone, Copy)]
pub struct Cursor<'a> {
    raw: CXCursor,
    clang: &'static Clang,
    unit: PhantomData<&'a Parsed>,
}

/// The type of something in a [`Parsed`] unit.
#[derive(Clone, Copy)]
pub struct Ty<'a> {
    raw: CXType,
    clang: &'static Clang,
    unit: PhantomData<&'a Parsed>,
}

/// Methods that hand the raw handle to one libclang function and wrap its result.
macro_rules! forward {
    ($($(#[$doc:meta])* $method:ident -> $wrap:ident: $function:ident;)*) => { $(
        $(#[$doc])*
        pub fn $method(self) -> forward!(@type $wrap) {
            // SAFETY: the handle's unit is alive ('a), and the function accepts any handle, invalid ones included.
            let raw = unsafe { (self.clang.functions.$function)(self.raw) };
            forward!(@wrap $wrap self raw)
        }
    )* };
    (@type cursor) => { Cursor<'a> };
    (@type ty) => { Ty<'a> };
    (@type string) => { String };
    (@type bool) => { bool };
    (@type i64) => { i64 };
    (@type u64) => { u64 };
    (@type i32) => { i32 };
    (@wrap cursor $self:ident $raw:ident) => { Cursor { raw: $raw, clang: $self.clang, unit: PhantomData } };
    (@wrap ty $self:ident $raw:ident) => { Ty { raw: $raw, clang: $self.clang, unit: PhantomData } };
    (@wrap string $self:ident $raw:ident) => { $self.clang.string($raw) };
    (@wrap bool $self:ident $raw:ident) => { $raw != 0 };
    (@wrap $plain:ident $self:ident $raw:ident) => { $raw };
}

/// What `clang_Cursor_Evaluate` makes of an initialiser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Int(i128),
    Float(f64),
}

impl<'a> Cursor<'a> {
    forward! {
        spelling -> string: clang_getCursorSpelling;
        ty -> ty: clang_getCursorType;
        referenced -> cursor: clang_getCursorReferenced;
        definition -> cursor: clang_getCursorDefinition;
        parent -> cursor: clang_getCursorSemanticParent;
        canonical -> cursor: clang_getCanonicalCursor;
        enum_value -> i64: clang_getEnumConstantDeclValue;
        enum_unsigned_value -> u64: clang_getEnumConstantDeclUnsignedValue;
        enum_integer -> ty: clang_getEnumDeclIntegerType;
        typedef_target -> ty: clang_getTypedefDeclUnderlyingType;
        /// One of `CXBinaryOperatorKind`, 0 for other cursors.
        operator -> i32: clang_getCursorBinaryOperatorKind;
        /// Negative for what is not a bit-field.
        bit_width -> i32: clang_getFieldDeclBitWidth;
        /// In bits; negative where it cannot be known.
        field_offset -> i64: clang_Cursor_getOffsetOfField;
    }

    pub fn kind(self) -> CXCursorKind {
        self.raw.kind
    }

    pub fn is_null(self) -> bool {
        self.raw.data[0].is_null() || (70..=73).contains(&self.raw.kind)
    }

    pub fn is_expression(self) -> bool {
        (100..200).contains(&self.raw.kind) // CXCursor_FirstExpr up to CXCursor_FirstStmt
    }

    /// Identifies the declaration within its unit; meaningful for declarations only.
    pub fn key(self) -> usize {
        self.raw.data[0] as usize
    }

    pub fn spot(self) -> Spot<'a> {
        // SAFETY: the cursor's unit is alive ('a).
        self.clang
            .spot(unsafe { (self.clang.functions.clang_getCursorLocation)(self.raw) })
    }

    /// File and line as the preprocessor presents them, and the column.
    pub fn presumed(self) -> (String, u32, u32) {
        let (mut line, mut column) = (0, 0);
        let mut file = CXString::default();
        // SAFETY: the cursor's unit is alive ('a), and so is the location; the outputs are distinct locals.
        unsafe {
            let location = (self.clang.functions.clang_getCursorLocation)(self.raw);
            (self.clang.functions.clang_getPresumedLocation)(
                location,
                &mut file,
                &mut line,
                &mut column,
            );
        }
        (self.clang.string(file), line, column)
    }

    /// Calls `visit` for each direct child until it returns false.
    pub fn each_child(self, mut visit: impl FnMut(Cursor<'a>) -> bool) {
        let mut visit = |raw| {
            visit(Cursor {
                raw,
                clang: self.clang,
                unit: PhantomData,
            })
        };
        let mut visit: &mut dyn FnMut(CXCursor) -> bool = &mut visit;
        let data: *mut &mut dyn FnMut(CXCursor) -> bool = &mut visit;
        // SAFETY: `data` points to a local that outlives the call, and `trampoline` reads it as what it is.
        unsafe { (self.clang.functions.clang_visitChildren)(self.raw, trampoline, data.cast()) };
    }

    pub fn first_child(self) -> Option<Cursor<'a>> {
        let mut first = None;
        self.each_child(|child| {
            first = Some(child);
            false
        });
        first
    }

    /// The value of a variable's initialiser or of an expression.
    pub fn evaluate(self) -> Option<Value> {
        let functions = &self.clang.functions;
        // SAFETY: the cursor's unit is alive ('a); the result is disposed of once, after its last use.
        unsafe {
            let result = (functions.clang_Cursor_Evaluate)(self.raw);
            if result.is_null() {
                return None;
            }
            let value = match (functions.clang_EvalResult_getKind)(result) {
                clang_sys::CXEval_Int
                    if (functions.clang_EvalResult_isUnsignedInt)(result) != 0 =>
                {
                    Some(Value::Int(
                        (functions.clang_EvalResult_getAsUnsigned)(result).into(),
                    ))
                }
                clang_sys::CXEval_Int => Some(Value::Int(
                    (functions.clang_EvalResult_getAsLongLong)(result).into(),
                )),
                clang_sys::CXEval_Float => Some(Value::Float((functions
                    .clang_EvalResult_getAsDouble)(
                    result
                ))),
                _ => None,
            };
            (functions.clang_EvalResult_dispose)(result);
            value
        }
    }
}

extern "C" fn trampoline(cursor: CXCursor, _parent: CXCursor, data: CXClientData) -> c_int {
    // SAFETY: `data` is the pointer that `each_child` passes, valid and unaliased for the duration of its visit.
    let visit = unsafe { &mut *data.cast::<&mut dyn FnMut(CXCursor) -> bool>() };
    if visit(cursor) {
        clang_sys::CXChildVisit_Continue
    } else {
        clang_sys::CXChildVisit_Break
    }
}

extern "C" fn field_trampoline(cursor: CXCursor, data: CXClientData) -> c_int {
    // SAFETY: `data` is the pointer that `fields` passes, valid and unaliased for the duration of its visit.
    let fields = unsafe { &mut *data.cast::<Vec<CXCursor>>() };
    fields.push(cursor);
    clang_sys::CXVisit_Continue
}

impl<'a> Ty<'a> {
    forward! {
        spelling -> string: clang_getTypeSpelling;
        declaration -> cursor: clang_getTypeDeclaration;
        canonical -> ty: clang_getCanonicalType;
        unqualified -> ty: clang_getUnqualifiedType;
        is_const -> bool: clang_isConstQualifiedType;
        is_volatile -> bool: clang_isVolatileQualifiedType;
        is_restrict -> bool: clang_isRestrictQualifiedType;
        is_variadic -> bool: clang_isFunctionTypeVariadic;
        pointee -> ty: clang_getPointeeType;
        /// Of a complex or vector type.
        element -> ty: clang_getElementType;
        array_element -> ty: clang_getArrayElementType;
        /// Negative where there is no count.
        len -> i64: clang_getNumElements;
        result -> ty: clang_getResultType;
        /// Negative for an incomplete, function or void type.
        size -> i64: clang_Type_getSizeOf;
        align -> i64: clang_Type_getAlignOf;
        named -> ty: clang_Type_getNamedType;
        modified -> ty: clang_Type_getModifiedType;
        atomic_value -> ty: clang_Type_getValueType;
    }

    pub fn kind(self) -> CXTypeKind {
        self.raw.kind
    }

    /// Identifies the type, its sugar and qualifiers included, within its unit.
    pub fn key(self) -> usize {
        self.raw.data[0] as usize
    }

    pub fn params(self) -> impl Iterator<Item = Ty<'a>> {
        // SAFETY: the type's unit is alive ('a).
        let count = unsafe { (self.clang.functions.clang_getNumArgTypes)(self.raw) };
        (0..count.max(0)).map(move |i| {
            // SAFETY: the type's unit is alive ('a) and `i` is below the count just taken.
            let raw = unsafe { (self.clang.functions.clang_getArgType)(self.raw, i as c_uint) };
            Ty {
                raw,
                clang: self.clang,
                unit: PhantomData,
            }
        })
    }

    /// The members of a complete record, unnamed ones included, in declaration order.
    pub fn fields(self) -> Vec<Cursor<'a>> {
        let mut raw: Vec<CXCursor> = Vec::new();
        let data: *mut Vec<CXCursor> = &mut raw;
        // SAFETY: `data` points to a local that outlives the call, and `field_trampoline` reads it as what it is.
        unsafe {
            (self.clang.functions.clang_Type_visitFields)(
                self.raw,
                field_trampoline,
                data.cast::<c_void>(),
            )
        };
        raw.into_iter()
            .map(|raw| Cursor {
                raw,
                clang: self.clang,
                unit: PhantomData,
            })
            .collect()
    }
}
