//! From the types of a C front end to those that conventions are about.

use abi::model::Model;
use abi::types::{Field, Float, Kind, Record, Type};
use cdecl::{RecordKind, TypeId, TypeKind, Unit};

use super::cgo_types;

pub enum Error {
    /// A struct or union without a definition.
    Incomplete(TypeId),
    Unknown(&'static str),
}

/// With `for_go`, the Go type that cgo makes of it.
pub fn convert(unit: &Unit, id: TypeId, model: Model, for_go: bool) -> Result<Type, Error> {
    let converter = Converter {
        unit,
        model,
        for_go,
    };
    converter.convert(id)
}

struct Converter<'a> {
    unit: &'a Unit,
    model: Model,
    for_go: bool,
}

impl Converter<'_> {
    fn convert(&self, id: TypeId) -> Result<Type, Error> {
        let ty = self.unit.get(id);
        let kind = match &ty.kind {
            TypeKind::Typedef { target, .. } | TypeKind::Qualified { target, .. } => {
                return self.convert(*target);
            }
            TypeKind::Bool => Kind::Integer { signed: false },
            TypeKind::Int { name, .. } if name.contains("_BitInt") => {
                return Err(Error::Unknown("_BitInt is not known here"));
            }
            TypeKind::Int { signed, .. } => Kind::Integer { signed: *signed },
            TypeKind::Enum { values, .. } => {
                let values = values.as_deref().unwrap_or_default();
                let signed = values.iter().any(|(_, value)| *value < 0);
                Kind::Integer { signed }
            }
            TypeKind::Float { name } => Kind::Float(self.float(name, ty.size)?),
            TypeKind::Complex { name } => {
                let half = ty.size.map(|size| size / 2);
                Kind::Complex(self.float(name, half)?)
            }
            TypeKind::Pointer(_) => Kind::Pointer,
            TypeKind::Array { elem, len } => {
                let elem = Box::new(self.convert(*elem)?);
                let len = len.unwrap_or(0);
                Kind::Array { elem, len }
            }
            TypeKind::Record { kind, fields, .. } => {
                let fields = fields.as_ref().ok_or(Error::Incomplete(id))?;
                let is_union = *kind == RecordKind::Union;
                Kind::Record(self.record(is_union, fields)?)
            }
            TypeKind::Opaque { .. } => return Err(Error::Unknown("vectors are not known here")),
            TypeKind::Void | TypeKind::Func { .. } => return Err(Error::Incomplete(id)),
        };
        let (Some(size), Some(align)) = (ty.size.or(flexible(&kind)), ty.align.or(Some(1))) else {
            return Err(Error::Incomplete(id));
        };
        let ty = Type { size, align, kind };
        Ok(if self.for_go { cgo_types::of(ty) } else { ty })
    }

    fn record(&self, is_union: bool, fields: &[cdecl::Field]) -> Result<Record, Error> {
        let fields = fields.iter().map(|field| {
            Ok(Field {
                ty: self.convert(field.ty)?,
                bit_offset: field.bit_offset,
                width: field.bit_width,
            })
        });
        let fields = fields.collect::<Result<_, _>>()?;
        Ok(Record { is_union, fields })
    }

    fn float(&self, name: &str, size: Option<u64>) -> Result<Float, Error> {
        Ok(match (name, size) {
            ("_Float16" | "__fp16", _) => Float::F16,
            ("__float128" | "_Float128", _) => Float::F128,
            (_, Some(4)) => Float::F32,
            (_, Some(8)) => Float::F64,
            ("long double", _) => self.model.long_double.format,
            _ => return Err(Error::Unknown("this floating type is not known here")),
        })
    }
}

/// A flexible array has no size of its own.
fn flexible(kind: &Kind) -> Option<u64> {
    matches!(kind, Kind::Array { len: 0, .. }).then_some(0)
}
