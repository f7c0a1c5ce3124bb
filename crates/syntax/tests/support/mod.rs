//! A deterministic mutator of Go sources: it cuts, doubles, moves and damages tokens and bytes.

use syntax::{Lexer, Tok};

/// Marsaglia's xorshift: the same numbers on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % bound.max(1)
    }
}

/// What is put in: each means something to the grammar.
const SNIPPETS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    ":",
    ".",
    "...",
    "=",
    ":=",
    "<-",
    "~",
    "|",
    "*",
    "&",
    "&^",
    "+",
    "++",
    "-",
    "!",
    "==",
    "chan",
    "func",
    "map",
    "struct",
    "interface",
    "type",
    "var",
    "const",
    "import",
    "package",
    "if",
    "else",
    "for",
    "range",
    "switch",
    "case",
    "default",
    "select",
    "go",
    "defer",
    "return",
    "goto",
    "break",
    "fallthrough",
    "x",
    "_",
    "T",
    "0x",
    "0b12",
    "1_",
    "1e",
    "0x1p",
    "08",
    ".5",
    "'a'",
    "''",
    "'ab",
    "\"s\"",
    "\"\\q\"",
    "\"\\400\"",
    "\"\\ud800\"",
    "\"",
    "`",
    "`a\r`",
    "//\n",
    "// c\n",
    "/* c */",
    "/*\n*/",
    "/*",
    "//line x.go:10\n",
    "/*line :7:3*/",
    "//line a:0\n",
    "\n",
    "\n\n",
    "\r\n",
    "\0",
    "\u{feff}",
    "é",
    "\u{201c}",
    "@",
    "#",
    "?",
    "func()",
    "[]",
    "[T any]",
    "(T)",
    "x.(type)",
    "<-chan<- int",
    "chan<- x",
    "x[:]",
    "x[::]",
    "x[1:2:]",
    "x[]",
    "T[int,]",
    "struct{*(T)}",
    "interface{m[T any]()}",
];

/// `text` with a few mutations.
pub fn mutate(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(3) {
        let tokens = token_spans(&text);
        let pick = |random: &mut Random| {
            tokens
                .get(random.below(tokens.len()))
                .cloned()
                .unwrap_or(0..0)
        };
        let one = pick(random);
        let snippet = SNIPPETS[random.below(SNIPPETS.len())].as_bytes().to_vec();
        match random.below(8) {
            0 => drop(text.drain(one)),
            1 => drop(text.splice(one.end..one.end, snippet)),
            2 => drop(text.splice(one, snippet)),
            3 => {
                let other = text[pick(random)].to_vec();
                text.splice(one, other);
            }
            4 => {
                let other = text[pick(random)].to_vec();
                text.splice(one.start..one.start, other);
            }
            5 => text.truncate(one.end),
            6 => {
                let at = random.below(text.len());
                let byte = random.below(256) as u8;
                text.splice(at..(at + 1).min(text.len()), [byte]);
            }
            _ => {
                let other = pick(random);
                let (start, end) = (one.start.min(other.start), one.end.max(other.end));
                if end - start < 200 {
                    text.drain(start..end);
                }
            }
        }
    }
    text
}

fn token_spans(text: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut lexer = Lexer::new(text);
    let mut spans = Vec::new();
    loop {
        let token = lexer.scan();
        if token.kind == Tok::Eof {
            return spans;
        }
        if !token.implicit {
            spans.push(token.span.range());
        }
    }
}
