//! Runs what was parsed: statements, scopes, values. Commands of the language and of menus have files of their own.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
};

use super::{
    ast::{Args, Block, Command, Statement, What},
    grammar::Grammar,
    host::Host,
    value::Value,
};
use crate::routeros::{query::Attribute, router::Router, schema::Menu};

/// Steps a script may take.
const STEPS_MAX: u64 = 2_000_000;
/// Blocks, calls and expressions within each other.
const DEPTH_MAX: usize = 120;
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
pub(super) enum Slot {
    Local(Value),
    Global,
}

pub(super) type Scope = BTreeMap<String, Slot>;
/// The variables every script shares.
pub(crate) type Globals = Arc<Mutex<BTreeMap<String, Value>>>;

/// One script as it runs.
pub(crate) struct Machine {
    pub(super) host: Host,
    pub(super) grammar: Grammar,
    pub(super) loose: bool,
    pub(super) scopes: Vec<Scope>,
    pub(super) globals: Globals,
    pub(super) output: Vec<u8>,
    steps: u64,
    pub(super) depth: usize,
    /// The row a `where` is about.
    pub(super) row: Option<(&'static Menu, Vec<Attribute>)>,
    /// Ids by number as last printed, by menu.
    pub(super) printed: BTreeMap<&'static str, Vec<String>>,
    pub(super) name: String,
    pub(super) terminal: bool,
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

    pub(super) fn deeper(&mut self) -> Ran<()> {
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
    pub(super) fn substitution<'a>(&'a mut self, block: &'a Block) -> Running<'a, Value> {
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
