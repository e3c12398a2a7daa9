//! Commands of the language that steer: conditions, loops, functions, errors.

use std::sync::Arc;

use super::{
    ast::{Args, Block, Command, Expr},
    job::Start,
    machine::{Flow, Machine, Outcome, Ran, Running, Stop},
    parser,
    value::{Array, NANOS, Value},
};

const NEXT: Flow = Flow::Next(Value::Nothing);

impl Machine {
    /// One command of the language.
    pub(super) fn global<'a>(&'a mut self, name: &'static str, command: &'a Command) -> Running<'a, Flow> {
        let args = &command.args;
        Box::pin(async move {
            match name {
                "put" => {
                    let value = self.first(args, "message").await?;
                    self.print_line(&value.bytes())?;
                    Ok(NEXT)
                }
                "log" => self.log(args).await,
                "local" | "global" => self.declare(name, args).await,
                "set" => self.set(args).await,
                "if" => self.condition(args).await,
                "foreach" => self.foreach(args).await,
                "for" => self.count(args).await,
                "while" => self.repeat_while(args).await,
                "do" => self.do_block(args).await,
                "onerror" => self.on_error(args).await,
                "retry" => self.retry(args).await,
                "error" => {
                    let message = self.first(args, "message").await?;
                    Err(Stop::error(message.display()))
                }
                "return" => self.first(args, "value").await.map(Flow::Return),
                "quit" => Err(Stop::Quit),
                "delay" => self.delay(args).await,
                "time" => self.timed(args).await,
                "parse" => self.parse(args).await,
                "execute" => self.execute(args).await.map(Flow::Next),
                "beep" | "nothing" => Ok(Flow::Next(Value::Nil)),
                "jobname" => Ok(Flow::Next(Value::text(&self.name))),
                other => self.function(other, args).await.map(Flow::Next),
            }
        })
    }

    /// The first value without a name, or the one called `name`.
    pub(super) async fn first(&mut self, args: &Args, name: &str) -> Ran<Value> {
        match args.positional.first().or_else(|| args.get(name)) {
            Some(expr) => self.eval(expr).await,
            None => Err(Stop::error(format!("missing value(s) of argument(s) {name}"))),
        }
    }

    /// The value called `name`.
    pub(super) async fn named(&mut self, args: &Args, name: &str) -> Ran<Option<Value>> {
        match args.get(name) {
            Some(expr) => self.eval(expr).await.map(Some),
            None => Ok(None),
        }
    }

    async fn log(&mut self, args: &Args) -> Ran<Flow> {
        let (Some(topic), Some(message)) = (args.positional.first(), args.positional.get(1).or(args.get("message")))
        else {
            return Err(Stop::error("missing value(s) of argument(s) message"));
        };
        let topic = self.eval(topic).await?.display();
        let message = self.eval(message).await?.display();
        self.write_log(&topic, message).await.map(Flow::Next)
    }

    /// Writes a line of the router's log.
    pub(super) async fn write_log(&mut self, topic: &str, message: String) -> Ran<Value> {
        let topics = match topic {
            "info" => "script,info",
            "warning" => "script,warning",
            "error" => "script,error",
            "debug" => "script,debug",
            _ => return Err(Stop::error("input does not match any value of topics")),
        };
        self.host.with(move |router| router.note(topics, &message)).await;
        Ok(Value::Nothing)
    }

    async fn declare(&mut self, kind: &str, args: &Args) -> Ran<Flow> {
        let Some(Expr::Literal(name, _)) = args.positional.first() else { return Err(Stop::error("no name")) };
        let name = name.display();
        let value = match args.get("do").or_else(|| args.positional.get(1)) {
            Some(expr) => Some(self.eval(expr).await?),
            None => None,
        };
        if kind == "local" {
            self.declare_local(&name, value.unwrap_or_default());
        } else {
            self.declare_global(&name, value);
        }
        Ok(NEXT)
    }

    async fn set(&mut self, args: &Args) -> Ran<Flow> {
        let value = match args.get("do").or_else(|| args.positional.get(1)) {
            Some(expr) => self.eval(expr).await?,
            None => Value::Nothing,
        };
        let Some(target) = args.positional.first() else { return Err(Stop::error("no name")) };
        self.assign_element(target, value).await?;
        Ok(NEXT)
    }

    async fn holds(&mut self, expr: &Expr) -> Ran<bool> {
        let value = self.eval(expr).await?;
        value.truth().ok_or_else(|| Stop::error("conditional not boolean"))
    }

    async fn condition(&mut self, args: &Args) -> Ran<Flow> {
        let Some(condition) = args.positional.first() else { return Ok(NEXT) };
        let branch = if self.holds(condition).await? { args.get("do") } else { args.get("else") };
        match branch {
            Some(Expr::Code(code)) => self.block(code).await,
            Some(other) => self.eval(other).await.map(Flow::Next),
            None => Ok(NEXT),
        }
    }

    /// Runs the body of a loop with its variables.
    async fn body(&mut self, args: &Args, variables: Vec<(String, Value)>) -> Ran<Option<Value>> {
        self.step()?;
        match args.get("do") {
            Some(Expr::Code(code)) => match self.block_with(code, variables).await? {
                Flow::Return(value) => Ok(Some(value)),
                Flow::Next(_) => Ok(None),
            },
            _ => Ok(None),
        }
    }

    async fn foreach(&mut self, args: &Args) -> Ran<Flow> {
        let names: Vec<String> = args.positional.iter().filter_map(literal_name).collect();
        let over = self.named(args, "in").await?.unwrap_or_default();
        let entries = match over {
            Value::Array(array) => array.entries(),
            Value::Nothing | Value::Nil => Vec::new(),
            other => vec![(Value::Num(0), other)],
        };
        for (key, value) in entries {
            let variables = match names.as_slice() {
                [only] => vec![(only.clone(), value)],
                [first, second] => vec![(first.clone(), key), (second.clone(), value)],
                _ => return Err(Stop::error("too many variables")),
            };
            if let Some(value) = self.body(args, variables).await? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(NEXT)
    }

    async fn count(&mut self, args: &Args) -> Ran<Flow> {
        let Some(name) = args.positional.first().and_then(literal_name) else { return Ok(NEXT) };
        let mut bounds = Vec::new();
        for (bound, default) in [("from", 0), ("to", 0)] {
            let value = self.named(args, bound).await?.unwrap_or(Value::Num(default));
            let Value::Num(number) = value.to_number() else {
                return Err(Stop::error(format!("invalid value for argument {bound}")));
            };
            bounds.push(number);
        }
        let [from, to] = *bounds.as_slice() else { return Ok(NEXT) };
        let step = match self.named(args, "step").await?.map(|value| value.to_number()) {
            Some(Value::Num(0)) => return Err(Stop::error("step can not be zero")),
            Some(Value::Num(step)) => step,
            _ if from > to => -1,
            _ => 1,
        };
        let mut at = from;
        while (step > 0 && at <= to) || (step < 0 && at >= to) {
            if let Some(value) = self.body(args, vec![(name.clone(), Value::Num(at))]).await? {
                return Ok(Flow::Return(value));
            }
            let Some(next) = at.checked_add(step) else { break };
            at = next;
        }
        Ok(NEXT)
    }

    async fn repeat_while(&mut self, args: &Args) -> Ran<Flow> {
        let Some(condition) = args.positional.first() else { return Ok(NEXT) };
        while self.holds(condition).await? {
            if let Some(value) = self.body(args, Vec::new()).await? {
                return Ok(Flow::Return(value));
            }
        }
        Ok(NEXT)
    }

    async fn do_block(&mut self, args: &Args) -> Ran<Flow> {
        let Some(Expr::Code(code)) = args.positional.first() else { return Ok(NEXT) };
        loop {
            self.step()?;
            let ran = self.block(code).await;
            let flow = match (ran, args.get("on-error")) {
                (Err(Stop::Error { .. }), Some(Expr::Code(handler))) => return self.block(handler).await,
                (ran, _) => ran?,
            };
            if matches!(flow, Flow::Return(_)) {
                return Ok(flow);
            }
            let Some(condition) = args.get("while") else { return Ok(flow) };
            if !self.holds(condition).await? {
                return Ok(NEXT);
            }
        }
    }

    /// `:onerror e in={…} do={…}`: true when there was an error (observed on 7.21).
    async fn on_error(&mut self, args: &Args) -> Ran<Flow> {
        let Some(name) = args.positional.first().and_then(literal_name) else { return Ok(NEXT) };
        let Some(Expr::Code(code)) = args.get("in") else { return Ok(Flow::Next(Value::Bool(false))) };
        match self.block(code).await {
            Err(Stop::Error { message, place }) => {
                let text = Value::text(format!("{message} ({place})"));
                if let Some(Expr::Code(handler)) = args.get("do")
                    && let done @ Flow::Return(_) = self.block_with(handler, vec![(name, text)]).await?
                {
                    return Ok(done);
                }
                Ok(Flow::Next(Value::Bool(true)))
            }
            Ok(done @ Flow::Return(_)) => Ok(done),
            Ok(Flow::Next(_)) => Ok(Flow::Next(Value::Bool(false))),
            Err(stop) => Err(stop),
        }
    }

    /// `:retry command={…} delay=1 max=3 on-error={…}`; `max=0` runs nothing (observed on 7.21).
    async fn retry(&mut self, args: &Args) -> Ran<Flow> {
        let Some(Expr::Code(code)) = args.get("command") else { return Ok(NEXT) };
        let most = self.named(args, "max").await?.map_or(Value::Num(1), |value| value.to_number());
        let Value::Num(most) = most else { return Err(Stop::error("invalid value for argument max")) };
        let pause = self.named(args, "delay").await?.unwrap_or(Value::Num(0));
        let mut last = None;
        for turn in 0..most {
            if turn > 0 {
                self.pause(&pause).await?;
            }
            match self.block(code).await {
                Err(error @ Stop::Error { .. }) => last = Some(error),
                other => return other,
            }
        }
        match (last, args.get("on-error")) {
            (None, _) => Ok(NEXT),
            (Some(_), Some(Expr::Code(handler))) => self.block(handler).await,
            (Some(error), _) => Err(error),
        }
    }

    async fn delay(&mut self, args: &Args) -> Ran<Flow> {
        let time = if args.positional.is_empty() && args.named.is_empty() {
            Value::Num(1)
        } else {
            self.first(args, "delay-time").await?
        };
        self.pause(&time).await?;
        Ok(NEXT)
    }

    async fn pause(&mut self, time: &Value) -> Ran<()> {
        let Value::Time(nanos) = time.to_time() else {
            return Err(Stop::error("invalid time value for argument delay-time"));
        };
        let ms = u64::try_from(nanos / 1_000_000).unwrap_or(0);
        if ms > 0 {
            self.host.sleep(ms).await;
        }
        Ok(())
    }

    /// `:time {…}`: how long it took, in simulated time.
    async fn timed(&mut self, args: &Args) -> Ran<Flow> {
        let Some(Expr::Code(code)) = args.positional.first() else { return Ok(NEXT) };
        let before = self.host.with(|router| router.now_ms).await;
        self.block(code).await?;
        let after = self.host.with(|router| router.now_ms).await;
        Ok(Flow::Next(Value::Time(i128::from(after.saturating_sub(before)) * (NANOS / 1000))))
    }

    /// `:parse "…"`: a syntax error is an error of this command, which `on-error` catches.
    async fn parse(&mut self, args: &Args) -> Ran<Flow> {
        let text = self.first(args, "script").await?.display();
        let (block, _) = parser::parse(&text, self.grammar, "").map_err(|error| Stop::error(error.to_string()))?;
        Ok(Flow::Next(Value::Code(Arc::new(block))))
    }

    /// `:execute`: a script of its own. Its errors are its own too (observed on 7.21).
    pub(super) async fn execute(&mut self, args: &Args) -> Ran<Value> {
        let script = self.first(args, "script").await?;
        let file = self.named(args, "file").await?.map(|value| value.display());
        let block = match script {
            Value::Code(code) => code,
            text => self.compiled(&text.display()).await?,
        };
        if !args.has_flag("as-string") && args.get("as-string").is_none() {
            return Ok(self.background(block, file).await);
        }
        let outcome = self.nested(&block).await?;
        Ok(Value::Str(outcome.output))
    }

    /// The text of a script, or the name of one, as code.
    pub(super) async fn compiled(&mut self, text: &str) -> Ran<Arc<Block>> {
        let name = text.to_owned();
        let stored =
            self.host.with(move |router| router.named("/system/script", &name).map(|row| row.text("source"))).await;
        let source = stored.unwrap_or_else(|| text.to_owned());
        let (block, _) = parser::parse(&source, self.grammar, "").map_err(|error| Stop::error(error.to_string()))?;
        Ok(Arc::new(block))
    }

    async fn background(&mut self, block: Arc<Block>, file: Option<String>) -> Value {
        let login = self.host.login.clone();
        let id = self
            .host
            .with(move |router| {
                let start = Start { name: "execute".to_owned(), block, login, terminal: false };
                let (id, mut ended) = router.start_script(start);
                if let (Some(file), Ok(outcome)) = (file, ended.try_recv()) {
                    router.put_file(&format!("{file}.txt"), &String::from_utf8_lossy(&outcome.output));
                }
                id
            })
            .await;
        Value::Id(format!("*{id:X}"))
    }

    /// Runs code with an output of its own.
    pub(super) async fn nested(&mut self, block: &Block) -> Ran<Outcome> {
        let output = std::mem::take(&mut self.output);
        let result = self.call(block, Vec::new()).await;
        let output = std::mem::replace(&mut self.output, output);
        match result {
            Err(stop @ Stop::Limit(_)) => Err(stop),
            result => Ok(Outcome { output, result }),
        }
    }
}

fn literal_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value, _) => Some(value.display()),
        _ => None,
    }
}

/// An array of an iterator.
pub(super) fn array_of(items: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(Array::of(items.into_iter().collect()))
}
