//! Life as a guest: in a process whose program is somebody else's, perhaps beside other copies of this very runtime.
//!
//! See `docs/runtime/guest.md`.

use std::sync::Once;

pub mod copies;
mod notes;
pub mod word;

/// The runtime is started, and nobody has used it yet.
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(copies::join);
}
