//! What an unknown name may have been meant to be: clang's own guess, asked for only when there is an error
//! to report.

use crate::clang::Clang;
use crate::imitate::Facts;
use crate::probe::{self, MAIN, PREAMBLE};
use crate::{Compiler, c_string, c_strings};

const OPTIONS: i32 =
    clang_sys::CXTranslationUnit_SkipFunctionBodies | clang_sys::CXTranslationUnit_KeepGoing;

/// For each of `names`, which `source` does not declare, one that it does and that is spelled much alike.
pub fn suggest(
    clang: &'static Clang,
    facts: &Facts,
    compiler: &Compiler,
    source: &str,
    names: &[&str],
) -> Vec<Option<String>> {
    let mut text = format!("#include \"{PREAMBLE}\"\n");
    for name in names {
        if probe::form(name) == probe::Form::Plain {
            // As an expression and as a type.
            text.push_str(&format!("extern __typeof__({name}) *p; extern {name} *q;"));
        }
        text.push('\n');
    }
    let messages = messages(clang, facts, compiler, source, &text).unwrap_or_default();
    (2..)
        .zip(names)
        .map(|(line, _)| {
            let mut here = messages.iter().filter(|(at, _)| *at == line);
            here.find_map(|(_, message)| {
                let (_, guess) = message.split_once("did you mean '")?;
                Some(guess.split('\'').next()?.to_owned())
            })
        })
        .collect()
}

/// Errors in the probes, by line.
fn messages(
    clang: &'static Clang,
    facts: &Facts,
    compiler: &Compiler,
    source: &str,
    text: &str,
) -> Option<Vec<(u32, String)>> {
    let mut arguments = compiler.arguments(facts, clang.resource_dir.as_deref(), false);
    arguments.retain(|argument| argument != "-fno-spell-checking");
    // Libclang has it off unless asked; and as many guesses as there are names.
    arguments.extend(["-fspell-checking", "-fspell-checking-limit=0"].map(String::from));
    let arguments = c_strings(arguments).ok()?;
    let path = |name: &str| c_string(compiler.directory().join(name).display().to_string());
    let main = path(MAIN).ok()?;
    let files = [(main.clone(), text), (path(PREAMBLE).ok()?, source)];
    let unit = clang.parse(&main, &files, &arguments, OPTIONS)?;
    let file = unit.file(&main);
    let in_probes = unit
        .diagnostics()
        .filter(|diagnostic| diagnostic.spot().file == file);
    Some(
        in_probes
            .map(|diagnostic| (diagnostic.spot().line, diagnostic.message()))
            .collect(),
    )
}
