//! What the parser must know of this router: menus, verbs and parameters are checked before anything runs.

use crate::routeros::{
    dispatch::PRINT_ARGUMENTS,
    options::RosVersion,
    schema::{self, Menu},
};

/// A command that belongs to no table.
pub(crate) struct Special {
    pub(crate) path: &'static str,
    pub(crate) named: &'static [&'static str],
    /// What values without a name stand for, in order.
    pub(crate) positional: &'static [&'static str],
    pub(crate) flags: &'static [&'static str],
}

const fn special(
    path: &'static str,
    named: &'static [&'static str],
    positional: &'static [&'static str],
    flags: &'static [&'static str],
) -> Special {
    Special { path, named, positional, flags }
}

/// Arguments of `/tool/fetch`, from command schemas dumped from routers.
pub(crate) const FETCH: &[&str] = &[
    "url",
    "http-method",
    "http-data",
    "http-header-field",
    "http-auth-scheme",
    "http-content-encoding",
    "http-percent-encoding",
    "http-max-redirect-count",
    "output",
    "dst-path",
    "check-certificate",
    "user",
    "password",
    "mode",
    "host",
    "address",
    "port",
    "src-path",
    "src-address",
    "duration",
    "idle-timeout",
    "keep-result",
    "ascii",
    "upload",
    "certificate",
];

const SPECIALS: &[Special] = &[
    special("/import", &["file-name", "verbose", "from-line"], &["file-name"], &[]),
    special("/execute", &["script", "file"], &["script"], &["as-string"]),
    special("/system/reboot", &[], &[], &[]),
    special("/system/shutdown", &[], &[], &[]),
    special("/tool/fetch", FETCH, &["url"], &["as-value"]),
    special("/log/info", &["message"], &["message"], &[]),
    special("/log/warning", &["message"], &["message"], &[]),
    special("/log/error", &["message"], &["message"], &[]),
    special("/log/debug", &["message"], &["message"], &[]),
    special("/certificate/import", &["file-name", "passphrase", "name", "trusted"], &["file-name"], &[]),
    special("/system/device-mode/update", &["mode", "hotspot", "scheduler", "fetch", "activation-timeout"], &[], &[]),
];

/// A command of the language itself.
pub(crate) struct Global {
    pub(crate) name: &'static str,
    pub(crate) since: RosVersion,
    pub(crate) named: &'static [&'static str],
    /// Arguments that are code.
    pub(crate) code: &'static [&'static str],
    /// Most values without a name; `{` there is code where `code_first`.
    pub(crate) positional: usize,
    pub(crate) code_first: bool,
    pub(crate) flags: &'static [&'static str],
}

const fn global(name: &'static str, positional: usize) -> Global {
    Global { name, since: RosVersion::V6_42, named: &[], code: &[], positional, code_first: false, flags: &[] }
}

impl Global {
    const fn since(self, since: RosVersion) -> Self {
        Self { since, ..self }
    }

    const fn named(self, named: &'static [&'static str]) -> Self {
        Self { named, ..self }
    }

    const fn code(self, code: &'static [&'static str]) -> Self {
        Self { code, ..self }
    }

    const fn flags(self, flags: &'static [&'static str]) -> Self {
        Self { flags, ..self }
    }

    const fn code_first(self) -> Self {
        Self { code_first: true, ..self }
    }
}

const GLOBALS: &[Global] = &[
    global("put", 1).named(&["message"]),
    global("log", 2).named(&["message"]),
    global("local", 2).code(&["do"]),
    global("global", 2).code(&["do"]),
    global("set", 2).code(&["do"]),
    global("if", 1).code(&["do", "else"]),
    global("foreach", 1).named(&["in"]).code(&["do"]),
    global("for", 1).named(&["from", "to", "step"]).code(&["do"]),
    global("while", 1).code(&["do"]),
    global("do", 1).named(&["while"]).code(&["on-error"]).code_first(),
    global("error", 1).named(&["message"]),
    global("return", 1).named(&["value"]),
    global("quit", 0),
    global("delay", 1).named(&["delay-time"]),
    global("len", 1).named(&["value"]),
    global("find", 3).named(&["in", "key", "from"]),
    global("pick", 3).named(&["begin", "counter", "end"]),
    global("tonum", 1).named(&["value"]),
    global("tostr", 1).named(&["value"]),
    global("toarray", 1).named(&["value"]),
    global("tobool", 1).named(&["value"]),
    global("toip", 1).named(&["value"]),
    global("toid", 1).named(&["value"]),
    global("totime", 1).named(&["value"]),
    global("typeof", 1).named(&["value"]),
    global("time", 1).code_first(),
    global("parse", 1),
    global("execute", 1).named(&["script", "file"]).code_first().flags(&["as-string"]),
    global("nothing", 0),
    global("resolve", 1).named(&["domain-name", "server", "server-port", "type"]),
    global("beep", 0).named(&["frequency", "length"]),
    global("timestamp", 0).since(RosVersion::V7_10),
    global("tonsec", 1).since(RosVersion::V7_10),
    global("rndnum", 2).named(&["from", "to"]).since(RosVersion::V7_9),
    global("rndstr", 2).named(&["length", "from"]).since(RosVersion::V7_9),
    global("onerror", 1).code(&["in", "do"]).since(RosVersion::V7_16),
    global("retry", 0).named(&["delay", "max"]).code(&["command", "on-error"]).since(RosVersion::V7_16),
    global("convert", 1).named(&["value", "to", "from", "transform"]).since(RosVersion::V7_16),
    global("serialize", 1).named(&["value", "to", "options", "order"]).since(RosVersion::V7_16),
    global("deserialize", 1).named(&["value", "from", "options"]).since(RosVersion::V7_16),
    global("jobname", 0).since(RosVersion::V7_16),
];

/// What this router understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grammar {
    pub(crate) ros: RosVersion,
    /// Whether the hotspot package is there.
    pub(crate) hotspot: bool,
}

impl Grammar {
    pub(crate) fn menu(self, path: &str) -> Option<&'static Menu> {
        if path.starts_with("/ip/hotspot") && !self.hotspot { None } else { schema::menu(path, self.ros) }
    }

    /// Whether something lies at or below `path`.
    pub(crate) fn is_directory(self, path: &str) -> bool {
        let below = format!("{path}/");
        let here = |menu: &Menu| menu.path == path || menu.path.starts_with(&below);
        path.is_empty()
            || schema::menus().any(|menu| here(menu) && self.menu(menu.path).is_some())
            || matches!(path, "/tool" | "/log")
    }

    pub(crate) fn special(self, path: &str) -> Option<&'static Special> {
        SPECIALS.iter().find(|special| special.path == path).filter(|special| match special.path {
            "/system/device-mode/update" => self.menu("/system/device-mode").is_some(),
            _ => true,
        })
    }

    /// The command of the language itself, if this release has it.
    pub(crate) fn global(self, name: &str) -> Option<&'static Global> {
        GLOBALS.iter().find(|global| global.name == name && global.since <= self.ros)
    }

    /// Whether `verb` takes an argument `name=`.
    pub(crate) fn takes(self, menu: &Menu, verb: &str, name: &str) -> bool {
        let field = || menu.field(name, self.ros).is_some_and(|field| field.writable);
        match verb {
            "add" => field() || matches!(name, "copy-from") || (name == "place-before" && menu.has_verb("move")),
            "set" => field() || matches!(name, "numbers" | ".id"),
            "comment" => matches!(name, "numbers" | ".id" | "comment"),
            "get" => matches!(name, "numbers" | ".id" | "number" | "value-name" | "as-string"),
            "unset" => matches!(name, "numbers" | ".id" | "value-name"),
            "move" => matches!(name, "numbers" | ".id" | "destination"),
            "print" | "getall" | "listen" => matches!(name, "proplist" | ".proplist" | "from" | "file" | "interval"),
            "login" => matches!(name, "user" | "password" | "ip" | "mac-address" | "domain"),
            "make-binding" => matches!(name, "numbers" | "type" | "comment"),
            "sign" => matches!(name, "numbers" | ".id" | "name" | "ca" | "ca-crl-host"),
            "reset-html" => matches!(name, "numbers" | "path"),
            _ => matches!(name, "numbers" | ".id"),
        }
    }

    /// Whether `verb` takes the bare word `name`.
    pub(crate) fn takes_flag(self, menu: &Menu, verb: &str, name: &str) -> bool {
        match verb {
            "print" | "getall" | "listen" => PRINT_ARGUMENTS.contains(&name),
            "get" => name == "as-string",
            "add" | "set" => menu.field(name, self.ros).is_some_and(|field| {
                field.writable && matches!(field.kind, schema::Kind::Bool) && !matches!(name, "disabled")
            }),
            _ => false,
        }
    }

    /// Whether `where` may ask for `name` in this menu.
    pub(crate) fn has_property(self, menu: &Menu, name: &str) -> bool {
        menu.fields.is_empty()
            || menu.field(name, self.ros).is_some()
            || matches!(
                name,
                ".id" | ".nextid" | "dynamic" | "invalid" | "disabled" | "default" | "comment" | "running" | "static"
            )
    }
}

/// What values without a name stand for, by verb.
pub(crate) fn positional_names(verb: &str) -> &'static [&'static str] {
    match verb {
        "get" | "unset" => &["numbers", "value-name"],
        "move" => &["numbers", "destination"],
        "comment" => &["numbers", "comment"],
        "add" | "print" | "find" | "getall" | "listen" | "login" => &[],
        _ => &["numbers"],
    }
}
