//! `go tool cgo`: reads the command line and the files, has the stubs generated, writes them.

mod compiler;
mod flags;
mod gccgo;
mod outputs;
mod passes;
mod report;
mod target;

pub use compiler::find_program;
pub use target::{Target, host_arch, host_os};

use std::path::{Path, PathBuf};
use std::{env, fs};

use rayon::prelude::*;
use sha2::{Digest, Sha256};
use stubs::{Collected, Generated, Input, Options};

use crate::dynimport;
use crate::failure::{Failure, Result};
use crate::stdout;
use crate::text::flags::Stop;
use crate::text::quoting::quote;
use crate::text::{errno, paths, quoted, response};
use crate::toolchain::Toolchain;
use flags::Flags;
use outputs::Pending;
use passes::Passes;
use report::Reporter;

/// Runs the generator with `args`, the program's name not among them. `toolchain` is the Go that the stubs are for.
pub fn run(toolchain: &Toolchain, args: Vec<String>) -> Result<()> {
    let args = response::expand(args, || toolchain.response_dialect())
        .map_err(|message| Failure::raw(message, 1))?;
    let flags = match Flags::parse(&args) {
        Ok(flags) => flags,
        Err(Stop::Version(value)) => {
            let line = toolchain.cgo_version(value == "full")?;
            return stdout::write(format!("{line}\n").as_bytes());
        }
        Err(Stop::Help) => return Err(usage()),
        Err(Stop::Bad(message)) => {
            let text = format!("{message}\n{}", flags::usage());
            return Err(Failure::raw(text, 2));
        }
    };
    if flags.gccgo_define_cgoincomplete && !flags.gccgo {
        return Err(Failure::cgo("-gccgo_define_cgoincomplete without -gccgo"));
    }
    if !flags.dynimport.is_empty() {
        return dynimport(&flags);
    }
    generate(&flags, &args)
}

fn usage() -> Failure {
    Failure::raw(flags::usage(), 2)
}

fn dynimport(flags: &Flags) -> Result<()> {
    let mut passes = Passes::begin();
    let text = dynimport::render(&flags.dynimport, &flags.dynpackage, flags.dynlinker)
        .map_err(Failure::cgo)?;
    passes.end("dynimport");
    if flags.dynout.is_empty() {
        stdout::write(&text)?;
    } else {
        let mut pending = Pending::default();
        pending.add(Path::new(&flags.dynout), &text)?;
        pending.commit()?;
    }
    passes.finish("dynimport", &flags.dynpackage);
    Ok(())
}

/// The stubs of a package.
fn generate(flags: &Flags, args: &[String]) -> Result<()> {
    let mut passes = Passes::begin();
    let (c_flags, go_files) = split_arguments(&flags.rest)?;
    let target = Target::from_env()?;
    let compiler = c_compiler(&target, c_flags)?;
    let ldflags = linker_flags(flags)?;
    let (inputs, c_prefix) = read(flags, go_files)?;
    let options = Options {
        goos: target.goos.clone(),
        goarch: target.goarch.clone(),
        ptr_size: target.ptr_size,
        int_size: target.ptr_size,
        import_path: flags.importpath.clone(),
        import_runtime_cgo: flags.import_runtime_cgo,
        import_syscall: flags.import_syscall,
        ldflags,
        tsan: c_flags.iter().any(|flag| flag == "-fsanitize=thread"),
        msan: c_flags.iter().any(|flag| flag == "-fsanitize=memory"),
        godefs: flags.godefs,
        args: ["cgo".to_owned()]
            .into_iter()
            .chain(args.iter().cloned())
            .collect(),
        c_prefix,
    };
    passes.end("read");

    let generated = translate(flags, &options, &compiler, inputs, &mut passes)?;
    if flags.godefs {
        stdout::write(generated.godefs.as_bytes())?;
    } else {
        write(flags, &generated)?;
    }
    passes.end("write");
    passes.finish("cgo", &flags.importpath);
    Ok(())
}

/// The Go files are the last arguments; what stands before them is for the C compiler.
fn split_arguments(rest: &[String]) -> Result<(&[String], &[String])> {
    let is_go = |arg: &&String| arg.ends_with(".go");
    let count = rest.iter().rev().take_while(is_go).count();
    if count == 0 {
        return Err(usage());
    }
    Ok(rest.split_at(rest.len() - count))
}

fn c_compiler(target: &Target, c_flags: &[String]) -> Result<cdecl::Compiler> {
    let command = compiler::command(target)?;
    let machine = target.machine_flags().iter().map(|&flag| flag.to_owned());
    // What -g asks for concerns the user's object files alone.
    let wanted = c_flags.iter().filter(|flag| !flag.starts_with("-g"));
    let include_here = ["-I", "."].map(str::to_owned);
    Ok(cdecl::Compiler {
        command,
        goos: target.goos.clone(),
        goarch: target.goarch.clone(),
        flags: machine.chain(wanted.cloned()).chain(include_here).collect(),
        dir: env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
    })
}

/// `-ldflags`, then `CGO_LDFLAGS`, which the go command doesn't pass on but other build systems do.
fn linker_flags(flags: &Flags) -> Result<Vec<String>> {
    let bad = |what: &str, text: &str, why: &str| {
        Failure::cgo(format!("bad {what}: {} ({why})", quote(text)))
    };
    let mut all = quoted::split_escaped(&flags.ldflags)
        .map_err(|why| bad("-ldflags option", &flags.ldflags, why))?;
    let from_env = env::var("CGO_LDFLAGS").unwrap_or_default();
    let more = quoted::split_escaped(&from_env);
    all.extend(more.map_err(|why| bad("CGO_LDFLAGS", &from_env, why))?);
    Ok(all)
}

/// The files as messages and line directives will name them, and a prefix for global C symbols that depends on the import
/// path and all text.
fn read(flags: &Flags, go_files: &[String]) -> Result<(Vec<Input>, String)> {
    // A leading byte of 1 tells the Go toolchain's hashes from plain SHA-256; with it, the prefix is the official one.
    let mut hash = Sha256::new_with_prefix([1]);
    hash.update(&flags.importpath);
    let mut inputs = Vec::new();
    for file in go_files {
        let path = match flags.srcdir.as_str() {
            "" => file.clone(),
            dir => paths::join(dir, file),
        };
        let path = paths::absolute(&path);
        let text = fs::read(&path).map_err(|err| {
            let op = if Path::new(&path).is_dir() {
                "read"
            } else {
                "open"
            };
            Failure::cgo(errno::message(op, &path, &err))
        })?;
        hash.update(&text);
        let path = paths::rewrite(&path, &flags.trimpath);
        if path.contains(['\r', '\n']) {
            let path = quote(&path);
            let message = format!("input path contains newline character: {path}");
            return Err(Failure::cgo(message));
        }
        inputs.push(Input { path, text });
    }
    let hex: String = hash.finalize()[..6]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Ok((inputs, format!("_{hex}")))
}

fn translate(
    flags: &Flags,
    options: &Options,
    compiler: &cdecl::Compiler,
    inputs: Vec<Input>,
    passes: &mut Passes,
) -> Result<Generated> {
    let texts = inputs
        .iter()
        .map(|input| (input.path.clone(), input.text.clone()));
    let reporter = Reporter::new(texts.collect::<Vec<_>>());

    let files: Vec<Collected> = inputs
        .into_par_iter()
        .map(|input| stubs::collect(input, options))
        .collect();
    passes.end("collect");
    let failed = files
        .iter()
        .filter(|file| reporter.print(&file.diagnostics));
    if failed.count() > 0 {
        return Err(Failure::raw("", 2));
    }
    for file in &files {
        show(flags, compiler, passes, file)?;
    }

    let requests: Vec<_> = files
        .iter()
        .map(|file| cdecl::Request {
            source: &file.c_source,
            names: &file.names,
        })
        .collect();
    let units = cdecl::resolve_all(compiler, &requests);
    passes.end("resolve");
    let units = all_resolved(units)?;
    let files = files.into_iter().zip(units).collect();

    let generated = match gccgo::wanted(flags)? {
        Some(gccgo) => stubs::generate_for_gccgo(&gccgo, options, files),
        None => stubs::generate(options, files),
    };
    passes.end("generate");
    if reporter.print(&generated.diagnostics) {
        return Err(Failure::raw("", 2));
    }
    Ok(generated)
}

/// What `-debug-gcc`, `-debug-define` and `CROSSCALL_LOG` ask to see of the C side.
fn show(
    flags: &Flags,
    compiler: &cdecl::Compiler,
    passes: &Passes,
    file: &Collected,
) -> Result<()> {
    if flags.debug_gcc {
        let command = compiler.command.join(" ");
        let options = compiler.flags.join(" ");
        eprint!(
            "$ {command} -w -fsyntax-only -xc {options} - <<EOF\n{}EOF\n",
            file.c_source
        );
    }
    if passes.shows("c") {
        eprint!("{}", file.c_source);
    }
    if passes.shows("names") {
        eprintln!("{}", file.names.join("\n"));
    }
    if !flags.debug_define {
        return Ok(());
    }
    let program = &compiler.command[0];
    let output = compiler::defines(compiler, &file.c_source)
        .map_err(|err| Failure::cgo(format!("exec {program}: {}", errno::cause(&err))))?;
    if !output.status.success() {
        return Err(Failure::raw(String::from_utf8_lossy(&output.stderr), 2));
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let definition = line
            .strip_prefix("#define ")
            .and_then(|text| text.split_once([' ', '\t']));
        if let Some((name, value)) = definition
            && file.names.iter().any(|asked| asked == name)
        {
            eprintln!("#define {name} {}", value.trim());
        }
    }
    Ok(())
}

/// The first failure speaks for all: the other files most often fail for the same reason.
fn all_resolved(
    units: Vec<std::result::Result<cdecl::Unit, cdecl::Error>>,
) -> Result<Vec<cdecl::Unit>> {
    let all: std::result::Result<Vec<_>, _> = units.into_iter().collect();
    all.map_err(|error| match error {
        cdecl::Error::Rejected { stderr } => Failure::raw(stderr, 2),
        cdecl::Error::NoLibclang(why) => Failure::cgo(format!(
            "{why}\n(crosscall doctor tells what else is missing)"
        )),
        cdecl::Error::Compiler(why) | cdecl::Error::Other(why) if !why.is_empty() => {
            Failure::cgo(why)
        }
        cdecl::Error::Compiler(_) | cdecl::Error::Other(_) => {
            Failure::cgo("libclang could not read the C declarations and did not say why")
        }
    })
}

fn write(flags: &Flags, generated: &Generated) -> Result<()> {
    let dir = match flags.objdir.as_str() {
        "" => Path::new("_obj"),
        dir => Path::new(dir),
    };
    outputs::make_dir(dir)?;
    let mut pending = Pending::default();
    for output in &generated.outputs {
        pending.add(&dir.join(&output.name), output.text.as_bytes())?;
    }
    let header = generated
        .outputs
        .iter()
        .find(|output| output.name == "_cgo_export.h");
    if let Some(header) = header
        && generated.has_exports
        && !flags.exportheader.is_empty()
    {
        pending.add(Path::new(&flags.exportheader), header.text.as_bytes())?;
    }
    pending.commit()
}
