//! Channels of which nobody waits.

use super::*;

/// A channel that is freed with its test.
struct Owned(NonNull<Chan>);

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the test is over.
        unsafe { Chan::free(self.0) };
    }
}

impl Owned {
    fn new(elem_size: usize, cap: usize) -> Owned {
        Owned(Chan::new(elem_size, cap).unwrap())
    }

    fn get(&self) -> Option<&Chan> {
        // SAFETY: freed with this.
        Some(unsafe { self.0.as_ref() })
    }

    fn send<const N: usize>(&self, value: [u8; N]) -> usize {
        assert_eq!(self.get().unwrap().elem_size, N);
        // SAFETY: an element of that size.
        unsafe { try_send(self.get(), value.as_ptr()) }.value
    }

    fn recv<const N: usize>(&self) -> (usize, [u8; N]) {
        assert_eq!(self.get().unwrap().elem_size, N);
        let mut value = [0xff; N];
        // SAFETY: room for an element of that size.
        let result = unsafe { try_recv(self.get(), value.as_mut_ptr()) }.value;
        (result, value)
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let error = |elem_size, cap| Chan::new(elem_size, cap).unwrap_err();
    assert_eq!(error(1 << 16, 0), MakeError::ElemType);
    assert_eq!(error(8, usize::MAX), MakeError::Size);
    assert_eq!(error(8, 1 << 61), MakeError::Size);
    assert_eq!(error(8, 1 << 46), MakeError::Size);
    assert_eq!(error(0, usize::MAX), MakeError::Size);
}

#[test]
fn the_buffer_goes_round_in_order() {
    fn go_round<const N: usize>() {
        let chan = Owned::new(N, 3);
        let (mut sent, mut received) = (0u8, 0u8);
        for _ in 0..5 {
            while chan.send([sent; N]) == DONE {
                sent += 1;
            }
            assert_eq!(chan.get().unwrap().len(), 3);
            for _ in 0..2 {
                assert_eq!(chan.recv::<N>(), (DONE, [received; N]));
                received += 1;
            }
        }
        assert_eq!(chan.recv::<N>(), (DONE, [received; N]));
        assert_eq!(chan.recv::<N>(), (WOULD_BLOCK, [0xff; N]));
        assert!(chan.get().unwrap().is_empty());
    }
    go_round::<1>();
    go_round::<8>();
    go_round::<24>();
    go_round::<1000>();
}

#[test]
fn empty_elements_are_counted() {
    let chan = Owned::new(0, 1 << 62);
    assert_eq!(chan.send([]), DONE);
    assert_eq!(chan.send([]), DONE);
    assert_eq!(chan.recv::<0>(), (DONE, []));
    assert_eq!(chan.recv::<0>(), (DONE, []));
    assert_eq!(chan.recv::<0>(), (WOULD_BLOCK, []));
    assert_eq!(chan.get().unwrap().cap(), 1 << 62);
}

#[test]
fn nobody_at_the_other_side() {
    let chan = Owned::new(4, 0);
    assert_eq!(chan.send([1; 4]), WOULD_BLOCK);
    assert_eq!(chan.recv::<4>(), (WOULD_BLOCK, [0xff; 4]));
    // SAFETY: nil channels touch no element.
    let nil = unsafe {
        [
            try_send(None, [0].as_ptr()),
            try_recv(None, [0].as_mut_ptr()),
        ]
    };
    assert_eq!(nil.map(|outcome| outcome.value), [WOULD_BLOCK; 2]);
}

#[test]
fn a_closed_channel_gives_what_it_has_then_zeroes() {
    let chan = Owned::new(2, 2);
    assert_eq!(chan.send([7; 2]), DONE);
    assert_eq!(close(chan.get()).value, DONE);
    assert_eq!(close(chan.get()).value, CLOSED);
    assert_eq!(close(None).value, NIL);
    assert_eq!(chan.send([8; 2]), CLOSED);
    assert_eq!(chan.recv::<2>(), (DONE, [7; 2]));
    assert_eq!(chan.recv::<2>(), (CLOSED, [0; 2]));
    // SAFETY: a value that is dropped needs no room.
    let dropped = unsafe { try_recv(chan.get(), std::ptr::null_mut()) };
    assert_eq!(dropped.value, CLOSED);
}
