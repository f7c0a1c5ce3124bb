//! What tests need that build programs against the C ABI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The compiler that makes of C what stands in for compiled Go.
pub fn clang_as_go() -> Command {
    let mut clang = Command::new("clang-19");
    clang.args(["-fsplit-stack", "-fno-omit-frame-pointer"]);
    clang.args(["-fno-optimize-sibling-calls", "-DGORT_GO_TEXT"]);
    clang
}

/// Runs a tool, which must succeed: what it printed.
pub fn tool(command: &mut Command) -> String {
    let done = command
        .output()
        .unwrap_or_else(|why| panic!("{command:?}: {why}"));
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}\n{said}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// `libgort.a`, which cargo has built beside this test.
#[allow(dead_code, reason = "one of the tests has an archive of its own")]
pub fn archive() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a file");
    let deps = test.parent().expect("a file has a directory");
    let built = |directory: &Path| {
        let entries = fs::read_dir(directory).expect("a directory of cargo's");
        let archives = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
                name.is_some_and(|n| n.starts_with("libgort") && n.ends_with(".a"))
            });
        archives.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
    };
    built(deps)
        .or_else(|| built(deps.parent()?))
        .expect("cargo has built libgort.a")
}
