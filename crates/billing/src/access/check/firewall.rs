//! What makes speed limits void: FastTrack, and queues in front of the customers'.

use routeros_api::system::FilterRule;

use super::{Check, line, readings::Readings, unread};

/// How our exemption is marked.
const EXEMPTION: &str = "bando:fasttrack";

pub(super) fn judge(readings: &Readings) -> Vec<Check> {
    vec![fasttrack(readings), queues(readings)]
}

fn fasttrack(readings: &Readings) -> Check {
    let rules = match &readings.forward {
        Ok(rules) => rules,
        Err(error) => return unread(&line::FASTTRACK, error),
    };
    let interfaces: Vec<&str> = readings.running().iter().map(|server| server.interface.as_str()).collect();
    let mut exempt = (false, false);
    for rule in rules.iter().filter(|rule| !rule.is_disabled) {
        if rule.action == "fasttrack-connection" {
            if rule.is_narrow || (exempt.0 && exempt.1) {
                continue;
            }
            let interface = interfaces.first().copied().unwrap_or("bridge");
            return line::FASTTRACK.warning(
                "FastTrack is on for everybody: it passes customers by their queues, so speed limits do not hold.",
                format!(
                    "Set the router up again under Routers, or exempt the hotspot:\n/ip firewall filter add chain=forward \
                     action=accept connection-state=established,related in-interface={interface} \
                     place-before=[find action=fasttrack-connection] comment={EXEMPTION}\n/ip firewall filter add \
                     chain=forward action=accept connection-state=established,related out-interface={interface} \
                     place-before=[find action=fasttrack-connection] comment={EXEMPTION}"
                ),
            );
        }
        let (is_in, is_out) = exempts(rule, &interfaces);
        exempt = (exempt.0 || is_in, exempt.1 || is_out);
    }
    if exempt.0 && exempt.1 {
        return line::FASTTRACK.ok("The hotspot is exempt from FastTrack.");
    }
    line::FASTTRACK.ok("FastTrack is off for customers.")
}

/// Whether a rule takes packets from, or to, the hotspot out of what comes after it.
fn exempts(rule: &FilterRule, interfaces: &[&str]) -> (bool, bool) {
    let has = |state: &str| rule.connection_state.iter().any(|one| one == state);
    let is_accept = rule.action == "accept" && !rule.is_narrow && has("established") && has("related");
    let is_ours = rule.comment.starts_with(EXEMPTION);
    // Our rules may name a list of interfaces; others must name the hotspot's own.
    let names = |interface: &str| !interface.is_empty() && (is_ours || interfaces.contains(&interface));
    (is_accept && names(&rule.in_interface), is_accept && names(&rule.out_interface))
}

fn queues(readings: &Readings) -> Check {
    let queues = match &readings.queues {
        Ok(queues) => queues,
        Err(error) => return unread(&line::QUEUES, error),
    };
    let interfaces: Vec<&str> = readings.running().iter().map(|server| server.interface.as_str()).collect();
    let in_front = queues.iter().filter(|queue| !queue.is_disabled && queue.parent.is_empty()).find(|queue| {
        let is_own = queue.name.starts_with("hs-") || queue.name.starts_with("<hs-");
        let is_whole = !queue.is_dynamic && queue.target.split(',').any(|target| interfaces.contains(&target.trim()));
        is_own || is_whole
    });
    match in_front {
        None => line::QUEUES.ok("No queue for all customers stands in front of theirs."),
        Some(queue) if queue.name.contains("hs-") => line::QUEUES.warning(
            format!("The hotspot's own queue {} takes all customers, so their speed limits may not hold.", queue.name),
            "Run:\n/ip hotspot profile set [find] install-hotspot-queue=no",
        ),
        Some(queue) => line::QUEUES.warning(
            format!(
                "The queue {} takes everything of {}, so customers' own limits may not hold.",
                queue.name, queue.target
            ),
            format!("If that is not meant, switch it off:\n/queue simple disable \"{}\"", queue.name),
        ),
    }
}
