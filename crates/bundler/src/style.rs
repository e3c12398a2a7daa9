//! Stylesheets through Tailwind, which keeps only the classes that the pages use.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::Error,
    output::{Output, digest},
};

/// Raised when a change here must make every stylesheet again.
const RECIPE: &[u8] = b"tailwind, recipe 1";

/// Makes `<bundle>.css` from `style/<bundle>.css`; false when it is current already.
pub(crate) fn build(bundle: &'static str, output: &mut Output) -> Result<bool, Error> {
    let input = PathBuf::from(format!("style/{bundle}.css"));
    if !input.is_file() {
        return Err(Error::Missing {
            path: input.display().to_string(),
            hint: "every bundle has its stylesheet in style/",
        });
    }
    let made_from = sources(&input)?;
    if output.is_current(&[format!("{bundle}.css")], &made_from) {
        return Ok(false);
    }
    let result = output.work().join(format!("{bundle}.css"));
    tool(
        "tailwindcss",
        Command::new("node_modules/.bin/tailwindcss")
            .arg("--minify")
            .arg("--input")
            .arg(&input)
            .arg("--output")
            .arg(&result),
    )?;
    let css = fs::read(&result).map_err(|error| Error::path(&result, error))?;
    output.add(bundle, "css", &made_from, &css)?;
    Ok(true)
}

/// A digest of everything a stylesheet depends on: all of `style/`, the pages that are searched for class names,
/// and the versions of the tools.
fn sources(input: &Path) -> Result<String, Error> {
    let mut paths = Vec::new();
    for dir in ["style", "app/src"] {
        collect(Path::new(dir), &mut paths)?;
    }
    paths.push(PathBuf::from("package-lock.json"));
    paths.sort();
    let mut parts = vec![RECIPE.to_vec(), input.as_os_str().as_encoded_bytes().to_vec()];
    for path in paths {
        parts.push(path.as_os_str().as_encoded_bytes().to_vec());
        parts.push(fs::read(&path).map_err(|error| Error::path(&path, error))?);
    }
    Ok(digest(parts.iter().map(Vec::as_slice)))
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(dir).map_err(|error| Error::path(dir, error))? {
        let path = entry.map_err(|error| Error::path(dir, error))?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// Runs a program from `node_modules`, showing what it printed only when it fails.
pub(crate) fn tool(name: &'static str, command: &mut Command) -> Result<(), Error> {
    if !Path::new(command.get_program()).exists() {
        return Err(Error::Missing {
            path: command.get_program().to_string_lossy().into_owned(),
            hint: "run scripts/setup",
        });
    }
    let done = command.output().map_err(|error| Error::io(name, error))?;
    if done.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    Err(Error::Tool { tool: name, status: done.status.to_string(), stderr })
}
