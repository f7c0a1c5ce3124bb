//! Files that share a precompiled header get the answers that each gets alone.

use cdecl::{Compiler, Request, resolve, resolve_all};

#[test]
fn shared_headers_change_no_answer() {
    let compiler = Compiler {
        command: vec!["gcc".to_owned()],
        goos: "linux".to_owned(),
        goarch: "amd64".to_owned(),
        flags: vec!["-m64".to_owned()],
        dir: std::env::temp_dir(),
    };
    let names: Vec<String> = [
        "puts",
        "struct stat",
        "EOF",
        "BUFSIZ",
        "stderr",
        "own_0",
        "LETTER",
        "LOCAL",
        "size_t",
        "absent",
        "FILE",
        "struct local",
        "sizeof(struct stat)",
        "errno",
    ]
    .map(String::from)
    .to_vec();
    let sources: Vec<String> = (0..6)
        .map(|file| {
            format!(
                "\n#line 1 \"cgo-builtin-prolog\"\n#include <stddef.h>\n#line {file} \"/x/{file}.go\"\n\
                 #include <stdio.h>\n#include <errno.h>\n#define LETTER 'x'\n#include <sys/stat.h>\n\
                 #define LOCAL {file}\nint own_{file};\nstruct local {{ char c[{file} + 1]; }};\n"
            )
        })
        .collect();
    let requests: Vec<Request<'_>> = sources
        .iter()
        .map(|source| Request {
            source,
            names: &names,
        })
        .collect();
    for (source, shared) in sources.iter().zip(resolve_all(&compiler, &requests)) {
        let alone = resolve(&compiler, source, &names).expect("the source is right");
        let shared = shared.expect("the source is right");
        assert_eq!(shared.dump(&names), alone.dump(&names));
        assert!(
            shared.dump(&names).contains("'x'"),
            "char literals are seen"
        );
    }
}
