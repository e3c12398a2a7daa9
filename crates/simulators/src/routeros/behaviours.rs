//! Where each behaviour comes from. What is only modelled is a guess that some real router will one day settle.

use serde::Serialize;

/// How sure we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Captured from a real router, or reported from the field.
    Observed,
    /// In MikroTik's manual or in a command schema dumped from a router.
    Documented,
    /// Plausible, and confirmed by nobody.
    Modelled,
}

/// One thing the simulator does.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Behaviour {
    /// Part of the router.
    pub area: &'static str,
    /// What it does.
    pub what: &'static str,
    /// How sure we are.
    pub evidence: Evidence,
    /// Name of the option that changes it, if there is one.
    pub option: Option<&'static str>,
}

const fn observed(area: &'static str, what: &'static str) -> Behaviour {
    Behaviour { area, what, evidence: Evidence::Observed, option: None }
}

const fn documented(area: &'static str, what: &'static str) -> Behaviour {
    Behaviour { area, what, evidence: Evidence::Documented, option: None }
}

const fn modelled(area: &'static str, what: &'static str) -> Behaviour {
    Behaviour { area, what, evidence: Evidence::Modelled, option: None }
}

const fn guessed(area: &'static str, what: &'static str, option: &'static str) -> Behaviour {
    Behaviour { area, what, evidence: Evidence::Modelled, option: Some(option) }
}

/// Every behaviour worth naming.
pub const BEHAVIOURS: &[Behaviour] = &[
    documented("wire", "length prefixes of one to five bytes; empty sentences ignored; reserved control bytes close"),
    documented("wire", "attribute order free, query order matters; values are raw bytes, split at the second ="),
    observed("wire", "an attribute without its second = has an empty value"),
    observed("wire", "several ids joined by commas; numbers= in place of .id="),
    documented("wire", "a name in place of an id where rows have names"),
    guessed("wire", ".tag directly after the reply word (captures) or last (examples)", "tag_last"),
    observed("wire", "!empty before !done from 7.18 on"),
    observed("wire", "!done follows !trap; !fatal carries a bare reason, no tag, then the router closes"),
    observed("wire", "an unknown command is a trap and never closes"),
    guessed("wire", "limit on what is said before login: documented, its number unknown", "pre_login_bytes_max"),
    observed("login", "plain login answers a bare !done; a refusal leaves the connection open"),
    observed("login", "before 6.43: challenge, response 00+md5(0, password, challenge), refusal `cannot log in`"),
    guessed("login", "a bare /login on a current release is refused", "bare_login_challenges"),
    observed("login", "any other command before login: !fatal not logged in"),
    modelled(
        "login",
        "a group without the api policy, or an address outside /user address, is refused like a bad password",
    ),
    observed("cancel", "trap of the cancelled command, !done of the cancel, !done of the cancelled"),
    modelled("cancel", "cancelling an unknown tag is a bare !done"),
    observed("listen", "changed rows whole; deletions as .id and .dead=true"),
    documented("print", ".proplist, queries as a stack, count-only, getall; only print takes queries"),
    modelled("print", "attributes come in the order of the menu; an unknown name in .proplist is passed over"),
    modelled("print", "rows that come with follow"),
    observed("verbs", "add answers ret=*N; set, remove, enable, disable, reset-counters, move, unset a bare !done"),
    observed("verbs", "duplicate hotspot user, duplicate address-list entry: the texts"),
    guessed("verbs", "text for other duplicates", "duplicate_name_message"),
    guessed("verbs", "the beginning of a name or word is enough where only one fits", "prefix_matching"),
    modelled("verbs", "remove of several ids stops at the first that is not there"),
    modelled("verbs", "rows that refer to a removed row show its id; built-in and dynamic rows cannot be removed"),
    modelled("verbs", "text for a missing mandatory argument"),
    observed("verbs", "no such item, with (4) on version 6"),
    observed("verbs", "singletons print one row without an id"),
    documented("tables", "arguments of each menu by release (https-redirect gone in 7.5, otp-secret since 7.19)"),
    observed("tables", "row 0 default-trial; password hidden without the sensitive policy"),
    observed("tables", "dates mmm/dd/yyyy up to 7.9, ISO from 7.10"),
    documented("access", "groups and policies; service address and max-sessions"),
    modelled("access", "which policy which verb needs; active/login needs write"),
    documented("device-mode", "home blocks hotspot, scheduler and fetch"),
    modelled("device-mode", "every change below /ip/hotspot is refused then, printing is not"),
    observed("hotspot", "MAC login is tried once per host entry"),
    observed("hotspot", "a user named like a MAC is refused from any other MAC"),
    documented("hotspot", "limits are totals: a session gets the limit less what was used; counters fold at its end"),
    observed("hotspot", "a session keeps the profile and rate it logged in with; dynamic queue <hotspot-USER>"),
    guessed("hotspot", "limits changed during a session do not reach it", "live_limits"),
    guessed("hotspot", "removing or disabling a user leaves its session alone", "user_remove_ends_session"),
    guessed("hotspot", "a device whose entry went away talks again after a moment", "next_packet_secs"),
    modelled("hotspot", "after active/remove the host entry stays and MAC login is tried again with the next packet"),
    guessed("hotspot", "active/login on a host that is logged in is refused", "login_on_live_host"),
    observed("hotspot", "active/login: unknown host IP, wrong MAC provided, invalid username or password"),
    documented("hotspot", "texts for uptime, traffic and session limits (errors.txt)"),
    documented(
        "hotspot",
        "login-timeout and idle-timeout delete hosts; keepalive-timeout ends sessions of silent ones",
    ),
    documented("hotspot", "MAC cookies: what makes and what removes them"),
    documented("hotspot", "licence levels: 200 sessions at 4, 500 at 5"),
    observed("hotspot", "id of an active row is its address in hex"),
    guessed("hotspot", "wire name of the DHCP flag of hosts", "dhcp_flag_name"),
    modelled("hotspot", "a chunk of traffic that crosses the cap counts whole, then the session ends"),
    modelled("hotspot", "a user made anew under the same name starts from zero; an old session does not count for it"),
    documented("reboot", "sessions, hosts, dynamic rows and timed address-list entries are lost; configuration stays"),
    observed("reboot", "a power cut loses what sessions used since login"),
    guessed("reboot", "a clean reboot logs sessions out first", "clean_reboot_keeps_counters"),
    guessed("reboot", "cookies are kept", "cookies_survive_reboot"),
    documented("reboot", "the clock counts from 1970 until set from the network"),
    modelled("reboot", "connections are refused while booting"),
    documented(
        "scripts",
        "syntax, types, scopes, operators, :pick and :find, where, [find] in the menu of its command",
    ),
    documented("scripts", "a variable named like a property is that property within where"),
    documented(
        "scripts",
        "a missing menu or parameter is an error of parsing: nothing runs, on-error does not catch it",
    ),
    observed("scripts", "texts of parse errors with their place; variable names without underscores"),
    observed("scripts", "no short cut in && and ||; missing elements and empty finds are no errors; :onerror (7.21)"),
    modelled("scripts", "ranks of operators beyond the manual's examples; :onerror, :retry, :convert, JSON from 7.16"),
    modelled("scripts", "limits on steps, depth, size and output"),
    guessed("scripts", "text equals a number of the same digits", "loose_equality"),
    guessed("scripts", "a scheduler's script may only what its owner's group may", "owner_limits_scripts"),
    documented("scheduler", "startup, interval, run-count; a start in the past keeps its rhythm; script policies"),
    modelled("scheduler", "blocked by device-mode an entry keeps its place and does nothing"),
    observed("fetch", "texts for statuses (two releases' forms), failed connections, untrusted certificates"),
    modelled("fetch", "texts for names that do not resolve, expired and early certificates, answers beyond 64 KiB"),
    guessed("fetch", "check-certificate=yes wants a revocation list", "crl_missing_fails"),
    guessed("fetch", "writing a file needs the ftp policy", "fetch_to_file_needs_ftp"),
    documented(
        "certificates",
        "add, sign (by itself or by ca), import; api-ssl shows what /ip/service names, or nothing",
    ),
    modelled("certificates", "keys are always EC P-256, whatever key-size says; signing is done at once"),
    modelled("wireguard", "keys are kept and no tunnel is built"),
    documented("device-mode", "update takes effect when the plug is pulled within five minutes"),
    documented("files", "contents up to 60 KB (4 KB before version 7), directories from 7.15; flash/ on small boards"),
    observed("files", "stock pages appear in a profile's directory that is empty; reset-html puts them back"),
    documented("firewall", "MikroTik's default rules, where default_firewall asks for them"),
    observed("packages", "smips boards have no hotspot from 7.20 on; an upgrade may leave it behind"),
    modelled("ntp", "a disabled client never sets the clock; an enabled one needs no server"),
    documented("walled garden", "ordered rows; names match whole, with * and ?"),
    observed("walled garden", "HTTPS passes by walled-garden/ip only"),
    documented("portal", "servlet variables, -esc, $(if), and pages that set status and headers"),
];
