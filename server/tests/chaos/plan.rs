//! A run on paper: who pays when and how, and what breaks when. A pure function of the seed.

use std::{fmt::Write as _, time::Duration};

use crate::{
    dice::Dice,
    story::{STORIES, Story},
};

/// One press on pay.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) at: Duration,
    pub(crate) phone: String,
    pub(crate) mac: String,
    /// Which router.
    pub(crate) router: usize,
    /// Which package of the price list.
    pub(crate) package: usize,
    pub(crate) story: &'static Story,
    /// From seeing the prompt to entering the PIN.
    pub(crate) thinks: Duration,
    /// By the portal's form, which has no key to repeat a request safely.
    pub(crate) by_form: bool,
    /// Sends the same request several times at once.
    pub(crate) presses: u64,
}

/// What breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// SIGKILL to a server process, which is started again after a while, perhaps to end at a kill point.
    KillServer {
        down: Duration,
        then_at: Option<String>,
    },
    /// SIGSTOP, later SIGCONT.
    FreezeServer(Duration),
    /// A second process beside the first; killed after a while.
    SecondServer(Duration),
    KillDatabase {
        down: Duration,
    },
    FreezeDatabase(Duration),
    /// Connections to the router break, and it is away for so many seconds.
    Reboot {
        router: usize,
        clean: bool,
        secs: u64,
    },
    /// So many commands are never answered.
    RouterHangs {
        router: usize,
        commands: u32,
        ran: bool,
    },
    /// So many commands end with their connection.
    RouterDrops {
        router: usize,
        commands: u32,
        ran: bool,
    },
    /// New connections are reset.
    RouterRefuses {
        router: usize,
        connections: u32,
    },
    /// M-Pesa is away in one of four ways.
    MpesaAway {
        how: u64,
        during: Duration,
    },
    RevokeToken,
    /// Some of the latest reports again, so many times each, at once.
    RepeatReports {
        reports: usize,
        times: usize,
    },
    /// Reports nobody sent: without a token, and with a token of somebody's own making.
    ForgeReports,
}

/// The whole run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) routers: usize,
    /// Whether M-Pesa also confirms every payment to the addresses for payments by hand.
    pub(crate) has_echo: bool,
    pub(crate) visits: Vec<Visit>,
    pub(crate) troubles: Vec<(Duration, Trouble)>,
}

impl Plan {
    pub(crate) fn draw(seed: u64, payments: usize) -> Self {
        let mut dice = Dice::new(seed);
        let window = window(payments);
        let routers = if payments > 150 { 3 } else { 2 };
        let mut visits: Vec<Visit> = Vec::new();
        for number in 0..payments {
            let visit = draw_visit(&mut dice, number, &visits, window, routers);
            visits.push(visit);
        }
        visits.sort_by_key(|visit| visit.at);
        let troubles = draw_troubles(&mut dice, window + Duration::from_secs(2), routers);
        let has_echo = dice.chance(50);
        Self { seed, routers, has_echo, visits, troubles }
    }

    /// When the server asks M-Pesa about a silent payment, seconds after it was begun: often while everything breaks,
    /// and some times when all that is over, as Bando's own schedule of a day outlasts any trouble.
    pub(crate) fn query_delays(&self) -> String {
        let last = self.troubles.last().map_or(0, |(at, _)| at.as_secs());
        let often = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20].into_iter();
        let later = if self.visits.len() > 100 { [15, 25, 40, 55, 70] } else { [8, 12, 16, 21, 26] };
        let later = later.into_iter().map(|secs| last + secs);
        let delays: std::collections::BTreeSet<u64> = often.chain(later).collect();
        delays.iter().map(u64::to_string).collect::<Vec<_>>().join(",")
    }

    /// The run as text, to look at and to compare with another drawing of the same seed.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("payments by prompt are also confirmed as if by hand: {}\n", self.has_echo);
        for (at, trouble) in &self.troubles {
            let _ = writeln!(text, "{:>6} ms  {trouble:?}", at.as_millis());
        }
        for Visit { at, phone, mac, router, package, story, thinks, by_form, presses } in &self.visits {
            let how = if *by_form { "form" } else { "json" };
            let _ = writeln!(
                text,
                "{:>6} ms  {phone} {mac} router {router} package {package} {how} x{presses} thinks {} ms: {}",
                at.as_millis(),
                thinks.as_millis(),
                story.name
            );
        }
        text
    }
}

/// How long customers keep coming.
fn window(payments: usize) -> Duration {
    let per_payment = Duration::from_millis(80);
    per_payment.saturating_mul(u32::try_from(payments).unwrap_or(u32::MAX)).max(Duration::from_secs(12))
}

fn draw_visit(dice: &mut Dice, number: usize, earlier: &[Visit], window: Duration, routers: usize) -> Visit {
    let at = Duration::from_millis(dice.below(millis(window)));
    // Some come again with the same phone and device, some pay for another device with the same phone.
    let again = (!earlier.is_empty() && dice.chance(15)).then(|| dice.pick(earlier).clone());
    let own_phone = format!("2547{:08}", 10_000_000 + number * 7);
    let own_mac = format!("A4:CF:12:{:02X}:{:02X}:{:02X}", number / 65_536 % 256, number / 256 % 256, number % 256);
    let own_router = dice.index(routers);
    let (phone, mac, router) = match again {
        Some(visit) if dice.chance(80) => (visit.phone, visit.mac, visit.router),
        Some(visit) => (visit.phone, own_mac, own_router),
        None => (own_phone, own_mac, own_router),
    };
    Visit {
        at,
        phone,
        mac,
        router,
        package: dice.weighted([2, 5, 5].into_iter()),
        story: &STORIES[dice.weighted(STORIES.iter().map(|story| story.weight))],
        thinks: Duration::from_millis(if dice.chance(25) { dice.between(500, 4_000) } else { dice.between(0, 400) }),
        by_form: dice.chance(20),
        presses: if dice.chance(15) { dice.between(2, 5) } else { 1 },
    }
}

fn draw_troubles(dice: &mut Dice, until: Duration, routers: usize) -> Vec<(Duration, Trouble)> {
    let mut troubles = Vec::new();
    // Each kind at least once where there is time for it, then by weight.
    let mut owed: Vec<usize> = (0..WEIGHTS.len()).collect();
    let mut at = Duration::from_millis(dice.between(500, 1_500));
    while at < until {
        let kind = if owed.is_empty() || dice.chance(25) {
            dice.weighted(WEIGHTS.iter().copied())
        } else {
            owed.swap_remove(dice.index(owed.len()))
        };
        troubles.push((at, draw_trouble(dice, kind, routers)));
        at += Duration::from_millis(dice.between(200, 1_000));
    }
    troubles
}

const WEIGHTS: [u64; 13] = [6, 2, 2, 2, 1, 3, 3, 3, 2, 2, 2, 4, 3];

fn draw_trouble(dice: &mut Dice, kind: usize, routers: usize) -> Trouble {
    let mut ms = |from, to| Duration::from_millis(dice.between(from, to));
    match kind {
        0 => {
            let down = ms(0, 2_000);
            let points = billing::killpoint::POINTS;
            let then_at = dice.chance(50).then(|| format!("{}:{}", dice.pick(&points), dice.between(1, 12)));
            Trouble::KillServer { down, then_at }
        }
        1 => Trouble::FreezeServer(ms(500, 6_000)),
        2 => Trouble::SecondServer(ms(2_000, 8_000)),
        3 => Trouble::KillDatabase { down: ms(0, 3_000) },
        4 => Trouble::FreezeDatabase(ms(300, 4_000)),
        5 => Trouble::Reboot { router: dice.index(routers), clean: dice.chance(50), secs: dice.between(0, 6) },
        6 => Trouble::RouterHangs {
            router: dice.index(routers),
            commands: u32::try_from(dice.between(1, 3)).unwrap_or(1),
            ran: dice.chance(50),
        },
        7 => Trouble::RouterDrops {
            router: dice.index(routers),
            commands: u32::try_from(dice.between(1, 6)).unwrap_or(1),
            ran: dice.chance(50),
        },
        8 => Trouble::RouterRefuses {
            router: dice.index(routers),
            connections: u32::try_from(dice.between(1, 4)).unwrap_or(1),
        },
        9 => {
            let during = ms(300, 2_500);
            Trouble::MpesaAway { how: dice.below(4), during }
        }
        10 => Trouble::RevokeToken,
        11 => Trouble::RepeatReports { reports: 1 + dice.index(5), times: 5 + dice.index(45) },
        _ => Trouble::ForgeReports,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
