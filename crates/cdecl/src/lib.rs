//! `cdecl`.
