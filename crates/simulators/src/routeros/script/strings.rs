//! Strings: escapes, and values in them.

use super::{
    ast::{Expr, Part},
    cursor::ParseError,
    parser::{Parser, is_word},
    value::Value,
};

type Parsed<T> = Result<T, ParseError>;

impl Parser<'_> {
    /// `"…"`.
    pub(super) fn string(&mut self) -> Parsed<Expr> {
        let from = self.cursor.at;
        self.cursor.bump();
        let mut parts = Vec::new();
        let mut text = Vec::new();
        loop {
            let Some(byte) = self.cursor.peek() else { return Err(self.cursor.unexpected()) };
            match byte {
                b'"' => {
                    self.cursor.bump();
                    break;
                }
                b'\\' => text.extend(self.escape()?),
                b'$' => match self.interpolated()? {
                    Some(expr) => {
                        if !text.is_empty() {
                            parts.push(Part::Text(std::mem::take(&mut text)));
                        }
                        parts.push(Part::Expr(expr));
                    }
                    None => text.push(byte),
                },
                _ => {
                    self.cursor.bump();
                    text.push(byte);
                }
            }
        }
        if parts.is_empty() {
            return Ok(Expr::Literal(Value::Str(text), self.cursor.slice(from)).unquoted());
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Expr::Text(parts))
    }

    /// What follows a `$` in a string; nothing when the `$` stands for itself, which is taken then.
    fn interpolated(&mut self) -> Parsed<Option<Expr>> {
        let outer = self.row.take();
        let value = match self.cursor.peek_at(1) {
            Some(b'[') => {
                self.cursor.bump();
                Some(Expr::Substitution(self.substitution()?))
            }
            Some(b'(') => {
                self.cursor.bump();
                Some(self.parenthesis()?)
            }
            Some(next) if next.is_ascii_alphanumeric() => Some(self.variable()?),
            Some(b'"') if self.quotes_a_name() => Some(self.variable()?),
            _ => {
                self.cursor.bump();
                None
            }
        };
        self.row = outer;
        Ok(value)
    }

    /// Whether `$"` begins a variable's name and does not end the string.
    fn quotes_a_name(&self) -> bool {
        let mut ahead = 2;
        while let Some(byte) = self.cursor.peek_at(ahead) {
            match byte {
                b'"' => return ahead > 2,
                byte if is_word(byte) => ahead += 1,
                _ => return false,
            }
        }
        false
    }

    /// The manual's escapes; any other is a syntax error.
    fn escape(&mut self) -> Parsed<Vec<u8>> {
        if self.cursor.hides_line_end() {
            self.cursor.skip_blanks();
            return Ok(Vec::new());
        }
        self.cursor.bump();
        let Some(byte) = self.cursor.peek() else { return Err(self.cursor.unexpected()) };
        let single = match byte {
            b'"' | b'\\' | b'$' | b'?' => byte,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'_' => b' ',
            b'a' => 0x07,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'v' => 0x0b,
            _ => {
                let digit = |ahead| {
                    self.cursor.peek_at(ahead).filter(|b: &u8| b.is_ascii_hexdigit() && !b.is_ascii_lowercase())
                };
                let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err(self.cursor.unexpected()) };
                let code = u8::from_str_radix(&String::from_utf8_lossy(&[high, low]), 16);
                self.cursor.skip(2);
                return Ok(code.map(|code| vec![code]).unwrap_or_default());
            }
        };
        self.cursor.bump();
        Ok(vec![single])
    }
}

impl Expr {
    /// A quoted constant is handed on as what it says, not as it was written.
    fn unquoted(self) -> Self {
        match self {
            Self::Literal(value, _) => {
                let text = value.display();
                Self::Literal(value, text)
            }
            other => other,
        }
    }
}
