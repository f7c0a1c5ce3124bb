//! The headers that files of a package have in common, parsed once.
//!
//! Every Go file has a C preamble of its own, and in a binding of some size they all begin with the same
//! includes: `#include <gtk/gtk.h>` a hundred times. Files whose texts begin alike form a group, and what
//! they have in common (the prolog and some leading includes) becomes a precompiled header in a temporary
//! file, from which libclang takes only what a file looks at.

use std::collections::BTreeMap;

/// Below this many files a precompiled header costs more than it saves.
const WORTH_WHILE: usize = 4;

/// A beginning that several sources have in common.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// The text to precompile.
    pub head: String,
    /// Members by index, each with the rest of its source. Lines that are in the head are gone from it;
    /// line directives are still there.
    pub members: Vec<(usize, String)>,
}

/// A source, cut where the user's text begins, and the includes that it begins with.
struct Cut<'a> {
    prolog: &'a str,
    user: &'a str,
    includes: Vec<&'a str>,
}

/// Groups those of `sources` that have a beginning in common with enough others.
pub fn groups(sources: &[&str]) -> Vec<Group> {
    let cuts: Vec<Option<Cut<'_>>> = sources.iter().map(|source| cut(source)).collect();
    let mut alike: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (index, cut) in cuts.iter().enumerate() {
        if let Some(cut) = cut
            && let Some(first) = cut.includes.first()
        {
            alike.entry((cut.prolog, first)).or_default().push(index);
        }
    }
    alike
        .into_values()
        .filter(|members| members.len() >= WORTH_WHILE)
        .map(|members| group(&members, &cuts))
        .collect()
}

fn group(members: &[usize], cuts: &[Option<Cut<'_>>]) -> Group {
    let cuts: Vec<(usize, &Cut<'_>)> = members
        .iter()
        .filter_map(|&index| Some((index, cuts[index].as_ref()?)))
        .collect();
    let (_, first) = cuts[0];
    let common = (0..first.includes.len())
        .take_while(|&at| {
            cuts.iter()
                .all(|(_, cut)| cut.includes.get(at) == first.includes.get(at))
        })
        .count();
    let mut head = first.prolog.to_owned();
    for include in &first.includes[..common] {
        head.push_str(include);
        head.push('\n');
    }
    Group {
        head,
        members: cuts
            .iter()
            .map(|(index, cut)| (*index, rest(cut, common)))
            .collect(),
    }
}

/// The user's text with its first `common` includes blanked, so that line numbers stay.
fn rest(cut: &Cut<'_>, common: usize) -> String {
    let mut left = common;
    let mut rest = String::with_capacity(cut.user.len());
    for line in cut.user.split_inclusive('\n') {
        if left > 0 && is_shareable(line.trim()) {
            left -= 1;
            rest.push('\n');
        } else {
            rest.push_str(line);
        }
    }
    rest
}

/// The prolog has one line directive, at its beginning; the second is the user's.
fn cut(source: &str) -> Option<Cut<'_>> {
    let directive = "\n#line ";
    let first = source.find(directive)?;
    let second = first + 1 + source[first + 1..].find(directive)? + 1;
    let (prolog, user) = source.split_at(second);
    let includes = user
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("#line "))
        .take_while(|line| is_shareable(line))
        .collect();
    Some(Cut {
        prolog,
        user,
        includes,
    })
}

/// An include that is complete in its line. Nothing else: the text that is precompiled is in no file, and
/// libclang reads the literals in a macro's body from the file that defines it.
fn is_shareable(line: &str) -> bool {
    line.strip_prefix('#')
        .and_then(|directive| directive.trim_start().strip_prefix("include"))
        .is_some_and(|rest| !rest.starts_with('_'))
        && !line.ends_with('\\')
        && !line.contains("/*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(line: u32, user: &str) -> String {
        format!("\n#line 1 \"prolog\"\ntypedef int t;\n#line {line} \"/x/{line}.go\"\n{user}")
    }

    #[test]
    fn files_that_begin_alike_share_what_they_begin_with() {
        let sources: Vec<String> = ["a", "b", "c", "d"]
            .iter()
            .zip(3..)
            .map(|(name, line)| {
                source(
                    line,
                    &format!("#include <big.h>\n\n#include \"{name}.h\"\nint {name};\n"),
                )
            })
            .collect();
        let texts: Vec<&str> = sources.iter().map(String::as_str).collect();
        let groups = groups(&texts);
        assert_eq!(groups.len(), 1);
        assert_eq!(
            groups[0].head,
            "\n#line 1 \"prolog\"\ntypedef int t;\n#include <big.h>\n"
        );
        assert_eq!(
            groups[0].members[1],
            (
                1,
                "#line 4 \"/x/4.go\"\n\n\n#include \"b.h\"\nint b;\n".to_owned()
            )
        );
    }

    #[test]
    fn few_files_or_different_ones_share_nothing() {
        let sources: Vec<String> = (0..3)
            .map(|line| source(line, "#include <a.h>\n"))
            .collect();
        let texts: Vec<&str> = sources.iter().map(String::as_str).collect();
        assert!(groups(&texts).is_empty());
        let sources: Vec<String> = (0..6)
            .map(|line| source(line, &format!("#include <{line}.h>\n")))
            .collect();
        let texts: Vec<&str> = sources.iter().map(String::as_str).collect();
        assert!(groups(&texts).is_empty());
    }

    #[test]
    fn all_but_plain_includes_ends_what_can_be_shared() {
        for line in [
            "#if X",
            "/* c */",
            "#define A 1",
            "#include_next <a.h>",
            "#include \\",
            "#include <a.h> /* open",
        ] {
            assert!(!is_shareable(line), "{line}");
        }
        assert!(is_shareable("# include <a.h> // c"));
    }
}
