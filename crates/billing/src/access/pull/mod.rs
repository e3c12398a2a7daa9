//! Routers that ask: behind CGNAT nothing can reach them, so they poll the server over HTTPS.

pub(super) mod sweep;
