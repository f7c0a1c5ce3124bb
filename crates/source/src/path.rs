//! Lexical path operations of Go's `path/filepath` on Unix, needed to resolve the file names of line directives.

/// The part of `path` up to and including its last slash.
pub(crate) fn dir(path: &str) -> &str {
    &path[..path.rfind('/').map_or(0, |slash| slash + 1)]
}

/// `filepath.Clean`: no empty and `.` elements, `..` resolved where it can be; the empty path is `.`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            ".." if rooted => {}
            _ => elements.push(element),
        }
    }
    match (rooted, elements.is_empty()) {
        (true, _) => format!("/{}", elements.join("/")),
        (false, true) => ".".to_string(),
        (false, false) => elements.join("/"),
    }
}

/// The name that a directive in a file of directory `dir` gives: absolute names and the empty one as they are.
pub(crate) fn resolve(dir: &str, name: &str) -> String {
    if name.is_empty() {
        return String::new();
    }
    let name = clean(name);
    if name.starts_with('/') || dir.is_empty() {
        return name;
    }
    clean(&format!("{dir}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_as_filepath_does() {
        for (path, want) in [
            ("", "."),
            ("a//b/./c", "a/b/c"),
            ("a/../..", ".."),
            ("/../a/", "/a"),
            ("../../x", "../../x"),
            ("./", "."),
        ] {
            assert_eq!(clean(path), want, "{path:?}");
        }
    }

    #[test]
    fn relative_names_stand_beside_the_file() {
        assert_eq!(resolve(dir("/w/p/f.go"), "x.y"), "/w/p/x.y");
        assert_eq!(resolve(dir("f.go"), "x.y"), "x.y");
        assert_eq!(resolve(dir("/w/p/f.go"), "/z/../x.y"), "/x.y");
    }
}
