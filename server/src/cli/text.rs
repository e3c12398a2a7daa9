//! Reading and printing on the command line.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use secrecy::SecretString;
use serde::Serialize;

use super::Failure;

/// Longest password that is read, in bytes.
const PASSWORD_MAX: u64 = 1024;

/// Prints a line. A closed pipe is nobody's fault.
pub(super) fn say(line: &str) {
    drop(writeln!(io::stdout(), "{line}"));
}

/// Prints a value as one line of JSON.
pub(super) fn json_line<T: Serialize + ?Sized>(value: &T) {
    match serde_json::to_string(value) {
        Ok(text) => say(&text),
        Err(error) => tracing::error!(%error, "the list could not be printed"),
    }
}

/// Prints rows in columns wide enough for their longest cell.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let lines: Vec<&Vec<String>> = std::iter::once(&headings).chain(rows).collect();
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    for line in &lines {
        let cells: Vec<String> =
            line.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column))).collect();
        say(cells.join("  ").trim_end());
    }
}

/// Where a password comes from: the argument, standard input, or a person who is asked twice.
pub(super) fn password(argument: Option<String>, from_stdin: bool, twice: bool) -> Result<SecretString, Failure> {
    if let Some(password) = argument {
        return Ok(password.into());
    }
    if from_stdin {
        let mut text = String::new();
        let read = io::stdin().lock().take(PASSWORD_MAX).read_to_string(&mut text);
        read.map_err(|_| Failure::usage("no password could be read from standard input"))?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned().into());
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("no password was given: use --password-stdin and send it to standard input"));
    }
    let first = ask("Password: ")?;
    if twice && ask("The same again: ")? != first {
        return Err(Failure::usage("the two passwords are not the same"));
    }
    Ok(first.into())
}

/// Asks a person without showing what they type.
fn ask(question: &str) -> Result<String, Failure> {
    let unreadable = |_| Failure::usage("the password could not be read");
    drop(write!(io::stderr(), "{question}").and_then(|()| io::stderr().flush()));
    let _hidden = Hidden::start();
    let mut line = String::new();
    io::stdin().lock().take(PASSWORD_MAX).read_line(&mut line).map_err(unreadable)?;
    drop(writeln!(io::stderr()));
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Hidden;

impl Hidden {
    fn start() -> Self {
        stty("-echo");
        Self
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        stty("echo");
    }
}

fn stty(setting: &str) {
    // A terminal without stty shows the password; that is better than no way to set one.
    drop(std::process::Command::new("stty").arg(setting).status());
}
