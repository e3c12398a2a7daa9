//! Finds what is known of a customer, in the database, and asks the router.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{MacAddr, PaymentId, PaymentState, ResultCode, RouterId, SessionId, result_text};

use super::{
    Why, ask, decide,
    facts::{DeviceFact, Facts, Life, Look, Over, PaymentFact, Question, ReceiptFact, RouterFact, SessionFact},
};
use crate::{
    Billing,
    admins::Role,
    db::{
        StoreError, blocks, claims,
        logs::{self, LogRecord},
        outages,
        payments::{self, PaymentRecord},
        receipts, routers, why,
    },
    lists::PaymentFilter,
    trail::{self, Deed},
};

/// Payments of a phone that are looked through for one whose time runs.
const LOOKED_THROUGH: u32 = 20;
/// What people did is shown as far back as this many lines.
const DONE_SHOWN: u32 = 20;
/// A claim that is older waits in vain.
const CLAIMS_SINCE: TimeDelta = TimeDelta::days(30);
/// A router that has not answered for longer is away.
const AWAY_AFTER: TimeDelta = TimeDelta::minutes(2);

impl Billing {
    /// Why a customer cannot get on, by phone number, MAC address or M-Pesa code.
    ///
    /// # Errors
    /// [`StoreError`]; a router that cannot be asked is part of the answer.
    pub async fn why(&self, question: &str, role: Role) -> Result<Why, StoreError> {
        let facts = self.gather(Question::read(question), role).await?;
        Ok(decide(&facts))
    }

    async fn gather(&self, question: Question, role: Role) -> Result<Facts, StoreError> {
        let (pool, now) = (self.pool(), self.now());
        let mut facts = Facts {
            now,
            receipt: None,
            is_code_claimed: false,
            payment: None,
            session: None,
            device: None,
            other_mac: None,
            block: None,
            router: None,
            is_full_macs: role == Role::Owner,
            done: Vec::new(),
            question,
        };
        let (payment, session) = match facts.question.clone() {
            Question::Unknown => return Ok(facts),
            Question::Receipt(receipt) => {
                let row = receipts::find_receipt(pool, &receipt).await?;
                facts.receipt =
                    row.as_ref().map(|row| ReceiptFact { state: row.state, amount_kes: row.money.amount.shillings() });
                let waiting = claims::list_waiting_for(pool, &receipt).await?;
                facts.is_code_claimed = !waiting.is_empty();
                let of_receipt = why::find_payment_of_receipt(pool, &receipt).await?;
                let of_claim = waiting.into_iter().find_map(|claim| claim.payment_id);
                (of_receipt.or(of_claim), None)
            }
            Question::Phone(msisdn) => {
                let query = Some(msisdn.international());
                let filter = PaymentFilter { query, ..PaymentFilter::default() };
                let listed = self.list_payments(&filter, None, LOOKED_THROUGH).await?;
                let found = why::find_live_of_phone(pool, &msisdn.international(), now).await?;
                match found {
                    Some(session) => (session.payment_id.map(PaymentId::from), Some(session.id.into())),
                    None => (newest(&listed), None),
                }
            }
            Question::Mac(mac) => {
                let session = why::find_session_of_mac(pool, mac, now).await?;
                let payment = match &session {
                    Some(session) => session.payment_id.map(PaymentId::from),
                    None => payments::find_latest_of_device(pool, None, mac).await?.map(|payment| payment.id),
                };
                (payment, session.map(|session| SessionId::from(session.id)))
            }
        };
        let payment = match payment {
            Some(id) => payments::find_payment(pool, id).await?,
            None => None,
        };
        let session = match (session, &payment) {
            (Some(id), _) => why::find_session(pool, id).await?,
            (None, Some(payment)) => why::find_session_of_payment(pool, payment.id).await?,
            (None, None) => None,
        };
        let session = match session {
            Some(session) => Some(self.latest_of_device(session).await?),
            None => None,
        };
        if let Some(payment) = &payment {
            facts.payment = Some(self.payment_fact(payment).await?);
        }
        let about = session.as_ref().map(|session| SessionId::from(session.id));
        let devices = match about {
            Some(id) => why::list_devices(pool, id).await?,
            None => Vec::new(),
        };
        self.look_at(&mut facts, session, &devices, payment.as_ref()).await?;
        facts.done =
            self.done_to_customer(&facts, about, &devices, payment.as_ref().map(|payment| payment.mac)).await?;
        Ok(facts)
    }

    /// What was left of a session that was extended is in a later one of the same device.
    async fn latest_of_device(&self, session: why::SessionRow) -> Result<why::SessionRow, StoreError> {
        if session.end_reason.as_deref() != Some("extended") {
            return Ok(session);
        }
        let mac = session.mac()?;
        let now_has = why::find_session_of_mac(self.pool(), mac, self.now()).await?;
        Ok(now_has.unwrap_or(session))
    }

    async fn payment_fact(&self, payment: &PaymentRecord) -> Result<PaymentFact, StoreError> {
        let since = self.now() - CLAIMS_SINCE;
        let claim = claims::find_waiting_of_payment(self.pool(), payment.id, since).await?;
        let failure = match (payment.state, &payment.result_code) {
            (PaymentState::Failed, Some(code)) => {
                Some(result_text::for_owner(&ResultCode::new(code.as_str())).to_owned())
            }
            (PaymentState::Expired, _) => Some("M-Pesa never said what became of it.".to_owned()),
            _ => None,
        };
        Ok(PaymentFact {
            id: payment.id,
            state: payment.state,
            created_at: payment.created_at,
            amount_kes: payment.amount.shillings(),
            held_kes: payment.held_kes,
            failure,
            is_claimed: claim.is_some(),
            phone: payment.msisdn.masked(),
        })
    }

    /// The session, its device, and what its router shows.
    async fn look_at(
        &self,
        facts: &mut Facts,
        session: Option<why::SessionRow>,
        devices: &[why::DeviceRow],
        payment: Option<&PaymentRecord>,
    ) -> Result<(), StoreError> {
        let (pool, now) = (self.pool(), self.now());
        let asked = match facts.question {
            Question::Mac(mac) => Some(mac),
            _ => None,
        };
        let Some(session) = session else {
            if let Some(mac) = asked.or(payment.map(|payment| payment.mac)) {
                facts.block = blocks::find_block(pool, mac).await?.map(|block| block.reason);
            }
            return Ok(());
        };
        let own = session.mac()?;
        let device = devices.iter().find(|device| Some(device.mac) == asked);
        let device = device.or_else(|| devices.iter().find(|device| device.mac == own)).or_else(|| devices.first());
        let mac = device.map_or(own, |device| device.mac);
        let has_asked = |mac: MacAddr| devices.iter().any(|device| device.mac == mac);
        let tried = match payment {
            Some(payment) => why::find_later_mac(pool, payment.id, payment.user_id).await?,
            None => None,
        };
        facts.other_mac = asked.filter(|mac| !has_asked(*mac)).or(tried.filter(|mac| !has_asked(*mac)));
        facts.block = blocks::find_block(pool, asked.unwrap_or(mac)).await?.map(|block| block.reason);
        let router_id = device.map(|device| device.router_id).or(session.router_id.map(RouterId::from));
        facts.session = Some(SessionFact {
            package: session.package_name.clone(),
            life: life(&session, now),
            mac,
            is_data_used: session.data_bytes.is_some_and(|data| session.used_bytes >= data),
            devices: u32::try_from(devices.len()).unwrap_or(u32::MAX),
            devices_max: session.devices,
        });
        facts.device = device.map(|device| DeviceFact {
            mac: device.mac,
            is_applied: device.is_applied,
            is_online: device.is_online,
            last_error: device.last_error.clone(),
        });
        let is_over =
            matches!(facts.session.as_ref().map(|session| session.life), Some(Life::Over { .. } | Life::Paused));
        if let Some(id) = router_id.filter(|_| !is_over) {
            facts.router = self.router_fact(id, mac).await?;
        }
        Ok(())
    }

    /// What people did about the session and its devices, or about the device that was asked for.
    async fn done_to_customer(
        &self,
        facts: &Facts,
        session: Option<SessionId>,
        devices: &[why::DeviceRow],
        paid_with: Option<MacAddr>,
    ) -> Result<Vec<Deed>, StoreError> {
        let pool = self.pool();
        let asked = match facts.question {
            Question::Mac(mac) => Some(mac),
            _ => None,
        };
        let own = facts.session.as_ref().map(|session| session.mac).or(paid_with);
        let macs = devices.iter().map(|device| device.mac).chain(asked).chain(own);
        // Under each of its subjects in the log, how a device is called.
        let mut called: BTreeMap<String, String> = macs.map(|mac| (mac.to_string(), facts.shown_mac(mac))).collect();
        called.extend(devices.iter().map(|device| (device.id.to_string(), facts.shown_mac(device.mac))));
        let subjects: Vec<String> = called.keys().cloned().collect();
        let mut lines = logs::list_lines(pool, &trail::OF_DEVICE, &subjects, DONE_SHOWN).await?;
        let mut given = Vec::new();
        if let Some(id) = session {
            lines.extend(logs::list_lines(pool, &trail::OF_SESSION, &[id.to_string()], DONE_SHOWN).await?);
            given = outages::list_given(pool, id, DONE_SHOWN).await?;
        }
        let device = |line: &LogRecord| called.get(&line.subject).cloned().unwrap_or_default();
        let of_people = lines.iter().filter_map(|line| trail::of_customer(line, &device(line)));
        let mut done: Vec<Deed> = of_people.chain(given.iter().map(trail::of_given)).collect();
        done.sort_by_key(|deed| std::cmp::Reverse(deed.at));
        done.truncate(usize::try_from(DONE_SHOWN).unwrap_or(usize::MAX));
        Ok(done)
    }

    async fn router_fact(&self, id: RouterId, mac: MacAddr) -> Result<Option<RouterFact>, StoreError> {
        let now = self.now();
        let all = routers::list_routers(self.pool()).await?;
        let Some(router) = all.into_iter().find(|router| router.id == id) else {
            let name = why::find_router_name(self.pool(), id).await?;
            return Ok(name.map(|name| RouterFact {
                id,
                name,
                is_active: false,
                last_seen_at: None,
                away_since: None,
                look: Look::Failed("It is not in use.".to_owned()),
            }));
        };
        let look = ask::look(&router, &self.inner.deps.secret, mac).await;
        let seen_at = router.last_seen_at;
        let is_silent = seen_at.is_none_or(|at| now - at > AWAY_AFTER) && !matches!(look, Look::Now(_));
        Ok(Some(RouterFact {
            id,
            name: router.name,
            is_active: true,
            last_seen_at: seen_at,
            away_since: if is_silent { Some(seen_at.unwrap_or(now)) } else { None },
            look,
        }))
    }
}

fn newest(listed: &[crate::lists::PaymentListed]) -> Option<PaymentId> {
    // One that waits for somebody matters more than one that failed after it.
    let waits = |state: PaymentState| matches!(state, PaymentState::Review | PaymentState::Succeeded);
    let first = listed.first()?;
    let recent = listed.iter().take_while(|payment| first.created_at - payment.created_at < TimeDelta::hours(1));
    Some(recent.into_iter().find(|payment| waits(payment.state)).unwrap_or(first).id)
}

fn life(session: &why::SessionRow, now: DateTime<Utc>) -> Life {
    let reason = match session.end_reason.as_deref() {
        Some("data_used") => Over::Data,
        Some("refunded") => Over::Refunded,
        Some("extended") => Over::Extended,
        None | Some("expired") => Over::Time,
        Some(_) => Over::Stopped,
    };
    match (session.ended_at, session.paused_at, session.ends_at) {
        (Some(at), _, _) => Life::Over { at, reason },
        (None, Some(_), _) => Life::Paused,
        (None, None, Some(at)) if at <= now => Life::Over { at, reason: Over::Time },
        (None, None, Some(ends_at)) => Life::Running { ends_at },
        (None, None, None) => Life::Waiting,
    }
}
