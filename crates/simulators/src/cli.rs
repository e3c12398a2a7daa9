//! What `bando-sim` understands.

use std::net::SocketAddr;

use clap::Parser;
use simulators::{
    daraja::{self, CallbackHosts, Mode, Profile},
    gateway,
    routeros::{self, ClockMode, RosVersion},
};

/// Plays Safaricom's M-Pesa with a virtual phone, a MikroTik router, and a hotspot for virtual devices.
#[derive(Debug, Parser)]
#[command(name = "bando-sim", version)]
pub(crate) struct Cli {
    /// Where M-Pesa (Daraja) and the virtual phone listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4010")]
    daraja: SocketAddr,

    /// Where the router's API listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4028")]
    routeros: SocketAddr,

    /// Where the router's API over TLS listens; nowhere by default
    #[arg(long, value_name = "ADDR")]
    routeros_tls: Option<SocketAddr>,

    /// Where the hotspot's page of virtual devices listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4020")]
    gateway: SocketAddr,

    /// The portal to which the hotspot sends its devices
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    portal: String,

    /// The router's name in portal addresses
    #[arg(long, value_name = "NAME", default_value = "main")]
    router_slug: String,

    /// Who answers M-Pesa prompts: a person on the virtual phone, or the scenario by itself
    #[arg(long, value_enum, default_value = "manual")]
    mode: Mode,

    /// Which M-Pesa is imitated where sandbox and production differ
    #[arg(long, value_enum, default_value = "development")]
    profile: Profile,

    /// How many times faster than real time M-Pesa's delays run
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    speed: f64,

    /// Makes M-Pesa's identifiers repeat from run to run
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// The merchant's name in prompts and messages
    #[arg(long, value_name = "TEXT", default_value = "BANDO WIFI")]
    merchant: String,

    /// Call back to any address instead of this machine only
    #[arg(long)]
    call_anywhere: bool,

    /// The RouterOS release imitated: 6.42, 6.49, 7.9, 7.10, 7.16, 7.18 or 7.22
    #[arg(long, value_name = "RELEASE", default_value = "7.22", value_parser = release)]
    ros: RosVersion,
}

fn speed(text: &str) -> Result<f64, String> {
    let factor: f64 = text.parse().map_err(|_| "a number is wanted".to_owned())?;
    if (0.0..=10_000.0).contains(&factor) { Ok(factor) } else { Err("from 0 to 10000".to_owned()) }
}

fn release(text: &str) -> Result<RosVersion, String> {
    RosVersion::parse(text).ok_or_else(|| "6.42, 6.49, 7.9, 7.10, 7.16, 7.18 and 7.22 are known".to_owned())
}

impl Cli {
    pub(crate) fn daraja(&self) -> daraja::Options {
        let mut options = daraja::Options {
            addr: self.daraja,
            mode: self.mode,
            speed: self.speed,
            seed: self.seed,
            opening_balance: 10_000,
            fee_basis_points: 55,
            ..daraja::Options::manual().with_profile(self.profile)
        };
        for merchant in &mut options.merchants {
            merchant.name.clone_from(&self.merchant);
        }
        if self.call_anywhere {
            options.callback_hosts = CallbackHosts::Any;
        }
        options
    }

    pub(crate) fn routeros(&self) -> routeros::Options {
        routeros::Options {
            listen: self.routeros,
            tls: self.routeros_tls,
            ros: self.ros,
            clock: ClockMode::Real,
            ..routeros::Options::default()
        }
    }

    pub(crate) fn gateway(&self) -> gateway::Options {
        gateway::Options {
            listen: self.gateway,
            portal: self.portal.trim_end_matches('/').to_owned(),
            router_slug: self.router_slug.clone(),
            ..gateway::Options::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_a_person_answers_by_default() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["bando-sim"]).unwrap();
        assert_eq!(cli.daraja().mode, Mode::Manual);
        assert_eq!(cli.daraja().callback_hosts, CallbackHosts::LoopbackOnly);
        assert_eq!(cli.gateway().portal, "http://127.0.0.1:8080");
    }

    #[test]
    fn nonsense_is_refused() {
        for wrong in [["--speed", "fast"], ["--speed", "-1"], ["--ros", "5"], ["--daraja", "here"]] {
            assert!(Cli::try_parse_from(["bando-sim", wrong[0], wrong[1]]).is_err(), "{wrong:?}");
        }
    }
}
