//! From rows of the list to its records.

use chrono::{DateTime, Utc};
use domain::{
    MacAddr, PaymentId,
    live::{LiveState, StrangerKind, actions},
    session::Session,
};
use sqlx::{Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{
    list::{FRESH, LiveRecord},
    words::{Paid, of_paid, of_stranger},
};
use crate::{admins::Role, db::StoreError};

fn read_mac(row: &MySqlRow, table: &'static str, id: Uuid) -> Result<MacAddr, StoreError> {
    let bytes: Vec<u8> = row.try_get("mac")?;
    let read = <[u8; 6]>::try_from(bytes.as_slice()).ok().and_then(|bytes| MacAddr::from_bytes(bytes).ok());
    read.ok_or_else(|| StoreError::inconsistent(table, "mac", id))
}

/// A device with paid time.
pub(super) fn paid(row: &MySqlRow, now: DateTime<Utc>, role: Role) -> Result<LiveRecord, StoreError> {
    let id: Uuid = row.try_get("id")?;
    let times = Session::at(
        now,
        row.try_get("duration_secs")?,
        row.try_get("starts_at")?,
        row.try_get("ends_at")?,
        row.try_get("ended_at")?,
    );
    let is_paused = row.try_get::<Option<DateTime<Utc>>, _>("paused_at")?.is_some();
    let is_gone = row.try_get::<bool, _>("is_gone")?
        || matches!(times, Session::Ended { .. })
        || !(is_paused || row.try_get::<bool, _>("is_on_intended")?);
    let read = LiveState::read(&row.try_get::<String, _>("state")?);
    let state = read.filter(|_| !is_gone);
    let router_error: Option<String> = row.try_get("router_error")?;
    let last_error: Option<String> = row.try_get("last_error")?;
    let seen_at: Option<DateTime<Utc>> = row.try_get("last_seen_at")?;
    let text = state.map_or_else(String::new, |state| {
        of_paid(&Paid {
            state,
            is_router_there: router_error.is_none() && seen_at.is_some_and(|at| at > now - FRESH),
            last_error: last_error.as_deref(),
            router_error: router_error.as_deref(),
        })
    });
    let msisdn: Option<String> = row.try_get("msisdn")?;
    let data_bytes: Option<u64> = row.try_get("data_bytes")?;
    let session_bytes: u64 = row.try_get("session_bytes")?;
    let pauses = row.try_get("pauses")?;
    Ok(LiveRecord {
        id,
        session_id: Some(row.try_get::<Uuid, _>("session_id")?.into()),
        payment_id: row.try_get::<Option<Uuid>, _>("payment_id")?.map(PaymentId::from),
        router_id: row.try_get::<Uuid, _>("router_id")?.into(),
        router: row.try_get("router")?,
        mac: read_mac(row, "session_devices", id)?,
        ip: row.try_get("ip")?,
        msisdn: msisdn
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| StoreError::inconsistent("sessions", "user_id", id))?,
        package_name: Some(row.try_get("package_name")?),
        state,
        text,
        starts_at: row.try_get("starts_at")?,
        ends_at: row.try_get("ends_at")?,
        seconds_remaining: Some(times.remaining_secs(now)),
        used_secs: row.try_get("used_secs")?,
        used_bytes: row.try_get("used_bytes")?,
        bytes_remaining: data_bytes.map(|data| data.saturating_sub(session_bytes)),
        devices: u8::try_from(row.try_get::<i64, _>("devices")?).unwrap_or(u8::MAX),
        devices_max: row.try_get("devices_max")?,
        actions: state.map_or_else(Vec::new, |state| actions(state, pauses, true, role == Role::Owner)),
    })
}

/// A device without.
pub(super) fn stranger(row: &MySqlRow, role: Role) -> Result<LiveRecord, StoreError> {
    let id: Uuid = row.try_get("id")?;
    let kind = StrangerKind::read(&row.try_get::<String, _>("kind")?)
        .ok_or_else(|| StoreError::inconsistent("router_strangers", "kind", id))?;
    let state = (!row.try_get::<bool, _>("is_gone")?).then_some(LiveState::Ghost);
    let is_kickable = kind != StrangerKind::Bypassed;
    Ok(LiveRecord {
        id,
        session_id: None,
        payment_id: None,
        router_id: row.try_get::<Uuid, _>("router_id")?.into(),
        router: row.try_get("router")?,
        mac: read_mac(row, "router_strangers", id)?,
        ip: row.try_get("ip")?,
        msisdn: None,
        package_name: None,
        state,
        text: of_stranger(kind, &row.try_get::<String, _>("user_name")?),
        starts_at: None,
        ends_at: None,
        seconds_remaining: None,
        used_secs: row.try_get("used_secs")?,
        used_bytes: row.try_get("used_bytes")?,
        bytes_remaining: None,
        devices: 1,
        devices_max: 1,
        actions: state.map_or_else(Vec::new, |state| actions(state, 0, is_kickable, role == Role::Owner)),
    })
}
