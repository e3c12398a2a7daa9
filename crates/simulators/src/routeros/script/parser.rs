//! From text to commands. Paths are resolved here, so that a menu this router lacks is an error before anything runs,
//! which `on-error` cannot catch.

use std::sync::Arc;

use super::{
    arguments::Takes,
    ast::{Args, Block, Command, Expr, MenuRef, Statement, What},
    cursor::{Cursor, ParseError},
    grammar::{Global, Grammar},
    value::Value,
};
use crate::routeros::schema::Menu;

/// Braces, brackets and parentheses within each other.
const DEPTH_MAX: usize = 48;

type Parsed<T> = Result<T, ParseError>;

/// Parses a whole script. `context` is the menu that paths without a slash start from; empty for the root.
///
/// # Errors
/// For syntax, and for menus, commands and parameters this router does not have.
pub(crate) fn parse(text: &str, grammar: Grammar, context: &str) -> Parsed<(Block, String)> {
    let mut parser = Parser { cursor: Cursor::new(text), grammar, context: context.to_owned(), depth: 0, row: None };
    let statements = parser.statements(None)?;
    Ok((Block { statements, source: text.to_owned() }, parser.context))
}

/// What an argument may be followed by.
pub(super) fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b';' | b']' | b'}' | b')')
}

pub(super) struct Parser<'a> {
    pub(super) cursor: Cursor<'a>,
    pub(super) grammar: Grammar,
    /// The menu that paths without a slash start from.
    context: String,
    depth: usize,
    /// The menu whose rows a `where` in progress is about.
    pub(super) row: Option<&'static Menu>,
}

impl Parser<'_> {
    pub(super) fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.cursor.error("too deep"));
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Statements up to `close`, which is taken, or to the end of the text.
    fn statements(&mut self, close: Option<u8>) -> Parsed<Vec<Statement>> {
        let mut statements = Vec::new();
        loop {
            self.cursor.skip_white();
            match self.cursor.peek() {
                None if close.is_none() => return Ok(statements),
                None => return Err(self.cursor.unexpected()),
                byte if byte == close => {
                    self.cursor.bump();
                    return Ok(statements);
                }
                Some(b';') => self.cursor.bump(),
                Some(b'#') => drop(self.cursor.take_while(|byte| byte != b'\n')),
                Some(_) => {
                    statements.extend(self.statement()?);
                    self.end_of_statement(close)?;
                }
            }
        }
    }

    fn end_of_statement(&mut self, close: Option<u8>) -> Parsed<()> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            None | Some(b';' | b'\n') => Ok(()),
            byte if byte == close => Ok(()),
            Some(_) => Err(self.cursor.error("expected end of command")),
        }
    }

    /// `{ … }` as code. The context inside starts as it is here and is forgotten behind the brace.
    pub(super) fn code(&mut self) -> Parsed<Arc<Block>> {
        self.deeper(|parser| {
            parser.cursor.bump();
            let from = parser.cursor.at;
            let (context, row) = (parser.context.clone(), parser.row.take());
            let statements = parser.statements(Some(b'}'))?;
            (parser.context, parser.row) = (context, row);
            let mut source = parser.cursor.slice(from);
            source.pop();
            Ok(Arc::new(Block { statements, source }))
        })
    }

    /// `[ … ]`.
    pub(super) fn substitution(&mut self) -> Parsed<Arc<Block>> {
        self.deeper(|parser| {
            parser.cursor.bump();
            let from = parser.cursor.at;
            let (context, row) = (parser.context.clone(), parser.row.take());
            let statements = parser.statements(Some(b']'))?;
            (parser.context, parser.row) = (context, row);
            let mut source = parser.cursor.slice(from);
            source.pop();
            Ok(Arc::new(Block { statements, source }))
        })
    }

    fn statement(&mut self) -> Parsed<Option<Statement>> {
        match self.cursor.peek() {
            Some(b'{') => Ok(Some(Statement::Block(self.code()?))),
            Some(b'[' | b'(') => Ok(Some(Statement::Evaluate(self.operand()?))),
            Some(b'$') => self.call_statement(),
            Some(b':') => {
                self.cursor.bump();
                let at = self.cursor.at;
                let name = self.cursor.take_while(is_word);
                let global = self.grammar.global(&name);
                let global = global.ok_or_else(|| self.cursor.error_at(at, format!("bad command name {name}")))?;
                self.global(global, at).map(Some)
            }
            _ => self.path_command(),
        }
    }

    /// `$f a b=c`.
    pub(super) fn call_statement(&mut self) -> Parsed<Option<Statement>> {
        let pos = self.cursor.pos();
        let Expr::Variable(name) = self.operand()? else { return Err(self.cursor.unexpected()) };
        let args = self.arguments(&Takes::Anything)?;
        Ok(Some(Statement::Command(Command { what: What::Call(name), args, pos })))
    }

    fn global(&mut self, global: &'static Global, at: usize) -> Parsed<Statement> {
        let pos = self.cursor.pos_of(at);
        let args = match global.name {
            "local" | "global" => self.declaration(global)?,
            "set" => self.assignment(global)?,
            "foreach" | "for" | "onerror" => self.named_variables(global)?,
            _ => self.arguments(&Takes::Global(global))?,
        };
        let missing = match global.name {
            "return" | "error" | "if" | "while" | "do" | "parse" if args.positional.is_empty() => {
                args.named.is_empty().then_some("value")
            }
            "if" | "while" | "foreach" | "for" if args.get("do").is_none() => Some("do"),
            "foreach" if args.get("in").is_none() => Some("in"),
            "for" if args.get("from").is_none() || args.get("to").is_none() => Some("from"),
            _ => None,
        };
        if let Some(name) = missing {
            return Err(self.cursor.error(format!("missing value(s) of argument(s) {name}")));
        }
        Ok(Statement::Command(Command { what: What::Global(global.name), args, pos }))
    }

    /// A name as variables have them: letters and digits, or anything in quotes.
    fn variable_name(&mut self) -> Parsed<String> {
        self.cursor.skip_blanks();
        if self.cursor.peek() == Some(b'"') {
            return match self.string()? {
                Expr::Literal(value, _) => Ok(value.display()),
                _ => Err(self.cursor.unexpected()),
            };
        }
        self.cursor.eat("$");
        let name = self.cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if name.is_empty() { Err(self.cursor.unexpected()) } else { Ok(name) }
    }

    /// `:local name value`, `:global name do={…}`.
    fn declaration(&mut self, global: &'static Global) -> Parsed<Args> {
        let name = self.variable_name()?;
        if self.cursor.peek().is_some_and(|byte| !ends_word(byte) && byte != b'\\') {
            return Err(self.cursor.error("expected end of command"));
        }
        let mut args = self.arguments(&Takes::Global(global))?;
        args.positional.insert(0, Expr::Literal(Value::text(&name), name));
        self.at_most(&args, 2)?;
        Ok(args)
    }

    /// `:set name value`, `:set ($array->"key") value`.
    fn assignment(&mut self, global: &'static Global) -> Parsed<Args> {
        self.cursor.skip_blanks();
        let target = if self.cursor.peek() == Some(b'(') {
            self.operand()?
        } else {
            let name = self.variable_name()?;
            if self.cursor.peek().is_some_and(|byte| !ends_word(byte) && byte != b'\\') {
                return Err(self.cursor.error("expected end of command"));
            }
            Expr::Variable(name)
        };
        let mut args = self.arguments(&Takes::Global(global))?;
        args.positional.insert(0, target);
        self.at_most(&args, 2)?;
        Ok(args)
    }

    /// `:foreach k,v in=…`, `:for i from=…`, `:onerror e in=…`.
    fn named_variables(&mut self, global: &'static Global) -> Parsed<Args> {
        let mut names = vec![self.variable_name()?];
        while global.name == "foreach" && self.cursor.eat(",") {
            names.push(self.variable_name()?);
        }
        let names = names.into_iter().map(|name| Expr::Literal(Value::text(&name), name)).collect::<Vec<_>>();
        let mut args = self.arguments(&Takes::Global(global))?;
        self.at_most(&args, 0)?;
        args.positional = names;
        Ok(args)
    }

    pub(super) fn at_most(&self, args: &Args, count: usize) -> Parsed<()> {
        if args.positional.len() > count { Err(self.cursor.error("expected end of command")) } else { Ok(()) }
    }

    /// `/ip hotspot user add …`, `add …`, `..`, or a bare path, which sets the context.
    fn path_command(&mut self) -> Parsed<Option<Statement>> {
        let start = self.cursor.at;
        let pos = self.cursor.pos();
        let absolute = self.cursor.eat("/");
        let mut path = if absolute { String::new() } else { self.context.clone() };
        let mut first = true;
        loop {
            let before = self.cursor.at;
            self.cursor.skip_blanks();
            while !first && self.cursor.eat("/") {}
            let at = self.cursor.at;
            if self.cursor.eat("..") {
                path.truncate(path.rfind('/').unwrap_or(0));
                first = false;
                continue;
            }
            let word = self.cursor.take_while(is_word);
            if word.is_empty() {
                if at == start {
                    return Err(self.cursor.error("expected command name"));
                }
                if self.cursor.peek().is_some_and(|byte| !ends_word(byte)) {
                    return Err(self.cursor.error("expected end of command"));
                }
                self.context = path;
                return Ok(None);
            }
            let below = format!("{path}/{word}");
            if self.cursor.peek() == Some(b'=') {
                self.cursor.at = before;
                return Err(self.cursor.error_at(at, "expected command name"));
            }
            if let Some(special) = self.grammar.special(&below) {
                let args = self.arguments(&Takes::Special(special))?;
                return Ok(Some(Statement::Command(Command { what: What::Special(special.path), args, pos })));
            }
            if self.grammar.is_directory(&below) {
                path = below;
                first = false;
                continue;
            }
            if word == "export" {
                let args = self.arguments(&Takes::Anything)?;
                return Ok(Some(Statement::Command(Command { what: What::Export(path), args, pos })));
            }
            if let Some(menu) = self.grammar.menu(&path).filter(|menu| menu.has_verb(&word)) {
                let takes = Takes::Menu(menu, word.clone());
                // `[find …]` among the arguments searches this menu.
                let outer = std::mem::replace(&mut self.context, path);
                let args = self.arguments(&takes)?;
                self.context = outer;
                return Ok(Some(Statement::Command(Command { what: What::Menu(MenuRef(menu), word), args, pos })));
            }
            return match self.grammar.global(&word).filter(|_| first && !absolute) {
                Some(global) => self.global(global, at).map(Some),
                // With slashes the parser stumbles behind the word, with blanks on it (observed on 7.21).
                None if self.cursor.peek() == Some(b'/') => Err(self.cursor.error("syntax error")),
                None => Err(self.cursor.error_at(at, format!("bad command name {word}"))),
            };
        }
    }

    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let from = self.cursor.at;
        if self.cursor.eat(word) && self.cursor.peek().is_none_or(|byte| !is_word(byte)) {
            return true;
        }
        self.cursor.at = from;
        false
    }

    /// What comes after `where`: conditions that stand side by side are all to hold.
    pub(super) fn filter(&mut self, menu: &'static Menu) -> Parsed<Option<Box<Expr>>> {
        let outer = self.row.replace(menu);
        let mut all: Option<Expr> = None;
        loop {
            self.cursor.skip_blanks();
            if self.cursor.peek().is_none_or(ends_word) {
                break;
            }
            let next = self.expression()?;
            all = Some(match all {
                None => next,
                Some(before) => Expr::Binary(super::ast::Binary::And, Box::new(before), Box::new(next)),
            });
        }
        self.row = outer;
        Ok(all.map(Box::new))
    }
}

/// Bytes of names of menus, commands and parameters.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
