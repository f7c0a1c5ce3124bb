//! Output files, all of them or none: everything is written under temporary names first and put in place only when nothing
//! can fail any more for want of space or permission. Who kills a run half-way finds no file that looks finished and isn't.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::failure::{Failure, Result};
use crate::text::errno;

/// Files that wait to be put in place.
#[derive(Default)]
pub struct Pending {
    files: Vec<(TempPath, PathBuf)>,
}

impl Pending {
    /// Writes `text` beside `path`, whose directory must exist.
    pub fn add(&mut self, path: &Path, text: &[u8]) -> Result<()> {
        let fail = |err| Failure::cgo(errno::message("open", path, &err));
        let dir = match path.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let mut file = new_file(dir).map_err(fail)?;
        file.write_all(text).map_err(fail)?;
        self.files.push((file.into_temp_path(), path.to_owned()));
        Ok(())
    }

    /// Puts all files in place. When that fails for one, those before it are removed again.
    pub fn commit(self) -> Result<()> {
        let mut done = Vec::new();
        for (file, path) in self.files {
            if let Err(err) = file.persist(&path) {
                for path in done {
                    let _ = fs::remove_file(path);
                }
                let message = errno::message("open", &path, &err.error);
                return Err(Failure::cgo(message));
            }
            done.push(path);
        }
        Ok(())
    }
}

/// Readable by whom the umask allows, as compilers' outputs are.
fn new_file(dir: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".crosscall-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(dir)
}

/// The object directory, with its parents; open to nobody else.
pub fn make_dir(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|err| Failure::cgo(errno::message("mkdir", path, &err)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let in_the_way = dir.path().join("b");
        fs::create_dir(&in_the_way).expect("a directory");
        let mut pending = Pending::default();
        pending.add(&dir.path().join("a"), b"1").expect("written");
        pending.add(&in_the_way, b"2").expect("written");
        assert!(pending.commit().is_err());
        let left = fs::read_dir(dir.path()).expect("readable").count();
        assert_eq!(left, 1, "only the directory that was in the way");
    }

    #[test]
    fn nothing_before_commit() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut pending = Pending::default();
        pending.add(&dir.path().join("a"), b"1").expect("written");
        assert!(!dir.path().join("a").exists());
        drop(pending);
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
    }
}
