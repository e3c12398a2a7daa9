//! The questions. Each selects the keys of rows that break it; `?` is the instant before which a row must have
//! come to rest, so that work that is under way is left out.

use chrono::TimeDelta;

/// How bad it is when a rule does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Money or access went wrong: this must never be.
    Invariant,
    /// Work for a person has waited too long.
    Work,
}

/// One question.
#[derive(Debug)]
pub(super) struct Rule {
    /// A stable word.
    pub(super) id: &'static str,
    /// What should hold.
    pub(super) title: &'static str,
    /// How bad it is when it does not.
    pub(super) weight: Weight,
    /// What the owner should do about it.
    pub(super) todo: &'static str,
    age_hours: i64,
    /// Selects the keys of rows that break it.
    pub(super) query: &'static str,
}

impl Rule {
    /// Younger rows are left out. Two minutes for an invariant, because its work may be under way.
    pub(super) fn age(&self) -> TimeDelta {
        match self.weight {
            Weight::Invariant => TimeDelta::minutes(2),
            Weight::Work => TimeDelta::hours(self.age_hours),
        }
    }
}

const LOOK: &str = "Run `bando audit` and look at the rows it names.";

const fn invariant(id: &'static str, title: &'static str, query: &'static str) -> Rule {
    Rule { id, title, weight: Weight::Invariant, todo: LOOK, age_hours: 0, query }
}

const fn work(id: &'static str, title: &'static str, age_hours: i64, todo: &'static str, query: &'static str) -> Rule {
    Rule { id, title, weight: Weight::Work, todo, age_hours, query }
}

pub(super) const RULES: [Rule; 26] = [
    invariant(
        "success_without_session",
        "Every successful payment has exactly one session",
        "select p.id from payments p left join sessions s on s.payment_id = p.id
         where p.state = 'succeeded' and s.id is null and p.updated_at < ?",
    ),
    invariant(
        "session_without_success",
        "No payment that did not succeed has a session",
        "select p.id from payments p join sessions s on s.payment_id = p.id
         where p.state not in ('succeeded', 'refunded') and p.created_at < ?",
    ),
    invariant(
        "receipt_not_own",
        "A payment's receipt is in the ledger and is its own",
        "select p.id from payments p left join receipts r on r.receipt = p.receipt
         where p.receipt is not null and (r.payment_id is null or r.payment_id <> p.id) and p.created_at < ?",
    ),
    invariant(
        "success_not_covered",
        "A successful payment took at least its price, or a person, the customer's credit or M-Pesa itself said so",
        "select p.id from payments p
         where p.state = 'succeeded' and p.created_at < ?
           and p.amount_kes > (select coalesce(sum(r.amount_kes), 0) from receipts r
                               where r.payment_id = p.id and r.state = 'credited')
           and not exists (select 1 from payment_events e
                           where e.payment_id = p.id and e.outcome = 'settled'
                             and e.source in ('admin', 'credit', 'query'))",
    ),
    invariant(
        "surplus_not_credited",
        "What was paid over a price is the customer's credit",
        "select p.id from payments p
         where p.state = 'succeeded' and p.created_at < ?
           and (select coalesce(sum(r.amount_kes), 0) from receipts r
                where r.payment_id = p.id and r.state = 'credited')
               > p.amount_kes + (select coalesce(sum(c.amount_kes), 0) from credits c
                                 where c.payment_id = p.id and c.kind = 'overpaid')",
    ),
    invariant(
        "receipt_without_payment",
        "Every receipt that pays for something, or is held for it, names its payment",
        "select r.receipt from receipts r where r.state in ('credited', 'part') and r.payment_id is null and r.created_at < ?",
    ),
    invariant(
        "part_of_settled",
        "No money is held for a payment that is settled",
        "select r.receipt from receipts r join payments p on p.id = r.payment_id
         where r.state = 'part' and p.state in ('succeeded', 'refunded') and p.updated_at < ?",
    ),
    invariant(
        "credit_not_booked",
        "Every receipt kept as credit is booked as the customer's credit, whole and once",
        "select r.receipt from receipts r
         where r.state = 'credit' and r.created_at < ?
           and r.amount_kes <> (select coalesce(sum(c.amount_kes), 0) from credits c
                                where c.receipt = r.receipt and c.amount_kes > 0)",
    ),
    invariant(
        "receipt_counted_twice",
        "No receipt is counted twice",
        "select r.receipt from receipts r
         where r.created_at < ?
           and r.receipt in (select c.receipt from credits c where c.receipt is not null and c.amount_kes > 0)
           and r.amount_kes < (select coalesce(sum(c.amount_kes), 0) from credits c
                               where c.receipt = r.receipt and c.amount_kes > 0)",
    ),
    invariant(
        "credit_sum",
        "Customers' credit is the sum of its changes",
        "select u.id from users u
         where u.created_at < ? and u.credit_kes <>
               (select coalesce(sum(c.amount_kes), 0) from credits c where c.user_id = u.id)",
    ),
    invariant(
        "totals_sum",
        "Customers' totals are the sum of their successful payments",
        "select u.id from users u
         where u.created_at < ? and u.paid_kes <>
               (select coalesce(sum(p.amount_kes), 0) from payments p
                where p.user_id = u.id and p.settled_at is not null and p.state in ('succeeded', 'refunded'))",
    ),
    invariant(
        "refund_half_done",
        "A refunded payment has no session that runs and no receipt that still counts",
        "select p.id from payments p
         where p.state = 'refunded' and p.updated_at < ?
           and (exists (select 1 from sessions s where s.payment_id = p.id and s.ended_at is null)
                or exists (select 1 from receipts r where r.payment_id = p.id and r.state in ('credited', 'part')))",
    ),
    invariant(
        "refund_without_effect",
        "A refund that was done has refunded its payment",
        "select f.id from refunds f join payments p on p.id = f.payment_id
         where f.state = 'done' and p.state <> 'refunded' and f.updated_at < ?",
    ),
    invariant(
        "stuck",
        "No payment is open without a next question to M-Pesa",
        "select p.id from payments p
         where p.state in ('created', 'pending', 'unknown') and p.next_query_at is null and p.updated_at < ?",
    ),
    invariant(
        "voucher_not_redeemed",
        "Every voucher's session belongs to a redeemed voucher",
        "select s.id from sessions s join vouchers v on v.id = s.voucher_id
         where v.redeemed_at is null and s.created_at < ?",
    ),
    invariant(
        "session_length",
        "A session grants what its payment bought, what was carried over and what people added, before and after pauses",
        "select s.id from sessions s join payments p on p.id = s.payment_id
         where s.duration_secs + s.spent_secs <> p.duration_minutes * 60 + s.carried_secs + s.added_secs
           and s.created_at < ?",
    ),
    invariant(
        "session_span",
        "Time that runs ends as long after its beginning as it was granted",
        "select s.id from sessions s
         where s.starts_at is not null and s.updated_at < ?
           and abs(timestampdiff(microsecond, date_add(s.starts_at, interval s.duration_secs second), s.ends_at)) > 1000000",
    ),
    invariant(
        "paused_but_on",
        "No time of a paused session runs, and none of its devices is let on",
        "select s.id from sessions s
         where s.ended_at is null and s.paused_at < ?
           and (s.starts_at is not null or s.ends_at is not null
                or exists (select 1 from session_devices d where d.session_id = s.id and d.intended = 'on'))",
    ),
    invariant(
        "blocked_but_on",
        "No device that is blocked is let on",
        "select d.id from blocks b join session_devices d on d.mac = b.active_mac
           join routers r on r.id = d.router_id and r.is_active = 1
         where d.intended = 'on' and b.created_at < ? and d.updated_at < b.created_at",
    ),
    invariant(
        "on_after_end",
        "No device is let on after its session has ended",
        "select d.id from session_devices d join sessions s on s.id = d.session_id
           join routers r on r.id = d.router_id and r.is_active = 1
         where d.applied = 'on' and d.intended = 'on' and coalesce(s.ended_at, s.ends_at) < ?",
    ),
    work(
        "open_too_long",
        "No payment is open longer than M-Pesa is asked about it",
        26,
        "Look for them in the M-Pesa portal, then decide each under Payments.",
        "select p.id from payments p where p.status = 'Pending' and p.state <> 'review' and p.created_at < ?",
    ),
    work(
        "review_waiting",
        "No payment waits in review longer than a day",
        24,
        "Open each under Payments and decide it.",
        "select p.id from payments p where p.status = 'Pending' and p.state = 'review' and p.updated_at < ?",
    ),
    work(
        "receipt_missing",
        "No payment has been without its receipt for two days",
        48,
        "Import the M-Pesa statement of those days: it brings the receipts.",
        "select p.id from payments p
         where p.status = 'Success' and p.receipt is null and p.settled_at < ?
           and not exists (select 1 from receipts r where r.payment_id = p.id and r.state = 'credited')
           and not exists (select 1 from payment_events e
                           where e.payment_id = p.id and e.outcome = 'settled' and e.source in ('admin', 'credit'))",
    ),
    work(
        "unmatched_waiting",
        "No money has been waiting for its owner longer than a day",
        24,
        "Assign or dismiss it under Unmatched money.",
        "select r.receipt from receipts r where r.state = 'unmatched' and r.created_at < ?",
    ),
    work(
        "claim_waiting",
        "No customer who says that they have paid waits longer than a day",
        24,
        "Accept or refuse each under Claims.",
        "select c.id from claims c where c.state in ('open', 'asked') and c.created_at < ?",
    ),
    work(
        "refund_waiting",
        "No reversal has been without an answer for a day",
        24,
        "Look for the reversal in the M-Pesa portal. If the money was given back, record it as a manual refund.",
        "select f.id from refunds f join payments p on p.id = f.payment_id
         where f.state in ('asked', 'unknown') and p.state <> 'refunded' and f.created_at < ?",
    ),
];
