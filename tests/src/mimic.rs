//! Trials for libtest-mimic.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::toolchain::Toolchain;

/// A trial that needs the official toolchain: without one it fails and says why. Its time is printed.
pub fn trial<F>(name: impl Into<String>, run: F) -> Trial
where
    F: FnOnce(&Toolchain) -> Result<(), String> + Send + 'static,
{
    let name = name.into();
    let label = name.clone();
    Trial::test(name, move || {
        let start = Instant::now();
        let result = Toolchain::find().and_then(|toolchain| run(&toolchain));
        eprintln!("{label}: {:.1} s", start.elapsed().as_secs_f64());
        result.map_err(Failed::from)
    })
}

/// Runs the trials as `cargo test`'s arguments say.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A directory for a test target's work, kept between runs: below Cargo's own for the tests.
pub fn scratch(tmpdir: &str, name: &str) -> PathBuf {
    let dir = PathBuf::from(tmpdir).join(name);
    std::fs::create_dir_all(&dir).expect("the target directory is writable");
    dir
}
