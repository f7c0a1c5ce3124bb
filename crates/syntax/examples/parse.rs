//! Parses the Go files named on the command line: prints their errors, and with `--dump` their trees. `--time` tells the speed
//! of the lexer and the parser over all of them.

use std::time::Instant;

use source::{SourceFile, SourceMap};
use syntax::{Lexer, Mode, Tok, dump, parse_file, parse_source};

fn main() {
    let (flags, names): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|arg| arg.starts_with("--"));
    let mut files = Vec::new();
    for name in names {
        match std::fs::read(&name) {
            Ok(text) => files.push(SourceFile::new(name, text)),
            Err(error) => eprintln!("{name}: {error}"),
        }
    }
    if flags.iter().any(|flag| flag == "--time") {
        return time(&files);
    }
    for mut file in files {
        let parsed = parse_source(&mut file, Mode::FULL);
        if flags.iter().any(|flag| flag == "--dump") {
            print!("{}", dump(&parsed.file));
        }
        let mut sources = SourceMap::new();
        let id = sources.add(file);
        for error in &parsed.errors {
            println!("{}", error.diagnostic(id).official(&sources));
        }
    }
}

fn time(files: &[SourceFile]) {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    let start = Instant::now();
    let mut tokens = 0;
    for file in files {
        let mut lexer = Lexer::new(&file.text);
        while lexer.scan().kind != Tok::Eof {
            tokens += 1;
        }
    }
    let lexing = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let mut nodes = 0;
    for file in files {
        nodes += parse_file(&file.text, Mode::FULL).file.node_count;
    }
    let parsing = start.elapsed().as_secs_f64();
    let megabytes = bytes as f64 / 1e6;
    println!(
        "{} files, {megabytes:.1} MB, {tokens} tokens, {nodes} nodes",
        files.len()
    );
    println!(
        "lexer {:.0} MB/s, parser {:.0} MB/s",
        megabytes / lexing,
        megabytes / parsing
    );
}
