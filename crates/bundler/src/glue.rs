//! From a wasm module as rustc leaves it to the module and the JavaScript glue as browsers load them.

use std::{fs, path::Path};

use wasm_bindgen_cli_support::Bindgen;

use crate::{
    error::Error,
    output::{Output, digest},
    script::minify,
};

/// Raised when a change here must make every bundle again.
const RECIPE: &[u8] = b"wasm-bindgen 0.2.129, recipe 1";

/// Makes `<bundle>.js` and `<bundle>.wasm`; false when they are current already.
pub(crate) fn build(bundle: &'static str, wasm_dir: &Path, output: &mut Output) -> Result<bool, Error> {
    let input = wasm_dir.join(format!("{bundle}.wasm"));
    if !input.is_file() {
        return Err(Error::Missing { path: input.display().to_string(), hint: "run scripts/build-web" });
    }
    let module = fs::read(&input).map_err(|error| Error::path(&input, error))?;
    let lock = fs::read("package-lock.json").map_err(|error| Error::io("package-lock.json", error))?;
    let made_from = digest([RECIPE, &module, &lock]);
    if output.is_current(&[format!("{bundle}.js"), format!("{bundle}.wasm")], &made_from) {
        return Ok(false);
    }

    let dir = output.work().join(bundle);
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(|error| Error::path(&dir, error))?;
    }
    bindgen(bundle, module, &dir)?;

    let wasm_path = dir.join(format!("{bundle}_bg.wasm"));
    let wasm = fs::read(&wasm_path).map_err(|error| Error::path(&wasm_path, error))?;
    let wasm_name = output.add(bundle, "wasm", &made_from, &wasm)?;

    let glue_path = dir.join(format!("{bundle}.js"));
    let glue = fs::read_to_string(&glue_path).map_err(|error| Error::path(&glue_path, error))?;
    fs::write(&glue_path, point_at(bundle, &glue, &wasm_name)?).map_err(|error| Error::path(&glue_path, error))?;
    let glue = minify(&glue_path, &dir.join("minified.js"))?;
    output.add(bundle, "js", &made_from, &glue)?;
    Ok(true)
}

/// Runs wasm-bindgen for `<script type="module">`, without names and producers, which nobody downloads for use.
fn bindgen(bundle: &'static str, module: Vec<u8>, dir: &Path) -> Result<(), Error> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_bytes(bundle, module)
        .omit_default_module_path(false)
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(dir))
        .map_err(|error| Error::Bindgen { bundle, message: format!("{error:#}") })
}

/// Lets the glue load the module by its hashed name, found beside the glue itself.
fn point_at(bundle: &'static str, glue: &str, wasm_name: &str) -> Result<String, Error> {
    let plain = format!("{bundle}_bg.wasm");
    match glue.matches(&plain).count() {
        1 => Ok(glue.replace(&plain, wasm_name)),
        count => Err(Error::Glue { bundle, count }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_glue_is_pointed_at_the_hashed_module() {
        let glue = "module_or_path = new URL('portal_bg.wasm', import.meta.url);";
        let pointed = point_at("portal", glue, "portal-00ff.wasm").unwrap();
        assert_eq!(pointed, "module_or_path = new URL('portal-00ff.wasm', import.meta.url);");
    }

    #[test]
    fn glue_that_names_the_module_never_or_twice_is_refused() {
        for glue in ["", "portal_bg.wasm portal_bg.wasm"] {
            assert!(matches!(point_at("portal", glue, "x"), Err(Error::Glue { .. })));
        }
    }
}
