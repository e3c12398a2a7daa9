//! The customers' portal: pages rendered on the server that are complete without JavaScript, and a few
//! islands that come to life after the first paint.

#[cfg(feature = "ssr")]
pub mod address;
#[cfg(feature = "ssr")]
pub mod model;
