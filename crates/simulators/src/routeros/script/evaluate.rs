//! Expressions and variables of a running script.

use std::sync::{Arc, PoisonError};

use super::{
    ast::{Binary, Expr, Part},
    machine::{Flow, Machine, Ran, Running, Slot, Stop},
    operators,
    value::{Array, Value},
};

/// Bytes one value may take.
const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;

impl Machine {
    /// The value of an expression.
    pub(super) fn eval<'a>(&'a mut self, expr: &'a Expr) -> Running<'a, Value> {
        // What needs no waiting is answered without a future of its own.
        if let Some(value) = self.simple(expr) {
            return Box::pin(std::future::ready(Ok(value)));
        }
        Box::pin(async move {
            let depth = self.depth;
            self.deeper()?;
            let value = self.eval_inner(expr).await;
            self.depth = depth;
            let value = value?;
            if value.weight() > VALUE_BYTES_MAX { Err(Stop::Limit("a value is too big")) } else { Ok(value) }
        })
    }

    fn simple(&self, expr: &Expr) -> Option<Value> {
        match expr {
            Expr::Literal(value, _) => Some(value.clone()),
            Expr::Variable(name) => Some(self.lookup(name)),
            Expr::Field(name) => Some(self.field(name)),
            Expr::Code(code) => Some(Value::Code(Arc::clone(code))),
            _ => None,
        }
    }

    async fn eval_inner(&mut self, expr: &Expr) -> Ran<Value> {
        match expr {
            Expr::Literal(..) | Expr::Variable(_) | Expr::Field(_) | Expr::Code(_) => {
                Ok(self.simple(expr).unwrap_or_default())
            }
            Expr::Text(parts) => {
                let mut text = Vec::new();
                for part in parts {
                    match part {
                        Part::Text(bytes) => text.extend_from_slice(bytes),
                        Part::Expr(expr) => text.extend(self.eval(expr).await?.bytes()),
                    }
                }
                Ok(Value::Str(text))
            }
            Expr::Array(items) => {
                let mut array = Array::default();
                for (key, value) in items {
                    let value = self.eval(value).await?;
                    match key {
                        None => array.items.push(value),
                        Some(key) => {
                            let key = self.eval(key).await?.display();
                            array.keyed.insert(key, value);
                        }
                    }
                }
                Ok(Value::Array(array))
            }
            Expr::Substitution(block) => self.substitution(block).await,
            Expr::Unary(operator, operand) => {
                let operand = self.eval(operand).await?;
                operators::unary(*operator, &operand).map_err(Stop::error)
            }
            // Both sides are always evaluated: there is no short cut (observed on 7.21).
            Expr::Binary(operator, left, right) => {
                let (left_is_field, right_is_field) =
                    (matches!(**left, Expr::Field(_)), matches!(**right, Expr::Field(_)));
                let left = self.eval(left).await?;
                let right = self.eval(right).await?;
                // A property compares with text by what it prints.
                let loose = self.loose || left_is_field || right_is_field;
                if loose && *operator == Binary::Match && left.is_nothing() {
                    return Ok(Value::Bool(false));
                }
                operators::binary(*operator, &left, &right, loose).map_err(Stop::error)
            }
            Expr::Call(command) => match self.command(command).await? {
                Flow::Next(value) | Flow::Return(value) => Ok(value),
            },
        }
    }

    /// A value as a command of a menu gets it: words as they were written.
    pub(super) async fn wire(&mut self, expr: &Expr) -> Ran<Vec<u8>> {
        match expr {
            Expr::Literal(Value::Str(bytes), _) => Ok(bytes.clone()),
            Expr::Literal(_, raw) => Ok(raw.clone().into_bytes()),
            Expr::Array(items) if items.iter().all(|(key, _)| key.is_none()) => {
                let mut parts = Vec::new();
                for (_, item) in items {
                    let part = match item {
                        Expr::Literal(Value::Str(bytes), _) => bytes.clone(),
                        Expr::Literal(_, raw) => raw.clone().into_bytes(),
                        other => self.eval(other).await?.wire(),
                    };
                    parts.push(part);
                }
                Ok(parts.join(&b','))
            }
            other => Ok(self.eval(other).await?.wire()),
        }
    }

    pub(super) fn lookup(&self, name: &str) -> Value {
        // In `where` a variable named like a property is that property (documented: choose other names).
        if self.row.as_ref().is_some_and(|(menu, _)| menu.field(name, self.grammar.ros).is_some()) {
            return self.field(name);
        }
        for scope in self.scopes.iter().rev() {
            match scope.get(name) {
                Some(Slot::Local(value)) => return value.clone(),
                Some(Slot::Global) => return self.global_value(name),
                None => {}
            }
        }
        if self.terminal { self.global_value(name) } else { Value::Nothing }
    }

    fn global_value(&self, name: &str) -> Value {
        self.globals.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned().unwrap_or_default()
    }

    fn set_global(&self, name: &str, value: Value) {
        self.globals.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value);
    }

    /// `:local name value`.
    pub(super) fn declare_local(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Slot::Local(value));
        }
    }

    /// `:global name value`; without a value one that is there stays.
    pub(super) fn declare_global(&mut self, name: &str, value: Option<Value>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Slot::Global);
        }
        let known = self.globals.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name);
        match value {
            Some(value) => self.set_global(name, value),
            None if !known => self.set_global(name, Value::Nothing),
            None => {}
        }
    }

    /// `:set name value`.
    pub(super) fn assign(&mut self, name: &str, value: Value) -> Ran<()> {
        for scope in self.scopes.iter_mut().rev() {
            match scope.get_mut(name) {
                Some(Slot::Local(kept)) => {
                    *kept = value;
                    return Ok(());
                }
                Some(Slot::Global) => {
                    self.set_global(name, value);
                    return Ok(());
                }
                None => {}
            }
        }
        let known = self.globals.lock().unwrap_or_else(PoisonError::into_inner).contains_key(name);
        if self.terminal && known {
            self.set_global(name, value);
            return Ok(());
        }
        Err(Stop::error(format!("variable {name} is not defined")))
    }

    /// `:set ($array->"key") value`.
    pub(super) async fn assign_element(&mut self, target: &Expr, value: Value) -> Ran<()> {
        let Expr::Binary(Binary::Element, array, key) = target else {
            return match target {
                Expr::Variable(name) => self.assign(name, value),
                _ => Err(Stop::error("cannot assign")),
            };
        };
        let mut keys = vec![self.eval(key).await?];
        let mut holder: &Expr = array;
        while let Expr::Binary(Binary::Element, outer, key) = holder {
            keys.push(self.eval(key).await?);
            holder = outer;
        }
        let Expr::Variable(name) = holder else { return Err(Stop::error("cannot assign")) };
        let whole = self.lookup(name);
        keys.reverse();
        let changed = with_element(whole, &keys, value)?;
        if changed.weight() > VALUE_BYTES_MAX {
            return Err(Stop::Limit("a value is too big"));
        }
        self.assign(name, changed)
    }
}

/// `array` with the element at `keys` replaced.
fn with_element(array: Value, keys: &[Value], value: Value) -> Ran<Value> {
    let Some((key, rest)) = keys.split_first() else { return Ok(value) };
    let mut array = match array {
        Value::Array(array) => array,
        Value::Nothing | Value::Nil => Array::default(),
        _ => return Err(Stop::error("cannot set an element of what is no array")),
    };
    let inner = with_element(operators::element(&Value::Array(array.clone()), key), rest, value)?;
    match key {
        Value::Num(index) => {
            let index = usize::try_from(*index).map_err(|_| Stop::error("bad array index"))?;
            match index.cmp(&array.items.len()) {
                std::cmp::Ordering::Less => {
                    if let Some(item) = array.items.get_mut(index) {
                        *item = inner;
                    }
                }
                std::cmp::Ordering::Equal => array.items.push(inner),
                std::cmp::Ordering::Greater => return Err(Stop::error("bad array index")),
            }
        }
        // Setting an element to nothing takes it away.
        key if inner.is_nothing() => drop(array.keyed.remove(&key.display())),
        key => drop(array.keyed.insert(key.display(), inner)),
    }
    Ok(Value::Array(array))
}
