//! The two wasm entry points. Each bundle is built with one feature: `portal` or `admin`.

use wasm_bindgen::prelude::wasm_bindgen;

/// Makes the reactive system ready. The boot script then calls the exported function of each island that
/// is on the page.
///
/// There is no shared hydration context: the portal has no resources, so nothing is read from inline
/// scripts, which the content security policy would refuse.
#[cfg(feature = "portal")]
#[wasm_bindgen(start)]
pub fn start_portal() {
    app::portal::islands::start();
}

/// Mounts the admin app.
#[cfg(feature = "admin")]
#[wasm_bindgen(start)]
pub fn start_admin() {
    app::admin::mount();
}
