//! The bridge between Go and C: what the assembly's fast paths leave to be decided, threads that C made, and panics on their way through C.

mod attach;
pub mod context;
mod cross;
pub mod dynamic;
mod fork;
mod guest;
pub mod memory;
mod overflow;
pub mod panic;
pub mod sections;
pub mod signals;
pub mod trace;

pub use attach::detach_this_thread;
pub use cross::reacquire;
pub use guest::inits::announce;
pub use guest::leaving::{Busy, shut_down};
pub use sched::ops::StackKind;

/// Starts the runtime unless it is started; `is_guest`: as a library in somebody else's process.
pub fn start(is_guest: bool) {
    guest::leaving::check();
    fork::prepare();
    trace::start();
    panic::install_hook();
    signals::install(is_guest);
    heap::init();
    memory::check::init();
    sched::start::start(hooks(), is_guest);
    guest::start();
    guest::inits::begin();
}

/// What a constructor does, so that C may call Go before anybody has started the runtime; that call does.
pub fn prepare() {
    trace::prepare();
    sched::start::prepare(hooks());
    guest::load();
}

fn hooks() -> sched::start::BridgeHooks {
    sched::start::BridgeHooks {
        reacquire: cross::reacquire,
        reenter: cross::reenter,
        jumped: cross::jumped,
        attach: attach::attach,
        broken_promise: cross::broken_promise,
    }
}
