//! Passes: what proves that somebody may use a session, and what it says of the session.

use std::net::IpAddr;

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use domain::{
    DeviceId, MacAddr, PassCode, PaymentId, RouterId, SessionId,
    devices::{self as rules, Member, Refusal, Standing},
    session::Session,
};
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::PassError;
use crate::{
    Billing,
    db::{
        StoreError,
        logs::{self, NewLog},
        session_devices::{self, MemberRecord},
        session_moves, session_passes,
        sessions::{self, SharedRecord},
    },
    settings::MOVES_PER_DAY,
};

/// Wrong codes in the window: from one device, from one address (behind which a whole hotspot may be), from all.
const MAX_PER_DEVICE: i64 = 10;
const MAX_PER_ADDRESS: i64 = 100;
const MAX_OF_ALL: i64 = 2_000;
const WINDOW_SECS: i64 = 900;
/// How the log calls a wrong code.
const WRONG: &str = "pass.wrong";
/// The subject under which wrong codes of all together are counted.
const ALL: &str = "all";
/// Sessions that one may be made of by buying again; nobody buys more often within one paid time.
const MAX_CHAIN: usize = 50;
/// A browser keeps a pass for as long as there is time left and this much longer: time does not run while a router
/// is away.
const KEPT_LONGER_SECS: u64 = 7 * 86_400;

/// What somebody shows. The first that is there counts.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// A short code, as typed.
    pub code: Option<String>,
    /// The signed pass of this browser.
    pub pass: Option<String>,
    /// The signed proof that this browser began a payment.
    pub payer: Option<String>,
}

/// Who shows a code, to stop guessing.
#[derive(Debug, Clone, Copy)]
pub struct Guesser {
    /// The device, if it said.
    pub mac: Option<MacAddr>,
    /// The address.
    pub remote_ip: Option<IpAddr>,
}

/// A device with a place in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnDevice {
    /// Its key.
    pub id: DeviceId,
    /// The router it is on.
    pub router_id: RouterId,
    /// Its address.
    pub mac: MacAddr,
    /// Its address on the hotspot, as last heard.
    pub ip: Option<String>,
    /// What the customer calls it.
    pub label: Option<String>,
    /// Whether it was on when its router was read last.
    pub is_online: bool,
}

/// An open pass: what its holder may know and do.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The session it opens.
    pub session_id: SessionId,
    /// What was bought.
    pub package_name: String,
    /// Paid seconds left.
    pub seconds_remaining: u64,
    /// How many devices may share it.
    pub places: u8,
    /// Places that nobody has now.
    pub free_places: u32,
    /// How often another device may still take a used place today.
    pub moves_left: u32,
    /// The devices that have a place, the buyer's first.
    pub devices: Vec<OwnDevice>,
    /// Why nothing can be done with it at the moment.
    pub refusal: Option<Refusal>,
    /// What to type on another device.
    pub code: PassCode,
    /// What the browser keeps: plain characters, no quotes.
    pub token: String,
    /// How long the browser keeps it.
    pub kept_secs: u64,
}

impl Pass {
    /// The device with this address on this router, if it has a place.
    #[must_use]
    pub fn device_at(&self, router_id: RouterId, mac: MacAddr) -> Option<&OwnDevice> {
        self.devices.iter().find(|device| device.router_id == router_id && device.mac == mac)
    }
}

impl Billing {
    /// What the browser that begins a payment keeps: it opens the pass once the payment has bought a session.
    #[must_use]
    pub fn payer_token(&self, id: PaymentId) -> String {
        self.sign("payer", id.as_uuid())
    }

    /// The pass of a session that was just made for the browser in front, such as by a voucher. `None` when it goes on
    /// from time that is not this browser's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn first_pass(&self, session_id: SessionId, shown: &Shown) -> Result<Option<Pass>, StoreError> {
        let Some(made) = sessions::find_shared(self.pool(), session_id).await? else { return Ok(None) };
        let is_own = match made.carried_from {
            None => true,
            Some(before) => self.kept_by(shown).await?.is_some_and(|kept| kept.id == before),
        };
        if is_own { self.open(&made).await.map(Some) } else { Ok(None) }
    }

    /// Opens the pass that somebody shows; `None` when they show none that opens a session which is not over.
    ///
    /// # Errors
    /// [`PassError::NotValid`] and [`PassError::TooMany`] for a code, never for what a browser keeps.
    pub async fn find_pass(&self, shown: &Shown, by: Guesser) -> Result<Option<Pass>, PassError> {
        let session = match &shown.code {
            Some(code) => Some(self.session_of_code(code, by).await?),
            None => {
                let kept = self.kept_by(shown).await?;
                let bought = self.bought_by(shown, kept.as_ref()).await?;
                bought.into_iter().chain(kept).find(|session| self.is_alive(session))
            }
        };
        match session {
            Some(session) => Ok(Some(self.open(&session).await?)),
            None => Ok(None),
        }
    }

    /// A device that the router sent here stands at the portal although it is to be on, from another address than
    /// before: its router is looked at again at once, so that the phone is not locked out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn note_address(&self, router_slug: &str, mac: MacAddr, ip: IpAddr) -> Result<(), StoreError> {
        const PAUSE: TimeDelta = TimeDelta::seconds(10);
        let Some(router_id) = self.router_for_sale(Some(router_slug)).await? else { return Ok(()) };
        if session_devices::note_address(self.pool(), (router_id, mac), ip, PAUSE, self.now()).await? {
            self.wake_router(router_id);
        }
        Ok(())
    }

    /// Whether a session went on without this device.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_left(&self, session_id: SessionId, mac: MacAddr) -> Result<bool, StoreError> {
        session_devices::has_left(self.pool(), session_id, mac).await
    }

    async fn session_of_code(&self, typed: &str, by: Guesser) -> Result<SharedRecord, PassError> {
        // What has not the form of a code is no guess.
        let code: PassCode = typed.parse().map_err(|_| PassError::NotValid)?;
        self.refuse_guessing_passes(by).await?;
        let Some(id) = session_passes::find_by_code(self.pool(), self.code_hash(&code)).await? else {
            self.note_wrong_pass(by).await?;
            return Err(PassError::NotValid);
        };
        let session = sessions::find_shared(self.pool(), id).await?;
        let session = self.follow(session).await?.filter(|session| self.is_alive(session));
        session.ok_or(PassError::NotValid)
    }

    /// The session of the pass that a browser keeps.
    async fn kept_by(&self, shown: &Shown) -> Result<Option<SharedRecord>, StoreError> {
        match shown.pass.as_deref().and_then(|token| self.verify("pass", token)) {
            Some(id) => self.follow(sessions::find_shared(self.pool(), id.into()).await?).await,
            None => Ok(None),
        }
    }

    /// The session that this browser bought. Anybody can pay for a device whose address they know, and the time that
    /// was left on it is not theirs: every session that this one goes on from must have been bought with the same
    /// phone, or be what the browser keeps the pass of.
    async fn bought_by(&self, shown: &Shown, kept: Option<&SharedRecord>) -> Result<Option<SharedRecord>, StoreError> {
        let Some(id) = shown.payer.as_deref().and_then(|token| self.verify("payer", token)) else { return Ok(None) };
        let Some(bought) = sessions::find_shared_of_payment(self.pool(), id.into()).await? else { return Ok(None) };
        let mut before = bought.carried_from;
        for _ in 0..MAX_CHAIN {
            let Some(id) = before.filter(|id| kept.is_none_or(|kept| kept.id != *id)) else {
                return self.follow(Some(bought)).await;
            };
            match sessions::find_shared(self.pool(), id).await? {
                Some(session) if is_same_customer(&session, &bought) => before = session.carried_from,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The last of the sessions that go on from this one and were bought by the same customer. What somebody else
    /// added to is theirs as well, and a pass to the first part must not open it.
    pub(super) async fn follow(&self, session: Option<SharedRecord>) -> Result<Option<SharedRecord>, StoreError> {
        let Some(mut session) = session else { return Ok(None) };
        for _ in 0..MAX_CHAIN {
            if !session.is_extended {
                break;
            }
            match sessions::find_successor(self.pool(), session.id).await? {
                Some(next) if is_same_customer(&session, &next) => session = next,
                _ => break,
            }
        }
        Ok(Some(session))
    }

    pub(super) fn is_alive(&self, session: &SharedRecord) -> bool {
        !matches!(session.at(self.now()), Session::Ended { .. })
    }

    async fn open(&self, session: &SharedRecord) -> Result<Pass, StoreError> {
        let (pool, now) = (self.pool(), self.now());
        let code = self.code_of(session.id);
        let hash = self.code_hash(&code);
        if session_passes::find_code_hash(pool, session.id).await?.as_deref() != Some(hash.as_slice()) {
            session_passes::upsert_pass(pool, session.id, hash, now).await?;
        }
        let members = session_devices::list_members(pool, session.id).await?;
        let day = self.day_of_moves().await?;
        let mut connection = pool.acquire().await?;
        let standing = standing(&mut connection, session, &members, &day, now).await?;
        let seconds_remaining = standing.session.remaining_secs(now);
        Ok(Pass {
            session_id: session.id,
            package_name: session.package_name.clone(),
            seconds_remaining,
            places: session.devices,
            free_places: standing.free_places(),
            moves_left: standing.moves_left(),
            refusal: standing.ensure_alive().err(),
            devices: members.into_iter().map(own_device).collect(),
            code,
            token: self.sign("pass", session.id.as_uuid()),
            kept_secs: seconds_remaining.saturating_add(KEPT_LONGER_SECS),
        })
    }

    /// When the owner's day began, and how many moves it has.
    pub(super) async fn day_of_moves(&self) -> Result<DayOfMoves, StoreError> {
        let limit = self.setting(MOVES_PER_DAY).await?.parse().unwrap_or(rules::MOVES_PER_DAY);
        Ok(DayOfMoves { began_at: day_began_at(self.now(), self.zone().await?), limit })
    }

    /// The same session always has the same code, and only this installation can tell which.
    fn code_of(&self, id: SessionId) -> PassCode {
        let digest = self.inner.deps.secret.pass_digest("code", &[id.as_uuid().as_bytes()]);
        let [a, b, c, d, e, f, g, h, ..] = digest;
        PassCode::from_bytes([a, b, c, d, e, f, g, h])
    }

    fn code_hash(&self, code: &PassCode) -> [u8; 32] {
        self.inner.deps.secret.pass_digest("stored code", &[code.plain().as_bytes()])
    }

    /// An id and the first 16 bytes of its keyed digest, in hexadecimal.
    fn sign(&self, purpose: &str, id: Uuid) -> String {
        let digest = self.inner.deps.secret.pass_digest(purpose, &[id.as_bytes()]);
        format!("{}{}", hex::encode(id.as_bytes()), hex::encode(&digest[..16]))
    }

    fn verify(&self, purpose: &str, token: &str) -> Option<Uuid> {
        let id = Uuid::from_slice(&hex::decode(token.get(..32)?).ok()?).ok()?;
        // Digests are compared, so the time it takes says nothing about where they differ.
        let is_ours =
            crate::random::digest(&[token.as_bytes()]) == crate::random::digest(&[self.sign(purpose, id).as_bytes()]);
        is_ours.then_some(id)
    }

    async fn refuse_guessing_passes(&self, by: Guesser) -> Result<(), PassError> {
        let since = self.now() - TimeDelta::seconds(WINDOW_SECS);
        let mut is_too_many = logs::count_by_subject(self.pool(), WRONG, ALL, since).await? >= MAX_OF_ALL;
        if let Some(mac) = by.mac {
            let subject = mac.to_string();
            is_too_many |= logs::count_by_subject(self.pool(), WRONG_DEVICE, &subject, since).await? >= MAX_PER_DEVICE;
        }
        if let Some(ip) = by.remote_ip {
            is_too_many |= logs::count_by_remote(self.pool(), WRONG, ip, since).await? >= MAX_PER_ADDRESS;
        }
        if is_too_many {
            return Err(PassError::TooMany { retry_after_secs: WINDOW_SECS.unsigned_abs() });
        }
        Ok(())
    }

    async fn note_wrong_pass(&self, by: Guesser) -> Result<(), StoreError> {
        let mac = by.mac.map(|mac| mac.to_string());
        let line = |action, subject| NewLog {
            actor: "customer",
            action,
            subject,
            detail: None,
            remote_ip: by.remote_ip,
            at: self.now(),
        };
        logs::insert_log(self.pool(), &line(WRONG, Some(ALL))).await?;
        if let Some(mac) = mac.as_deref() {
            logs::insert_log(self.pool(), &line(WRONG_DEVICE, Some(mac))).await?;
        }
        Ok(())
    }
}

/// How the log calls a wrong code beside the device that showed it.
const WRONG_DEVICE: &str = "pass.wrong_device";

fn is_same_customer(one: &SharedRecord, other: &SharedRecord) -> bool {
    one.user_id.is_some() && one.user_id == other.user_id
}

/// The day in which moves are counted.
pub(super) struct DayOfMoves {
    pub(super) began_at: DateTime<Utc>,
    pub(super) limit: u32,
}

/// Midnight in the owner's zone. Where a clock change skips midnight, the last 24 hours count.
fn day_began_at(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let midnight = now.with_timezone(&zone).date_naive().and_time(NaiveTime::MIN);
    zone.from_local_datetime(&midnight).earliest().map_or(now - TimeDelta::days(1), |at| at.with_timezone(&Utc))
}

/// A session as the rules see it.
pub(super) async fn standing(
    connection: &mut MySqlConnection,
    session: &SharedRecord,
    members: &[MemberRecord],
    day: &DayOfMoves,
    now: DateTime<Utc>,
) -> Result<Standing, StoreError> {
    let counts = session_moves::count_moves(&mut *connection, session.id, day.began_at).await?;
    let member = |record: &MemberRecord| Member { id: record.id, place: record.place, is_on: record.is_on_intended };
    Ok(Standing {
        session: session.at(now),
        places: session.devices,
        members: members.iter().map(member).collect(),
        fresh_places: counts.fresh_places,
        moves_today: counts.counted_today,
        moves_per_day: day.limit,
    })
}

fn own_device(record: MemberRecord) -> OwnDevice {
    let (router_id, mac) = record.place;
    OwnDevice { id: record.id, router_id, mac, ip: record.ip, label: record.label, is_online: record.is_online }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_where_the_owner_lives() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc);
        for (now, began) in [
            ("2026-11-22T20:59:59Z", "2026-11-21T21:00:00Z"),
            ("2026-11-22T21:00:00Z", "2026-11-22T21:00:00Z"),
            ("2026-11-23T05:00:00Z", "2026-11-22T21:00:00Z"),
        ] {
            assert_eq!(day_began_at(at(now), Tz::Africa__Nairobi), at(began), "{now}");
        }
    }
}
