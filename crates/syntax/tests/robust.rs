//! What must hold for any input whatsoever: no panic, no hang, no overflow of the stack, spans that nest.

mod support;

use std::path::Path;

use source::{Pos, Span};
use support::{Random, mutate};
use syntax::walk::{
    FieldKind, Role, walk_case, walk_comm, walk_decl, walk_expr, walk_field, walk_file, walk_spec,
    walk_stmt,
};
use syntax::{
    BasicLit, BlockStmt, CaseClause, CommClause, Context, Decl, Expr, Field, FieldList, File,
    FuncType, Ident, Mode, Node, NodeId, Parsed, Spec, Stmt, Tok, Visitor, dump, parse_expr,
    parse_file, unparse_expr,
};

/// Checks that children lie within their parents and that no id comes twice.
struct Nesting {
    outer: Span,
    seen: Vec<bool>,
    problem: Option<String>,
}

impl Nesting {
    fn check(file: &File) -> Option<String> {
        let mut nesting = Nesting {
            outer: file.span,
            seen: vec![false; file.node_count as usize],
            problem: None,
        };
        walk_file(&mut nesting, file);
        nesting.problem
    }

    fn within(&mut self, node: &(impl Node + std::fmt::Debug), visit: impl FnOnce(&mut Self)) {
        let (span, NodeId(id)) = (node.span(), node.id());
        if span.end < span.start || !self.outer.contains(span) {
            let problem = format!("{span:?} is not within {:?}", self.outer);
            self.problem.get_or_insert(problem);
        }
        if std::mem::replace(&mut self.seen[id as usize], true) {
            self.problem.get_or_insert(format!("node {id} comes twice"));
        }
        let outer = std::mem::replace(&mut self.outer, span);
        visit(self);
        self.outer = outer;
    }
}

impl<'a> Visitor<'a> for Nesting {
    fn visit_decl(&mut self, decl: &'a Decl) {
        self.within(decl, |v| walk_decl(v, decl));
    }

    fn visit_spec(&mut self, spec: &'a Spec, _keyword: Tok) {
        self.within(spec, |v| walk_spec(v, spec));
    }

    fn visit_func_type(&mut self, ty: &'a FuncType) {
        let outer = self.outer;
        syntax::walk::walk_func_type(self, ty);
        self.outer = outer;
    }

    fn visit_field_list(&mut self, fields: &'a FieldList, kind: FieldKind) {
        self.within(fields, |v| {
            for field in &fields.list {
                v.visit_field(field, kind);
            }
        });
    }

    fn visit_field(&mut self, field: &'a Field, kind: FieldKind) {
        self.within(field, |v| walk_field(v, field, kind));
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            // Checked as a block.
            Stmt::Block(_) => walk_stmt(self, stmt),
            _ => self.within(stmt, |v| walk_stmt(v, stmt)),
        }
    }

    fn visit_block(&mut self, block: &'a BlockStmt) {
        self.within(block, |v| {
            for stmt in &block.list {
                v.visit_stmt(stmt);
            }
        });
    }

    fn visit_case(&mut self, clause: &'a CaseClause, is_type_switch: bool) {
        self.within(clause, |v| walk_case(v, clause, is_type_switch));
    }

    fn visit_comm(&mut self, clause: &'a CommClause) {
        self.within(clause, |v| walk_comm(v, clause));
    }

    fn visit_expr(&mut self, expr: &'a Expr, context: Context) {
        match expr {
            // Checked as an identifier or a literal.
            Expr::Ident(_) | Expr::BasicLit(_) => walk_expr(self, expr, context),
            _ => self.within(expr, |v| walk_expr(v, expr, context)),
        }
    }

    fn visit_ident(&mut self, ident: &'a Ident, _role: Role) {
        self.within(ident, |_| {});
    }

    fn visit_lit(&mut self, lit: &'a BasicLit) {
        self.within(lit, |_| {});
    }
}

const MODES: [Mode; 3] = [
    Mode::FULL,
    Mode {
        comments: false,
        imports_only: false,
        all_errors: true,
    },
    Mode {
        comments: true,
        imports_only: true,
        all_errors: false,
    },
];

fn cases() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases = Vec::new();
    for dir in ["errors", "trees"] {
        for entry in std::fs::read_dir(root.join(dir)).expect("cases") {
            let path = entry.expect("entry").path();
            if path.extension().is_some_and(|ext| ext == "go") {
                let text = std::fs::read(&path).expect("case");
                cases.push((path.display().to_string(), text));
            }
        }
    }
    cases.sort();
    assert!(cases.len() > 5);
    cases
}

fn check(what: &str, text: &[u8]) {
    for mode in MODES {
        let Parsed { file, errors, .. } = parse_file(text, mode);
        let problem = Nesting::check(&file);
        assert_eq!(problem, None, "{what}:\n{}", String::from_utf8_lossy(text));
        for error in errors {
            assert!(error.span.end as usize <= text.len(), "{what}: {error:?}");
        }
    }
}

#[test]
fn spans_nest_in_the_cases() {
    for (name, text) in cases() {
        check(&name, &text);
    }
}

#[test]
fn spans_nest_in_mutations() {
    let cases = cases();
    let mut random = Random::new(7);
    for i in 0..6000 {
        let (name, text) = &cases[random.below(cases.len())];
        let mutant = mutate(text, &mut random);
        check(&format!("mutation {i} of {name}"), &mutant);
    }
}

/// Parses, walks, clones, prints and drops; returns the messages.
fn exercise(text: &str) -> Vec<String> {
    let Parsed { file, errors, .. } = parse_file(text.as_bytes(), Mode::FULL);
    assert_eq!(Nesting::check(&file), None);
    let copy = file.clone();
    drop(file);
    assert!(!dump(&copy).is_empty());
    errors.into_iter().map(|error| error.message).collect()
}

const TOO_DEEP: &str = "exceeded max nesting depth";

#[test]
fn deep_nesting_is_an_error() {
    let n = 100_100;
    for (before, open, inner, close, after) in [
        ("var x = ", "(", "1", ")", ""),
        ("var x = ", "!", "1", "", ""),
        ("var x = ", "<-", "c", "", ""),
        ("var x ", "*", "T", "", ""),
        ("var x ", "[]", "T", "", ""),
        ("var x ", "(", "T", ")", ""),
        ("var x ", "chan ", "T", "", ""),
        ("var x ", "map[int]", "T", "", ""),
        ("var x ", "func(", "", ")", ""),
        ("var x ", "struct { x ", "T", "}", ""),
        ("var x ", "interface { m() ", "", "}", ""),
        ("var x = []T", "{", "", "}", ""),
        ("var x = ", "f(", "", ")", ""),
        ("var x = ", "a[", "1", "]", ""),
        ("var x = ", "func() { return ", "1", "}", ""),
        ("func f() ", "{", "", "}", ""),
        ("func f() {", "if x { ", "", "}", "}"),
        ("func f() {", "for { ", "", "}", "}"),
        ("func f() {", "a: ", "", "", "}"),
        ("func f() {", "switch { case x: ", "", "}", "}"),
        ("type T[", "P[", "", "]", "] int"),
    ] {
        let text = format!(
            "package p\n{before}{}{inner}{}{after}\n",
            open.repeat(n),
            close.repeat(n)
        );
        let messages = exercise(&text);
        assert!(
            messages.iter().any(|message| message == TOO_DEEP),
            "{before}{open}: {messages:?}"
        );
    }
}

#[test]
fn nesting_below_the_limit_is_parsed() {
    let n = 30_000;
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("- ", "1", ""),
        ("f(", "", ")"),
        ("[]T{", "", "}"),
    ] {
        let text = format!(
            "package p\nvar x = {}{inner}{}\n",
            open.repeat(n),
            close.repeat(n)
        );
        assert_eq!(exercise(&text), [""; 0], "{open}");
    }
}

#[test]
fn long_chains_are_parsed() {
    let n = 50_000;
    let repeat = |item: &str| item.repeat(n);
    for text in [
        format!("var x = a{}", repeat(" + b")),
        format!("var x = a{}", repeat(".f()").split_at(n * 2).0),
        format!("var x = a{}", repeat(".f")),
        format!("var x = a{}", repeat("[1]")),
        format!("type T interface {{ A{} }}", repeat(" | B")),
        format!("type T[P *A{}] int", repeat(" | B").split_at(n).0),
        format!("func f() {{ if a {{}} {} }}", repeat("else if b {} ")),
        format!("var x = []int{{{}}}", repeat("1, ")),
        format!("func f() {{ {} }}", repeat("x(); ")),
    ] {
        let head: String = text.chars().take(30).collect();
        assert_eq!(exercise(&format!("package p\n{text}\n")), [""; 0], "{head}");
    }
}

#[test]
fn deep_expressions_print() {
    let text = format!("a{}", " + b".repeat(50_000));
    let (expr, errors) = parse_expr(text.as_bytes());
    assert!(errors.is_empty());
    assert_eq!(unparse_expr(&expr), text);
}

#[test]
fn ends_of_file_everywhere() {
    for (name, text) in cases() {
        for end in (0..text.len()).step_by(1 + text.len() / 300) {
            check(&name, &text[..end]);
        }
    }
}

#[test]
fn positions_fit_the_text() {
    let text = b"package p\n\nvar x = \"\xff\xfe\" + @\0 1\n";
    let parsed = parse_file(text, Mode::FULL);
    let starts: Vec<Pos> = parsed.errors.iter().map(|error| error.span.start).collect();
    assert_eq!(starts[0], 20);
    check("bytes", text);
}
