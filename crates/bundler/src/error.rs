//! What can go wrong while bundling, each with what to do about it.

use std::{io, path::Path};

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Called with other arguments than two directories.
    #[error("usage: bundler WASM_DIR OUT_DIR (scripts/build-web calls it)")]
    Usage,
    /// A file or directory could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// Path or stream.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file that somebody has to write or build first is not there.
    #[error("{path} is missing: {hint}")]
    Missing {
        /// Path.
        path: String,
        /// Where it comes from.
        hint: &'static str,
    },
    /// wasm-bindgen refused the module; nearly always two versions of wasm-bindgen.
    #[error(
        "wasm-bindgen on {bundle}: {message}\n(the versions of `wasm-bindgen` and `wasm-bindgen-cli-support` in Cargo.toml must be the same)"
    )]
    Bindgen {
        /// `portal` or `admin`.
        bundle: &'static str,
        /// Its own words.
        message: String,
    },
    /// The glue does not name the wasm file in the one place we rewrite.
    #[error(
        "the glue of {bundle} names {bundle}_bg.wasm {count} times instead of once: wasm-bindgen has changed its output"
    )]
    Glue {
        /// `portal` or `admin`.
        bundle: &'static str,
        /// Occurrences found.
        count: usize,
    },
    /// esbuild or Tailwind ended with an error.
    #[error("{tool} failed ({status}):\n{stderr}")]
    Tool {
        /// Program.
        tool: &'static str,
        /// Exit status.
        status: String,
        /// What it printed.
        stderr: String,
    },
    /// The record of the last run could not be written.
    #[error("record of the last build: {0}")]
    Json(#[from] serde_json::Error),
    /// A bundle has grown too large.
    #[error(
        "{bundle} is {actual} bytes of wasm and glue with brotli, over its budget of {budget}. Find what grew with \
         `cargo bloat` or `twiggy top` on target/wasm32-unknown-unknown/browser/{bundle}.wasm; people on a bad link wait for it."
    )]
    OverBudget {
        /// `portal` or `admin`.
        bundle: &'static str,
        /// Bytes with brotli.
        actual: usize,
        /// Bytes allowed.
        budget: usize,
    },
}

impl Error {
    /// An I/O error with the thing it happened to.
    pub(crate) fn io(what: &str, source: io::Error) -> Self {
        Self::Io { what: what.to_owned(), source }
    }

    /// An I/O error with its path.
    pub(crate) fn path(path: &Path, source: io::Error) -> Self {
        Self::Io { what: path.display().to_string(), source }
    }
}
