//! Where `unsafe` may stand: the runtime, and the edges towards libclang and LLVM.

use super::Rule;
use super::sources::Sources;

const ALLOWED: &[&str] = &["runtime/", "crates/cdecl/", "crates/codegen/"];

pub fn confined(sources: &Sources) -> Rule {
    let mut broken = Vec::new();
    for file in sources.rust() {
        let allowed = ALLOWED.iter().any(|place| file.path.starts_with(place));
        let lines = file.code().filter(|_| !allowed);
        let wrong = lines.filter(|(_, line)| opens(line) || permits(line));
        broken.extend(wrong.map(|(number, line)| file.at(number, line)));
    }
    Rule::new("unsafe stands in runtime, cdecl and codegen only", broken)
}

fn opens(line: &str) -> bool {
    line.match_indices("unsafe ").any(|(at, found)| {
        let part_of_a_name = line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let next = line[at + found.len()..].split_whitespace().next();
        let opener = ["{", "fn", "impl", "extern", "trait"];
        !part_of_a_name && next.is_some_and(|word| opener.contains(&word))
    })
}

/// The workspace denies unsafe code; a crate or module that allows it again says so in an attribute.
fn permits(line: &str) -> bool {
    line.starts_with("#")
        && line.contains("unsafe_code")
        && !line.contains("forbid")
        && !line.contains("deny")
}
