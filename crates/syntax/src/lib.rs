//! `syntax`.
