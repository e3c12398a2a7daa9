//! Scripts and script-like commands that come over the API: they run as a script of one command.

use std::sync::Arc;

use super::{
    Value,
    ast::{Args, Block, Command, Expr, Pos, Statement, What},
    job::Start,
    parser,
};
use crate::routeros::{
    account::Login,
    dispatch::{Answer, Wanted},
    router::Router,
    sentence,
    trap::Trap,
};

impl Router {
    /// `/system/script/run`.
    ///
    /// # Errors
    /// When there is no such script, the account may not run it, or it cannot be parsed.
    pub(crate) fn run_script(&mut self, login: &Login, command: &sentence::Command) -> Result<Answer, Trap> {
        let selector = command.selectors().ok_or_else(|| Trap::missing("numbers"))?;
        let [selector] = selector.as_slice() else { return Err(self.no_such_item()) };
        let (name, source) = self.script_to_run(login, selector)?;
        let block = self.parsed(&source)?;
        let start = Start { name, block, login: login.clone(), terminal: false };
        Ok(Answer::Script(self.start_script(start).1, Wanted::Success))
    }

    /// `/execute`: a job id at once, or with `as-string` what it printed.
    ///
    /// # Errors
    /// When the text cannot be parsed.
    pub(crate) fn execute(&mut self, login: &Login, command: &sentence::Command) -> Result<Answer, Trap> {
        let text = command.text("script").ok_or_else(|| Trap::missing("script"))?;
        let stored = self.named("/system/script", &text).map(|row| row.text("source"));
        let block = self.parsed(&stored.unwrap_or(text))?;
        let start = Start { name: "execute".to_owned(), block, login: login.clone(), terminal: false };
        let (id, ended) = self.start_script(start);
        if command.has("as-string") {
            Ok(Answer::Script(ended, Wanted::Output))
        } else {
            Ok(Answer::Ret(format!("*{id:X}").into_bytes()))
        }
    }

    /// `/tool/fetch` and `/import`.
    ///
    /// # Errors
    /// For arguments the command does not take.
    pub(crate) fn run_special_command(
        &mut self,
        login: &Login,
        path: &'static str,
        command: &sentence::Command,
        wanted: Wanted,
    ) -> Result<Answer, Trap> {
        let special = self.grammar().special(path).ok_or_else(Trap::no_such_command)?;
        let mut args = Args::default();
        for (name, value) in &command.attributes {
            if special.flags.contains(&name.as_str()) {
                args.flags.push(name.clone());
            } else if special.named.contains(&name.as_str()) {
                args.named.push((name.clone(), Expr::Literal(Value::Str(value.clone()), String::new())));
            } else {
                return Err(Trap::unknown_parameter(name));
            }
        }
        if let Some(name) = special.positional.iter().find(|name| args.get(name).is_none()) {
            return Err(Trap::missing(name));
        }
        let what = What::Special(special.path);
        let statement = Statement::Command(Command { what, args, pos: Pos { line: 1, column: 1 } });
        let block = Arc::new(Block { statements: vec![statement], source: path.to_owned() });
        let start = Start { name: path.to_owned(), block, login: login.clone(), terminal: false };
        Ok(Answer::Script(self.start_script(start).1, wanted))
    }

    fn parsed(&self, source: &str) -> Result<Arc<Block>, Trap> {
        let (block, _) = parser::parse(source, self.grammar(), "").map_err(|error| Trap::new(error.to_string()))?;
        Ok(Arc::new(block))
    }
}
