//! Paths as text, the way `path/filepath` sees them on Unix, and the rewrites of `-trimpath`.

use std::env;

/// `filepath.Clean`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match (element, kept.last()) {
            ("" | ".", _) => {}
            ("..", Some(&last)) if last != ".." => {
                kept.pop();
            }
            ("..", _) if rooted => {}
            _ => kept.push(element),
        }
    }
    match (rooted, kept.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}

/// `filepath.Join`.
pub fn join(dir: &str, path: &str) -> String {
    match (dir, path) {
        ("", "") => String::new(),
        ("", path) => clean(path),
        (dir, path) => clean(&format!("{dir}/{path}")),
    }
}

/// `filepath.Abs`. `$PWD` is believed where it names the working directory: people know that spelling.
pub fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        return clean(path);
    }
    working_dir().map_or_else(|| path.to_owned(), |dir| join(&dir, path))
}

fn working_dir() -> Option<String> {
    let actual = env::current_dir().ok()?;
    if let Ok(pwd) = env::var("PWD")
        && pwd.starts_with('/')
        && same_file(&pwd, &actual)
    {
        return Some(pwd);
    }
    actual.into_os_string().into_string().ok()
}

#[cfg(unix)]
fn same_file(a: &str, b: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &std::path::Path| path.metadata().ok().map(|meta| (meta.dev(), meta.ino()));
    let a = id(a.as_ref());
    a.is_some() && a == id(b)
}

#[cfg(not(unix))]
fn same_file(a: &str, b: &std::path::Path) -> bool {
    std::path::Path::new(a) == b
}

/// Applies the first of the `;`-separated `rewrites` (`prefix` or `prefix=>replacement`) whose prefix is a leading sequence
/// of path elements of `path`.
pub fn rewrite(path: &str, rewrites: &str) -> String {
    let rewritten = rewrites.split(';').find_map(|rule| apply(path, rule));
    rewritten.unwrap_or_else(|| path.to_owned())
}

fn apply(path: &str, rule: &str) -> Option<String> {
    let (prefix, replacement) = rule.rsplit_once("=>").unwrap_or((rule, ""));
    if prefix.is_empty() || !has_prefix(path.as_bytes(), prefix.as_bytes()) {
        return None;
    }
    let rest = path.get(prefix.len()..)?;
    Some(match (rest, replacement) {
        ("", replacement) => replacement.to_owned(),
        (rest, "") => rest[1..].to_owned(),
        (rest, replacement) => format!("{replacement}{rest}"),
    })
}

/// Whole elements; ASCII case and the two slashes are folded.
fn has_prefix(path: &[u8], prefix: &[u8]) -> bool {
    let fold = |byte: &u8| match byte.to_ascii_lowercase() {
        b'\\' => b'/',
        byte => byte,
    };
    path.len() >= prefix.len()
        && path.iter().zip(prefix).all(|(a, b)| fold(a) == fold(b))
        && path.get(prefix.len()).is_none_or(|next| fold(next) == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_and_joins() {
        for (path, want) in [
            ("", "."),
            ("a//b/./c/", "a/b/c"),
            ("a/../..", ".."),
            ("/../a", "/a"),
            ("../../x", "../../x"),
            ("/", "/"),
        ] {
            assert_eq!(clean(path), want, "{path:?}");
        }
        assert_eq!(join("/a", "/b"), "/a/b");
        assert_eq!(join("", "x/"), "x");
    }

    #[test]
    fn rewrites() {
        for (path, rules, want) in [
            ("/w/p/x.go", "", "/w/p/x.go"),
            ("/w/p/x.go", "/w/p", "x.go"),
            ("/w/p/x.go", "/w/p=>", "x.go"),
            ("/w/p/x.go", "/w/p=>./m", "./m/x.go"),
            ("/w/p/x.go", "/w/px;/w=>m;/w/p", "m/p/x.go"),
            ("/w/p/x.go", "/W/P=>q", "q/x.go"),
            ("/w/px/x.go", "/w/p", "/w/px/x.go"),
            ("/w", "/w", ""),
            ("/w", "/w=>a=>b", "/w"),
            ("/w=>a/x.go", "/w=>a=>b", "b/x.go"),
            ("/w/p/x.go", "/w/", "/w/p/x.go"),
        ] {
            assert_eq!(rewrite(path, rules), want, "{path:?} {rules:?}");
        }
    }
}
