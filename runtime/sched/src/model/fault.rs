//! Mistakes that the models put into the code on purpose, to see that they would be found.
//!
//! Only a build for the model checker can turn one on; in any other, [`on`] is `false` and nothing is left of it.

/// A mistake; each stands at the place that asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Coming back from C, nothing keeps the load of `retake` behind the store of `go_sp`.
    LightBarrier,
    /// The requester loads `go_sp` without a barrier behind its store of `retake`.
    HeavyBarrier,
    /// Without membarrier: the returning thread settles without the fence.
    SettleFence,
    /// Every request has the same ticket.
    Ticket,
    /// The requester stores "taken" instead of comparing and swapping.
    BlindClaim,
    /// Which P the thread has is read after the claim instead of before.
    LateRead,
    /// A thief reads what it has stolen after it has moved the head.
    ReadAfterSteal,
    /// The owner publishes the tail without releasing the slot.
    RelaxedTail,
    /// `is_empty` looks once at each word only.
    EmptyInOneLook,
    /// The submitter of work looks for spinning threads without a fence before.
    WakeFence,
    /// The thread that stops spinning looks at the queues without a fence before.
    SpinFence,
    /// A goroutine that parks stores "parked" over a permit that has come meanwhile.
    BlindPark,
    /// A receiver lets go of the channel between finding it empty and queueing.
    RecvRelocks,
    /// A close lets go of the channel between waking who waits and marking it as closed.
    CloseMarksLate,
    /// A receive that must not block looks whether the channel is closed, then whether it is empty.
    ClosedBeforeEmpty,
    /// A receive that must not block takes a closed channel for empty that it has found to be empty before.
    ClosedInTwoLooks,
    /// Two channels wake the same select.
    SelectWonTwice,
    /// A woken select leaves its other waiters where they are.
    SelectStaysQueued,
    /// A select locks in the order of its cases.
    SelectLocksUnsorted,
    /// A semaphore's waiter looks for a token, then says that it waits.
    SemaphoreCountsLate,
    /// The last `Done` wakes before it has reset the state.
    WaitGroupResetsLate,
    /// A waiter on a notify list doesn't look whether its ticket was called meanwhile.
    NotifyForgetsTicket,
    /// A goroutine that waits for a descriptor doesn't look again whether that has failed meanwhile.
    PollLooksOnce,
    /// That second look is a plain load.
    PollLooksPlainly,
    /// Who makes a descriptor fail wakes before it says so.
    PollWakesEarly,
    /// An event that finds nobody waiting is forgotten.
    PollForgetsEvent,
    /// A goroutine that was woken for a mutex, and queues again, is still counted as awake.
    MutexKeepsWoken,
    /// Who comes takes a starving mutex that is being handed over.
    MutexTakenOnItsWay,
    /// Who wants to scan a goroutine stores its claim instead of comparing and swapping.
    ScanClaimedBlindly,
    /// Who finds that a span is being swept takes it for swept.
    SweepNotAwaited,
    /// A weak pointer's word is read before the object's span is swept, and not again.
    WeakLooksOnce,
    /// A store while the collector marks doesn't tell it what it overwrites.
    StoreWithoutBarrier,
    /// What is allocated while the collector marks isn't marked.
    NewIsWhite,
    /// Marking ends without what the Ps have found.
    EndForgetsBuffers,
    /// A goroutine runs while the collector marks before its stack was read.
    RunsUnscanned,
    /// Marking ends though a helper is at work.
    EndForgetsWorkers,
}

#[cfg(loom)]
mod switch {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::Fault;

    // The model checker runs the threads of one model by turns on one thread of the system, so that this belongs to one test.
    thread_local!(static FAULT: Cell<Option<Fault>> = const { Cell::new(None) });

    /// Whether the code is to make this mistake.
    pub fn on(fault: Fault) -> bool {
        FAULT.get() == Some(fault)
    }

    /// Runs `model` with this mistake.
    pub fn with<R>(fault: Fault, model: impl FnOnce() -> R) -> R {
        FAULT.set(Some(fault));
        let result = catch_unwind(AssertUnwindSafe(model));
        FAULT.set(None);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

#[cfg(loom)]
pub use switch::{on, with};

/// Whether the code is to make this mistake: never.
#[cfg(not(loom))]
pub const fn on(_: Fault) -> bool {
    false
}
