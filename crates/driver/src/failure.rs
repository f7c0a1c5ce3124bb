//! The end of a run that didn't succeed: what to print and how to exit.

/// `text` goes to standard error as it is, a final newline added where it has none.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    pub text: String,
    pub code: u8,
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// `cgo: message`, exit code 2: how the generator gives up.
    pub fn cgo(message: impl std::fmt::Display) -> Failure {
        Failure {
            text: format!("cgo: {message}"),
            code: 2,
        }
    }

    /// `crosscall: message`, exit code 1: crosscall's own commands.
    pub fn own(message: impl std::fmt::Display) -> Failure {
        Failure {
            text: format!("crosscall: {message}"),
            code: 1,
        }
    }

    /// Text that names its speaker already.
    pub fn raw(text: impl Into<String>, code: u8) -> Failure {
        Failure {
            text: text.into(),
            code,
        }
    }
}
