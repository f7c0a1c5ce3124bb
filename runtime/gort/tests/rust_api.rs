//! The Rust API: goroutines, channels, select, what goroutines wait for one another with.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gort::{Receiver, Sender, TryRecvError, TrySendError, WaitGroup, channel};

/// Counts how often it is dropped.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counter() -> (Arc<AtomicUsize>, impl Fn() -> Counted) {
    let count = Arc::new(AtomicUsize::new(0));
    let made = count.clone();
    (count, move || Counted(made.clone()))
}

#[test]
fn a_hundred_thousand_goroutines_are_done() {
    gort::enter(|| {
        let (group, done) = (WaitGroup::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..1000 {
            for _ in 0..100 {
                let done = done.clone();
                group.go(move || {
                    gort::yield_now();
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            gort::yield_now();
        }
        group.wait();
        assert_eq!(done.load(Ordering::Relaxed), 100_000);
    });
}

#[test]
fn values_of_any_size_go_through() {
    fn pass<T: Send + PartialEq + std::fmt::Debug + Clone + 'static>(
        values: Vec<T>,
        capacity: usize,
    ) {
        let (sender, receiver) = channel(capacity);
        let sent = values.clone();
        gort::go(move || {
            sent.into_iter().for_each(|value| sender.send(value));
            sender.close();
        });
        assert_eq!(receiver.iter().collect::<Vec<_>>(), values);
    }
    gort::enter(|| {
        for capacity in [0, 1, 7] {
            pass(vec![(); 10], capacity);
            pass((0..100_u8).collect(), capacity);
            pass((0..100_u128).collect(), capacity);
            pass((0..100).map(|n| n.to_string()).collect(), capacity);
            pass((0..50).map(|n| [n as u64; 1000]).collect(), capacity);
        }
    });
}

#[test]
fn values_are_dropped_once() {
    gort::enter(|| {
        let (dropped, make) = counter();
        let (sender, receiver) = channel(10);
        for _ in 0..10 {
            sender.send(make());
        }
        assert!(matches!(
            sender.try_send(make()),
            Err(TrySendError::Full(_))
        ));
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        drop(receiver.recv());
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
        drop((sender, receiver));
        assert_eq!(dropped.load(Ordering::SeqCst), 11);
    });
}

#[test]
fn what_a_select_does_not_send_is_dropped() {
    gort::enter(|| {
        let (dropped, make) = counter();
        let (sender, receiver) = channel(1);
        let (other, _keep) = channel::<Counted>(0);
        let arm = gort::select! {
            send(other, make()) => 0,
            send(sender, make()) => 1,
        };
        assert_eq!(arm, 1);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert!(receiver.recv().is_some());
        assert_eq!(dropped.load(Ordering::SeqCst), 2);
        gort::select! {
            send(other, make()) => unreachable!(),
            default => {}
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn a_closed_channel_gives_what_it_has_and_then_none() {
    gort::enter(|| {
        let (sender, receiver) = channel(2);
        sender.send(1);
        sender.send(2);
        sender.close();
        assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
        assert_eq!(receiver.recv(), Some(1));
        assert_eq!(receiver.try_recv(), Ok(2));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
        assert_eq!(receiver.recv(), None);
        let (_sender, empty) = channel::<i32>(2);
        assert_eq!(empty.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(
            (empty.len(), empty.capacity(), empty.is_empty()),
            (0, 2, true)
        );
    });
}

#[test]
fn never_is_never_ready() {
    gort::enter(|| {
        let (sender, receiver) = channel(1);
        sender.send(5);
        let got = gort::select! {
            recv(Receiver::<i32>::never()) -> _ => None,
            send(Sender::never(), 1) => None,
            recv(receiver) -> value => value,
        };
        assert_eq!(got, Some(5));
    });
}

#[test]
fn select_takes_all_that_are_ready_alike() {
    gort::enter(|| {
        let ends: Vec<_> = (0..3).map(|_| channel(1000)).collect();
        for (sender, _) in &ends {
            (0..1000).for_each(|n| sender.send(n));
        }
        let mut counts = [0; 3];
        for _ in 0..900 {
            let arm = gort::select! {
                recv(ends[0].1) -> _ => 0,
                recv(ends[1].1) -> _ => 1,
                recv(ends[2].1) -> _ => 2,
            };
            counts[arm] += 1;
        }
        assert!(counts.iter().all(|&n| n > 200), "{counts:?}");
    });
}

#[test]
fn selects_meet_selects() {
    gort::enter(|| {
        let (a, b) = (channel(0), channel(0));
        let group = WaitGroup::new();
        for n in 0..4_u64 {
            let (a, b) = (a.0.clone(), b.0.clone());
            group.go(move || {
                for i in 0..500 {
                    gort::select! {
                        send(a, n * 1000 + i) => {}
                        send(b, n * 1000 + i) => {}
                    }
                }
            });
        }
        let mut seen = HashSet::new();
        for _ in 0..2000 {
            let value = gort::select! {
                recv(a.1) -> value => value,
                recv(b.1) -> value => value,
            };
            assert!(seen.insert(value.unwrap()));
        }
        group.wait();
    });
}

#[test]
fn channels_work_from_any_thread_where_they_need_not_wait() {
    let (sender, receiver) = channel(1);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(receiver.try_recv(), Ok(1));
    sender.close();
    let outside = thread::spawn(move || receiver.recv());
    let why = outside.join().unwrap_err();
    let text = why.downcast_ref::<String>().map_or("", String::as_str);
    let text = why.downcast_ref::<&str>().copied().unwrap_or(text);
    assert!(text.contains("gort::enter"), "{text}");
}

#[test]
fn threads_of_the_host_meet_at_channels() {
    let (sender, receiver) = channel(0);
    let threads: Vec<_> = (0..4_u64)
        .map(|n| {
            let sender = sender.clone();
            thread::spawn(move || {
                for i in 0..200 {
                    gort::enter(|| sender.send(n * 200 + i));
                }
            })
        })
        .collect();
    let sum: u64 = gort::enter(|| (0..800).map(|_| receiver.recv().unwrap()).sum());
    assert_eq!(sum, (0..800).sum());
    threads.into_iter().for_each(|t| t.join().unwrap());
}

#[test]
fn sleepers_wake_in_order() {
    gort::enter(|| {
        let (sender, receiver) = channel(3);
        let start = Instant::now();
        for ms in [90_u64, 30, 60] {
            let sender = sender.clone();
            gort::go(move || {
                gort::sleep(Duration::from_millis(ms));
                sender.send(ms);
            });
        }
        let order: Vec<_> = (0..3).map(|_| receiver.recv().unwrap()).collect();
        assert_eq!(order, [30, 60, 90]);
        assert!(start.elapsed() >= Duration::from_millis(90));
    });
}

#[test]
fn after_tells_once() {
    gort::enter(|| {
        let timer = gort::after(Duration::from_millis(10));
        assert_eq!(timer.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(timer.recv(), Some(()));
        assert_eq!(timer.try_recv(), Err(TryRecvError::Empty));
        drop(gort::after(Duration::from_secs(3600)));
    });
}

#[test]
fn a_mutex_is_held_by_one() {
    gort::enter(|| {
        let shared = Arc::new(gort::Mutex::new((0_u64, 0_u64)));
        let group = WaitGroup::new();
        for _ in 0..20 {
            let shared = shared.clone();
            group.go(move || {
                for _ in 0..200 {
                    let mut both = shared.lock();
                    both.0 += 1;
                    gort::yield_now();
                    both.1 += 1;
                    assert_eq!(both.0, both.1);
                }
            });
        }
        group.wait();
        assert_eq!(*shared.lock(), (4000, 4000));
        let held = shared.lock();
        assert!(shared.try_lock().is_none());
        drop(held);
        assert!(shared.try_lock().is_some());
    });
}

#[test]
fn a_condition_wakes_one_or_all() {
    gort::enter(|| {
        let shared = Arc::new((gort::Mutex::new(0), gort::Cond::new()));
        let group = WaitGroup::new();
        for _ in 0..10 {
            let shared = shared.clone();
            group.go(move || {
                let mut tokens = shared.0.lock();
                while *tokens == 0 {
                    tokens = shared.1.wait(tokens);
                }
                *tokens -= 1;
            });
        }
        for _ in 0..5 {
            *shared.0.lock() += 1;
            shared.1.signal();
        }
        *shared.0.lock() += 5;
        shared.1.broadcast();
        group.wait();
        assert_eq!(*shared.0.lock(), 0);
    });
}

#[test]
fn a_goroutine_stays_on_a_thread_that_it_has_locked() {
    gort::enter(|| {
        let group = WaitGroup::new();
        for _ in 0..5 {
            group.go(|| {
                let lock = gort::lock_os_thread();
                let thread = thread::current().id();
                for _ in 0..50 {
                    gort::yield_now();
                    gort::sleep(Duration::from_micros(10));
                    assert_eq!(thread::current().id(), thread);
                }
                drop(lock);
            });
        }
        group.wait();
    });
}

#[test]
fn a_thread_ends_with_a_goroutine_that_is_locked_to_it() {
    struct OnExit(Sender<()>);
    impl Drop for OnExit {
        fn drop(&mut self) {
            let _ = self.0.try_send(());
        }
    }
    thread_local!(static LOCAL: std::cell::RefCell<Option<OnExit>> = const { std::cell::RefCell::new(None) });
    let (sender, receiver) = channel(1);
    gort::enter(|| {
        gort::go(move || {
            std::mem::forget(gort::lock_os_thread());
            LOCAL.with(|local| *local.borrow_mut() = Some(OnExit(sender)));
        });
        assert_eq!(receiver.recv(), Some(()));
    });
}

#[test]
fn calls_to_c_let_others_run() {
    gort::enter(|| {
        let group = WaitGroup::new();
        let start = Instant::now();
        for _ in 0..20 {
            group.go(|| gort::blocking(|| thread::sleep(Duration::from_millis(100))));
        }
        group.wait();
        let took = start.elapsed();
        assert!(took < Duration::from_millis(1500), "{took:?}");
    });
}

#[test]
fn calls_carry_values_there_and_back() {
    gort::enter(|| {
        let text = String::from("there");
        let back = gort::ccall(|| text + " and back");
        assert_eq!(back, "there and back");
        assert_eq!(gort::ccall_nonblocking(|| 6 * 7), 42);
        assert!(!gort::ccall(gort::on_goroutine));
        assert!(gort::on_goroutine());
        // Where there is no goroutine's stack to leave, it is a call.
        assert_eq!(gort::ccall(|| gort::ccall(|| 1)), 1);
    });
    assert_eq!(gort::ccall(|| 2), 2);
}

#[test]
fn goroutines_within_calls_within_goroutines() {
    fn down(depth: usize) -> usize {
        match depth {
            0 => 0,
            _ => gort::ccall(|| {
                gort::enter(|| {
                    gort::yield_now();
                    down(depth - 1) + 1
                })
            }),
        }
    }
    gort::enter(|| {
        gort::Builder::new().stack_size(8 << 20).go(|| ());
        assert_eq!(down(50), 50);
    });
}

#[test]
fn gomaxprocs_can_be_changed() {
    gort::enter(|| {
        let before = gort::gomaxprocs(0);
        assert_eq!(gort::gomaxprocs(3), before);
        assert_eq!(gort::gomaxprocs(before), 3);
        assert_eq!(gort::gomaxprocs(0), before);
    });
}

#[test]
fn a_big_stack_is_as_big_as_asked_for() {
    #[inline(never)]
    fn deep(depth: usize) -> usize {
        let room = std::hint::black_box([depth as u8; 4096]);
        match depth {
            0 => 0,
            _ => deep(depth - 1) + 1 + usize::from(room[0] != depth as u8),
        }
    }
    gort::enter(|| {
        let (sender, receiver) = channel(0);
        gort::Builder::new()
            .stack_size(32 << 20)
            .go(move || sender.send(deep(3000)));
        assert_eq!(receiver.recv(), Some(3000));
    });
}

#[test]
#[should_panic(expected = "makechan: size out of range")]
fn a_channel_too_big_for_memory_is_refused() {
    channel::<u64>(usize::MAX / 4);
}

#[test]
fn programs_run_beside_one_another() {
    let threads: Vec<_> = (0..8)
        .map(|n| {
            thread::spawn(move || {
                for i in 0..50 {
                    let got = gort::run(|| {
                        let (sender, receiver) = channel(0);
                        gort::go(move || sender.send(n * i));
                        receiver.recv()
                    });
                    assert_eq!(got, Some(n * i));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
}
