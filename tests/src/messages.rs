//! Messages as a person or an editor reads them: file, line, text.

use std::collections::BTreeMap;

/// Messages by place, `file.go:12`; those without a place stand under the empty one.
pub type Messages = BTreeMap<String, Vec<String>>;

/// Reads `file:line[:column]: message` lines. Notes, source excerpts and carets below a message are left out.
pub fn parse(stderr: &str) -> Messages {
    let mut messages = Messages::new();
    for line in stderr.lines() {
        if let Some((place, text)) = placed(line) {
            let list = messages.entry(place).or_default();
            if !list.contains(&text) {
                list.push(text);
            }
        }
    }
    messages
}

fn placed(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("cgo: ").unwrap_or(line);
    let mut parts = line.splitn(3, ':');
    let file = parts.next()?.rsplit('/').next()?;
    let number: usize = parts.next()?.trim().parse().ok()?;
    let rest = parts.next()?;
    let text = match rest.split_once(':') {
        Some((column, text)) if column.parse::<usize>().is_ok() => text,
        _ => rest,
    };
    let text = plain(text.trim());
    let is_place = !file.is_empty() && !line.starts_with([' ', '\t']);
    let is_aside = ["note:", "warning:"]
        .iter()
        .any(|aside| text.starts_with(aside));
    (is_place && !is_aside).then(|| (format!("{file}:{number}"), text))
}

/// C compilers differ in their quotation marks.
fn plain(text: &str) -> String {
    text.trim_start_matches("error: ")
        .replace(['‘', '’', '`'], "'")
}

/// Kind, place, official and other text of each difference. `line`: a place that only one of the two complains about.
pub fn compare(
    official: &Messages,
    candidate: &Messages,
) -> Vec<(&'static str, String, String, String)> {
    let mut found = Vec::new();
    for (place, texts) in official {
        match candidate.get(place) {
            None => found.push(("line", place.clone(), texts.join("\n"), String::new())),
            Some(others) if others != texts => {
                found.push((
                    "message",
                    place.clone(),
                    texts.join("\n"),
                    others.join("\n"),
                ));
            }
            Some(_) => {}
        }
    }
    for (place, texts) in candidate
        .iter()
        .filter(|(place, _)| !official.contains_key(*place))
    {
        found.push(("line", place.clone(), String::new(), texts.join("\n")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_texts() {
        let gcc = "# pkg\nx/err1.go: In function 'test':\nx/err1.go:11:9: error: ‘xxx’ undeclared\n   11 |  xxx;\n      |  ^~~\n\
                   x/err1.go:11:9: note: each\n./b.go:3: lonely\n";
        let messages = parse(gcc);
        assert_eq!(messages["err1.go:11"], ["'xxx' undeclared"]);
        assert_eq!(messages["b.go:3"], ["lonely"]);
        assert_eq!(messages.len(), 2);
    }

    #[test]
    fn a_line_that_only_one_names() {
        let found = compare(
            &parse("a.go:1:1: x\na.go:2:1: y\n"),
            &parse("a.go:1:2: x\na.go:3:1: y\n"),
        );
        let kinds: Vec<_> = found
            .iter()
            .map(|(what, place, ..)| (*what, place.as_str()))
            .collect();
        assert_eq!(kinds, [("line", "a.go:2"), ("line", "a.go:3")]);
    }
}
