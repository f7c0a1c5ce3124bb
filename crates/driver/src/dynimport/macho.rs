//! Imports of a Mach-O file: the undefined part of the symbol table, and the libraries of `LC_LOAD_DYLIB`.

use object::macho::{DysymtabCommand, LC_LOAD_DYLIB, N_EXT, N_TYPE, N_UNDF};
use object::read::macho::{MachHeader, Nlist, SymbolTable};

use super::{Imports, Symbol};

/// `None` where `data` is no Mach-O file, or a broken one.
pub fn imports<Mach: MachHeader>(data: &[u8]) -> Option<Imports> {
    let header = Mach::parse(data, 0).ok()?;
    let endian = header.endian().ok()?;
    let mut commands = header.load_commands(endian, data, 0).ok()?;
    let (mut table, mut dynamic) = (None, None);
    let mut imports = Imports::default();
    while let Some(command) = commands.next().ok()? {
        if let Some(symtab) = command.symtab().ok()? {
            table = Some(symtab.symbols::<Mach, _>(endian, data).ok()?);
        } else if let Some(dysymtab) = command.dysymtab().ok()? {
            dynamic = Some(dysymtab);
        } else if command.cmd() == LC_LOAD_DYLIB
            && let Some(library) = command.dylib().ok()?
        {
            let name = command.string(endian, library.dylib.name).ok()?;
            imports.libraries.push(name.to_owned());
        }
    }
    if let Some(table) = table {
        imports.symbols = symbols(endian, &table, dynamic)?;
    }
    Some(imports)
}

/// Those that `LC_DYSYMTAB` lists as undefined; without one, those that are.
fn symbols<Mach: MachHeader>(
    endian: Mach::Endian,
    table: &SymbolTable<'_, Mach>,
    dynamic: Option<&DysymtabCommand<Mach::Endian>>,
) -> Option<Vec<Symbol>> {
    let all: Vec<&Mach::Nlist> = table.iter().collect();
    let undefined: Vec<&Mach::Nlist> = match dynamic {
        Some(dynamic) => {
            let start = dynamic.iundefsym.get(endian) as usize;
            let end = start.checked_add(dynamic.nundefsym.get(endian) as usize)?;
            all.get(start..end)?.to_vec()
        }
        None => {
            let is_undefined =
                |symbol: &&Mach::Nlist| symbol.n_type() & (N_TYPE | N_EXT) == N_UNDF | N_EXT;
            all.into_iter().filter(is_undefined).collect()
        }
    };
    let names = undefined
        .into_iter()
        .map(|symbol| symbol.name(endian, table.strings()).unwrap_or_default());
    Some(names.map(import).collect())
}

/// The C compiler's underscore is dropped; names with a dot are Go's and have one more.
fn import(name: &[u8]) -> Symbol {
    let without_underscore = |name: &[u8]| name.strip_prefix(b"_").unwrap_or(name).to_owned();
    let mut name = name.to_owned();
    if name.contains(&b'.') {
        name = without_underscore(&name);
    }
    let name = without_underscore(&name);
    Symbol {
        target: name.clone(),
        name,
        library: Vec::new(),
    }
}
