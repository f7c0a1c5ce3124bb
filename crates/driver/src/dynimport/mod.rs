//! `cgo -dynimport`: which symbols and libraries a linked program wants from the dynamic linker, as directives for Go's own
//! linker. The go command has the C compiler link a trial program and asks here what came of it, so that Go needn't know
//! where C compilers look for libraries.

mod elf;
mod macho;
mod pe;
mod xcoff;

use std::{fmt::Write, fs};

use object::read::FileKind;

use crate::text::quoting::{is_print, quote, quote_bytes};

/// What an executable imports, in the order in which it says so. Names are bytes: nothing makes them UTF-8.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// The dynamic linker (`/lib64/ld-linux-x86-64.so.2`).
    pub linker: Option<Vec<u8>>,
    pub symbols: Vec<Symbol>,
    pub libraries: Vec<Vec<u8>>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Symbol {
    pub name: Vec<u8>,
    /// The name that the dynamic linker is to look for: with a version (`puts#GLIBC_2.2.5`), with its decoration.
    pub target: Vec<u8>,
    /// Empty where the format doesn't tie symbols to libraries.
    pub library: Vec<u8>,
}

/// The directives for `path`, as the text of a Go file of package `package`; with the dynamic linker's path if `linker`.
///
/// # Errors
/// The message: the file isn't readable or of no known format, or a name can't stand in a directive.
pub fn render(path: &str, package: &str, linker: bool) -> Result<Vec<u8>, String> {
    let imports = read(path)?;
    let mut out = format!("package {package}\n").into_bytes();
    if let Some(path) = imports.linker.filter(|_| linker) {
        let path = quote_bytes(&path);
        out.extend(format!("//go:cgo_dynamic_linker {path}\n").bytes());
    }
    for symbol in &imports.symbols {
        check_name(&symbol.name)?;
        check_name(&symbol.target)?;
        out.extend(b"//go:cgo_import_dynamic ");
        out.extend(&symbol.name);
        out.push(b' ');
        out.extend(&symbol.target);
        out.extend(format!(" {}\n", quote_bytes(&symbol.library)).bytes());
    }
    for library in &imports.libraries {
        let library = quote_bytes(library);
        out.extend(format!("//go:cgo_import_dynamic _ _ {library}\n").bytes());
    }
    Ok(out)
}

fn read(path: &str) -> Result<Imports, String> {
    let unknown = || format!("cannot parse {path} as ELF, Mach-O, PE or XCOFF");
    let data = fs::read(path).map_err(|_| unknown())?;
    let data = data.as_slice();
    let kind = FileKind::parse(data).map_err(|_| unknown())?;
    let imports = match kind {
        FileKind::Elf32 => elf::imports::<object::elf::FileHeader32<object::Endianness>>(data),
        FileKind::Elf64 => elf::imports::<object::elf::FileHeader64<object::Endianness>>(data),
        FileKind::MachO32 => {
            macho::imports::<object::macho::MachHeader32<object::Endianness>>(data)
        }
        FileKind::MachO64 => {
            macho::imports::<object::macho::MachHeader64<object::Endianness>>(data)
        }
        FileKind::Pe32 => pe::imports::<object::pe::ImageNtHeaders32>(data),
        FileKind::Pe64 => pe::imports::<object::pe::ImageNtHeaders64>(data),
        // An object file of Windows: nothing is imported yet.
        FileKind::Coff | FileKind::CoffBig => Some(Imports::default()),
        FileKind::Xcoff32 => {
            return xcoff::imports::<object::xcoff::FileHeader32>(path, data)?.ok_or_else(unknown);
        }
        FileKind::Xcoff64 => {
            return xcoff::imports::<object::xcoff::FileHeader64>(path, data)?.ok_or_else(unknown);
        }
        _ => None,
    };
    imports.ok_or_else(unknown)
}

/// A name stands bare in a Go comment: it must not end it, hide in it, or bring another one.
fn check_name(name: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(name);
    let mut message = String::new();
    if text.chars().any(|c| !is_print(c) || c.is_whitespace()) {
        let _ = write!(message, "contains unsupported character");
    } else if text.contains("//") || text.contains("/*") {
        let _ = write!(message, "contains Go comment");
    } else {
        return Ok(());
    }
    let name = quote(&text);
    Err(format!("dynamic symbol {name} {message}"))
}

/// The string at `offset` up to its NUL, empty where there is none.
fn c_string(data: &[u8], offset: usize) -> Vec<u8> {
    let rest = data.get(offset..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0);
    rest[..end.unwrap_or(rest.len())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "puts",
            "_ZN3fooE",
            "a.b$c@@V",
            "naïve",
            "f#GLIBC_2.2.5",
            "x/y",
        ] {
            assert_eq!(check_name(name.as_bytes()), Ok(()), "{name:?}");
        }
        assert_eq!(
            check_name(b"caf\xe9"),
            Ok(()),
            "not UTF-8, but no danger either"
        );
        for (name, why) in [
            ("a b", "contains unsupported character"),
            ("a\nb", "contains unsupported character"),
            ("a\u{200b}b", "contains unsupported character"),
            ("a\u{2028}b", "contains unsupported character"),
            ("a//b", "contains Go comment"),
            ("a/*b", "contains Go comment"),
        ] {
            let message = check_name(name.as_bytes()).unwrap_err();
            assert_eq!(message, format!("dynamic symbol {} {why}", quote(name)));
        }
    }
}
