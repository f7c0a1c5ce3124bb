//! The fields of a C struct as those of a Go struct: the same offsets, by Go's rules of layout.

use std::collections::{HashMap, HashSet};

use cdecl::Field;

use crate::convert::Converted;
use crate::gotype::{GoField, GoType, KEYWORDS};

/// Go names of fields whose C names are Go keywords: an underscore in front, or as many as it takes
/// to be unlike every other field.
pub fn go_field_names(fields: &[Field]) -> HashMap<String, String> {
    let mut used: HashSet<String> = fields
        .iter()
        .filter_map(|field| field.name.clone())
        .collect();
    let mut renamed = HashMap::new();
    for name in fields.iter().filter_map(|field| field.name.as_ref()) {
        if KEYWORDS.contains(&name.as_str()) {
            let mut go = format!("_{name}");
            while used.contains(&go) {
                go.insert(0, '_');
            }
            used.insert(go.clone());
            renamed.insert(name.clone(), go);
        }
    }
    renamed
}

#[derive(Default)]
pub struct StructFields {
    pub fields: Vec<GoField>,
    /// In bytes: the greatest of the fields that are there.
    pub align: u64,
}

/// Lays C fields out as Go would, with padding where Go's offsets fall short.
pub struct StructLayout {
    renamed: HashMap<String, String>,
    fields: Vec<(GoField, u64)>,
    offset: u64,
    align: u64,
    anonymous: usize,
}

impl StructLayout {
    pub fn new(renamed: HashMap<String, String>) -> Self {
        StructLayout {
            renamed,
            fields: Vec::new(),
            offset: 0,
            align: 1,
            anonymous: 0,
        }
    }

    /// Adds a field unless Go cannot have it where C does: bit-fields and misaligned fields are left
    /// out, so that the rest of the struct can be used.
    pub fn add(&mut self, name: Option<&str>, converted: Converted, field: &Field) {
        if field.bit_width.is_some() || !field.bit_offset.is_multiple_of(8) {
            return;
        }
        let at = field.bit_offset / 8;
        let align = converted.align.max(1);
        if !at.is_multiple_of(align) {
            return;
        }
        let natural = self.offset.next_multiple_of(align);
        if at < natural {
            return;
        }
        if at > natural {
            self.pad(at);
        }
        self.offset = at + converted.size;
        let c_name = name.map_or_else(
            || {
                self.anonymous += 1;
                format!("anon{}", self.anonymous - 1)
            },
            str::to_string,
        );
        let go_field = GoField {
            name: self.renamed.get(&c_name).cloned().unwrap_or(c_name),
            ty: converted.go,
        };
        self.fields.push((go_field, converted.size));
        self.align = self.align.max(align);
    }

    fn pad(&mut self, to: u64) {
        let size = to - self.offset;
        let padding = GoField {
            name: "_".to_string(),
            ty: GoType::opaque(size),
        };
        self.fields.push((padding, size));
        self.offset = to;
    }

    /// The fields of a struct of `size` bytes.
    pub fn finish(mut self, size: u64) -> StructFields {
        if self.offset < size {
            self.pad(size);
        }
        // Go gives a struct that ends in a zero-sized field one more byte, which C's has not.
        while self.offset > 0 && self.fields.last().is_some_and(|(_, size)| *size == 0) {
            self.fields.pop();
        }
        StructFields {
            fields: self.fields.into_iter().map(|(field, _)| field).collect(),
            align: self.align,
        }
    }
}
