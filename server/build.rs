//! Tells the compiler which folder the browser files are embedded from: `BANDO_WEB_DIR`, or `target/web` of
//! the workspace.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=BANDO_WEB_DIR");
    let manifest_dir = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let folder =
        env::var("BANDO_WEB_DIR").map_or_else(|_| PathBuf::from(&manifest_dir).join("../target/web"), PathBuf::from);
    // A development build reads both folders from disk when asked, so a new bundle needs no new server.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", folder.display());
        println!("cargo::rerun-if-changed={manifest_dir}/../public");
    }
    println!("cargo::rustc-env=BANDO_WEB_BUILD_DIR={}", folder.display());
}
