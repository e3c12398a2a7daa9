//! Runs what was parsed: statements, scopes, values. Commands of the language and of menus have files of their own.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    ast::{Args, Binary, Block, Command, Expr, Part, Statement, What},
    grammar::Grammar,
    host::Host,
    operators,
    value::{Array, Value},
};
use crate::routeros::{query::Attribute, router::Router, schema::Menu};

/// Steps a script may take.
const STEPS_MAX: u64 = 2_000_000;
/// Blocks, calls and expressions within each other.
const DEPTH_MAX: usize = 120;
/// Bytes one value may take.
const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes a script may print.
const OUTPUT_BYTES_MAX: usize = 1024 * 1024;

/// Why a script stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// `on-error` catches this: the router's words, and the command that said them.
    Error { message: String, place: String },
    /// `:quit`, or the router goes down.
    Quit,
    /// A limit of the simulator.
    Limit(&'static str),
}

impl Stop {
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::Error { message: message.into(), place: String::new() }
    }
}

/// How a statement ended.
#[derive(Debug, Clone)]
pub(crate) enum Flow {
    Next(Value),
    Return(Value),
}

/// What a whole script came to.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) output: Vec<u8>,
    pub(crate) result: Result<Value, Stop>,
}

impl Outcome {
    /// What is left of a script whose router went down.
    pub(crate) fn interrupted() -> Self {
        Self { output: Vec::new(), result: Err(Stop::error("interrupted")) }
    }

    /// The text of the error it ended with.
    pub(crate) fn error(&self) -> Option<String> {
        match &self.result {
            Ok(_) | Err(Stop::Quit) => None,
            Err(Stop::Error { message, .. }) => Some(message.clone()),
            Err(Stop::Limit(what)) => Some(format!("script stopped: {what}")),
        }
    }
}

pub(crate) type Ran<T> = Result<T, Stop>;
pub(super) type Running<'a, T> = Pin<Box<dyn Future<Output = Ran<T>> + Send + 'a>>;

/// A name in a scope.
#[derive(Debug, Clone)]
enum Slot {
    Local(Value),
    Global,
}

type Scope = BTreeMap<String, Slot>;
/// The variables every script shares.
pub(crate) type Globals = Arc<Mutex<BTreeMap<String, Value>>>;

/// One script as it runs.
pub(crate) struct Machine {
    pub(super) host: Host,
    pub(super) grammar: Grammar,
    pub(super) loose: bool,
    scopes: Vec<Scope>,
    globals: Globals,
    pub(super) output: Vec<u8>,
    steps: u64,
    depth: usize,
    /// The row a `where` is about.
    pub(super) row: Option<(&'static Menu, Vec<Attribute>)>,
    /// Ids by number as last printed, by menu.
    pub(super) printed: BTreeMap<&'static str, Vec<String>>,
    pub(super) name: String,
    terminal: bool,
    /// Whether the command at hand stands directly in `[ … ]`, where it gives its value instead of printing it.
    pub(super) in_brackets: bool,
}

impl Machine {
    pub(crate) fn new(host: Host, router: &Router, name: String, terminal: bool) -> Self {
        Self {
            host,
            grammar: router.grammar(),
            loose: router.options.unconfirmed.loose_equality,
            scopes: Vec::new(),
            globals: Arc::clone(&router.globals),
            output: Vec::new(),
            steps: 0,
            depth: 0,
            row: None,
            printed: router.printed.clone(),
            name,
            terminal,
            in_brackets: false,
        }
    }

    /// Runs a script to its end.
    pub(crate) async fn run(mut self, block: Arc<Block>) -> Outcome {
        let result = self.block(&block).await.map(|flow| match flow {
            Flow::Next(value) | Flow::Return(value) => value,
        });
        if self.terminal {
            let printed = std::mem::take(&mut self.printed);
            self.host.with(move |router| router.printed = printed).await;
        }
        Outcome { output: self.output, result }
    }

    pub(super) fn step(&mut self) -> Ran<()> {
        self.steps = self.steps.saturating_add(1);
        if self.steps > STEPS_MAX { Err(Stop::Limit("too many steps")) } else { Ok(()) }
    }

    pub(super) fn print(&mut self, bytes: &[u8]) -> Ran<()> {
        if self.output.len().saturating_add(bytes.len()) > OUTPUT_BYTES_MAX {
            return Err(Stop::Limit("too much output"));
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn print_line(&mut self, bytes: &[u8]) -> Ran<()> {
        self.print(bytes)?;
        self.print(b"\n")
    }

    fn deeper(&mut self) -> Ran<()> {
        self.step()?;
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Stop::Limit("too deep")) } else { Ok(()) }
    }

    /// Runs a block in a scope of its own.
    pub(super) fn block<'a>(&'a mut self, block: &'a Block) -> Running<'a, Flow> {
        self.block_with(block, Vec::new())
    }

    /// Runs a block with these variables in its scope.
    pub(super) fn block_with<'a>(&'a mut self, block: &'a Block, variables: Vec<(String, Value)>) -> Running<'a, Flow> {
        Box::pin(async move {
            let depth = self.depth;
            let scopes = self.scopes.len();
            let scope = variables.into_iter().map(|(name, value)| (name, Slot::Local(value))).collect();
            self.scopes.push(scope);
            let in_brackets = std::mem::replace(&mut self.in_brackets, false);
            let result = match self.deeper() {
                Ok(()) => self.statements(block, false).await,
                Err(stop) => Err(stop),
            };
            self.scopes.truncate(scopes);
            self.depth = depth;
            self.in_brackets = in_brackets;
            result
        })
    }

    async fn statements(&mut self, block: &Block, in_brackets: bool) -> Ran<Flow> {
        let mut last = Value::Nothing;
        for statement in &block.statements {
            match self.statement(statement, in_brackets).await? {
                Flow::Next(value) => last = value,
                done @ Flow::Return(_) => return Ok(done),
            }
        }
        Ok(Flow::Next(last))
    }

    async fn statement(&mut self, statement: &Statement, in_brackets: bool) -> Ran<Flow> {
        match statement {
            Statement::Command(command) => self.command(command).await,
            Statement::Block(block) => self.block(block).await,
            Statement::Evaluate(expr) => match self.eval(expr).await? {
                // `[[:parse "…"]]` runs what was parsed.
                Value::Code(code) if in_brackets => self.call(&code, Vec::new()).await.map(Flow::Next),
                value => Ok(Flow::Next(value)),
            },
        }
    }

    pub(super) fn command<'a>(&'a mut self, command: &'a Command) -> Running<'a, Flow> {
        Box::pin(async move {
            self.step()?;
            let result = match &command.what {
                What::Global(name) => self.global(name, command).await,
                What::Menu(menu, verb) => self.menu_command(menu.0, verb, &command.args).await.map(Flow::Next),
                What::Special(path) => self.special(path, &command.args).await.map(Flow::Next),
                What::Export(path) => self.export(path, &command.args).await.map(Flow::Next),
                What::Call(name) => self.call_named(name, &command.args).await.map(Flow::Next),
            };
            result.map_err(|stop| placed(stop, command))
        })
    }

    /// The value of `[ … ]`.
    fn substitution<'a>(&'a mut self, block: &'a Block) -> Running<'a, Value> {
        Box::pin(async move {
            let depth = self.depth;
            let scopes = self.scopes.len();
            let row = self.row.take();
            let in_brackets = std::mem::replace(&mut self.in_brackets, true);
            self.scopes.push(Scope::new());
            let result = match self.deeper() {
                Ok(()) => self.statements(block, true).await,
                Err(stop) => Err(stop),
            };
            self.scopes.truncate(scopes);
            self.depth = depth;
            self.row = row;
            self.in_brackets = in_brackets;
            result.map(|flow| match flow {
                Flow::Next(value) | Flow::Return(value) => value,
            })
        })
    }

    async fn call_named(&mut self, name: &str, args: &Args) -> Ran<Value> {
        let code = match self.lookup(name) {
            Value::Code(code) => code,
            // What is no function is no error: nothing happens, as for an undefined name.
            Value::Nothing | Value::Nil => return Ok(Value::Nothing),
            other if args.positional.is_empty() && args.named.is_empty() => return Ok(other),
            _ => return Err(Stop::error("invalid function")),
        };
        let mut variables = vec![("0".to_owned(), Value::text(name))];
        for (at, expr) in args.positional.iter().enumerate() {
            variables.push(((at + 1).to_string(), self.eval(expr).await?));
        }
        for (name, expr) in &args.named {
            variables.push((name.clone(), self.eval(expr).await?));
        }
        self.call(&code, variables).await
    }

    /// Runs code as a function: it sees its arguments and nothing of its caller.
    pub(super) fn call<'a>(&'a mut self, code: &'a Block, variables: Vec<(String, Value)>) -> Running<'a, Value> {
        Box::pin(async move {
            let outer = std::mem::take(&mut self.scopes);
            let terminal = std::mem::replace(&mut self.terminal, false);
            let result = self.block_with(code, variables).await;
            self.scopes = outer;
            self.terminal = terminal;
            result.map(|flow| match flow {
                Flow::Return(value) => value,
                // Without `:return` a function gives nothing.
                Flow::Next(_) => Value::Nothing,
            })
        })
    }

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

    fn lookup(&self, name: &str) -> Value {
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

/// Notes which command failed, as `:onerror` tells it.
fn placed(stop: Stop, command: &Command) -> Stop {
    match stop {
        Stop::Error { message, place } if place.is_empty() => {
            let what = match &command.what {
                What::Global(name) => format!(":{name}"),
                What::Menu(menu, verb) => format!("{}/{verb}", menu.0.path),
                What::Special(path) => (*path).to_owned(),
                What::Export(path) => format!("{path}/export"),
                What::Call(name) => format!("${name}"),
            };
            Stop::Error { message, place: format!("{what}; line {}", command.pos.line) }
        }
        other => other,
    }
}
