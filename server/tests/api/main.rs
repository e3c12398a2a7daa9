//! The server as its clients see it: over HTTP on a free port, with a real database and the simulators of
//! M-Pesa and of a router. One binary, because linking one is much faster than linking ten.

#[cfg(test)]
mod admin;
#[cfg(test)]
mod assets;
#[cfg(test)]
mod books;
#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod callbacks;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod cli_routers;
#[cfg(test)]
mod database;
#[cfg(test)]
mod devices;
#[cfg(test)]
mod errors;
#[cfg(test)]
mod events;
#[cfg(test)]
mod health;
#[cfg(test)]
mod health_routers;
#[cfg(test)]
mod live;
#[cfg(test)]
mod pay;
#[cfg(test)]
mod portal;
#[cfg(test)]
mod process;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod router_setup;
#[cfg(test)]
mod routers;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod support;
