//! Unknown names come with the one that may have been meant.

use cdecl::{Compiler, Meaning, resolve};

#[test]
fn names_that_are_spelled_alike() {
    let compiler = Compiler {
        command: vec!["gcc".to_owned()],
        goos: "linux".to_owned(),
        goarch: "amd64".to_owned(),
        flags: vec!["-m64".to_owned()],
        dir: std::env::temp_dir(),
    };
    let source =
        "#include <stdio.h>\ntypedef struct { int x; } options;\nenum { LIMIT_SIZE = 3 };\n";
    let names = [
        "putss",
        "optoins",
        "LIMIT_SISE",
        "nothing_of_the_kind",
        "puts",
    ]
    .map(String::from);
    let unit = resolve(&compiler, source, &names).expect("the source is right");
    let suggestions: Vec<_> = unit
        .answers
        .iter()
        .map(|answer| answer.suggestion.as_deref())
        .collect();
    assert_eq!(
        suggestions,
        [
            Some("puts"),
            Some("options"),
            Some("LIMIT_SIZE"),
            None,
            None
        ]
    );
    assert!(matches!(unit.answers[0].meaning, Meaning::Undeclared));
}
