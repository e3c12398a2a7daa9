//! Turns the two wasm builds and stylesheets into what browsers download: hashed names, minified glue,
//! brotli and gzip beside every file, and `manifest.json` that maps plain names to hashed ones.
//!
//! `bundler WASM_DIR OUT_DIR`, from the repository's root: reads `WASM_DIR/{portal,admin}.wasm`,
//! `style/{portal,admin}.css` and `public/*.js`, writes `OUT_DIR`. What has not changed since the last run is left
//! alone. Fails when the portal or the admin app has grown over its budget.

mod budget;
mod compress;
mod error;
mod glue;
mod output;
mod script;
mod style;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::Instant,
};

use error::Error;
use output::Output;

/// The two bundles; customers only ever download the first.
const BUNDLES: [&str; 2] = ["portal", "admin"];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when even standard error is closed.
            let _ = writeln!(io::stderr(), "bundler: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasm_dir), Some(out_dir), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err(Error::Usage);
    };
    let started = Instant::now();
    let mut output = Output::open(&out_dir)?;
    let mut rebuilt = script::build_all(&mut output)?;
    for bundle in BUNDLES {
        if glue::build(bundle, &wasm_dir, &mut output)? {
            rebuilt.push(format!("{bundle}.wasm"));
        }
        if style::build(bundle, &mut output)? {
            rebuilt.push(format!("{bundle}.css"));
        }
    }
    output.finish()?;
    let text = report(&output, &rebuilt, started);
    io::stdout().write_all(text.as_bytes()).map_err(|error| Error::io("standard output", error))?;
    budget::check(&output)
}

/// The table of sizes a person reads after a build, in bytes.
fn report(output: &Output, rebuilt: &[String], started: Instant) -> String {
    let mut text = format!("{:<34} {:>10} {:>10} {:>10}\n", "file", "raw", "gzip", "brotli");
    for file in output.files() {
        text.push_str(&format!(
            "{:<34} {:>10} {:>10} {:>10}\n",
            file.name, file.raw_bytes, file.gzip_bytes, file.brotli_bytes
        ));
    }
    text.push_str(&budget::lines(output));
    let what =
        if rebuilt.is_empty() { "nothing has changed".to_owned() } else { format!("rebuilt {}", rebuilt.join(", ")) };
    text.push_str(&format!("{what} in {:.1} s\n", started.elapsed().as_secs_f32()));
    text
}
