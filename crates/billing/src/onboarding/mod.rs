//! Connecting a router in one paste, and taking it back.
//!
//! The line fetches an agent (`hotspot/setup.rsc`) that asks this server step by step what to do and reports what came
//! of it. First it only looks; nothing is changed before an owner has seen what was found and would be changed, and has
//! approved it. Every step can be done again, so a paste that was interrupted is simply repeated. Taking back is the
//! same agent with other steps, made from what the router said before the first change.
//!
//! `facts` reads what a router says, `plan` decides what follows, `words` tells the owner, `scripts` tells the
//! router. The owner's and the router's side of the conversation are methods of [`Billing`](crate::Billing).

pub mod facts;
mod findings;
mod finish;
mod keys;
mod owner;
pub mod plan;
mod report;
mod router;
pub mod scripts;
pub mod site;
mod state;
pub mod template;
mod tunnel;
mod undo;
mod words;

pub use findings::Finding;
pub use owner::{By, SetupAsked, SetupError};
pub use router::{Answer, RouterSideError};
pub use site::{SetupReach, Site, TunnelSite};
pub use state::{SetupView, StepView};
pub use tunnel::is_key as is_tunnel_key;
