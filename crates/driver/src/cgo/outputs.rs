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
    files: Vec<(Content, PathBuf)>,
}

enum Content {
    /// A finished file beside its place.
    File(TempPath),
    /// For a place that is a device or a pipe and must stay one.
    Stream(Vec<u8>),
}

impl Pending {
    /// Writes `text` beside `path`, whose directory must exist.
    pub fn add(&mut self, path: &Path, text: &[u8]) -> Result<()> {
        let fail = |err| Failure::cgo(errno::message("open", path, &err));
        let place = if path.is_symlink() {
            path.canonicalize().map_err(fail)?
        } else {
            path.to_owned()
        };
        if place.metadata().is_ok_and(|meta| !meta.is_file()) {
            self.files.push((Content::Stream(text.to_owned()), place));
            return Ok(());
        }
        let dir = match place.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let mut file = new_file(dir).map_err(fail)?;
        file.write_all(text).map_err(fail)?;
        let file = file.into_temp_path();
        self.files.push((Content::File(file), place));
        Ok(())
    }

    /// Puts all files in place. When that fails for one, those before it are removed again.
    pub fn commit(self) -> Result<()> {
        let mut done = Vec::new();
        for (content, path) in self.files {
            let put = match content {
                Content::File(file) => file.persist(&path).map_err(|err| err.error),
                Content::Stream(text) => fs::write(&path, text),
            };
            if let Err(err) = put {
                for path in done {
                    let _ = fs::remove_file(path);
                }
                return Err(Failure::cgo(errno::message("open", &path, &err)));
            }
            if path.is_file() {
                done.push(path);
            }
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
    fn links_and_devices_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        let link = dir.path().join("link");
        fs::write(dir.path().join("file"), b"old").expect("written");
        std::os::unix::fs::symlink("file", &link).expect("linked");
        let mut pending = Pending::default();
        pending.add(&link, b"new").expect("written");
        pending
            .add(Path::new("/dev/null"), b"gone")
            .expect("accepted");
        pending.commit().expect("put in place");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&link).expect("readable"), b"new");
        assert!(!Path::new("/dev/null").is_file());
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
