//! A script after parsing: every path is resolved against the menus of this router.

use std::sync::Arc;

use super::value::Value;
use crate::routeros::schema::Menu;

/// Where something stands, both counted from one, as routers print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pos {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Commands in a row, and the text they came from.
#[derive(Debug, PartialEq)]
pub(crate) struct Block {
    pub(crate) statements: Vec<Statement>,
    pub(crate) source: String,
}

/// One command line, or a block in braces.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Statement {
    Command(Command),
    Block(Arc<Block>),
    /// `[…]`, `(…)`, or `$function …`.
    Evaluate(Expr),
}

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command {
    pub(crate) what: What,
    pub(crate) args: Args,
    pub(crate) pos: Pos,
}

/// Which command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// `:put`, `:if`, …
    Global(&'static str),
    /// A verb of a menu.
    Menu(MenuRef, String),
    /// A command beside the menus: `/tool/fetch`, `/import`, …; its whole path.
    Special(&'static str),
    /// `export` of everything below a path.
    Export(String),
    /// `$name`.
    Call(String),
}

/// A menu, comparable by its path.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MenuRef(pub(crate) &'static Menu);

impl PartialEq for MenuRef {
    fn eq(&self, other: &Self) -> bool {
        self.0.path == other.0.path
    }
}

/// Arguments in the order they were written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Args {
    /// `name=value`.
    pub(crate) named: Vec<(String, Expr)>,
    /// Values without a name.
    pub(crate) positional: Vec<Expr>,
    /// Words without a value: `as-value`, `count-only`.
    pub(crate) flags: Vec<String>,
    /// `!name`: the value is taken away.
    pub(crate) unset: Vec<String>,
    /// What comes after `where`.
    pub(crate) filter: Option<Box<Expr>>,
}

impl Args {
    pub(crate) fn get(&self, name: &str) -> Option<&Expr> {
        self.named.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn has_flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }
}

/// Part of a string with `$` in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text(Vec<u8>),
    Expr(Expr),
}

/// Something with a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expr {
    /// A constant, and how it was written.
    Literal(Value, String),
    /// A string with values in it.
    Text(Vec<Part>),
    /// `$name`.
    Variable(String),
    /// A property of the row in question, in `where`.
    Field(String),
    /// `{a;b;c=d}`.
    Array(Vec<(Option<Expr>, Expr)>),
    /// `{ … }` where code is wanted.
    Code(Arc<Block>),
    /// `[ … ]`.
    Substitution(Arc<Block>),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `$f a b` inside brackets.
    Call(Box<Command>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    BitNot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    Match,
    In,
    Join,
    Concat,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    /// `->`
    Element,
}
