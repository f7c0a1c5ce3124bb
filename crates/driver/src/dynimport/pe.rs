//! Imports of a Windows executable: the import directory, names only. (Imports by number have no name to give to Go.)

use object::LittleEndian as LE;
use object::read::pe::{ImageNtHeaders, Import, ImportTable, PeFile};

use super::{Imports, Symbol};

/// `None` where `data` is no such file. A broken import directory counts as an empty one.
pub fn imports<Pe: ImageNtHeaders>(data: &[u8]) -> Option<Imports> {
    let file = PeFile::<Pe>::parse(data).ok()?;
    let table = file.import_table().ok().flatten();
    let symbols = table.and_then(|table| symbols::<Pe>(&table).ok());
    Some(Imports {
        symbols: symbols.unwrap_or_default(),
        ..Imports::default()
    })
}

fn symbols<Pe: ImageNtHeaders>(table: &ImportTable<'_>) -> object::Result<Vec<Symbol>> {
    let mut found = Vec::new();
    let mut descriptors = table.descriptors()?;
    while let Some(descriptor) = descriptors.next()? {
        let names = descriptor.original_first_thunk.get(LE);
        if names == 0 {
            break;
        }
        let library = table.name(descriptor.name.get(LE)).unwrap_or_default();
        let library = String::from_utf8_lossy(library).to_lowercase().into_bytes();
        let mut thunks = table.thunks(names)?;
        while let Some(thunk) = thunks.next::<Pe>()? {
            if let Import::Name(_, name) = table.import::<Pe>(thunk)? {
                found.push(import(name, &library));
            }
        }
    }
    Ok(found)
}

/// A name like `Sleep@4` carries the size of its arguments, which Go leaves out on its own side.
fn import(name: &[u8], library: &[u8]) -> Symbol {
    let plain = name.split(|byte| *byte == b'@').next();
    Symbol {
        name: plain.unwrap_or_default().to_owned(),
        target: name.to_owned(),
        library: library.to_owned(),
    }
}
