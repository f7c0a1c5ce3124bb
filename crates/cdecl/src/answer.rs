//! Answers: from what the front end made of the probes to what a name means.
//!
//! The table is that of official cgo, which looks at which of its five probes the C compiler rejects.
//! Where libclang accepts more than gcc does and the user's compiler is gcc, gcc is imitated.

use clang_sys as c;

use crate::clang::{Cursor, Parsed, Ty, Value};
use crate::convert::{Converter, enumerator_value, is_arithmetic};
use crate::imitate::Facts;
use crate::model::{Answer, Meaning, TypeId, TypeKind};
use crate::probe::{Form, Part, Seen, form};
use crate::text;

pub struct Answerer<'a> {
    pub unit: &'a Parsed,
    pub facts: &'a Facts,
    /// The user's flags, for macros defined there.
    pub flags: &'a [String],
    pub types: Converter<'a>,
}

impl<'a> Answerer<'a> {
    pub fn answer(&mut self, name: &str, seen: &Seen<'a>) -> Answer {
        let definition = seen.is_macro.then(|| self.definition(name, seen)).flatten();
        let is_macro = definition.as_ref().is_some_and(|text| !text.is_empty());
        let char_literal = definition.filter(|text| text::is_char_literal(text));
        Answer {
            meaning: self.meaning(name, seen),
            is_macro,
            char_literal,
            suggestion: None,
        }
    }

    /// The expansion text of an object-like macro, one level deep. For a macro that is built in, and so in
    /// no file, only known not to be empty.
    fn definition(&self, name: &str, seen: &Seen<'a>) -> Option<String> {
        match seen.definition {
            Some((file, offset)) => {
                text::definition(self.unit.contents(file), offset as usize, name)
            }
            None => {
                Some(text::defined_by_flags(self.flags, name).unwrap_or_else(|| "builtin".into()))
            }
        }
    }

    fn meaning(&mut self, name: &str, seen: &Seen<'a>) -> Meaning {
        let Some(probe) = seen.accepted(Part::Typeof) else {
            return Meaning::Undeclared;
        };
        match form(name) {
            Form::Tag => self.named_type(seen),
            Form::Plain if !seen.is_macro => self.plain(probe),
            _ => self.by_table(seen, probe),
        }
    }

    fn named_type(&mut self, seen: &Seen<'a>) -> Meaning {
        match seen.accepted(Part::Type) {
            Some(probe) => Meaning::Type(self.types.convert(probe.ty().pointee())),
            None => Meaning::Undeclared,
        }
    }

    /// An identifier that is no macro, by its `typeof` probe.
    fn plain(&mut self, probe: Cursor<'a>) -> Meaning {
        let Some(mut child) = probe.first_child() else {
            return Meaning::Type(self.types.convert(probe.ty().pointee()));
        };
        while child.kind() == c::CXCursor_ParenExpr
            && let Some(inner) = child.first_child()
        {
            child = inner;
        }
        if !child.is_expression() {
            let referenced = child.referenced().ty();
            return Meaning::Type(self.types.convert(referenced));
        }
        // The parentheses of `typeof(X)` are there.
        let declaration = peel(child).referenced();
        match declaration.kind() {
            c::CXCursor_EnumConstantDecl => self.enumerator(child, declaration),
            c::CXCursor_VarDecl => self.variable(child.ty(), declaration),
            _ => Meaning::Expr {
                ty: self.types.convert(child.ty()),
            },
        }
    }

    /// The enumerator `declaration` where it is named in `expression`.
    fn enumerator(&mut self, expression: Cursor<'a>, declaration: Cursor<'a>) -> Meaning {
        let integer = declaration.parent().enum_integer().canonical();
        let value = enumerator_value(declaration, !is_unsigned(integer));
        Meaning::IntConst {
            ty: self.enumerator_type(expression, declaration, value),
            value,
        }
    }

    /// Gcc gives an enumerator that does not fit `int` the type of its enum; in C23, all enumerators of such an enum.
    fn enumerator_type(
        &mut self,
        expression: Cursor<'a>,
        declaration: Cursor<'a>,
        value: i128,
    ) -> TypeId {
        let parent = declaration.parent();
        let fits = i128::from(i32::MIN) <= value && value <= i128::from(i32::MAX);
        let wide = self.facts.is_c23() && parent.ty().size() > expression.ty().size();
        match self.facts.is_clang || fits && !wide {
            true => self.types.convert(expression.ty()),
            false => self.types.convert(parent.ty()),
        }
    }

    /// A variable is an expression, unless it is a constant whose value the compiler looks through:
    /// clang does for integers everywhere, gcc (since 8) in initialisers only.
    fn variable(&mut self, ty: Ty<'a>, declaration: Cursor<'a>) -> Meaning {
        let id = match ty.kind() {
            c::CXType_Unexposed => self.types.declared(declaration, declaration.ty()),
            _ => self.types.convert(ty),
        };
        let canonical = ty.canonical();
        if !canonical.is_const() || canonical.is_volatile() || !is_arithmetic(canonical) {
            return Meaning::Expr { ty: id };
        }
        let definition = declaration.definition();
        let initialised = if definition.is_null() {
            declaration
        } else {
            definition
        };
        match initialised.evaluate() {
            Some(Value::Int(value)) if self.facts.is_clang => Meaning::IntConst { ty: id, value },
            Some(value) if self.facts.is_clang || self.facts.major >= 8 => self.number(id, value),
            _ => Meaning::Expr { ty: id },
        }
    }

    /// A number that is no integer constant: an ordinary expression if it is of an integer type all the same
    /// (official cgo sees `char`, `_Bool` and enums as other than integers here).
    fn number(&mut self, ty: TypeId, value: Value) -> Meaning {
        let mut base = ty;
        loop {
            match &self.types.get(base).kind {
                TypeKind::Typedef { target, .. } | TypeKind::Qualified { target, .. } => {
                    base = *target
                }
                TypeKind::Int { name, .. } if !name.ends_with("char") => {
                    return Meaning::Expr { ty };
                }
                _ => break,
            }
        }
        let value = match value {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
        };
        Meaning::FloatConst { ty, value }
    }

    /// Anything else, by which probes were rejected.
    fn by_table(&mut self, seen: &Seen<'a>, probe: Cursor<'a>) -> Meaning {
        let integer = seen
            .accepted(Part::Int)
            .filter(|&integer| !seen.folded || self.folds(integer));
        let number = seen.accepted(Part::Number);
        let text = seen.accepted(Part::Text);
        let expression = probe.first_child().filter(|child| child.is_expression());
        match (seen.accepted(Part::Type), integer, number, text) {
            (Some(probe), None, None, None) => {
                Meaning::Type(self.types.convert(probe.ty().pointee()))
            }
            (None, Some(integer), Some(_), None) => match expression {
                Some(expression) => self.integer(integer, expression),
                None => Meaning::Undeclared,
            },
            (None, None, number, text) => {
                let Some(expression) = expression else {
                    return Meaning::Undeclared;
                };
                let ty = self.types.convert(expression.ty());
                match (number, text) {
                    (Some(number), None) => match number.evaluate() {
                        Some(value) => self.number(ty, value),
                        None => Meaning::Expr { ty },
                    },
                    (None, Some(text)) => match literal(text) {
                        Some(value) => Meaning::StrConst { ty, value },
                        None => Meaning::Expr { ty },
                    },
                    _ => Meaning::Expr { ty },
                }
            }
            _ => Meaning::Undeclared,
        }
    }

    /// An integer constant expression: its value from the probe's enumerator, its type from `expression`.
    fn integer(&mut self, probe: Cursor<'a>, expression: Cursor<'a>) -> Meaning {
        if let Some(declaration) = enumerator_named(expression) {
            return self.enumerator(expression, declaration);
        }
        // The probe's enum has this one value: its integer type has the value's sign.
        let signed = !is_unsigned(probe.enum_integer().canonical());
        let value = probe
            .first_child()
            .map_or(0, |constant| enumerator_value(constant, signed));
        Meaning::IntConst {
            ty: self.types.convert(expression.ty()),
            value,
        }
    }

    /// Whether the user's compiler folds the integer constant of a probe as clang does. Gcc does not look
    /// through constant variables, compound literals and strings.
    fn folds(&self, probe: Cursor<'a>) -> bool {
        self.facts.is_clang
            || probe
                .first_child()
                .is_some_and(|constant| !mentions_object(constant))
    }
}

/// Whether the value of a folded expression comes from an object, a string or a comma expression. What a
/// constant condition cuts off does not count.
fn mentions_object(expression: Cursor<'_>) -> bool {
    let mut children = Vec::new();
    expression.each_child(|child| {
        children.push(child);
        true
    });
    let truth = |cursor: Cursor<'_>| cursor.evaluate().map(|value| value != Value::Int(0));
    match (expression.kind(), expression.operator()) {
        (c::CXCursor_DeclRefExpr, _) => expression.referenced().kind() == c::CXCursor_VarDecl,
        (c::CXCursor_StringLiteral | c::CXCursor_CompoundLiteralExpr, _) => true,
        (_, c::CXBinaryOperator_Comma) => true,
        (c::CXCursor_ConditionalOperator, _)
            if children.len() == 3 && truth(children[0]).is_some() =>
        {
            let taken = if truth(children[0]) == Some(true) {
                1
            } else {
                2
            };
            mentions_object(children[0]) || mentions_object(children[taken])
        }
        (_, c::CXBinaryOperator_LAnd) if truth(children[0]) == Some(false) => {
            mentions_object(children[0])
        }
        (_, c::CXBinaryOperator_LOr) if truth(children[0]) == Some(true) => {
            mentions_object(children[0])
        }
        _ => children.into_iter().any(mentions_object),
    }
}

/// The expression without parentheses and implicit conversions.
fn peel(mut expression: Cursor<'_>) -> Cursor<'_> {
    while matches!(
        expression.kind(),
        c::CXCursor_ParenExpr | c::CXCursor_UnexposedExpr
    ) {
        match expression.first_child() {
            Some(child) => expression = child,
            None => break,
        }
    }
    expression
}

/// The enumerator that an expression is nothing but the name of.
fn enumerator_named(expression: Cursor<'_>) -> Option<Cursor<'_>> {
    let expression = peel(expression);
    let declaration = expression.referenced();
    let named = expression.kind() == c::CXCursor_DeclRefExpr
        && declaration.kind() == c::CXCursor_EnumConstantDecl;
    named.then_some(declaration)
}

fn is_unsigned(canonical: Ty<'_>) -> bool {
    match canonical.kind() {
        c::CXType_Enum => is_unsigned(canonical.declaration().enum_integer().canonical()),
        kind => matches!(
            kind,
            c::CXType_Bool
                | c::CXType_Char_U
                | c::CXType_UChar
                | c::CXType_UShort
                | c::CXType_UInt
                | c::CXType_ULong
                | c::CXType_ULongLong
                | c::CXType_UInt128
        ),
    }
}

/// The bytes of the string literal that initialises the array `probe`.
fn literal(probe: Cursor<'_>) -> Option<Vec<u8>> {
    let mut found = None;
    probe.each_child(|child| {
        found = match child.kind() {
            c::CXCursor_StringLiteral => text::unquote(&child.spelling()),
            _ => literal(child),
        };
        found.is_none()
    });
    found
}
