//! Architectures by Go's names.

/// Sizes of a pointer in bytes, by `GOARCH`: Go's own ports and those of gccgo. Go's `int` has the
/// size of a pointer on each.
const POINTER_SIZES: [(u64, &[&str]); 2] = [
    (
        4,
        &[
            "386", "arm", "m68k", "mips", "mipsle", "nios2", "ppc", "riscv", "s390", "sh", "shbe",
            "sparc",
        ],
    ),
    (
        8,
        &[
            "alpha", "amd64", "arm64", "loong64", "mips64", "mips64le", "ppc64", "ppc64le",
            "riscv64", "s390x", "sparc64",
        ],
    ),
];

/// The size in bytes of a pointer, and of Go's `int`, on `goarch`; `None` for one that Go does not know.
pub fn pointer_size(goarch: &str) -> Option<u64> {
    POINTER_SIZES
        .iter()
        .find(|(_, archs)| archs.contains(&goarch))
        .map(|(size, _)| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown() {
        assert_eq!(pointer_size("386"), Some(4));
        assert_eq!(pointer_size("arm64"), Some(8));
        assert_eq!(pointer_size("pdp11"), None);
    }
}
