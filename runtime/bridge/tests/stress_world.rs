//! Everything at once, for as long as `CROSSCALL_STRESS_SECONDS` says: goroutines that wake each other, calls to C of random length, calls back,
//! threads of C that come and go, GOMAXPROCS that changes, Ps taken and goroutines preempted at random.
//!
//! What is watched: every goroutine makes progress all the time (no wake-up is lost, no P is stuck), and while something is runnable no P is
//! idle for long, however many threads are in C. A thread that does what a collector does with stacks sees that nobody runs on one while it is read.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use sched::crossing::Claim;
use sched::global::SHARED;
use sched::p::{self, PStatus};
use sched::scan::{self, PHASE};
use sched::{GRef, ops, wake, world};

/// Nobody may stand still for longer, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A random number, by xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// What one goroutine or thread has done; it only grows.
struct Worker {
    what: &'static str,
    steps: AtomicU64,
}

impl Worker {
    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}

struct World {
    over: AtomicBool,
    alive: AtomicUsize,
    workers: Vec<Arc<Worker>>,
}

/// C for a random while: mostly none, sometimes long enough for the P to be taken.
fn delay_in_c(random: &mut Random) {
    let choice = random.below(1000);
    let spins = random.below(2000);
    ccall(move || match choice {
        0..=2 => thread::sleep(Duration::from_micros(spins)),
        3..=50 => (0..spins).for_each(|_| std::hint::spin_loop()),
        _ => {}
    });
}

/// C calls Go calls C …, with a switch at the bottom.
fn nest(depth: u64) {
    match depth {
        0 => yield_now(),
        _ => ccall(move || callback(move || nest(depth - 1))),
    }
}

/// One half of a pair whose members wake each other in turn.
fn pair(
    world: &World,
    worker: &Worker,
    turn: &AtomicUsize,
    mine: usize,
    places: &[AtomicPtr<sched::G>; 2],
    random: &mut Random,
) {
    places[mine].store(GRef::current().as_ptr(), Ordering::SeqCst);
    while !world.over.load(Ordering::Relaxed) {
        while turn.load(Ordering::SeqCst) % 2 != mine {
            if world.over.load(Ordering::Relaxed) {
                return;
            }
            park();
        }
        worker.step();
        if random.below(8) == 0 {
            delay_in_c(random);
        }
        turn.fetch_add(1, Ordering::SeqCst);
        let other = places[1 - mine].load(Ordering::SeqCst);
        if !other.is_null() {
            // SAFETY: the other stored its own address.
            let other = unsafe { GRef::from_ptr(other) };
            match random.below(3) {
                0 => ccall(|| ops::unpark(other)),
                _ => wake_from_go(other),
            }
        }
    }
}

fn wake_from_go(g: GRef) {
    extern "C" fn wake(g: *mut sched::G) -> stack::Outcome {
        // SAFETY: `wake_from_go` passes a goroutine.
        ops::unpark(unsafe { GRef::from_ptr(g) });
        ops::finish(0)
    }
    enter(wake as *const () as usize, g.as_ptr() as usize, 0, 0);
}

fn churn(world: &World, worker: &Worker, random: &mut Random) {
    while !world.over.load(Ordering::Relaxed) {
        worker.step();
        match random.below(16) {
            0 => nest(random.below(6)),
            1 => yield_now(),
            2 => {
                lock_os_thread();
                yield_now();
                unlock_os_thread();
            }
            3 => {
                let done = Arc::new(AtomicBool::new(false));
                let signal = done.clone();
                go(move || signal.store(true, Ordering::Release));
                while !done.load(Ordering::Acquire) {
                    yield_now();
                }
            }
            _ => delay_in_c(random),
        }
    }
}

/// Takes Ps and preempts, where the scheduler itself would do so rarely.
fn chaos(world: &World, random: &mut Random) {
    while !world.over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_micros(random.below(300)));
        let p = p::get(random.below(p::count() as u64) as usize);
        if p.status() != PStatus::Running {
            continue;
        }
        if random.below(2) == 0 {
            sched::preempt::request(p);
            continue;
        }
        // SAFETY: Ms are never freed.
        if let Some(m) = unsafe { p.m.load(Ordering::Acquire).as_ref::<'static>() }
            && let Claim::Taken(Some(p)) = m.crossing().request(|| m.p())
        {
            wake::hand_off(p);
        }
    }
}

/// While something is runnable and nobody looks for work, no P is idle but for moments of change.
#[derive(Default)]
struct IdlePs {
    since: Option<Instant>,
    longest: Duration,
}

impl IdlePs {
    fn look(&mut self) {
        let runnable =
            || SHARED.runq_len.load(Ordering::SeqCst) > 0 || p::all().any(|p| !p.is_idle());
        let idle = || {
            SHARED.idle.idle_ps() > 0
                && SHARED.idle.spinning() == 0
                && !SHARED.stopping.load(Ordering::SeqCst)
        };
        if !(idle() && runnable()) {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.longest = self.longest.max(since.elapsed());
        // By far longer than the machine may keep one thread waiting.
        assert!(
            self.longest < Duration::from_secs(2),
            "work waits while a P is idle\n{}",
            sched::dump::goroutines(true)
        );
    }
}

#[test]
fn everything_at_once() {
    let seconds = std::env::var("CROSSCALL_STRESS_SECONDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(3);
    let names = ["pair"; 16]
        .into_iter()
        .chain(["churn"; 8])
        .chain(["thread"; 4])
        .chain(["visitor", "procs", "collector"]);
    let worker = |what| {
        Arc::new(Worker {
            what,
            steps: AtomicU64::new(0),
        })
    };
    let world = Arc::new(World {
        over: AtomicBool::new(false),
        alive: AtomicUsize::new(0),
        workers: names.map(worker).collect(),
    });
    let threads = start(&world);
    watch(&world, Duration::from_secs(seconds));
    world.over.store(true, Ordering::SeqCst);
    let deadline = Instant::now() + PATIENCE;
    while world.alive.load(Ordering::SeqCst) > 0 {
        assert!(
            Instant::now() < deadline,
            "they do not end\n{}",
            sched::dump::goroutines(true)
        );
        thread::sleep(Duration::from_millis(10));
        wake_all();
    }
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("threads end well"));
    let total = |what| -> u64 {
        let of_kind = world.workers.iter().filter(|worker| worker.what == what);
        of_kind
            .map(|worker| worker.steps.load(Ordering::Relaxed))
            .sum()
    };
    for what in ["pair", "churn", "thread", "visitor", "procs", "collector"] {
        println!("{what}: {} steps", total(what));
    }
}

/// Parked halves of pairs see that it is over.
fn wake_all() {
    for g in sched::g::all() {
        if g.status.state() == sched::gstatus::State::Waiting {
            ops::unpark(g);
        }
    }
}

fn start(world: &Arc<World>) -> Vec<thread::JoinHandle<()>> {
    let (goroutines, others) = world.workers.split_at(24);
    let mut threads = Vec::new();
    let in_goroutine = world.clone();
    let goroutines = goroutines.to_vec();
    world.alive.fetch_add(goroutines.len(), Ordering::SeqCst);
    as_goroutine(move || spawn_all(&in_goroutine, goroutines));
    for (seed, worker) in others.iter().enumerate() {
        let (world, worker) = (world.clone(), worker.clone());
        let mut random = Random(0xABCD + seed as u64);
        threads.push(thread::spawn(move || match worker.what {
            "thread" => stay(&world, worker, random),
            "visitor" => visit(&world, &worker),
            "collector" => collect(&world, &worker, &mut random),
            _ => change_procs(&world, &worker, &mut random),
        }));
    }
    let chaotic = world.clone();
    threads.push(thread::spawn(move || chaos(&chaotic, &mut Random(7))));
    threads
}

fn spawn_all(world: &Arc<World>, workers: Vec<Arc<Worker>>) {
    let (pairs, churners) = workers.split_at(16);
    for (number, both) in pairs.chunks(2).enumerate() {
        let turn = Arc::new(AtomicUsize::new(0));
        let places: Arc<[AtomicPtr<sched::G>; 2]> = Arc::default();
        for (mine, worker) in both.iter().enumerate() {
            let (world, worker, turn, places) =
                (world.clone(), worker.clone(), turn.clone(), places.clone());
            let mut random = Random(1 + number as u64 * 2 + mine as u64);
            go(move || {
                pair(&world, &worker, &turn, mine, &places, &mut random);
                world.alive.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }
    for (number, worker) in churners.iter().enumerate() {
        let (world, worker) = (world.clone(), worker.clone());
        let mut random = Random(0x1000 + number as u64);
        go(move || {
            churn(&world, &worker, &mut random);
            world.alive.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// A thread of C's that calls Go again and again.
fn stay(world: &Arc<World>, worker: Arc<Worker>, mut random: Random) {
    while !world.over.load(Ordering::Relaxed) {
        let worker = worker.clone();
        let depth = random.below(4);
        callback(move || {
            nest(depth);
            worker.step();
        });
    }
}

/// Threads of C's that call Go once.
fn visit(world: &Arc<World>, worker: &Arc<Worker>) {
    while !world.over.load(Ordering::Relaxed) {
        let worker = worker.clone();
        let visitor = thread::spawn(move || {
            callback(move || {
                yield_now();
                worker.step();
            });
        });
        visitor.join().expect("visitors leave in peace");
    }
}

fn change_procs(world: &Arc<World>, worker: &Arc<Worker>, random: &mut Random) {
    while !world.over.load(Ordering::Relaxed) {
        let count = 1 + random.below(6) as usize;
        callback(move || gomaxprocs(count));
        worker.step();
        thread::sleep(Duration::from_millis(random.below(20)));
    }
}

/// Every word of a goroutine's stack from `sp` up. Sanitizers would object: it is read word by word, used or not.
fn sum(g: GRef, sp: usize) -> usize {
    let words = g
        .stack()
        .ranges(&g.context, sp)
        .flat_map(|range| range.step_by(8));
    words.fold(0_usize, |sum, address| {
        let word: usize;
        // SAFETY: the word is in the goroutine's stack.
        unsafe {
            std::arch::asm!("mov {w}, qword ptr [{a}]", w = out(reg) word, a = in(reg) address, options(nostack, readonly));
        }
        sum.rotate_left(1) ^ word
    })
}

fn check_stack(g: GRef, sp: usize) {
    // C may write to what it got the address of, until it returns.
    let in_c = g.status.observe() == sched::gstatus::State::Running;
    let before = sum(g, sp);
    if in_c {
        return;
    }
    (0..1000).for_each(|_| std::hint::spin_loop());
    assert_eq!(
        before,
        sum(g, sp),
        "a goroutine runs while its stack is read"
    );
}

/// A collector that finds nothing.
fn collect(world: &Arc<World>, worker: &Arc<Worker>, random: &mut Random) {
    scan::set_collector(scan::Collector {
        scan: check_stack,
        shade: |_| (),
    });
    while !world.over.load(Ordering::Relaxed) {
        let stopped = world::stop_from_outside();
        let cycle = PHASE.begin();
        scan::note_in_c(cycle);
        drop(stopped);
        let mut left = sched::g::all();
        while !left.is_empty() {
            left.retain(|&g| !scan::visit(g, cycle));
            thread::sleep(Duration::from_micros(random.below(300)));
        }
        let stopped = world::stop_from_outside();
        PHASE.end();
        drop(stopped);
        worker.step();
        thread::sleep(Duration::from_micros(random.below(3000)));
    }
}

fn watch(world: &World, time: Duration) {
    let end = Instant::now() + time;
    let mut seen: Vec<(u64, Instant)> = world.workers.iter().map(|_| (0, Instant::now())).collect();
    let mut idle = IdlePs::default();
    while Instant::now() < end {
        thread::sleep(Duration::from_millis(1));
        idle.look();
        for (worker, (steps, since)) in world.workers.iter().zip(&mut seen) {
            let now = worker.steps.load(Ordering::Relaxed);
            if now != *steps {
                (*steps, *since) = (now, Instant::now());
            }
            let stuck = since.elapsed() > PATIENCE;
            assert!(
                !stuck,
                "a {} stands still after {now} steps\n{}",
                worker.what,
                sched::dump::goroutines(true)
            );
        }
    }
    println!("a P was idle while work waited: {:?} at most", idle.longest);
}
