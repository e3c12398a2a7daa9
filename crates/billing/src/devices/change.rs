//! Devices that join a session, take another's place, or are removed.

use std::net::IpAddr;

use domain::{
    DeviceId, MacAddr, RouterId, SessionId,
    devices::{Claim, Newcomer, Place, Refusal, Step, Wish},
};
use sqlx::{MySql, Transaction};

use super::{
    PassError,
    pass::{DayOfMoves, Pass, standing},
};
use crate::{
    Billing,
    db::{
        Repeat, StoreError, blocks,
        session_devices::{self, Held, Intent},
        session_moves::{self, MoveKind, NewMove},
        sessions::{self, SharedRecord},
    },
    random,
};

/// Longest name of a device.
const LABEL_MAX: usize = 40;

/// A device that is to use the time of a pass.
#[derive(Debug, Clone)]
pub struct Join {
    /// The router's public name; the only router when `None`.
    pub router_slug: Option<String>,
    /// The device.
    pub mac: MacAddr,
    /// Its address on the hotspot, if the router told.
    pub ip: Option<IpAddr>,
    /// Beside the others, or in the place of one.
    pub wish: Wish,
    /// What the customer calls it.
    pub label: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// The device had its place already.
    Already,
    /// It joined the others.
    Added,
    /// It took the place of another, which goes off.
    Moved,
}

impl Joined {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Already => "already",
            Self::Added => "added",
            Self::Moved => "moved",
        }
    }
}

impl Billing {
    /// Lets a device use the time of a pass.
    ///
    /// # Errors
    /// [`PassError::Refused`] says which rule stands against it; [`PassError::UnknownRouter`]; the database.
    pub async fn join(&self, pass: &Pass, request: &Join) -> Result<Joined, PassError> {
        let router_id = self.router_for_sale(request.router_slug.as_deref()).await?.ok_or(PassError::UnknownRouter)?;
        let place = (router_id, request.mac);
        let day = self.day_of_moves().await?;
        let (joined, woken) = Repeat::run(|| self.join_once(pass.session_id, place, request, &day)).await?;
        for router_id in woken {
            self.wake_router(router_id);
        }
        Ok(joined)
    }

    /// Takes a device off a session; its place is free again.
    ///
    /// # Errors
    /// [`PassError::Refused`] says which rule stands against it; the database.
    pub async fn remove_device(&self, pass: &Pass, id: DeviceId) -> Result<(), PassError> {
        let day = self.day_of_moves().await?;
        let router_id = Repeat::run(|| self.remove_once(pass.session_id, id, &day)).await?;
        self.wake_router(router_id);
        Ok(())
    }

    /// The session's row is held first: two devices that open one pass at the same moment come one after the other.
    async fn join_once(
        &self,
        session_id: SessionId,
        place: Place,
        request: &Join,
        day: &DayOfMoves,
    ) -> Result<(Joined, Vec<RouterId>), PassError> {
        let now = self.now();
        let (mut tx, session) = self.lock_session(session_id).await?;
        let members = session_devices::list_members(&mut *tx, session.id).await?;
        let held = session_devices::lock_devices(&mut tx, &[place], now).await?.remove(&place);
        let is_blocked = blocks::find_block(&mut *tx, place.1).await?.is_some();
        let claim = if is_blocked { Claim::Blocked } else { claim(held.as_ref(), session.id, now) };
        let step =
            standing(&mut tx, &session, &members, day, now).await?.decide(Newcomer { place, claim }, request.wish)?;
        let (kind, from, is_counted) = match step {
            Step::Nothing => return Ok((Joined::Already, Vec::new())),
            Step::Add { is_counted } => (MoveKind::Added, None, is_counted),
            Step::Replace { from, is_counted } => (MoveKind::Moved, Some(from), is_counted),
        };
        if let Some(from) = from {
            session_devices::leave(&mut tx, from.id, now).await?;
        }
        if held.is_some() {
            // What the device used under its row counts for the session it was used in.
            session_devices::keep_use(&mut tx, &[place]).await?;
        }
        let new_id = DeviceId::from_uuid(random::uuid(now));
        let intent = Intent { new_id, session_id: session.id, place, ip: request.ip };
        session_devices::intend_on(&mut tx, &[intent], now).await?;
        // Who takes the buyer's place is the buyer's new device; who joins is a guest.
        let was_guest = from.is_none_or(|from| members.iter().any(|member| member.id == from.id && member.is_guest));
        session_devices::describe(&mut tx, place, was_guest, label(request.label.as_deref()).as_deref()).await?;
        let from_place = from.map(|from| from.place);
        let line = NewMove {
            id: random::uuid(now),
            session_id: session.id,
            kind,
            from: from_place,
            to: Some(place),
            is_counted,
        };
        session_moves::insert_move(&mut tx, &line, now).await?;
        sessions::touch_payment(&mut tx, session.id, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        tracing::info!(session.id = %session.id, session.mac = %place.1.masked(), is_move = from.is_some(), "a device joined a session by its pass");
        let joined = if from.is_some() { Joined::Moved } else { Joined::Added };
        Ok((joined, from_place.map(|(router_id, _)| router_id).into_iter().chain([place.0]).collect()))
    }

    async fn remove_once(&self, session_id: SessionId, id: DeviceId, day: &DayOfMoves) -> Result<RouterId, PassError> {
        let now = self.now();
        let (mut tx, session) = self.lock_session(session_id).await?;
        let members = session_devices::list_members(&mut *tx, session.id).await?;
        let gone = standing(&mut tx, &session, &members, day, now).await?.decide_removal(id)?;
        session_devices::leave(&mut tx, gone.id, now).await?;
        let line = NewMove {
            id: random::uuid(now),
            session_id: session.id,
            kind: MoveKind::Removed,
            from: Some(gone.place),
            to: None,
            is_counted: false,
        };
        session_moves::insert_move(&mut tx, &line, now).await?;
        sessions::touch_payment(&mut tx, session.id, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(gone.place.0)
    }

    /// The session of a pass, or what it was extended to a moment ago, held until the transaction ends.
    async fn lock_session(&self, id: SessionId) -> Result<(Transaction<'static, MySql>, SharedRecord), PassError> {
        let session = sessions::find_shared(self.pool(), id).await?;
        let current = self.follow(session).await?.filter(|session| self.is_alive(session)).ok_or(Refusal::Over)?;
        let mut tx = self.pool().begin().await.map_err(StoreError::from)?;
        let locked = sessions::lock_shared(&mut tx, current.id).await?.ok_or(Refusal::Over)?;
        Ok((tx, locked))
    }
}

/// What stands against a device by the row it has on its router.
fn claim(held: Option<&Held>, own: SessionId, now: chrono::DateTime<chrono::Utc>) -> Claim {
    match held {
        Some(held) if held.session_id != own && !held.has_left && held.session.remaining_secs(now) > 0 => Claim::Taken,
        _ => Claim::None,
    }
}

/// A name as it is kept: printable, not too long, not empty.
fn label(text: Option<&str>) -> Option<String> {
    let clean: String = text?.chars().filter(|c| !c.is_control()).collect();
    let clean: String = clean.trim().chars().take(LABEL_MAX).collect();
    (!clean.is_empty()).then_some(clean)
}
