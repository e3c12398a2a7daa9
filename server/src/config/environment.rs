//! Where configuration text comes from: the process environment over a `.env` file. Names that look like
//! ours but are not are refused here, because a misspelt name would otherwise be a silent default.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    str::FromStr,
};

use super::{
    ConfigError, Problem,
    table::{self, Fallback, Variable},
};

/// Names with these beginnings are meant for Bando, wherever they are set.
const OUR_PREFIXES: [&str; 2] = ["MPESA_", "MIKROTIK_"];
/// Names with this beginning are meant for Bando when they are in its file; in the environment they may be
/// those of the scripts around it.
const FILE_PREFIX: &str = "BANDO_";

/// The merged text values, before they are understood.
#[derive(Debug, Default)]
pub struct Environment {
    values: BTreeMap<String, String>,
    in_file: BTreeSet<String>,
}

impl Environment {
    /// Reads the process environment and, under it, the file at `env_file` if it exists.
    ///
    /// # Errors
    /// When the file cannot be read or a line of it is malformed.
    pub fn from_process(env_file: &Path, must_exist: bool) -> Result<Self, ConfigError> {
        let file = read_file(env_file, must_exist)?;
        Ok(Self::merge(
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
            file,
        ))
    }

    /// Merges pairs; those of the environment win over those of the file. An empty value counts as not set.
    pub fn merge(
        environment: impl IntoIterator<Item = (String, String)>,
        file: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let mut merged = Self::default();
        for (name, value) in file {
            merged.in_file.insert(name.clone());
            merged.values.insert(name, value);
        }
        for (name, value) in environment {
            if table::names().any(|ours| ours == name) || has_our_prefix(&name) || name.starts_with(FILE_PREFIX) {
                merged.values.insert(name, value);
            }
        }
        merged.values.retain(|_, value| !value.trim().is_empty());
        merged
    }

    /// A problem for each name that is not one of ours but was probably meant to be.
    pub(super) fn unknown_names(&self) -> Vec<Problem> {
        let mut seen: BTreeSet<&str> = self.values.keys().map(String::as_str).collect();
        seen.extend(self.in_file.iter().map(String::as_str));
        seen.into_iter().filter(|name| table::names().all(|ours| ours != *name)).filter_map(|n| self.judge(n)).collect()
    }

    fn judge(&self, name: &str) -> Option<Problem> {
        if name == "JWT_SECRET" && self.in_file.contains(name) {
            return Some(Problem::new(name, "is not used any more", "rename it to APP_SECRET"));
        }
        let nearest = table::names().map(|ours| (edit_distance(ours, name), ours)).min()?;
        let is_in_file = self.in_file.contains(name);
        let is_prefixed = has_our_prefix(name) || (is_in_file && name.starts_with(FILE_PREFIX));
        match nearest {
            (1..=2, ours) if is_prefixed || is_in_file || name.starts_with(FILE_PREFIX) => {
                Some(Problem::new(name, "is not a setting of Bando", format!("did you mean {ours}?")))
            }
            _ if is_prefixed => Some(Problem::new(
                name,
                "is not a setting of Bando",
                "remove it; `bando config sample` lists all settings",
            )),
            _ => None,
        }
    }
}

fn has_our_prefix(name: &str) -> bool {
    OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn read_file(path: &Path, must_exist: bool) -> Result<Vec<(String, String)>, ConfigError> {
    let name = path.display().to_string();
    if !path.exists() {
        return if must_exist {
            Err(ConfigError::one(&name, "does not exist", "check the name given with --env-file"))
        } else {
            Ok(Vec::new())
        };
    }
    let lines = dotenvy::from_path_iter(path).map_err(|_| {
        ConfigError::one(&name, "cannot be read", "check that the file belongs to the user Bando runs as")
    })?;
    let mut pairs = Vec::new();
    for line in lines {
        // The line itself is not repeated: it may hold a secret.
        pairs.push(line.map_err(|error| match error {
            dotenvy::Error::LineParse(_, position) => ConfigError::one(
                &name,
                format!(
                    "has a line that is not NAME=value (after {} settings, near character {position})",
                    pairs.len()
                ),
                "put values with spaces, # or $ in single quotes",
            ),
            _ => ConfigError::one(&name, "cannot be read", "check that it is a text file Bando may read"),
        })?);
    }
    Ok(pairs)
}

/// Reads values through the table and gathers every problem, so that one start shows all of them.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    problems: RefCell<Vec<Problem>>,
    read: RefCell<BTreeSet<&'static str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let problems = RefCell::new(environment.unknown_names());
        Self { environment, problems, read: RefCell::default() }
    }

    /// The text of a variable or its default; a problem when it is required and missing.
    pub(super) fn text(&self, variable: &Variable) -> Option<String> {
        self.read.borrow_mut().insert(variable.name);
        if let Some(value) = self.environment.values.get(variable.name) {
            return Some(value.trim().to_owned());
        }
        match variable.fallback {
            Fallback::Text(default) => Some(default.to_owned()),
            Fallback::Optional => None,
            Fallback::Required => {
                let first_sentence = variable.about.split(". ").next().unwrap_or_default();
                let form = if variable.example.is_empty() { first_sentence } else { variable.example };
                self.problem(variable, "is not set", format!("set it in the environment or in .env: {form}"));
                None
            }
        }
    }

    /// The value as its type; a problem with the expected form when it does not parse.
    pub(super) fn parse<T: FromStr>(&self, variable: &Variable, expected: &str) -> Option<T> {
        self.parse_with(variable, expected, |text| text.parse().ok())
    }

    /// Like [`parse`](Self::parse) with a function of the caller.
    pub(super) fn parse_with<T>(
        &self,
        variable: &Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(variable)?;
        let value = parse(&text);
        if value.is_none() {
            self.problem(variable, "is not understood", format!("it should be {expected}"));
        }
        value
    }

    /// Notes a problem with a variable.
    pub(super) fn problem(&self, variable: &Variable, what: impl Into<String>, todo: impl Into<String>) {
        self.problems.borrow_mut().push(Problem::new(variable.name, what, todo));
    }

    /// All problems found, or nothing.
    pub(super) fn finish(self) -> (Vec<Problem>, BTreeSet<&'static str>) {
        (self.problems.into_inner(), self.read.into_inner())
    }
}

/// How many single-character edits turn one name into the other.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::edit_distance;

    #[test]
    fn distances() {
        for (a, b, expected) in [("PORT", "PORT", 0), ("PORT", "PROT", 2), ("", "ABC", 3), ("HOST", "HOME", 2)] {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
        }
    }
}
