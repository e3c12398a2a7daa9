//! The list: devices with paid time and strangers in one order, newest row first, by keyset pages.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    MacAddr, Msisdn, PaymentId, RouterId, SessionId,
    live::{LiveAction, LiveState},
};
use sqlx::{MySql, QueryBuilder, Row as _};
use uuid::Uuid;

use super::{
    rows::{paid, stranger},
    search::Search,
};
use crate::{Billing, admins::Role, db::StoreError};

/// A router that has not answered for so long does not know who is on.
pub(super) const FRESH: TimeDelta = TimeDelta::minutes(3);

/// Which devices to list. `None` narrows nothing.
#[derive(Debug, Clone, Default)]
pub struct LiveFilter {
    /// How they stand.
    pub state: Option<LiveState>,
    /// On this router.
    pub router_id: Option<RouterId>,
    /// A phone number or a MAC, whole or a part of it, or the beginning of a package's, router's or user's name.
    pub query: Option<String>,
}

/// How many devices there are of each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveCounts {
    /// Paid and on.
    pub online: u32,
    /// Paid, delivered, not there now.
    pub away: u32,
    /// Paid, not delivered yet.
    pub waiting: u32,
    /// Paused.
    pub paused: u32,
    /// On without paid time.
    pub ghost: u32,
}

/// One device.
#[derive(Debug, Clone)]
pub struct LiveRecord {
    /// Stable for a device on its router.
    pub id: Uuid,
    /// `None` for a stranger.
    pub session_id: Option<SessionId>,
    /// The payment, if a payment paid for it.
    pub payment_id: Option<PaymentId>,
    /// The router.
    pub router_id: RouterId,
    /// Its name.
    pub router: String,
    /// The device.
    pub mac: MacAddr,
    /// Its address, when known.
    pub ip: Option<String>,
    /// Who paid.
    pub msisdn: Option<Msisdn>,
    /// The package's name as sold.
    pub package_name: Option<String>,
    /// How it stands; `None` when it is on the list no more.
    pub state: Option<LiveState>,
    /// The same in words.
    pub text: String,
    /// When paid time began.
    pub starts_at: Option<DateTime<Utc>>,
    /// When paid time is over.
    pub ends_at: Option<DateTime<Utc>>,
    /// Paid seconds left.
    pub seconds_remaining: Option<u64>,
    /// Seconds on the network under this session.
    pub used_secs: u64,
    /// Bytes both ways under this session.
    pub used_bytes: u64,
    /// Bytes left of the session; `None` is unlimited.
    pub bytes_remaining: Option<u64>,
    /// Devices of the session now.
    pub devices: u8,
    /// How many it may have.
    pub devices_max: u8,
    /// What may be done.
    pub actions: Vec<LiveAction>,
}

const PAID_COLUMNS: &str = "select d.id, d.session_id, s.payment_id, d.router_id, r.name as router, d.mac, d.ip, u.msisdn, \
     s.package_name, d.last_error, d.intended = 'on' as is_on_intended, r.last_error as router_error, r.last_seen_at, \
     s.duration_secs, s.starts_at, s.ends_at, s.ended_at, s.paused_at, s.pauses, \
     d.used_secs + d.before_secs as used_secs, d.used_bytes + d.before_bytes as used_bytes, s.data_bytes, \
     cast(s.left_bytes + (select coalesce(sum(o.used_bytes), 0) from session_devices o where o.session_id = s.id) \
          as unsigned) as session_bytes, \
     (select count(*) from session_devices o where o.session_id = s.id and o.left_at is null) as devices, \
     s.devices as devices_max, d.left_at is not null or r.is_active = 0 as is_gone, ";
const PAID_TABLES: &str = " from session_devices d join sessions s on s.id = d.session_id \
     join routers r on r.id = d.router_id left join users u on u.id = s.user_id where ";
const PAID_JOINS: &str = " join sessions s on s.id = d.session_id join routers r on r.id = d.router_id \
     left join users u on u.id = s.user_id";
const STRANGER: &str = "select g.id, g.router_id, r.name as router, g.mac, g.ip, g.kind, g.user_name, g.used_secs, \
     g.used_bytes, g.since_at, g.gone_at is not null or r.is_active = 0 as is_gone \
     from router_strangers g join routers r on r.id = g.router_id where ";

/// The two ways of having paid time, each with an index of its own: to be on, and paused.
const ON: &str = "d.intended = 'on' and d.left_at is null and r.is_active = 1 and s.ended_at is null";
const PAUSED: &str = "s.ended_at is null and s.paused_at is not null and d.left_at is null and r.is_active = 1";

/// The state as a column of the paid rows.
fn push_state(query: &mut QueryBuilder<'_, MySql>, now: DateTime<Utc>) {
    query
        .push(
            "case when s.paused_at is not null then 'paused' \
             when d.applied <> 'on' or s.starts_at is null then 'waiting' \
             when d.is_online = 1 and r.last_error is null and r.last_seen_at > ",
        )
        .push_bind(now - FRESH)
        .push(" then 'online' else 'away' end");
}

fn push_running(query: &mut QueryBuilder<'_, MySql>, now: DateTime<Utc>) {
    query.push(" and (s.ends_at is null or s.ends_at > ").push_bind(now).push(")");
}

impl Billing {
    /// Devices, newest row first. `after` is the last one of the page before; at most 500 at a time. `role` decides
    /// which actions they carry.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_live(
        &self,
        filter: &LiveFilter,
        after: Option<Uuid>,
        limit: u32,
        role: Role,
    ) -> Result<Vec<LiveRecord>, StoreError> {
        let (now, limit) = (self.now(), limit.clamp(1, 500));
        let search = Search::of(filter.query.as_deref());
        let mut found = Vec::new();
        let wants = |state: LiveState| filter.state.is_none_or(|wanted| wanted == state);
        for part in [ON, PAUSED] {
            let is_paused_part = part == PAUSED;
            let is_wanted =
                if is_paused_part { wants(LiveState::Paused) } else { filter.state != Some(LiveState::Paused) };
            if !is_wanted || filter.state == Some(LiveState::Ghost) {
                continue;
            }
            let mut query = QueryBuilder::<MySql>::new(PAID_COLUMNS);
            push_state(&mut query, now);
            // The page is found first: what is counted for each device is counted for those on it only.
            query.push(" as state from (select d.id").push(PAID_TABLES).push(part);
            push_running(&mut query, now);
            narrow(&mut query, "d", filter, after);
            if let Some(state) = filter.state.filter(|_| !is_paused_part) {
                query.push(" and ");
                push_state(&mut query, now);
                query.push(" = ").push_bind(state.as_str());
            }
            search.push_paid(&mut query);
            query.push(" order by d.id desc limit ").push_bind(limit);
            query.push(") k join session_devices d on d.id = k.id").push(PAID_JOINS).push(" order by d.id desc");
            for row in query.build().fetch_all(self.pool()).await? {
                found.push(paid(&row, now, role)?);
            }
        }
        if wants(LiveState::Ghost) {
            let mut query = QueryBuilder::<MySql>::new(STRANGER);
            query.push("g.gone_at is null and r.is_active = 1");
            narrow(&mut query, "g", filter, after);
            search.push_stranger(&mut query);
            query.push(" order by g.id desc limit ").push_bind(limit);
            for row in query.build().fetch_all(self.pool()).await? {
                found.push(stranger(&row, role)?);
            }
        }
        found.sort_unstable_by_key(|one| std::cmp::Reverse(one.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// How many devices there are of each state, on one router or on all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn count_live(&self, router_id: Option<RouterId>) -> Result<LiveCounts, StoreError> {
        let now = self.now();
        let filter = LiveFilter { router_id, ..LiveFilter::default() };
        let mut counts = LiveCounts::default();
        for part in [ON, PAUSED] {
            let mut query = QueryBuilder::<MySql>::new("select ");
            push_state(&mut query, now);
            query.push(" as state, count(*) as devices").push(PAID_TABLES).push(part);
            push_running(&mut query, now);
            narrow(&mut query, "d", &filter, None);
            query.push(" group by 1");
            for row in query.build().fetch_all(self.pool()).await? {
                let devices = u32::try_from(row.try_get::<i64, _>("devices")?).unwrap_or(u32::MAX);
                match LiveState::read(&row.try_get::<String, _>("state")?) {
                    Some(LiveState::Online) => counts.online = devices,
                    Some(LiveState::Away) => counts.away = devices,
                    Some(LiveState::Waiting) => counts.waiting = devices,
                    Some(LiveState::Paused) => counts.paused = devices,
                    Some(LiveState::Ghost) | None => {}
                }
            }
        }
        let mut query = QueryBuilder::<MySql>::new(
            "select count(*) from router_strangers g join routers r on r.id = g.router_id \
             where g.gone_at is null and r.is_active = 1",
        );
        narrow(&mut query, "g", &filter, None);
        let ghosts: i64 = query.build_query_scalar().fetch_one(self.pool()).await?;
        Ok(LiveCounts { ghost: u32::try_from(ghosts).unwrap_or(u32::MAX), ..counts })
    }

    /// Of each router, how many paid devices are on and how many wait to be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn count_live_by_router(&self) -> Result<HashMap<RouterId, (u32, u32)>, StoreError> {
        let now = self.now();
        let mut query = QueryBuilder::<MySql>::new("select d.router_id, ");
        push_state(&mut query, now);
        query.push(" as state, count(*) as devices").push(PAID_TABLES).push(ON);
        push_running(&mut query, now);
        query.push(" group by 1, 2");
        let mut counts: HashMap<RouterId, (u32, u32)> = HashMap::new();
        for row in query.build().fetch_all(self.pool()).await? {
            let of_router = counts.entry(row.try_get::<Uuid, _>("router_id")?.into()).or_default();
            let devices = u32::try_from(row.try_get::<i64, _>("devices")?).unwrap_or(u32::MAX);
            match LiveState::read(&row.try_get::<String, _>("state")?) {
                Some(LiveState::Online) => of_router.0 = devices,
                Some(LiveState::Waiting) => of_router.1 = devices,
                _ => {}
            }
        }
        Ok(counts)
    }

    /// One device by its row's id; without a state when it is on the list no more. `None` if there never was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_live(&self, id: Uuid, role: Role) -> Result<Option<LiveRecord>, StoreError> {
        let now = self.now();
        let mut query = QueryBuilder::<MySql>::new(PAID_COLUMNS);
        push_state(&mut query, now);
        query.push(" as state").push(PAID_TABLES).push("d.id = ").push_bind(id);
        if let Some(row) = query.build().fetch_optional(self.pool()).await? {
            return paid(&row, now, role).map(Some);
        }
        let mut query = QueryBuilder::<MySql>::new(STRANGER);
        query.push("g.id = ").push_bind(id);
        query.build().fetch_optional(self.pool()).await?.map(|row| stranger(&row, role)).transpose()
    }
}

fn narrow(query: &mut QueryBuilder<'_, MySql>, table: &str, filter: &LiveFilter, after: Option<Uuid>) {
    if let Some(router_id) = filter.router_id {
        query.push(format!(" and {table}.router_id = ")).push_bind(router_id.as_uuid());
    }
    if let Some(after) = after {
        query.push(format!(" and {table}.id < ")).push_bind(after);
    }
}
