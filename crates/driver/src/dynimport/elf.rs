//! Imports of an ELF file: undefined global and weak symbols of `.dynsym` with their versions, and `DT_NEEDED`.

use object::elf::{DT_NEEDED, SHN_UNDEF, SHT_DYNSYM, STB_GLOBAL, STB_WEAK};
use object::read::elf::{Dyn, FileHeader, SectionHeader, SectionTable, Sym};

use super::{Imports, Symbol};

/// `None` where `data` is no ELF file. What is broken inside it counts as absent.
pub fn imports<Elf: FileHeader>(data: &[u8]) -> Option<Imports> {
    let header = Elf::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, data).ok()?;
    Some(Imports {
        linker: linker::<Elf>(endian, data, &sections),
        symbols: symbols::<Elf>(endian, data, &sections).unwrap_or_default(),
        libraries: libraries::<Elf>(endian, data, &sections).unwrap_or_default(),
    })
}

fn linker<'data, Elf: FileHeader>(
    endian: Elf::Endian,
    data: &'data [u8],
    sections: &SectionTable<'data, Elf>,
) -> Option<Vec<u8>> {
    let (_, section) = sections.section_by_name(endian, b".interp")?;
    let path = section.data(endian, data).ok()?;
    match path {
        [path @ .., _nul] if !path.is_empty() => Some(path.to_owned()),
        _ => None,
    }
}

fn symbols<'data, Elf: FileHeader>(
    endian: Elf::Endian,
    data: &'data [u8],
    sections: &SectionTable<'data, Elf>,
) -> object::Result<Vec<Symbol>> {
    let table = sections.symbols(endian, data, SHT_DYNSYM)?;
    let versions = sections.versions(endian, data)?.unwrap_or_default();
    let mut found = Vec::new();
    for (index, symbol) in table.enumerate() {
        let imported = matches!(symbol.st_bind(), STB_GLOBAL | STB_WEAK)
            && symbol.st_shndx(endian) == SHN_UNDEF;
        if index.0 == 0 || !imported {
            continue;
        }
        let name = symbol.name(endian, table.strings()).unwrap_or_default();
        let version = versions.version(versions.version_index(endian, index));
        let version = version.ok().flatten();
        let mut target = name.to_owned();
        if let Some(version) = version.filter(|version| !version.name().is_empty()) {
            target.push(b'#');
            target.extend(version.name());
        }
        let library = version.and_then(|version| version.file());
        found.push(Symbol {
            name: name.to_owned(),
            target,
            library: library.unwrap_or_default().to_owned(),
        });
    }
    Ok(found)
}

fn libraries<'data, Elf: FileHeader>(
    endian: Elf::Endian,
    data: &'data [u8],
    sections: &SectionTable<'data, Elf>,
) -> object::Result<Vec<Vec<u8>>> {
    let Some((entries, link)) = sections.dynamic(endian, data)? else {
        return Ok(Vec::new());
    };
    let strings = sections.strings(endian, data, link)?;
    let mut needed = Vec::new();
    for entry in entries {
        if entry.tag32(endian) == Some(DT_NEEDED)
            && let Ok(name) = entry.string(endian, strings)
        {
            needed.push(name.to_owned());
        }
    }
    Ok(needed)
}
