//! Where the time goes: with `CROSSCALL_LOG` set to something that contains `cdecl`, each stage of a
//! resolution says on standard error how long it took.

use std::time::Instant;

/// A running clock that reports stages.
pub struct Trace(Option<Instant>);

impl Trace {
    pub fn new() -> Trace {
        let on = std::env::var_os("CROSSCALL_LOG")
            .is_some_and(|log| log.to_string_lossy().contains("cdecl"));
        Trace(on.then(Instant::now))
    }

    /// Reports the time since the last stage.
    pub fn stage(&mut self, name: &str) {
        if let Some(start) = &mut self.0 {
            eprintln!("cdecl: {name} {:?}", start.elapsed());
            *start = Instant::now();
        }
    }
}
