//! The `crosscall` binary: decides from how it was called what to be, and hands over.

mod cgo;
mod conventions;
mod deep;
mod doctor;
mod dynimport;
mod failure;
mod gocommand;
mod goroot;
mod stdout;
mod text;
mod toolchain;
mod trampoline;
mod way;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use failure::{Failure, Result};
use toolchain::Toolchain;
use way::Way;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match run(&args) {
        Ok(code) => code,
        Err(failure) => {
            match failure.text.as_str() {
                "" => {}
                text if text.ends_with('\n') => eprint!("{text}"),
                text => eprintln!("{text}"),
            }
            ExitCode::from(failure.code)
        }
    }
}

fn run(args: &[OsString]) -> Result<ExitCode> {
    match way::find(args) {
        Way::Generator { tool, args } => {
            let toolchain = tool.map_or_else(Toolchain::of_environment, Toolchain::of_tool);
            let args = text_arguments(args)?;
            deep::run(|| cgo::run(&toolchain, args))?;
        }
        Way::OtherTool {
            wrapper,
            tool,
            args,
        } => {
            let mut words = wrapper.iter().chain([tool]).chain(args);
            let mut command = Command::new(words.next().expect("the tool, if nothing else"));
            command.args(words);
            trampoline::exec(command)?;
        }
        Way::GoCommand { name, args } => gocommand::run(name, &text_arguments(args)?)?,
        Way::Goroot { args } => goroot::run(&text_arguments(args)?)?,
        Way::Conventions { args } => conventions::run(&text_arguments(args)?)?,
        Way::Doctor => return doctor::run(),
        Way::Version => stdout::write(format!("{}\n", gocommand::version()).as_bytes())?,
        Way::Help => stdout::write(way::HELP.as_bytes())?,
        Way::Unknown { name } => {
            let name = name.to_string_lossy();
            let text =
                format!("crosscall {name}: unknown command\nRun 'crosscall help' for usage.");
            return Err(Failure::raw(text, 2));
        }
        Way::NotYet { name } => {
            return Err(Failure::own(format!("{name} is not there yet")));
        }
        Way::Nothing => return Err(Failure::raw(way::HELP, 2)),
    }
    Ok(ExitCode::SUCCESS)
}

fn text_arguments(args: &[OsString]) -> Result<Vec<String>> {
    args.iter()
        .map(|arg| {
            let text = arg.to_str().map(str::to_owned);
            text.ok_or_else(|| {
                let arg = Path::new(arg).display();
                Failure::own(format!("argument is not valid UTF-8: {arg}"))
            })
        })
        .collect()
}
