//! Stand-ins for the outside world on real sockets: Safaricom's Daraja with a virtual phone, a MikroTik
//! router, and the hotspot gateway a customer's device meets. For development, demonstration and tests.

pub mod daraja;
pub mod gateway;
mod port;
pub mod routeros;

pub use port::KeptPort;
