//! Build constraints: the expressions of `//go:build` lines.

/// A build constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    Tag(String),
    Not(Box<Constraint>),
    And(Box<Constraint>, Box<Constraint>),
    Or(Box<Constraint>, Box<Constraint>),
}

/// Nesting beyond this is no constraint that anybody writes.
const MAX_DEPTH: u32 = 1000;

/// The constraint of a `//go:build` line; `None` if it is something else or malformed.
pub fn parse_line(line: &str) -> Option<Constraint> {
    let line = line.trim_end_matches(['\r', '\n']);
    let rest = line.strip_prefix("//go:build")?;
    if line.contains('\n') || !rest.starts_with([' ', '\t']) {
        return None;
    }
    parse(rest)
}

/// The constraint that `text` (without `//go:build`) spells.
pub fn parse(text: &str) -> Option<Constraint> {
    let mut parser = Parser {
        rest: text.trim_start_matches([' ', '\t']),
        depth: 0,
        size: 0,
    };
    let constraint = parser.or()?;
    parser.rest.is_empty().then_some(constraint)
}

impl Constraint {
    /// The value of the constraint if `has` tells which tags are set.
    pub fn eval(&self, has: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Constraint::Tag(tag) => has(tag),
            Constraint::Not(x) => !x.eval(has),
            // Both sides always: a caller may collect the tags.
            Constraint::And(x, y) => x.eval(has) & y.eval(has),
            Constraint::Or(x, y) => x.eval(has) | y.eval(has),
        }
    }

    /// The least Go version that the constraint implies, such as `go1.22`.
    pub fn go_version(&self) -> Option<String> {
        self.min_version(true).map(|version| match version {
            0 => "go1".to_string(),
            _ => format!("go1.{version}"),
        })
    }

    /// The least minor version implied by the constraint, or by its negation.
    fn min_version(&self, positive: bool) -> Option<u32> {
        match (self, positive) {
            (Constraint::Tag(tag), true) if tag == "go1" => Some(0),
            (Constraint::Tag(tag), true) => tag.strip_prefix("go1.")?.parse().ok(),
            (Constraint::Tag(_), false) => None,
            (Constraint::Not(x), _) => x.min_version(!positive),
            (Constraint::And(x, y), true) | (Constraint::Or(x, y), false) => {
                x.min_version(positive).max(y.min_version(positive))
            }
            (Constraint::Or(x, y), true) | (Constraint::And(x, y), false) => {
                x.min_version(positive).min(y.min_version(positive))
            }
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
    size: u32,
}

impl Parser<'_> {
    fn or(&mut self) -> Option<Constraint> {
        let mut x = self.and()?;
        while self.eat("||") {
            x = Constraint::Or(Box::new(x), Box::new(self.and()?));
        }
        Some(x)
    }

    fn and(&mut self) -> Option<Constraint> {
        let mut x = self.not()?;
        while self.eat("&&") {
            x = Constraint::And(Box::new(x), Box::new(self.not()?));
        }
        Some(x)
    }

    fn not(&mut self) -> Option<Constraint> {
        if !self.eat("!") {
            return self.atom();
        }
        // `!!x` is an error in Go.
        if self.rest.starts_with('!') {
            return None;
        }
        Some(Constraint::Not(Box::new(self.atom()?)))
    }

    fn atom(&mut self) -> Option<Constraint> {
        self.size += 1;
        if self.size > MAX_DEPTH {
            return None;
        }
        if self.eat("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return None;
            }
            let inner = self.or()?;
            self.depth -= 1;
            return self.eat(")").then_some(inner);
        }
        let is_tag = |ch: char| ch.is_alphanumeric() || ch == '_' || ch == '.';
        let len = self.rest.find(|ch| !is_tag(ch)).unwrap_or(self.rest.len());
        let (tag, rest) = self.rest.split_at(len);
        self.rest = rest.trim_start_matches([' ', '\t']);
        (!tag.is_empty()).then(|| Constraint::Tag(tag.to_string()))
    }

    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else {
            return false;
        };
        self.rest = rest.trim_start_matches([' ', '\t']);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions() {
        for (text, want) in [
            ("linux && go1.22", Some("go1.22")),
            ("(linux && go1.22) || (windows && go1.20)", Some("go1.20")),
            ("linux || (windows && go1.22)", None),
            ("!go1.22", None),
            ("!!go1.22", None),
            ("go1", Some("go1")),
            ("!(!go1.5 || !go1.7)", Some("go1.7")),
        ] {
            let version = parse(text).and_then(|constraint| constraint.go_version());
            assert_eq!(version.as_deref(), want, "{text}");
        }
    }

    #[test]
    fn malformed_lines() {
        for line in [
            "//go:build",
            "//go:buildx",
            "//go:build (a",
            "//go:build a b",
            "// go:build a",
        ] {
            assert_eq!(parse_line(line), None, "{line}");
        }
        assert!(parse_line("//go:build a &&b").is_some());
    }

    #[test]
    fn evaluation() {
        let constraint = parse("linux && !(cgo || race)").expect("well-formed");
        assert!(constraint.eval(&mut |tag| tag == "linux"));
        assert!(!constraint.eval(&mut |tag| tag != "race"));
    }
}
