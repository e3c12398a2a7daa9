//! The customers' portal: pages rendered on the server that are complete without JavaScript, and a few
//! islands that come to life after the first paint.

#[cfg(feature = "ssr")]
mod address;
#[cfg(feature = "ssr")]
mod document;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod islands;
#[cfg(feature = "ssr")]
pub mod model;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(any(feature = "ssr", feature = "hydrate"))]
pub mod words;

#[cfg(feature = "ssr")]
pub use address::local_path;
#[cfg(feature = "ssr")]
pub use document::render;

#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests;
