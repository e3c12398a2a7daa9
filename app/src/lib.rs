//! Bando's pages and components. Features choose the side: `ssr` renders the portal on the server,
//! `hydrate` brings its islands to life in the browser, `csr` is the admin app.

pub mod admin;
pub mod api;
pub mod portal;
