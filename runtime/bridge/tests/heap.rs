//! Goroutines of Rust's that change lists and trees in the heap while collections go on, one after the other; for sanitizers, too.
//!
//! What a goroutine has is found on its stack; nothing in the heap is held across a call of C in a register only.

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use heap::types::{Kind, Type};
use heap::{alloc, barrier, collector, stress};
use sched::ops;
use stack::Outcome;

/// Two pointers and two numbers.
#[repr(C)]
struct Node {
    next: AtomicUsize,
    other: AtomicUsize,
    value: AtomicUsize,
    check: AtomicUsize,
}

static NODE: Type = Type {
    size: size_of::<Node>(),
    ptrdata: 16,
    ptrmask: [0b11_u8].as_ptr(),
    kind: Kind::Struct,
    align: 8,
    reserved: [0; 6],
    len: 0,
    elem: std::ptr::null(),
    fields: std::ptr::null(),
    name: std::ptr::null(),
};

extern "C" fn new_operation() -> Outcome {
    match alloc::new(&NODE, 1) {
        Ok(address) => ops::finish(address.as_ptr() as usize),
        Err(alloc::Again) => Outcome::switch(),
    }
}

/// A node, by its address.
fn new_node(value: usize) -> usize {
    loop {
        let address = enter(new_operation as *const () as usize, 0, 0, 0);
        if address != 0 {
            let node = at(address);
            assert_eq!(node.next.load(Ordering::Relaxed), 0);
            node.value.store(value, Ordering::Relaxed);
            node.check.store(!value, Ordering::Relaxed);
            return address;
        }
    }
}

fn at(address: usize) -> &'static Node {
    // SAFETY: from `new_node`, and still referred to, or the collector is wrong; nodes are checked wherever they are looked at.
    let node = unsafe { &*(address as *const Node) };
    let value = node.value.load(Ordering::Relaxed);
    let check = node.check.load(Ordering::Relaxed);
    assert!(
        check == !value || (value, check) == (0, 0),
        "the node is gone"
    );
    node
}

fn store(slot: &AtomicUsize, value: usize) {
    enter(
        barrier::store as *const () as usize,
        slot.as_ptr() as usize,
        value,
        0,
    );
}

fn collect() {
    enter(collector::collect as *const () as usize, 0, 0, 0);
}

/// A list of numbers from `from` up, its nodes also linked back to its first.
fn list(from: usize, count: usize) -> usize {
    let mut first = 0;
    for value in (from..from + count).rev() {
        let node = new_node(value);
        store(&at(node).next, first);
        first = black_box(node);
    }
    first
}

fn sum(first: usize) -> usize {
    let (mut sum, mut node) = (0, first);
    while node != 0 {
        sum += at(node).value.load(Ordering::Relaxed);
        node = at(node).next.load(Ordering::Relaxed);
    }
    sum
}

/// Turns the list round, node by node: each is for a moment on the stack only.
fn reverse(first: usize) -> usize {
    let (mut node, mut before) = (first, 0);
    while node != 0 {
        let next = at(node).next.load(Ordering::Relaxed);
        store(&at(node).next, before);
        before = black_box(node);
        node = black_box(next);
    }
    before
}

fn churn(number: usize, rounds: usize) {
    let mut own = list(number, 100);
    let expected = sum(own);
    for round in 0..rounds {
        own = reverse(own);
        list(round, 20);
        match round % 5 {
            0 => yield_now(),
            1 => {
                let held = black_box([own]);
                ccall(|| thread::sleep(Duration::from_micros(50)));
                own = black_box(held)[0];
            }
            _ => {}
        }
        assert_eq!(sum(own), expected);
    }
}

/// Runs goroutines to their end.
fn run(goroutines: usize, body: impl Fn(usize) + Send + Sync + 'static) {
    let alive = Arc::new(AtomicUsize::new(goroutines));
    let body = Arc::new(body);
    let left = alive.clone();
    as_goroutine(move || {
        for number in 0..goroutines {
            let (body, left) = (body.clone(), left.clone());
            go(move || {
                body(number);
                left.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let begin = Instant::now();
    while alive.load(Ordering::SeqCst) > 0 {
        assert!(
            begin.elapsed() < Duration::from_secs(120),
            "they do not end"
        );
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn lists_survive_collections() {
    let over = Arc::new(AtomicBool::new(false));
    let (collecting, before) = (over.clone(), collector::cycles());
    as_goroutine(move || {
        go(move || {
            while !collecting.load(Ordering::Relaxed) {
                collect();
            }
        });
    });
    run(4, |number| churn(number * 1000, 1000));
    over.store(true, Ordering::Relaxed);
    assert!(collector::cycles() > before);
}

#[test]
fn lists_survive_a_collection_at_every_allocation() {
    as_goroutine(|| ());
    stress::set(true);
    run(3, |number| churn(number * 1000, 5));
    stress::set(false);
}
