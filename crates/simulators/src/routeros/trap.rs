//! The errors a router answers with, in its own words.

/// One `!trap`: a text and sometimes a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trap {
    pub(crate) category: Option<u8>,
    pub(crate) message: String,
}

impl Trap {
    /// A trap without a category, as most `failure: …` come.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { category: None, message: message.into() }
    }

    fn categorised(category: u8, message: impl Into<String>) -> Self {
        Self { category: Some(category), message: message.into() }
    }

    pub(crate) fn no_such_command() -> Self {
        Self::new("no such command")
    }

    pub(crate) fn no_such_directory() -> Self {
        Self::new("no such command prefix")
    }

    pub(crate) fn unknown_parameter(name: &str) -> Self {
        Self::new(format!("unknown parameter {name}"))
    }

    pub(crate) fn no_match(argument: &str) -> Self {
        Self::categorised(1, format!("input does not match any value of {argument}"))
    }

    pub(crate) fn ambiguous(argument: &str) -> Self {
        Self::categorised(1, format!("ambiguous value of {argument}, more than one possible value matches input"))
    }

    pub(crate) fn invalid_value(argument: &str) -> Self {
        Self::categorised(1, format!("invalid value for argument {argument}"))
    }

    pub(crate) fn out_of_range(argument: &str, min: u64, max: u64) -> Self {
        Self::categorised(1, format!("value of {argument} expects range of integer numbers {min}..{max}"))
    }

    pub(crate) fn invalid_time(argument: &str) -> Self {
        Self::categorised(1, format!("invalid time value for argument {argument}"))
    }

    pub(crate) fn missing(argument: &str) -> Self {
        Self::categorised(0, format!("missing value(s) of argument(s) {argument}"))
    }

    pub(crate) fn interrupted() -> Self {
        Self::categorised(2, "interrupted")
    }

    pub(crate) fn permission() -> Self {
        Self::new("not enough permissions (9)")
    }

    pub(crate) fn device_mode() -> Self {
        Self::new("failure: not allowed by device-mode")
    }
}
