//! The examples on every target and with both Go releases: built, linked with C, and run where something here can run them.

use anyhow::Result;

use super::Context;
use super::tally::Tally;
use crate::examples::{Done, Examples, FORMS, INTERMEDIATES};
use crate::target::{HERE, Target};
use crate::term;
use crate::toolchain::Toolchain;

pub fn examples(context: &Context) -> Result<Tally> {
    let mut tally = Tally::default();
    let go = &context.ready.go;
    for target in Target::all() {
        one_target(context, go, &target, Extent::Whole, &mut tally)?;
    }
    // The release before: whole programs for this machine. For the others its standard library alone would take minutes, and what
    // differs between releases shows in the generated text.
    if let Some(go) = &context.ready.previous {
        one_target(context, go, &HERE, Extent::Whole, &mut tally)?;
        for target in Target::all()
            .iter()
            .filter(|target| target.name() != HERE.name())
        {
            one_target(context, go, target, Extent::GeneratedText, &mut tally)?;
        }
    }
    Ok(tally)
}

#[derive(PartialEq)]
enum Extent {
    Whole,
    GeneratedText,
}

fn one_target(
    context: &Context,
    go: &Toolchain,
    target: &Target,
    extent: Extent,
    tally: &mut Tally,
) -> Result<()> {
    let name = format!("go{} {}", go.version, target.name());
    let work = context
        .repo
        .work("examples")
        .join(name.replace([' ', '/'], "-"));
    let mut examples = Examples::prepare(context.repo, &work, context.crosscall()?, go, target)?;
    examples.position_independent = true;
    let mut check = |what: &str, steps: Result<Vec<Done>>| {
        let what = format!("{name:<22} {what}");
        match steps {
            Ok(steps) => {
                tally.pass();
                term::done(&what, steps.iter().map(|step| step.time).sum());
            }
            Err(error) => tally.fail(&what, &format!("{error:#}")),
        }
    };
    check("sum, the generator alone", intermediates(&examples));
    if extent == Extent::GeneratedText {
        return Ok(());
    }
    check("sum, a static library", examples.sum_archive());
    check("sum, a shared library", examples.sum_shared());
    for form in FORMS {
        check(&format!("uses-c, {form}"), examples.uses_c(form));
    }
    Ok(())
}

/// The generator's files are there, and the target's C compiler takes those that are C.
fn intermediates(examples: &Examples) -> Result<Vec<Done>> {
    let (done, dir) = examples.sum_intermediates()?;
    for (name, _) in INTERMEDIATES {
        anyhow::ensure!(dir.join(name).is_file(), "the generator left no {name}");
    }
    Ok([vec![done], examples.compile_generated(&dir)?].concat())
}
