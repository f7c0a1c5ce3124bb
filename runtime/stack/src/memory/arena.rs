//! Small segments: powers of two from 2 KiB to 32 KiB, cut from big mappings.
//!
//! A mapping's number is limited (65,530 by default), so that no segment has one of its own, nor a guard page. An *arena* is 16 MiB at a
//! multiple of 16 MiB; its first chunk describes the others. A *chunk* is 32 KiB, all of one class while any of its blocks is in use.
//! Which blocks are free is said by a bitmap beside the chunks, never in the free memory itself, which can so go back to the system
//! page by page.

use std::cell::Cell;
use std::mem::size_of;
use std::ops::Deref;
use std::ptr::NonNull;

use super::map::{self, NoMemory, PAGE};

/// The smallest class, in which every goroutine begins.
pub const SMALLEST: usize = 2 << 10;
/// The largest.
pub const LARGEST: usize = CHUNK;
/// 2, 4, 8, 16 and 32 KiB.
pub const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;

const ARENA: usize = 16 << 20;
const CHUNK: usize = 32 << 10;
const CHUNKS: usize = ARENA / CHUNK;
/// The class of a chunk that has none.
const NONE: u8 = u8::MAX;

/// The class of segments of `size` bytes, a power of two.
pub const fn class_of(size: usize) -> usize {
    (size / SMALLEST).ilog2() as usize
}

/// Bytes of a segment of a class.
pub const fn class_size(class: usize) -> usize {
    SMALLEST << class
}

/// What is known of a chunk.
struct Chunk {
    next: Cell<Option<ChunkRef>>,
    prev: Cell<Option<ChunkRef>>,
    /// Free blocks; bit 0 is the lowest.
    free: Cell<u16>,
    /// Pages that were given out since the system last had them; bit 0 is the lowest.
    touched: Cell<u8>,
    class: Cell<u8>,
}

/// A chunk of an arena that is mapped: arenas go only when no list has any of their chunks.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
struct ChunkRef(NonNull<Chunk>);

impl Deref for ChunkRef {
    type Target = Chunk;

    fn deref(&self) -> &Chunk {
        // SAFETY: the arena is mapped (see the type), and its header initialized before the first `ChunkRef` is made.
        unsafe { self.0.as_ref() }
    }
}

/// An arena's first bytes.
struct Header {
    next: Cell<Option<ArenaRef>>,
    /// Chunks that have a class.
    used: Cell<usize>,
    /// The first stands for the header itself and is on no list.
    chunks: [Chunk; CHUNKS],
}

const _: () = assert!(size_of::<Header>() <= CHUNK);
const _: () = assert!(CHUNK / SMALLEST <= u16::BITS as usize && CHUNK / PAGE <= u8::BITS as usize);

/// An arena that is mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
struct ArenaRef(NonNull<Header>);

impl Deref for ArenaRef {
    type Target = Header;

    fn deref(&self) -> &Header {
        // SAFETY: as for `ChunkRef`.
        unsafe { self.0.as_ref() }
    }
}

impl ArenaRef {
    fn base(self) -> usize {
        self.0.as_ptr() as usize
    }

    fn chunk(self, index: usize) -> ChunkRef {
        ChunkRef(NonNull::from(&self.chunks[index]))
    }

    /// The arena and the index of the chunk that `address` lies in; it must lie in an arena.
    fn find(address: usize) -> (ArenaRef, usize) {
        let base = address & !(ARENA - 1);
        let header = NonNull::new(base as *mut Header).expect("nothing is mapped at 0");
        (ArenaRef(header), (address - base) / CHUNK)
    }
}

impl ChunkRef {
    /// The chunk's own memory.
    fn memory(self) -> usize {
        // A header is smaller than the arena that it begins.
        let arena = ArenaRef::find(self.0.as_ptr() as usize).0;
        let index =
            (self.0.as_ptr() as usize - arena.chunks.as_ptr() as usize) / size_of::<Chunk>();
        arena.base() + index * CHUNK
    }

    /// Pages none of whose blocks is in use.
    fn free_pages(self) -> u8 {
        if self.class.get() == NONE {
            return u8::MAX;
        }
        let size = class_size(self.class.get().into());
        (0..CHUNK / PAGE)
            .filter(|page| {
                let blocks = blocks_of(page * PAGE, PAGE, size);
                self.free.get() & blocks == blocks
            })
            .fold(0, |mask, page| mask | 1 << page)
    }
}

/// The blocks of `size` bytes that `bytes` bytes from `offset` on lie in.
fn blocks_of(offset: usize, bytes: usize, size: usize) -> u16 {
    let (first, last) = (offset / size, (offset + bytes - 1) / size);
    ones(last + 1) & !ones(first)
}

fn ones(n: usize) -> u16 {
    ((1u32 << n) - 1) as u16
}

/// Chunks, last in first out.
#[derive(Default)]
struct List(Option<ChunkRef>);

impl List {
    fn push(&mut self, chunk: ChunkRef) {
        chunk.prev.set(None);
        chunk.next.set(self.0);
        if let Some(head) = self.0 {
            head.prev.set(Some(chunk));
        }
        self.0 = Some(chunk);
    }

    fn pop(&mut self) -> Option<ChunkRef> {
        let chunk = self.0?;
        self.remove(chunk);
        Some(chunk)
    }

    fn remove(&mut self, chunk: ChunkRef) {
        let (prev, next) = (chunk.prev.take(), chunk.next.take());
        match prev {
            Some(prev) => prev.next.set(next),
            None => self.0 = next,
        }
        if let Some(next) = next {
            next.prev.set(prev);
        }
    }
}

/// All arenas of a pool.
pub struct Arenas {
    /// A queue, so that scavenging goes round.
    first: Option<ArenaRef>,
    last: Option<ArenaRef>,
    count: usize,
    /// Chunks of each class with blocks both free and in use.
    partial: [List; CLASSES],
    /// Chunks without a class, of whose memory the system has some not back.
    touched: List,
    /// Chunks without a class or memory.
    untouched: List,
    /// Bytes of the blocks in use.
    inuse: usize,
}

// SAFETY: arenas belong to no thread; whoever has the `Arenas` has them all.
unsafe impl Send for Arenas {}

impl Arenas {
    pub const fn new() -> Arenas {
        Arenas {
            first: None,
            last: None,
            count: 0,
            partial: [const { List(None) }; CLASSES],
            touched: List(None),
            untouched: List(None),
            inuse: 0,
        }
    }

    /// Fills `out` with blocks of a class, as far as there is memory; none at all is an error.
    pub fn take(&mut self, class: usize, out: &mut [*mut u8]) -> Result<usize, NoMemory> {
        for (n, block) in out.iter_mut().enumerate() {
            match self.take_one(class) {
                Ok(memory) => *block = memory,
                Err(_) if n > 0 => return Ok(n),
                Err(error) => return Err(error),
            }
        }
        Ok(out.len())
    }

    fn take_one(&mut self, class: usize) -> Result<*mut u8, NoMemory> {
        let chunk = match self.partial[class].0 {
            Some(chunk) => chunk,
            None => self.begin_chunk(class)?,
        };
        let index = chunk.free.get().trailing_zeros() as usize;
        chunk.free.set(chunk.free.get() & !(1 << index));
        if chunk.free.get() == 0 {
            self.partial[class].remove(chunk);
        }
        let size = class_size(class);
        let pages = blocks_of(index * size, size, PAGE) as u8;
        chunk.touched.set(chunk.touched.get() | pages);
        self.inuse += size;
        Ok((chunk.memory() + index * size) as *mut u8)
    }

    /// A chunk of free blocks of `class`, at the head of its list.
    fn begin_chunk(&mut self, class: usize) -> Result<ChunkRef, NoMemory> {
        let chunk = match self.touched.pop().or_else(|| self.untouched.pop()) {
            Some(chunk) => chunk,
            None => self.add_arena()?,
        };
        let (arena, _) = ArenaRef::find(chunk.memory());
        arena.used.set(arena.used.get() + 1);
        chunk.class.set(class as u8);
        chunk.free.set(ones(CHUNK / class_size(class)));
        self.partial[class].push(chunk);
        Ok(chunk)
    }

    /// Maps an arena; its chunks but one are listed, that one is returned.
    fn add_arena(&mut self) -> Result<ChunkRef, NoMemory> {
        let memory = map::map_aligned(ARENA)?.cast::<Header>();
        // SAFETY: the mapping is new and larger than a header. It is all zeros, which is a header with empty lists; what must not be zero is
        // set below, before anybody looks.
        let arena = ArenaRef(unsafe { NonNull::new_unchecked(memory) });
        for index in (1..CHUNKS).rev() {
            let chunk = arena.chunk(index);
            chunk.class.set(NONE);
            self.untouched.push(chunk);
        }
        self.enqueue(arena);
        Ok(self.untouched.pop().expect("an arena has chunks"))
    }

    /// Takes back a block.
    ///
    /// # Safety
    /// The block came from [`take`](Self::take) of this `Arenas` and is given back once.
    pub unsafe fn give(&mut self, block: *mut u8) {
        let (arena, index) = ArenaRef::find(block as usize);
        let chunk = arena.chunk(index);
        let class = usize::from(chunk.class.get());
        let size = class_size(class);
        let bit = 1 << ((block as usize % CHUNK) / size);
        let free = chunk.free.get();
        assert!(free & bit == 0, "a segment was released twice");
        if free == 0 {
            self.partial[class].push(chunk);
        }
        chunk.free.set(free | bit);
        self.inuse -= size;
        if chunk.free.get() == ones(CHUNK / size) {
            self.partial[class].remove(chunk);
            chunk.class.set(NONE);
            arena.used.set(arena.used.get() - 1);
            self.touched.push(chunk);
        }
    }

    fn enqueue(&mut self, arena: ArenaRef) {
        arena.next.set(None);
        match self.last.replace(arena) {
            Some(last) => last.next.set(Some(arena)),
            None => self.first = Some(arena),
        }
        self.count += 1;
    }

    fn dequeue(&mut self) -> Option<ArenaRef> {
        let arena = self.first?;
        self.first = arena.next.take();
        if self.first.is_none() {
            self.last = None;
        }
        self.count -= 1;
        Some(arena)
    }

    /// Whether the address is in one of the arenas.
    pub fn owns(&self, address: usize) -> bool {
        let arenas = std::iter::successors(self.first, |arena| arena.next.get());
        let (base, mut arenas) = (address & !(ARENA - 1), arenas);
        arenas.any(|arena| arena.0.as_ptr() as usize == base)
    }

    /// How many arenas there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Gives back what is free in one arena, the one that was longest not looked at. Returns the bytes that the system had not back yet.
    pub fn scavenge_one(&mut self) -> usize {
        let Some(arena) = self.dequeue() else {
            return 0;
        };
        let bytes = touched_free(arena) * PAGE;
        if arena.used.get() > 0 || !self.unmap(arena) {
            self.forget_pages(arena);
            self.enqueue(arena);
        }
        bytes
    }

    /// Unmaps an arena without chunks in use that is on no list; false when the system refuses.
    fn unmap(&mut self, arena: ArenaRef) -> bool {
        for index in 1..CHUNKS {
            self.unlist(arena.chunk(index));
        }
        // SAFETY: the arena is on no list, nor is any of its chunks, and no block of it is in use.
        let unmapped = unsafe { map::unmap(arena.base() as *mut u8, ARENA) }.is_ok();
        if !unmapped {
            for index in (1..CHUNKS).rev() {
                self.list(arena.chunk(index));
            }
        }
        unmapped
    }

    /// Puts a chunk without a class on its list.
    fn list(&mut self, chunk: ChunkRef) {
        match chunk.touched.get() {
            0 => self.untouched.push(chunk),
            _ => self.touched.push(chunk),
        }
    }

    fn unlist(&mut self, chunk: ChunkRef) {
        match chunk.touched.get() {
            0 => self.untouched.remove(chunk),
            _ => self.touched.remove(chunk),
        }
    }

    /// Gives back the pages of an arena that hold nothing but free blocks, neighbours at once.
    fn forget_pages(&mut self, arena: ArenaRef) {
        let (mut start, mut end) = (0, 0);
        for index in 1..CHUNKS {
            let chunk = arena.chunk(index);
            let pages = chunk.touched.get() & chunk.free_pages();
            if pages == 0 {
                continue;
            }
            for page in (0..CHUNK / PAGE).filter(|page| pages & 1 << page != 0) {
                let at = arena.base() + index * CHUNK + page * PAGE;
                if at != end {
                    forget(start, end);
                    start = at;
                }
                end = at + PAGE;
            }
            let left = chunk.touched.get() & !pages;
            match chunk.class.get() {
                NONE => {
                    self.unlist(chunk);
                    chunk.touched.set(left);
                    self.list(chunk);
                }
                _ => chunk.touched.set(left),
            }
        }
        forget(start, end);
    }

    /// Bytes of the blocks in use.
    pub fn inuse(&self) -> usize {
        self.inuse
    }

    /// Bytes of all arenas.
    pub fn mapped(&self) -> usize {
        self.count * ARENA
    }

    /// Bytes that scavenging would give back. Looks at every chunk.
    pub fn free(&self) -> usize {
        let mut pages = 0;
        let mut next = self.first;
        while let Some(arena) = next {
            pages += touched_free(arena);
            next = arena.next.get();
        }
        pages * PAGE
    }
}

fn touched_free(arena: ArenaRef) -> usize {
    let pages = |index| {
        let chunk = arena.chunk(index);
        (chunk.touched.get() & chunk.free_pages()).count_ones() as usize
    };
    (1..CHUNKS).map(pages).sum()
}

fn forget(start: usize, end: usize) {
    if start < end {
        // SAFETY: `forget_pages` found nothing but free blocks in these pages.
        unsafe { map::forget(start as *mut u8, end - start) };
    }
}
