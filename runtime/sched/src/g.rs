//! G: a goroutine.

use std::cell::Cell;
use std::ptr::NonNull;

use stack::Context;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::wait::Waiter;

/// What a parked goroutine waits for, as goroutine dumps name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum WaitReason {
    None,
    ChanReceive,
    ChanReceiveNil,
    ChanSend,
    ChanSendNil,
    Select,
    SelectNoCases,
    Sleep,
    Semacquire,
    WaitGroup,
    IoWait,
    Park,
}

impl WaitReason {
    /// Go's own words.
    pub const fn text(self) -> &'static str {
        match self {
            WaitReason::None => "",
            WaitReason::ChanReceive => "chan receive",
            WaitReason::ChanReceiveNil => "chan receive (nil chan)",
            WaitReason::ChanSend => "chan send",
            WaitReason::ChanSendNil => "chan send (nil chan)",
            WaitReason::Select => "select",
            WaitReason::SelectNoCases => "select (no cases)",
            WaitReason::Sleep => "sleep",
            WaitReason::Semacquire => "semacquire",
            WaitReason::WaitGroup => "sync.WaitGroup.Wait",
            WaitReason::IoWait => "IO wait",
            WaitReason::Park => "parked",
        }
    }
}
