//! The memory of what C compilers said of themselves, in `$XDG_CACHE_HOME/crosscall` (or `~/.cache`).
//!
//! An entry is a small text file, named for a hash of its key and beginning with the key itself: the
//! path, size and time of each program of the command, the flags, and the environment variables that
//! C compilers obey. Entries appear by rename, so a reader sees a whole file or none; one that does not
//! read back is ignored and replaced. Nothing here can fail: without a cache the compiler is asked again.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::imitate::Facts;

/// Raised when the format or the meaning of an entry changes.
const VERSION: &str = "crosscall cc 2";

/// What C compilers read from the environment to find headers, programs or a target.
const ENVIRONMENT: [&str; 9] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "GCC_EXEC_PREFIX",
    "COMPILER_PATH",
    "SDKROOT",
    "SYSROOT",
    "CCC_OVERRIDE_OPTIONS",
    "CLANG_CONFIG_FILE_SYSTEM_DIR",
    "CLANG_CONFIG_FILE_USER_DIR",
];

/// The facts for a command, from this process's memory, the disk, or `ask`.
pub fn facts(
    programs: &[String],
    flags: &[String],
    ask: impl FnOnce() -> Result<Facts, Error>,
) -> Result<Facts, Error> {
    static MEMORY: Mutex<Option<HashMap<String, Facts>>> = Mutex::new(None);
    let key = key(programs, flags);
    // The lock is held while the compiler is asked: threads that start together ask once.
    let mut memory = MEMORY.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = memory.get_or_insert_default();
    if let Some(facts) = memory.get(&key) {
        return Ok(facts.clone());
    }
    let path = directory().map(|dir| dir.join(format!("cc-{:016x}", hash(&key))));
    let facts = match path.as_ref().and_then(|path| read(path, &key)) {
        Some(facts) => facts,
        None => {
            let facts = ask()?;
            if let Some(path) = path {
                write(&path, &key, &facts);
            }
            facts
        }
    };
    memory.insert(key, facts.clone());
    Ok(facts)
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Everything that the answer depends on, one item a line.
fn key(programs: &[String], flags: &[String]) -> String {
    let mut key = String::from(VERSION);
    for program in programs {
        key += &format!("\nprogram {}", escape(program));
        if let Some((path, meta)) = find(program) {
            let modified = meta
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let path = escape(&path.to_string_lossy());
            key += &format!(
                " {path} {} {}",
                meta.len(),
                modified.unwrap_or_default().as_nanos()
            );
        }
    }
    for flag in flags {
        key += &format!("\nflag {}", escape(flag));
    }
    for variable in ENVIRONMENT {
        if let Some(value) = std::env::var_os(variable) {
            key += &format!("\nenv {variable} {}", escape(&value.to_string_lossy()));
        }
    }
    key
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// The file behind a program's name: links followed, so that an update of the target counts.
fn find(program: &str) -> Option<(PathBuf, fs::Metadata)> {
    let direct = Path::new(program);
    let candidates = if direct.components().count() > 1 {
        vec![direct.to_owned()]
    } else {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .map(|dir| dir.join(program))
            .collect()
    };
    let path = candidates.into_iter().find(|path| path.is_file())?;
    let path = path.canonicalize().ok()?;
    let meta = path.metadata().ok()?;
    Some((path, meta))
}

fn directory() -> Option<PathBuf> {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base =
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let base = base.or_else(|| absolute("LOCALAPPDATA"))?;
    Some(base.join("crosscall"))
}

fn read(path: &Path, key: &str) -> Option<Facts> {
    decode(fs::read_to_string(path).ok()?.strip_prefix(key)?)
}

/// Reads what [`encode`] wrote; nothing if any of it is missing.
fn decode(text: &str) -> Option<Facts> {
    let mut facts = Facts::default();
    let mut lines = text.strip_prefix("\n\n")?.lines();
    for line in &mut lines {
        let (what, value) = line.split_once(' ')?;
        match what {
            "target" => facts.target = value.into(),
            "gcc" | "clang" => {
                facts.is_clang = what == "clang";
                facts.major = value.parse().ok()?;
            }
            "include" => facts.include.push(value.into()),
            "implied" => facts.implied.push(value.into()),
            "define" => {
                let (name, text) = value.split_once(' ')?;
                facts.predefined.insert(name.into(), text.into());
            }
            "end" if value == facts.predefined.len().to_string() && !facts.target.is_empty() => {
                return Some(facts);
            }
            _ => return None,
        }
    }
    None
}

fn encode(facts: &Facts) -> Option<String> {
    let family = if facts.is_clang { "clang" } else { "gcc" };
    let mut text = format!("\n\ntarget {}\n{family} {}\n", facts.target, facts.major);
    for dir in &facts.include {
        text += &format!("include {}\n", dir.to_str()?);
    }
    for flag in &facts.implied {
        text += &format!("implied {flag}\n");
    }
    for (name, value) in &facts.predefined {
        text += &format!("define {name} {value}\n");
    }
    text += &format!("end {}\n", facts.predefined.len());
    (decode(&text).as_ref() == Some(facts)).then_some(text)
}

fn write(path: &Path, key: &str, facts: &Facts) {
    let Some(text) = encode(facts) else { return };
    let Some(dir) = path.parent() else { return };
    let unique = format!("{:?}", std::thread::current().id());
    let digits: String = unique.chars().filter(char::is_ascii_digit).collect();
    let temporary = path.with_extension(format!("{}-{digits}.tmp", std::process::id()));
    let written = fs::create_dir_all(dir)
        .and_then(|()| fs::write(&temporary, format!("{key}{text}")))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_entry_is_no_entry() {
        let facts = Facts {
            target: "x86_64-linux-gnu".into(),
            is_clang: false,
            major: 12,
            include: vec!["/a b".into(), "/c".into()],
            implied: vec!["-march=i686".into()],
            predefined: [("A", "1 2"), ("B", "")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .into(),
        };
        let text = encode(&facts).unwrap();
        assert_eq!(decode(&text), Some(facts));
        for cut in 0..text.len() - 1 {
            assert_eq!(decode(&text[..cut]), None, "{cut}");
        }
    }
}
