//! Resolves names at the end of a C file and prints what they mean.
//!
//! `cargo run --example resolve -- FILE.c 'NAME NAME … | @FILE' [CC [FLAGS…]]`: names are separated by
//! semicolons or line ends, or read from a file. GOOS and GOARCH come from the environment.

use std::time::Instant;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let source =
        std::fs::read_to_string(arguments.next().expect("a C file")).expect("a readable C file");
    let names = arguments.next().unwrap_or_default();
    let names = match names.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).expect("a readable list of names"),
        None => names,
    };
    let names: Vec<String> = names
        .split([';', '\n'])
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let rest: Vec<String> = arguments.collect();
    let (command, flags) = match rest.split_first() {
        Some((command, flags)) => (vec![command.clone()], flags.to_vec()),
        None => (vec!["gcc".to_owned()], vec!["-m64".to_owned()]),
    };
    let variable = |name, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let compiler = cdecl::Compiler {
        command,
        flags,
        goos: variable("GOOS", "linux"),
        goarch: variable("GOARCH", "amd64"),
        dir: ".".into(),
    };
    let start = Instant::now();
    let result = cdecl::resolve(&compiler, &source, &names);
    let elapsed = start.elapsed();
    match result {
        Ok(unit) => {
            print!("{}", unit.dump(&names));
            eprintln!(
                "{} names, {} types in {elapsed:?}",
                names.len(),
                unit.types.len()
            );
        }
        Err(error) => {
            eprintln!("{error:?} after {elapsed:?}");
            std::process::exit(1);
        }
    }
}
