//! Arguments of a command: what it takes is known, what it does not take is an error of parsing.

use super::{
    ast::{Args, Expr},
    cursor::ParseError,
    grammar::{self, Global, Special},
    parser::{Parser, ends_word, is_word},
    value::{self, Value},
};
use crate::routeros::schema::Menu;

type Parsed<T> = Result<T, ParseError>;

/// Which arguments a command takes.
pub(super) enum Takes {
    Global(&'static Global),
    Menu(&'static Menu, String),
    Special(&'static Special),
    Anything,
}

impl Parser<'_> {
    pub(super) fn arguments(&mut self, takes: &Takes) -> Parsed<Args> {
        let mut args = Args::default();
        if let Takes::Menu(menu, verb) = takes
            && verb == "find"
        {
            self.cursor.skip_blanks();
            self.keyword("where");
            args.filter = self.filter(menu)?;
            return Ok(args);
        }
        loop {
            self.cursor.skip_blanks();
            let Some(byte) = self.cursor.peek().filter(|byte| !ends_word(*byte)) else { break };
            if matches!(byte, b'"' | b'$' | b'[' | b'(' | b'{') {
                let value = self.positional_value(takes)?;
                args.positional.push(value);
                continue;
            }
            let at = self.cursor.at;
            let negated = self.cursor.eat("!");
            let word = self.cursor.take_while(is_word);
            if self.cursor.peek() == Some(b'=') && !word.is_empty() && !negated {
                self.check_named(takes, &word, at)?;
                self.cursor.bump();
                let value = self.named_value(takes, &word)?;
                args.named.push((word, value));
                continue;
            }
            if negated {
                self.check_named(takes, &word, at)?;
                args.unset.push(word);
                continue;
            }
            if let (Takes::Menu(menu, verb), "where") = (takes, word.as_str())
                && matches!(verb.as_str(), "print" | "getall" | "listen")
            {
                args.filter = self.filter(menu)?;
                break;
            }
            if self.takes_flag(takes, &word) && self.cursor.peek().is_none_or(ends_word) {
                args.flags.push(word);
                continue;
            }
            self.cursor.at = at;
            let value = self.bare_value()?;
            args.positional.push(value);
        }
        self.check_positional(takes, &args)?;
        Ok(args)
    }

    fn check_positional(&self, takes: &Takes, args: &Args) -> Parsed<()> {
        match takes {
            Takes::Global(global) => self.at_most(args, global.positional),
            Takes::Special(special) => self.at_most(args, special.positional.len()),
            Takes::Menu(_, verb) => self.at_most(args, grammar::positional_names(verb).len()),
            Takes::Anything => Ok(()),
        }
    }

    fn takes_flag(&self, takes: &Takes, word: &str) -> bool {
        match takes {
            Takes::Global(global) => global.flags.contains(&word),
            Takes::Special(special) => special.flags.contains(&word),
            Takes::Menu(menu, verb) => self.grammar.takes_flag(menu, verb, word),
            Takes::Anything => false,
        }
    }

    fn check_named(&self, takes: &Takes, name: &str, at: usize) -> Parsed<()> {
        let known = match takes {
            Takes::Global(global) => global.named.contains(&name) || global.code.contains(&name),
            Takes::Special(special) => special.named.contains(&name) || special.flags.contains(&name),
            Takes::Menu(menu, verb) => {
                self.grammar.takes(menu, verb, name) || self.grammar.takes_flag(menu, verb, name)
            }
            Takes::Anything => true,
        };
        // The place is that of the equals sign's end, as routers count it (observed).
        if known { Ok(()) } else { Err(self.cursor.error_at(at, "expected end of command")) }
    }

    fn named_value(&mut self, takes: &Takes, name: &str) -> Parsed<Expr> {
        let is_code = match takes {
            Takes::Global(global) => global.code.contains(&name),
            // `source={…}`, `on-event={…}`: the text between the braces.
            Takes::Menu(..) | Takes::Special(_) => true,
            Takes::Anything => false,
        };
        match self.cursor.peek() {
            Some(b'{') if is_code => {
                if matches!(takes, Takes::Global(_)) {
                    self.code().map(Expr::Code)
                } else {
                    self.source_text()
                }
            }
            None => Ok(Expr::Literal(Value::text(""), String::new())),
            Some(byte) if ends_word(byte) => {
                let at = self.cursor.at;
                self.cursor.skip_blanks();
                // `name= other=…` is refused, `name=` at the end is an empty value (observed on 7.23).
                if self.cursor.peek().is_none_or(ends_word) {
                    Ok(Expr::Literal(Value::text(""), String::new()))
                } else {
                    Err(self.cursor.error_at(at, "expected end of command"))
                }
            }
            Some(_) => self.argument_value(),
        }
    }

    /// `{ … }` kept as text: it is parsed when it runs, on the router it runs on.
    fn source_text(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            parser.cursor.bump();
            let from = parser.cursor.at;
            parser.skip_balanced()?;
            let mut source = parser.cursor.slice(from);
            source.pop();
            Ok(Expr::Literal(Value::text(&source), source))
        })
    }

    /// Behind the brace that closes what is open, minding strings.
    fn skip_balanced(&mut self) -> Parsed<()> {
        let mut open = 1_usize;
        let mut quoted = false;
        while let Some(byte) = self.cursor.peek() {
            self.cursor.bump();
            match byte {
                b'\\' => self.cursor.bump(),
                b'"' => quoted = !quoted,
                b'{' if !quoted => open += 1,
                b'}' if !quoted => open -= 1,
                _ => {}
            }
            if open == 0 {
                return Ok(());
            }
        }
        Err(self.cursor.unexpected())
    }

    fn positional_value(&mut self, takes: &Takes) -> Parsed<Expr> {
        let is_code = matches!(takes, Takes::Global(global) if global.code_first);
        if is_code && self.cursor.peek() == Some(b'{') {
            return self.code().map(Expr::Code);
        }
        let value = self.argument_value()?;
        if self.cursor.peek().is_none_or(|byte| ends_word(byte) || byte == b'\\') {
            Ok(value)
        } else {
            Err(self.cursor.error("expected end of command"))
        }
    }

    /// A value as an argument: one operand, or several joined by commas.
    fn argument_value(&mut self) -> Parsed<Expr> {
        let first = match self.cursor.peek() {
            Some(b'"' | b'$' | b'[' | b'(' | b'{') => self.operand()?,
            _ => self.bare_value()?,
        };
        if self.cursor.peek() != Some(b',') {
            return Ok(first);
        }
        let mut items = vec![(None, first)];
        while self.cursor.eat(",") {
            let next = match self.cursor.peek() {
                Some(b'"' | b'$' | b'[' | b'(' | b'{') => self.operand()?,
                _ => self.bare_value()?,
            };
            items.push((None, next));
        }
        Ok(Expr::Array(items))
    }

    /// A word without quotes.
    pub(super) fn bare_value(&mut self) -> Parsed<Expr> {
        let stops = |byte: u8| ends_word(byte) || matches!(byte, b'"' | b'$' | b'[' | b'(' | b'{' | b'?' | b'\\');
        let text = self.cursor.take_while(|byte| !stops(byte));
        if text.is_empty() || self.cursor.peek().is_some_and(|byte| !ends_word(byte) && byte != b'\\') {
            return Err(self.cursor.error("expected end of command"));
        }
        if text.contains(',') && !text.starts_with(',') {
            let items = text.split(',').map(|part| (None, Expr::Literal(value::literal(part), part.to_owned())));
            return Ok(Expr::Array(items.collect()));
        }
        Ok(Expr::Literal(value::literal(&text), text))
    }
}
