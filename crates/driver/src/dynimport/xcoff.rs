//! Imports of an AIX executable: the loader section (AIX "XCOFF Object File Format", Loader Section), whose contents the
//! `object` crate leaves to its users. All numbers are big-endian.

use object::read::xcoff::{FileHeader, SectionHeader};
use object::xcoff::STYP_LOADER;

use super::{Imports, Symbol, c_string};

/// The symbol is imported.
const L_IMPORT: u8 = 0x40;

/// Go's own entry points, which runtime/cgo refers to.
const GO_SYMBOLS: &[&[u8]] = &[b"runtime_rt0_go", b"_rt0_ppc64_aix_lib"];

/// `Ok(None)` where `data` is no XCOFF file.
pub fn imports<Xcoff: FileHeader>(path: &str, data: &[u8]) -> Result<Option<Imports>, String> {
    let Some(loader) = loader_section::<Xcoff>(data) else {
        return Ok(None);
    };
    let Some(loader) = loader else {
        return Ok(Some(Imports::default()));
    };
    let wide = size_of::<Xcoff::Word>() == 8;
    let imports = Loader::parse(loader, wide).and_then(|loader| loader.imports());
    let broken = || format!("cannot load imported symbols from XCOFF file {path}: EOF");
    imports.ok_or_else(broken).map(Some)
}

/// `None` where `data` is no XCOFF file, `Some(None)` where it has no such section.
#[expect(clippy::option_option)]
fn loader_section<Xcoff: FileHeader>(data: &[u8]) -> Option<Option<&[u8]>> {
    let mut offset = 0;
    let header = Xcoff::parse(data, &mut offset).ok()?;
    header.aux_header(data, &mut offset).ok()?;
    let sections = header.sections(data, &mut offset).ok()?;
    let loader = sections
        .iter()
        .find(|section| section.s_flags() & u32::from(STYP_LOADER) != 0);
    Some(loader.and_then(|section| section.data(data).ok()))
}

/// The loader section and where its parts begin.
struct Loader<'data> {
    data: &'data [u8],
    wide: bool,
    symbol_count: usize,
    symbols: usize,
    file_count: usize,
    files: &'data [u8],
    strings: &'data [u8],
}

impl<'data> Loader<'data> {
    fn parse(data: &'data [u8], wide: bool) -> Option<Loader<'data>> {
        // 32 bits: version, nsyms, nreloc, istlen, nimpid, impoff, stlen, stoff; symbols follow.
        // 64 bits: version, nsyms, nreloc, istlen, nimpid, stlen, then of 8 bytes impoff, stoff, symoff, rldoff.
        let word = |at| number(data, at, 4);
        let (files_at, strings_size, strings_at, symbols) = if wide {
            (
                number(data, 24, 8)?,
                word(20)?,
                number(data, 32, 8)?,
                number(data, 40, 8)?,
            )
        } else {
            (word(20)?, word(24)?, word(28)?, 32)
        };
        Some(Loader {
            data,
            wide,
            symbol_count: word(4)?,
            symbols,
            file_count: word(16)?,
            files: part(data, files_at, word(12)?)?,
            strings: part(data, strings_at, strings_size)?,
        })
    }

    fn imports(&self) -> Option<Imports> {
        let libraries = self.libraries();
        let mut symbols = Vec::new();
        for index in 0..self.symbol_count {
            let entry = part(self.data, self.symbols + index * 24, 24)?;
            // Both layouts: type at 14, import file at 16.
            if entry[14] & L_IMPORT == 0 {
                continue;
            }
            let Some(name) = self.name(entry) else {
                continue;
            };
            if GO_SYMBOLS.contains(&name.as_slice()) {
                continue;
            }
            let file = number(entry, 16, 4)?;
            let library = file.checked_sub(1).and_then(|file| libraries.get(file));
            symbols.push(Symbol {
                target: name.clone(),
                name,
                library: library.cloned().unwrap_or_default(),
            });
        }
        Some(Imports {
            linker: None,
            symbols,
            libraries,
        })
    }

    /// 64 bits: value of 8 bytes, string offset. 32 bits: eight characters, or four zeros and a string offset.
    fn name(&self, entry: &[u8]) -> Option<Vec<u8>> {
        let offset = match self.wide {
            true => number(entry, 8, 4)?,
            false if entry[..4] == [0; 4] => number(entry, 4, 4)?,
            false => return Some(c_string(&entry[..8], 0)),
        };
        let in_table = (4..self.strings.len()).contains(&offset);
        in_table.then(|| c_string(self.strings, offset))
    }

    /// Import files: path, base and member, each ended by a NUL. The first names search directories instead.
    fn libraries(&self) -> Vec<Vec<u8>> {
        let mut at = c_string(self.files, 0).len() + 3;
        let mut next = || {
            let text = c_string(self.files, at);
            at += text.len() + 1;
            text
        };
        let mut libraries = Vec::new();
        for _ in 1..self.file_count {
            let parts = [next(), next(), next()];
            let without_path = usize::from(parts[0].is_empty());
            libraries.push(parts[without_path..].join(&b'/'));
        }
        libraries
    }
}

fn part(data: &[u8], at: usize, size: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(size)?)
}

fn number(data: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = part(data, at, size)?;
    let value = bytes
        .iter()
        .fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    usize::try_from(value).ok()
}
