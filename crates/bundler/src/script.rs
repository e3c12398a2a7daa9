//! The hand-written scripts in `public/`, which load the bundles.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    error::Error,
    output::{Output, digest},
    style::tool,
};

/// Raised when a change here must make every script again.
const RECIPE: &[u8] = b"esbuild, recipe 1";

/// Makes every `public/*.js` small and hashed; the names of those that were not current.
pub(crate) fn build_all(output: &mut Output) -> Result<Vec<String>, Error> {
    let dir = Path::new("public");
    let lock = fs::read("package-lock.json").map_err(|error| Error::io("package-lock.json", error))?;
    let mut made = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| Error::path(dir, error))? {
        let path = entry.map_err(|error| Error::path(dir, error))?.path();
        let Some(stem) = stem_of_script(&path) else { continue };
        let source = fs::read(&path).map_err(|error| Error::path(&path, error))?;
        let made_from = digest([RECIPE, &source, &lock]);
        let key = format!("{stem}.js");
        if output.is_current(std::slice::from_ref(&key), &made_from) {
            continue;
        }
        let minified = minify(&path, &output.work().join(&key))?;
        output.add(&stem, "js", &made_from, &minified)?;
        made.push(key);
    }
    Ok(made)
}

fn stem_of_script(path: &Path) -> Option<String> {
    let is_script = path.extension().is_some_and(|extension| extension == "js");
    is_script.then(|| path.file_stem())?.map(|stem| stem.to_string_lossy().into_owned())
}

/// One module out of a script and what it imports, as small as esbuild makes it.
pub(crate) fn minify(script: &Path, minified: &PathBuf) -> Result<Vec<u8>, Error> {
    let mut outfile = OsString::from("--outfile=");
    outfile.push(minified);
    tool(
        "esbuild",
        Command::new("node_modules/.bin/esbuild")
            .arg(script)
            .args(["--bundle", "--format=esm", "--minify", "--legal-comments=none", "--target=es2020"])
            .args(["--log-level=warning"])
            .arg(outfile),
    )?;
    fs::read(minified).map_err(|error| Error::path(minified, error))
}
