//! Token kinds.

use std::fmt;

macro_rules! tokens {
    ($($name:ident $text:literal,)*) => {
        /// The kind of a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Tok { $($name,)* }

        impl Tok {
            /// Operators and keywords as they are written, other kinds by the names that Go gives them.
            pub fn text(self) -> &'static str {
                match self { $(Tok::$name => $text,)* }
            }
        }
    };
}

tokens! {
    Illegal "ILLEGAL", Eof "EOF", Comment "COMMENT",
    Ident "IDENT", Int "INT", Float "FLOAT", Imag "IMAG", Char "CHAR", String "STRING",
    Add "+", Sub "-", Mul "*", Quo "/", Rem "%",
    And "&", Or "|", Xor "^", Shl "<<", Shr ">>", AndNot "&^",
    AddAssign "+=", SubAssign "-=", MulAssign "*=", QuoAssign "/=", RemAssign "%=",
    AndAssign "&=", OrAssign "|=", XorAssign "^=", ShlAssign "<<=", ShrAssign ">>=", AndNotAssign "&^=",
    LAnd "&&", LOr "||", Arrow "<-", Inc "++", Dec "--",
    Eql "==", Lss "<", Gtr ">", Assign "=", Not "!",
    Neq "!=", Leq "<=", Geq ">=", Define ":=", Ellipsis "...",
    LParen "(", LBrack "[", LBrace "{", Comma ",", Period ".",
    RParen ")", RBrack "]", RBrace "}", Semicolon ";", Colon ":",
    Break "break", Case "case", Chan "chan", Const "const", Continue "continue",
    Default "default", Defer "defer", Else "else", Fallthrough "fallthrough", For "for",
    Func "func", Go "go", Goto "goto", If "if", Import "import",
    Interface "interface", Map "map", Package "package", Range "range", Return "return",
    Select "select", Struct "struct", Switch "switch", Type "type", Var "var",
    Tilde "~",
}

impl Tok {
    /// Identifiers and basic literals.
    pub fn is_literal(self) -> bool {
        (Tok::Ident as u8..=Tok::String as u8).contains(&(self as u8))
    }

    pub fn is_keyword(self) -> bool {
        (Tok::Break as u8..=Tok::Var as u8).contains(&(self as u8))
    }

    /// Assignment operators, `=` and `:=` included.
    pub fn is_assign(self) -> bool {
        matches!(self, Tok::Assign | Tok::Define)
            || (Tok::AddAssign as u8..=Tok::AndNotAssign as u8).contains(&(self as u8))
    }

    /// The operator of an operation with assignment: `+` of `+=`.
    pub fn without_assign(self) -> Option<Tok> {
        Some(match self {
            Tok::AddAssign => Tok::Add,
            Tok::SubAssign => Tok::Sub,
            Tok::MulAssign => Tok::Mul,
            Tok::QuoAssign => Tok::Quo,
            Tok::RemAssign => Tok::Rem,
            Tok::AndAssign => Tok::And,
            Tok::OrAssign => Tok::Or,
            Tok::XorAssign => Tok::Xor,
            Tok::ShlAssign => Tok::Shl,
            Tok::ShrAssign => Tok::Shr,
            Tok::AndNotAssign => Tok::AndNot,
            _ => return None,
        })
    }

    /// Binding strength of a binary operator, 1 (`||`) to 5 (`*`); 0 for everything else.
    pub fn precedence(self) -> u8 {
        match self {
            Tok::LOr => 1,
            Tok::LAnd => 2,
            Tok::Eql | Tok::Neq | Tok::Lss | Tok::Leq | Tok::Gtr | Tok::Geq => 3,
            Tok::Add | Tok::Sub | Tok::Or | Tok::Xor => 4,
            Tok::Mul | Tok::Quo | Tok::Rem | Tok::Shl | Tok::Shr | Tok::And | Tok::AndNot => 5,
            _ => 0,
        }
    }

    /// The keyword that `name` is, or `Ident`.
    pub fn lookup(name: &[u8]) -> Tok {
        if !(2..=11).contains(&name.len()) || !name[0].is_ascii_lowercase() {
            return Tok::Ident;
        }
        match name {
            b"break" => Tok::Break,
            b"case" => Tok::Case,
            b"chan" => Tok::Chan,
            b"const" => Tok::Const,
            b"continue" => Tok::Continue,
            b"default" => Tok::Default,
            b"defer" => Tok::Defer,
            b"else" => Tok::Else,
            b"fallthrough" => Tok::Fallthrough,
            b"for" => Tok::For,
            b"func" => Tok::Func,
            b"go" => Tok::Go,
            b"goto" => Tok::Goto,
            b"if" => Tok::If,
            b"import" => Tok::Import,
            b"interface" => Tok::Interface,
            b"map" => Tok::Map,
            b"package" => Tok::Package,
            b"range" => Tok::Range,
            b"return" => Tok::Return,
            b"select" => Tok::Select,
            b"struct" => Tok::Struct,
            b"switch" => Tok::Switch,
            b"type" => Tok::Type,
            b"var" => Tok::Var,
            _ => Tok::Ident,
        }
    }
}

impl fmt::Display for Tok {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
