//! The script language of RouterOS, run against this router's tables.
//!
//! [`parser`] resolves paths against the menus the router has, so a missing menu or an unknown parameter stops the whole
//! script before its first command, and `on-error` cannot catch it. [`machine`] runs what was parsed; it changes the
//! router by the same dispatch that answers the API. [`job`] drives it.
//!
//! Sources: the manual's *Scripting* pages (syntax, types, scopes, `:pick`, `:find`, `where`), and for what they leave
//! out tests on routers of release 7.21 that were published: no short cut in `&&` and `||`, `:onerror` gives a boolean
//! and a text that ends in the command and its line, a missing element and an empty `find` are no errors, `:execute`
//! keeps its errors to itself.

mod arguments;
mod ast;
mod cursor;
mod evaluate;
mod expression;
mod fetching;
mod functions;
mod globals;
mod grammar;
pub(crate) mod host;
pub(crate) mod job;
mod json;
pub(crate) mod machine;
mod menu;
mod operators;
mod parser;
mod print;
mod remote;
mod rows;
mod strings;
pub(crate) mod terminal;
mod value;

pub(crate) use ast::Block;
pub(crate) use grammar::Grammar;
pub(crate) use parser::parse;
pub(crate) use terminal::Transcript;
pub(crate) use value::Value;
