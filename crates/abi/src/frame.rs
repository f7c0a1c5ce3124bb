//! The argument frame of Go's stack ABI (ABI0), as stubs hand it to C.
//!
//! ```text
//!            p0 │ gap │ p1 … │ gap to a pointer │ r0 │ r1 … │ gap to a pointer
//!            ▲ the address that crosses
//! ```
//!
//! Each value lies at the next multiple of its alignment; results begin, and the frame ends, at a
//! multiple of a pointer's size. C reads the frame as a packed struct in which every gap is a member.
//! Source: "Go internal ABI specification", section "Stack-based calling convention".

/// Size and alignment of a value in bytes. An alignment is at least 1 and at most a pointer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub size: u64,
    pub align: u64,
}

/// What lies in a frame, in order and without overlap: the gaps are as good as the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The parameter of that index, at `offset` bytes.
    Param { index: usize, offset: u64 },
    /// The result of that index, at `offset` bytes.
    Result { index: usize, offset: u64 },
    /// `size` unused bytes at `offset`.
    Gap { offset: u64, size: u64 },
}

/// The frame of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub slots: Vec<Slot>,
    /// In bytes.
    pub size: u64,
}

impl Frame {
    pub fn new(params: &[Layout], results: &[Layout], ptr_size: u64) -> Frame {
        let mut frame = Frame {
            slots: Vec::new(),
            size: 0,
        };
        for (index, param) in params.iter().enumerate() {
            let offset = frame.place(*param);
            frame.slots.push(Slot::Param { index, offset });
        }
        frame.align(ptr_size);
        for (index, result) in results.iter().enumerate() {
            let offset = frame.place(*result);
            frame.slots.push(Slot::Result { index, offset });
        }
        frame.align(ptr_size);
        frame
    }

    fn place(&mut self, value: Layout) -> u64 {
        self.align(value.align);
        let offset = self.size;
        self.size += value.size;
        offset
    }

    fn align(&mut self, align: u64) {
        let offset = self.size;
        self.size = offset.next_multiple_of(align.max(1));
        if self.size > offset {
            let size = self.size - offset;
            self.slots.push(Slot::Gap { offset, size });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn layout(size: u64, align: u64) -> Layout {
        Layout { size, align }
    }

    #[test]
    fn gaps_stand_before_values_results_and_the_end() {
        let frame = Frame::new(&[layout(4, 4), layout(8, 8)], &[layout(1, 1)], 8);
        assert_eq!(
            frame.slots,
            [
                Slot::Param {
                    index: 0,
                    offset: 0
                },
                Slot::Gap { offset: 4, size: 4 },
                Slot::Param {
                    index: 1,
                    offset: 8
                },
                Slot::Result {
                    index: 0,
                    offset: 16
                },
                Slot::Gap {
                    offset: 17,
                    size: 7
                },
            ]
        );
        assert_eq!(frame.size, 24);
    }

    #[test]
    fn nothing_takes_no_room() {
        assert_eq!(Frame::new(&[], &[], 8).size, 0);
    }

    #[test]
    fn a_32_bit_frame_aligns_to_4() {
        let frame = Frame::new(&[layout(1, 1)], &[layout(8, 4)], 4);
        assert_eq!(
            frame.slots.last(),
            Some(&Slot::Result {
                index: 0,
                offset: 4
            })
        );
        assert_eq!(frame.size, 12);
    }
}
