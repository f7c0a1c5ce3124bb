//! What goroutines wait for.

macro_rules! reasons {
    ($($name:ident $text:literal,)*) => {
        /// What a parked goroutine waits for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum WaitReason {
            $($name,)*
        }

        impl WaitReason {
            const ALL: &[WaitReason] = &[$(WaitReason::$name,)*];

            /// As goroutine dumps name it: Go's own words.
            pub const fn text(self) -> &'static str {
                match self {
                    $(WaitReason::$name => $text,)*
                }
            }

            /// The reason of that number; `None` for one that is none.
            pub fn from_number(number: u8) -> WaitReason {
                WaitReason::ALL.get(usize::from(number)).copied().unwrap_or(WaitReason::None)
            }
        }
    };
}

reasons! {
    None "",
    ChanReceive "chan receive",
    ChanReceiveNil "chan receive (nil chan)",
    ChanSend "chan send",
    ChanSendNil "chan send (nil chan)",
    Select "select",
    SelectNoCases "select (no cases)",
    Sleep "sleep",
    Semacquire "semacquire",
    WaitGroup "sync.WaitGroup.Wait",
    CondWait "sync.Cond.Wait",
    MutexLock "sync.Mutex.Lock",
    IoWait "IO wait",
    Park "parked",
    GcCycle "wait for GC cycle",
    FinalizerWait "finalizer wait",
}
