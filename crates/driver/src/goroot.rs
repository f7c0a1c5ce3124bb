//! `crosscall goroot DIR`: a GOROOT made of links whose cgo is crosscall.
//!
//! `go tool cgo` and scripts that run `$GOROOT/pkg/tool/…/cgo` bypass `-toolexec`; for them there is a second GOROOT:
//!
//! - real directories only along `bin` and `pkg/tool/GOOS_GOARCH`, everything else one link each; `pkg/include` is one too,
//!   for scripts that copy it and don't follow links;
//! - `bin/go` is a hard link, or a copy where there can be none: the go command finds its GOROOT from the path of its own
//!   executable, and a symbolic link would lead it back to the original;
//! - `cgo` is a symbolic link to crosscall, so that a rebuilt crosscall is used at once.
//!
//! A marker file names the original. It makes the directory ours to refresh, and tells a `cgo` that is run from there which
//! Go it works for.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::cgo::{host_arch, host_os};
use crate::failure::{Failure, Result};
use crate::stdout;
use crate::text::{errno, paths};
use crate::toolchain::go_env;

const MARKER: &str = ".crosscall-goroot";

pub fn run(args: &[String]) -> Result<()> {
    let [dir] = args else {
        return Err(Failure::raw("usage: crosscall goroot DIR", 2));
    };
    let original = PathBuf::from(go_env("GOROOT")?);
    // Behind a shadow there is an original.
    let original = read_marker(&original).unwrap_or(original);
    let own = env::current_exe().map_err(|err| Failure::own(format!("own path: {err}")))?;
    let dir = PathBuf::from(paths::absolute(dir));
    let shadow = Shadow { dir, original, own };
    shadow.check()?;
    let copied = shadow.make()?;

    let (dir, original) = (shadow.dir.display(), shadow.original.display());
    let mut said = format!(
        "{dir}: a GOROOT of links to {original}, its cgo is {}\n",
        shadow.own.display()
    );
    if copied {
        said.push_str("(bin/go is a copy: it can't be linked from there)\n");
    }
    said.push_str(&format!("use it as {dir}/bin/go\n"));
    stdout::write(said.as_bytes())
}

/// The official tool that `tool`, the `cgo` of a shadow, stands for.
pub fn official_tool(tool: &Path) -> Option<PathBuf> {
    // ROOT/pkg/tool/GOOS_GOARCH/cgo
    let original = read_marker(tool.ancestors().nth(4)?)?;
    let platform = tool.parent()?.file_name()?;
    Some(
        original
            .join("pkg/tool")
            .join(platform)
            .join(tool.file_name()?),
    )
}

fn read_marker(root: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(root.join(MARKER)).ok()?;
    Some(PathBuf::from(text.strip_suffix('\n').unwrap_or(&text)))
}

struct Shadow {
    dir: PathBuf,
    original: PathBuf,
    own: PathBuf,
}

impl Shadow {
    /// Neither somebody else's directory is touched, nor is one made inside the original.
    fn check(&self) -> Result<()> {
        let dir = self.dir.display();
        if !self.tools(&self.original).join("cgo").exists() {
            let original = self.original.display();
            return Err(Failure::own(format!(
                "{original} has no pkg/tool/{}_{}/cgo",
                host_os(),
                host_arch()
            )));
        }
        let parent = self
            .dir
            .parent()
            .and_then(|parent| parent.canonicalize().ok());
        if let (Some(parent), Ok(original)) = (parent, self.original.canonicalize())
            && parent.starts_with(original)
        {
            return Err(Failure::own(format!(
                "{dir} is inside the GOROOT that it is to shadow"
            )));
        }
        if read_marker(&self.dir).is_some() {
            return Ok(());
        }
        match fs::read_dir(&self.dir).map(|mut entries| entries.next().is_none()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::own(format!(
                "{dir} is neither empty nor made by 'crosscall goroot'"
            ))),
            Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(err) => Err(Failure::own(errno::message("open", &self.dir, &err))),
        }
    }

    /// Makes or refreshes everything; says whether `bin/go` had to be copied.
    fn make(&self) -> Result<bool> {
        let fail =
            |(path, err): (PathBuf, io::Error)| Failure::own(errno::message("link", path, &err));
        self.marker().map_err(fail)?;
        let tools = self.tools(Path::new(""));
        for level in ["", "bin", "pkg", "pkg/include", "pkg/tool"]
            .map(Path::new)
            .into_iter()
            .chain([tools.as_path()])
        {
            self.level(level).map_err(fail)?;
        }
        let cgo = self.dir.join(&tools).join("cgo");
        link(&self.own, &cgo).map_err(|err| fail((cgo, err)))?;
        let go = Path::new("bin/go");
        let (from, to) = (self.original.join(go), self.dir.join(go));
        link_or_copy(&from, &to).map_err(|err| fail((to, err)))
    }

    fn tools(&self, root: &Path) -> PathBuf {
        root.join("pkg/tool")
            .join(format!("{}_{}", host_os(), host_arch()))
    }

    fn marker(&self) -> std::result::Result<(), (PathBuf, io::Error)> {
        let path = self.dir.join(MARKER);
        let text = format!("{}\n", self.original.display());
        fs::create_dir_all(&self.dir)
            .and_then(|()| fs::write(&path, text))
            .map_err(|err| (path, err))
    }

    /// One real directory: a link for each entry of the original, none for entries that are gone.
    fn level(&self, level: &Path) -> std::result::Result<(), (PathBuf, io::Error)> {
        let (from, to) = (self.original.join(level), self.dir.join(level));
        let at = |path: &Path| {
            let path = path.to_owned();
            move |err| (path, err)
        };
        if to.is_symlink() {
            fs::remove_file(&to).map_err(at(&to))?;
        }
        fs::create_dir_all(&to).map_err(at(&to))?;
        for entry in fs::read_dir(&to).map_err(at(&to))?.flatten() {
            let is_ours = entry.path().is_symlink();
            if is_ours && !from.join(entry.file_name()).exists() {
                fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
            }
        }
        for entry in fs::read_dir(&from).map_err(at(&from))?.flatten() {
            let path = to.join(entry.file_name());
            let inside = level.join(entry.file_name());
            if !self.is_made(&inside) {
                link(&entry.path(), &path).map_err(at(&path))?;
            }
        }
        Ok(())
    }

    /// Paths that are no plain links.
    fn is_made(&self, path: &Path) -> bool {
        let tools = self.tools(Path::new(""));
        tools.starts_with(path)
            || path == tools.join("cgo")
            || ["bin", "bin/go", "pkg/include"]
                .map(Path::new)
                .contains(&path)
    }
}

/// A symbolic link in the place of whatever link or file is there.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    if fs::read_link(to).is_ok_and(|target| target == from) {
        return Ok(());
    }
    if to.symlink_metadata().is_ok() {
        fs::remove_file(to)?;
    }
    #[cfg(unix)]
    return std::os::unix::fs::symlink(from, to);
    #[cfg(windows)]
    return if from.is_dir() {
        std::os::windows::fs::symlink_dir(from, to)
    } else {
        std::os::windows::fs::symlink_file(from, to)
    };
}

/// Returns whether it had to copy.
fn link_or_copy(from: &Path, to: &Path) -> io::Result<bool> {
    let from = from.canonicalize()?;
    if to.symlink_metadata().is_ok() {
        fs::remove_file(to)?;
    }
    match fs::hard_link(&from, to) {
        Ok(()) => Ok(false),
        Err(_) => fs::copy(&from, to).map(|_| true),
    }
}
