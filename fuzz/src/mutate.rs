//! Mutations that keep much of a Go file's shape: most change tokens, lines or nesting, few change bytes.

use crate::random::Random;

/// Texts that make trouble in Go, in preambles or in `#cgo` lines.
const PIECES: &[&str] = &[
    "C.",
    "C.x",
    "C.struct_s",
    "C.sizeof_int",
    "C.CString",
    "C.malloc",
    "C.a.b.c",
    "&C.x",
    "*C.p",
    "C.f(C.f(C.f(1)))",
    "_, err := C.f()",
    "import \"C\"\n",
    "import C \"C\"\n",
    "import (\n",
    "//export F\n",
    "//export\n",
    "//export 1\n",
    "#cgo CFLAGS: -DX\n",
    "#cgo noescape f\n",
    "#cgo nocallback f\n",
    "#cgo linux,amd64 LDFLAGS: -lm\n",
    "#cgo LDFLAGS:\n",
    "#cgo\n",
    "#cgo pkg-config: x y\n",
    "#define X 1\n",
    "#define X \\\n",
    "#line 1 \"x\"\n",
    "//line a.go:1:1\n",
    "/*line a.go:9:9*/",
    "//line :0\n",
    "//go:build ignore\n",
    "/*",
    "*/",
    "//",
    "\"",
    "`",
    "'",
    "'\\''",
    "\\",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "[]",
    "[...]",
    "...",
    "<-",
    ":=",
    "func(",
    "struct{",
    "interface{",
    "map[",
    "chan ",
    "switch ",
    "select {",
    "case ",
    "defer ",
    "go ",
    "goto ",
    "type T[P any] ",
    "T[int]",
    "0x",
    "1e9999",
    "0b2",
    "08",
    "1i",
    "'\\u{}'",
    "\u{feff}",
    "\u{0}",
    "\u{7f}",
    "é",
    "日本",
    "\r\n",
    "\n\n",
    ";",
    "struct s { int a; };\n",
    "typedef struct s s;\n",
    "union u;\n",
    "enum e { A = 1 << 31 };\n",
    "int f(int (*)(int), ...);\n",
    "__attribute__((packed))",
    "_Complex ",
    "unsigned a : 3;\n",
    "int x[];\n",
    "static inline ",
    "\u{202e}",
];

/// One to eight mutations of `text`, some of which take text from `other`.
pub fn mutate(random: &mut Random, text: &[u8], other: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..1 + random.below(8) {
        mutate_once(random, &mut text, other);
    }
    text
}

fn mutate_once(random: &mut Random, text: &mut Vec<u8>, other: &[u8]) {
    let at = random.below(text.len() + 1);
    let length = 1 + random.below(40);
    let end = (at + length).min(text.len());
    match random.below(12) {
        0 => insert(text, at, random.pick(PIECES).as_bytes()),
        1 => {
            let (start, end) = token(text, at);
            let piece = random.pick(PIECES).as_bytes();
            text.splice(start..end, piece.iter().copied());
        }
        2 => drop(text.drain(at..end)),
        3 => {
            let (start, end) = token(text, at);
            text.drain(start..end);
        }
        4 => {
            let copy = text[at..end].to_vec();
            let to = random.below(text.len() + 1);
            insert(text, to, &copy);
        }
        5 => {
            let (start, end) = line(text, at);
            let copy = text[start..end].to_vec();
            let (to, _) = {
                let to = random.below(text.len() + 1);
                line(text, to)
            };
            insert(text, to, &copy);
        }
        6 => {
            let (start, end) = line(text, at);
            text.drain(start..end);
        }
        7 => {
            let from = random.below(other.len() + 1);
            let until = (from + random.below(400)).min(other.len());
            insert(text, at, &other[from..until]);
        }
        8 => text.truncate(at),
        9 => nest(random, text, at),
        10 => {
            if let Some(byte) = text.get_mut(at) {
                *byte = (random.number() & 0xff) as u8;
            }
        }
        _ => {
            let (start, end) = token(text, at);
            let word = text[start..end].to_vec();
            let (to, until) = {
                let to = random.below(text.len() + 1);
                token(text, to)
            };
            text.splice(to..until, word);
        }
    }
}

fn insert(text: &mut Vec<u8>, at: usize, piece: &[u8]) {
    text.splice(at..at, piece.iter().copied());
}

/// Opens something many times, and most of the time closes it again.
fn nest(random: &mut Random, text: &mut Vec<u8>, at: usize) {
    let pairs = [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("*", ""),
        ("func() {", "}"),
        ("struct{ a ", "}"),
        ("-", ""),
        ("x(", ")"),
        ("if x {", "}"),
    ];
    let (open, close) = *random.pick(&pairs);
    let count = 1 << random.below(11);
    let mut piece = open.repeat(count);
    piece.push('1');
    if random.below(4) > 0 {
        piece.push_str(&close.repeat(count));
    }
    insert(text, at, piece.as_bytes());
}

/// The word, or the single byte, around `at`.
fn token(text: &[u8], at: usize) -> (usize, usize) {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let start = text[..at]
        .iter()
        .rposition(|byte| !is_word(byte))
        .map_or(0, |before| before + 1);
    let length = text[at..]
        .iter()
        .position(|byte| !is_word(byte))
        .unwrap_or(text.len() - at);
    if start == at + length {
        (at, (at + 1).min(text.len()))
    } else {
        (start, at + length)
    }
}

/// The line around `at`, its newline included.
fn line(text: &[u8], at: usize) -> (usize, usize) {
    let start = text[..at]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |before| before + 1);
    let length = text[at..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len() - at, |length| length + 1);
    (start, at + length)
}
