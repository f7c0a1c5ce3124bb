//! `stubs`.
