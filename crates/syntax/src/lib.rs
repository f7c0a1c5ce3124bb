//! Go's grammar: lexer, parser, tree, and what goes with a tree: a visitor, a printer, a dump.
//!
//! [`parse_file`] never fails: it returns a tree and a list of errors, whose texts and positions are those of `go/parser`, for
//! these are what users of `go tool cgo` know. The tree has the shape and the names of `go/ast`. Every node has a [`NodeId`],
//! dense within its file, for side tables, and an exact byte span.
//!
//! Trees may be deep: 100,000 nested parentheses and sums of 50,000 terms are legal Go. All children hang on [`P`], which
//! keeps dropping, cloning and printing from overflowing the stack; [`walk`] guards itself; passes that recurse on their own
//! go through [`deep`].

mod comment;
pub mod constraint;
mod dump;

mod lexer;
mod node;
mod parser;
mod symbol;
mod token;
mod tree;
mod unicode;
mod unparse;
pub mod walk;

pub use comment::{Comment, CommentGroup};
pub use dump::dump;

pub use lexer::{Lexer, SyntaxError, Token};
pub use node::{Node, NodeId, P, deep};
pub use parser::{Mode, Parsed, parse_expr, parse_file, parse_source};
pub use symbol::Symbol;
pub use token::Tok;
pub use tree::*;
pub use unparse::{unparse_expr, unparse_func, unparse_params, unparse_signature};
pub use walk::{Context, Visitor};
