//! The customers' portal: pages that are complete without JavaScript, and the forms on them. What a page
//! shows is found again from the router and the device's address, because captive mini-browsers keep nothing.

mod devices;
mod forms;
mod pages;
mod parameters;
mod shell;

pub(super) use devices::{add as add_device, join as join_pass, open as open_pass, remove as remove_device};
pub(super) use forms::{pay, recover, theme, voucher};
pub(super) use pages::{named, unnamed};
pub(super) use parameters::theme as theme_of;
pub(super) use shell::{PortalAssets, ShellCache, time_zone};
