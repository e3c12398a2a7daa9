//! Expressions: operators by rank, values, arrays.
//!
//! The manual lists the operators without their ranks; those here follow its examples: arithmetic before `.`, `.`
//! before `,`, `,` before comparison, comparison before `and`, `and` before `or`.

use super::{
    ast::{Binary, Command, Expr, Statement, Unary, What},
    cursor::ParseError,
    parser::{Parser, ends_word, is_word},
    value::{self, Value},
};

type Parsed<T> = Result<T, ParseError>;

/// Operators by rank, the loosest first. Longer ones stand before their beginnings.
const RANKS: [&[(&str, Binary)]; 11] = [
    &[("||", Binary::Or), ("or", Binary::Or)],
    &[("&&", Binary::And), ("and", Binary::And)],
    &[
        ("<=", Binary::LessEqual),
        (">=", Binary::GreaterEqual),
        ("!=", Binary::Unequal),
        ("=", Binary::Equal),
        ("<", Binary::Less),
        (">", Binary::Greater),
        ("~", Binary::Match),
        ("in", Binary::In),
    ],
    &[(",", Binary::Join)],
    &[(".", Binary::Concat)],
    &[("|", Binary::BitOr)],
    &[("^", Binary::BitXor)],
    &[("&", Binary::BitAnd)],
    &[("<<", Binary::ShiftLeft), (">>", Binary::ShiftRight)],
    &[("+", Binary::Add), ("-", Binary::Subtract)],
    &[("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)],
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| parser.ranked(0))
    }

    fn ranked(&mut self, rank: usize) -> Parsed<Expr> {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let mut left = self.ranked(rank + 1)?;
        loop {
            self.skip_between();
            let Some(operator) = self.operator(operators) else { return Ok(left) };
            let compares = rank == 2;
            let right = if compares && self.row.is_some() { self.compared()? } else { self.ranked(rank + 1)? };
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
    }

    /// In `where` a line ends the expression; in parentheses it does not.
    fn skip_between(&mut self) {
        if self.row.is_some() { self.cursor.skip_blanks() } else { self.cursor.skip_white() }
    }

    fn operator(&mut self, operators: &[(&str, Binary)]) -> Option<Binary> {
        for (text, operator) in operators {
            if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
                if self.keyword(text) {
                    return Some(*operator);
                }
                continue;
            }
            if !self.cursor.starts_with(text) {
                continue;
            }
            let next = self.cursor.peek_at(text.len());
            // `|` is not half of `||`, `<` not half of `<<`, `-` not half of `->`.
            let halved = matches!(
                (*text, next),
                ("|", Some(b'|')) | ("&", Some(b'&')) | ("<", Some(b'<')) | (">", Some(b'>')) | ("-", Some(b'>'))
            );
            if !halved {
                self.cursor.skip(text.len());
                return Some(*operator);
            }
        }
        None
    }

    /// What a property is compared with: a word goes on to the next blank.
    fn compared(&mut self) -> Parsed<Expr> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            Some(b'"' | b'$' | b'(' | b'[' | b'{') => self.ranked(3),
            _ => {
                let text = self.cursor.take_while(|byte| !ends_word(byte) && !matches!(byte, b'&' | b'|' | b'"'));
                if text.is_empty() {
                    return Err(self.cursor.unexpected());
                }
                Ok(Expr::Literal(value::literal(&text), text))
            }
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        self.skip_between();
        let operator = match self.cursor.peek() {
            Some(b'!') => Unary::Not,
            Some(b'-') => Unary::Minus,
            Some(b'~') => Unary::BitNot,
            _ if self.keyword("not") => {
                let operand = self.deeper(Self::unary)?;
                return Ok(Expr::Unary(Unary::Not, Box::new(operand)));
            }
            _ => return self.elements(),
        };
        self.cursor.bump();
        let operand = self.deeper(Self::unary)?;
        Ok(Expr::Unary(operator, Box::new(operand)))
    }

    /// `$a->"b"->0`.
    fn elements(&mut self) -> Parsed<Expr> {
        let mut value = self.operand()?;
        loop {
            let at = self.cursor.at;
            self.skip_between();
            if !self.cursor.eat("->") {
                self.cursor.at = at;
                return Ok(value);
            }
            self.skip_between();
            let key = self.operand()?;
            value = Expr::Binary(Binary::Element, Box::new(value), Box::new(key));
        }
    }

    /// One value without operators.
    pub(super) fn operand(&mut self) -> Parsed<Expr> {
        self.skip_between();
        match self.cursor.peek() {
            Some(b'"') => self.string(),
            Some(b'$') => self.variable(),
            Some(b'[') => {
                let outer = self.row;
                let block = self.substitution()?;
                self.row = outer;
                Ok(Expr::Substitution(block))
            }
            Some(b'(') => self.parenthesis(),
            Some(b'{') => self.array(),
            Some(byte) if byte.is_ascii_digit() => Ok(self.numeral()),
            Some(b'*') => {
                let from = self.cursor.at;
                self.cursor.bump();
                let digits = self.cursor.take_while(|byte| byte.is_ascii_hexdigit());
                if digits.is_empty() {
                    self.cursor.at = from;
                    return Err(self.cursor.unexpected());
                }
                Ok(Expr::Literal(Value::Id(format!("*{}", digits.to_ascii_uppercase())), self.cursor.slice(from)))
            }
            _ => self.word(),
        }
    }

    pub(super) fn parenthesis(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            parser.cursor.bump();
            // Inside parentheses lines may break, also within `where`.
            parser.cursor.skip_white();
            if parser.cursor.eat(")") {
                return Ok(Expr::Literal(Value::Nothing, "()".to_owned()));
            }
            // `($f a b)`: a function called.
            let from = parser.cursor.at;
            let value = parser.expression()?;
            parser.cursor.skip_white();
            if parser.cursor.eat(")") {
                return Ok(value);
            }
            if let Expr::Variable(name) = value {
                parser.cursor.at = from;
                return parser.called(name);
            }
            Err(parser.cursor.unexpected())
        })
    }

    fn called(&mut self, name: String) -> Parsed<Expr> {
        let pos = self.cursor.pos();
        let Some(Statement::Command(command)) = self.call_statement()? else { return Err(self.cursor.unexpected()) };
        self.cursor.skip_white();
        if !self.cursor.eat(")") {
            return Err(self.cursor.unexpected());
        }
        Ok(Expr::Call(Box::new(Command { what: What::Call(name), pos, ..command })))
    }

    fn word(&mut self) -> Parsed<Expr> {
        let in_row = self.row.is_some();
        let from = self.cursor.at;
        let text = self
            .cursor
            .take_while(|byte| if in_row { is_word(byte) } else { byte.is_ascii_alphanumeric() || byte == b'_' });
        if text.is_empty() {
            return Err(self.cursor.unexpected());
        }
        let is_constant = matches!(text.as_str(), "true" | "false" | "nothing");
        match self.row {
            Some(_) if is_constant => Ok(Expr::Literal(value::literal(&text), text)),
            Some(menu) if self.grammar.has_property(menu, &text) => Ok(Expr::Field(text)),
            Some(_) => Err(self.cursor.error_at(from, "expected end of command")),
            None => Ok(Expr::Literal(value::literal(&text), text)),
        }
    }

    /// A number, a time, an address or a prefix: the longest that fits.
    fn numeral(&mut self) -> Expr {
        let from = self.cursor.at;
        let run = self.cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'/'));
        let mut length = run.len();
        while length > 0 {
            let text = run.get(..length).unwrap_or_default();
            let value = value::literal(text);
            if !matches!(value, Value::Str(_)) {
                self.cursor.at = from.saturating_add(length);
                return Expr::Literal(value, text.to_owned());
            }
            length -= 1;
        }
        self.cursor.at = from;
        let text = self.cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        Expr::Literal(Value::text(&text), text)
    }

    pub(super) fn variable(&mut self) -> Parsed<Expr> {
        self.cursor.bump();
        if self.cursor.peek() == Some(b'"') {
            return match self.string()? {
                Expr::Literal(name, _) => Ok(Expr::Variable(name.display())),
                _ => Err(self.cursor.unexpected()),
            };
        }
        let name = self.cursor.take_while(|byte| byte.is_ascii_alphanumeric());
        if name.is_empty() { Err(self.cursor.unexpected()) } else { Ok(Expr::Variable(name)) }
    }

    /// `{1;2;a=3}`. Keys are words or strings.
    fn array(&mut self) -> Parsed<Expr> {
        self.deeper(|parser| {
            let outer = parser.row.take();
            parser.cursor.bump();
            let mut items = Vec::new();
            loop {
                parser.cursor.skip_white();
                match parser.cursor.peek() {
                    None => return Err(parser.cursor.unexpected()),
                    Some(b'}') => {
                        parser.cursor.bump();
                        parser.row = outer;
                        return Ok(Expr::Array(items));
                    }
                    Some(b';') => parser.cursor.bump(),
                    Some(_) => items.push(parser.array_item()?),
                }
            }
        })
    }

    fn array_item(&mut self) -> Parsed<(Option<Expr>, Expr)> {
        let value = self.item_value()?;
        self.cursor.skip_white();
        if self.cursor.peek() != Some(b'=') {
            return Ok((None, value));
        }
        self.cursor.bump();
        self.cursor.skip_white();
        let of_key = self.item_value()?;
        Ok((Some(value), of_key))
    }

    fn item_value(&mut self) -> Parsed<Expr> {
        match self.cursor.peek() {
            Some(b'"' | b'$' | b'[' | b'(' | b'{') => self.elements(),
            _ => {
                let text = self.cursor.take_while(|byte| !ends_word(byte) && !matches!(byte, b'=' | b'"' | b'$'));
                if text.is_empty() {
                    return Err(self.cursor.unexpected());
                }
                Ok(Expr::Literal(value::literal(&text), text))
            }
        }
    }
}
