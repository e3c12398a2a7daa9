//! The owner's app under `/admin`: a single-page app over the JSON API and the event stream. Customers never
//! download any of it.

#![cfg_attr(
    all(feature = "csr", not(feature = "ssr")),
    expect(unreachable_pub, reason = "`#[component]` writes `pub` on what it makes, whatever the function says")
)]

#[cfg(feature = "ssr")]
mod document;
#[cfg(any(feature = "csr", test))]
mod merge;
#[cfg(any(feature = "csr", test))]
mod words;

#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod client;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod desk;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod feed;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod frame;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod later;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod pager;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod pages;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod parts;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod reader;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod routes;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod session;
#[cfg(all(feature = "csr", not(feature = "ssr")))]
mod tasks;

#[cfg(feature = "ssr")]
pub use document::{AdminAssets, admin_shell};
#[cfg(all(feature = "csr", not(feature = "ssr")))]
pub use routes::mount;
