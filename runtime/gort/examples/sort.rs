//! C sorts, and asks a goroutine how: the comparison waits for another goroutine's answer. `cargo run --example sort`

use std::ffi::c_void;
use std::sync::OnceLock;

use gort::{Receiver, Sender, channel};

unsafe extern "C" {
    fn qsort(
        base: *mut c_void,
        count: usize,
        size: usize,
        compare: unsafe extern "C" fn(*const c_void, *const c_void) -> i32,
    );
}

/// Two words, and where to say how they stand.
type Question = (&'static str, &'static str, Sender<i32>);

static JUDGE: OnceLock<Sender<Question>> = OnceLock::new();

gort::export! {
    unsafe fn compare_words(a: *const c_void, b: *const c_void) -> i32 {
        // SAFETY: qsort passes elements of the array, which are words.
        let (a, b) = unsafe { (*a.cast::<&'static str>(), *b.cast::<&'static str>()) };
        let (sender, answer) = channel(0);
        JUDGE.get().expect("there is a judge").send((a, b, sender));
        answer.recv().expect("the judge answers")
    }
}

fn judge(questions: &Receiver<Question>) -> usize {
    let mut count = 0;
    for (a, b, answer) in questions.iter() {
        answer.send(a.len().cmp(&b.len()).then(a.cmp(b)) as i32);
        count += 1;
    }
    count
}

fn main() {
    let mut words = ["goroutine", "C", "stack", "to", "and", "fro", "signal", "a"];
    let asked = gort::run(|| {
        let (sender, questions) = channel(0);
        let (done, asked) = channel(0);
        gort::go(move || done.send(judge(&questions)));
        let judge = JUDGE.get_or_init(|| sender);
        let (base, count) = (words.as_mut_ptr().cast(), words.len());
        // SAFETY: sorts an array of words by a function that takes two.
        gort::ccall(|| unsafe { qsort(base, count, size_of::<&str>(), compare_words) });
        judge.close();
        asked.recv().expect("the judge is done")
    });
    println!("{words:?} after {asked} questions");
}
