//! Life as a guest: in a process whose program is somebody else's, perhaps beside other copies of this very runtime.
//!
//! See `docs/runtime/guest.md`.

pub mod copies;
pub mod handlers;
pub mod inits;
pub mod leaving;
mod notes;
pub mod word;

use std::sync::Once;

/// The library is being loaded.
pub fn load() {
    static ONCE: Once = Once::new();
    ONCE.call_once(leaving::hold);
}

/// The runtime is started, and nobody has used it yet.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(copies::join);
}
