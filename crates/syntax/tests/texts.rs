//! What texts are taken from trees: documentation, raw comments, printed expressions and signatures.

use syntax::{Decl, Mode, parse_expr, parse_file, unparse_expr, unparse_func};

fn file(text: &str) -> syntax::File {
    let parsed = parse_file(text.as_bytes(), Mode::FULL);
    assert_eq!(parsed.errors, [], "{text}");
    parsed.file
}

fn doc_text(comment: &str) -> String {
    let file = file(&format!("{comment}\npackage p\n"));
    file.doc.expect("documentation").text()
}

#[test]
fn comment_text() {
    for (comment, want) in [
        ("// a\n// b", "a\nb\n"),
        ("//  a\n//b", " a\nb\n"),
        ("//\n// a\n//\n//\n// b\n//", "a\n\nb\n"),
        ("/* a\n\n\n b  \n*/", " a\n\n b\n"),
        (
            "// a\n//go:noinline\n//export f\n//extern f\n//line f:1",
            "a\n",
        ),
        ("//go: x\n//Go:x\n//a:b", "go: x\nGo:x\n"),
        ("//", ""),
        ("// a\r", "a\n"),
    ] {
        assert_eq!(doc_text(comment), want, "{comment:?}");
    }
}

#[test]
fn preamble_of_an_import() {
    let text = "package p\n\n/*\n#include <a.h>\n*/\n// int x;\nimport \"C\"\n\n// of the spec\nimport (\n\t// own\n\t\"C\"\n\t\"fmt\"\n)\n";
    let file = file(text);
    let docs: Vec<_> = file.imports_of("C").map(|(_, doc)| doc.clone()).collect();
    let first = docs[0].as_ref().expect("preamble");
    assert_eq!(first.raw_text(), "\n#include <a.h>\n int x;\n");
    assert_eq!(first.span.start as usize, text.find("/*").expect("comment"));
    assert_eq!(docs[1].as_ref().expect("preamble").raw_text(), " own\n");
    assert_eq!(file.imports().count(), 3);
}

#[test]
fn expressions_print_as_they_were() {
    for text in [
        "x",
        "a.b[i](1, x...)",
        "a + b*c",
        "a*b + c",
        "f(a+b, c)",
        "f(a + b)",
        "x[a+b:c]",
        "-x",
        "- -x",
        "& ^x",
        "a - -b",
        "*p.x",
        "(a + b) * c",
        "x.(type)",
        "x.(T).y",
        "[]int{1, 2: 3}",
        "map[string]*T{\"a\": {1}}",
        "[...]T{}",
        "[N + 1]C.int",
        "func(a, b int, c ...string) (x, y error)",
        "func(int) func() error",
        "struct{ a, b int; *E \"tag\" }",
        "struct{}",
        "interface{ m(int) error; ~int | ~string; p.I }",
        "interface{}",
        "chan<- (<-chan int)",
        "chan (<-chan int)",
        "<-chan chan int",
        "(<-chan int)(c)",
        "T[int, []string]",
        "<-c",
        "x[1:2:3]",
        "x[:]",
    ] {
        let (expr, errors) = parse_expr(text.as_bytes());
        assert_eq!(errors, [], "{text}");
        let printed = unparse_expr(&expr);
        let (again, errors) = parse_expr(printed.as_bytes());
        assert_eq!(errors, [], "{printed}");
        assert_eq!(unparse_expr(&again), printed);
        let squeeze = |text: &str| text.replace(' ', "");
        assert_eq!(squeeze(&printed), squeeze(text));
        if !text.starts_with('[') {
            assert_eq!(printed, text);
        }
    }
}

#[test]
fn signatures_print() {
    for text in [
        "func f()",
        "func (r *T) m[P any](x P, ys ...int) (n int, err error)",
        "func f(int, string) error",
        "func f[K comparable, V ~int | ~string](m map[K]V) (<-chan K)",
    ] {
        let file = file(&format!("package p\n{text}\n"));
        let Some(Decl::Func(decl)) = file.decls.first() else {
            panic!("no function: {text}");
        };
        let want = text.replace("(<-chan K)", "<-chan K");
        assert_eq!(unparse_func(decl), want);
    }
}

#[test]
fn errors_that_reach_the_end() {
    for (text, want) in [
        (
            "package p\nvar _ = `x\n",
            "2:9: raw string literal not terminated",
        ),
        ("package p\n/* x\n", "2:1: comment not terminated"),
        (
            "package p\nvar _ = \"x\n",
            "2:9: string literal not terminated",
        ),
        ("package p\n//line x.go:0\n", "2:13: invalid line number: 0"),
        (
            "package p\n//line a:5\nvar _ = 1 1\n",
            "a:5: expected ';', found 1",
        ),
        (
            "\u{feff}package p\n\u{feff}",
            "2:1: illegal byte order mark",
        ),
        ("package p\0", "1:10: illegal character NUL"),
    ] {
        let mut file = source::SourceFile::new("", text);
        let parsed = syntax::parse_source(&mut file, Mode::FULL);
        let error = parsed.errors.first().expect("an error");
        let shown = format!("{}: {}", file.presumed(error.span.start), error.message);
        assert_eq!(shown, want);
    }
    let utf16 = parse_file(b"\xff\xfep\0", Mode::FULL);
    assert_eq!(
        utf16.errors[0].message,
        "illegal UTF-8 encoding (got UTF-16)"
    );
}
