//! What the header says in numbers is what the runtime has.

const HEADER: &str = include_str!("../include/gort.h");

/// The number behind `#define name`.
fn defined(name: &str) -> usize {
    let line = HEADER.lines().find_map(|line| {
        line.strip_prefix("#define ")?
            .strip_prefix(name)?
            .strip_prefix(' ')
    });
    let number = line.unwrap_or_else(|| panic!("gort.h defines no {name}"));
    number.parse().expect("a number")
}

#[test]
fn a_threads_words_are_where_the_stubs_look() {
    assert_eq!(defined("GORT_THREAD_GO_SP"), abi::thread::GO_SP);
    assert_eq!(defined("GORT_THREAD_RETAKE"), abi::thread::RETAKE);
    assert_eq!(defined("GORT_THREAD_CALLS"), abi::thread::CALLS);
    assert_eq!(defined("GORT_THREAD_SYSTEM_SP"), abi::thread::SYSTEM_SP);
}

#[test]
fn there_are_as_many_size_classes() {
    assert_eq!(defined("GORT_SIZE_CLASSES"), heap::classes::COUNT);
}
