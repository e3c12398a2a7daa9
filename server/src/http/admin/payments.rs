//! The owner's list of payments, as pages of JSON and as one CSV file.

use app::api::{ErrorBody, PageMeta, PaymentList, PaymentRow};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use billing::{
    Billing,
    lists::{PaymentFilter, PaymentListed},
};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{PaymentId, PaymentState, Receipt, ResultCode, payment::PaymentStatus, result_text};
use serde::Deserialize;

use super::session::CurrentAdmin;
use crate::http::{AppState, csv, error::ApiError, extract::ApiQuery, pay::status_word};

/// Rows of a page when the request does not say.
const PAGE: u32 = 50;
/// Most rows of a page.
const PAGE_MAX: u32 = 200;
/// Rows read at a time for a file.
const FILE_PAGE: u32 = 500;

/// Narrows the list; all parts are optional.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct PaymentsQuery {
    /// `Pending`, `Success` or `Failed`.
    status: Option<String>,
    /// The finer state, such as `review`.
    state: Option<String>,
    /// A phone number, a receipt or an account reference.
    q: Option<String>,
    /// Begun at or after this RFC 3339 instant.
    from: Option<String>,
    /// Begun before this RFC 3339 instant.
    to: Option<String>,
    /// A package's id.
    package: Option<String>,
    /// A router's public name.
    router: Option<String>,
    /// `meta.next` of the page before.
    after: Option<String>,
    /// Rows, 1 to 200; 50 when left out.
    limit: Option<String>,
}

/// Payments, newest first.
#[utoipa::path(get, path = "/api/admin/payments", tag = "admin", params(PaymentsQuery), responses(
    (status = 200, body = PaymentList), (status = 401, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn list(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    ApiQuery(query): ApiQuery<PaymentsQuery>,
) -> Result<Json<PaymentList>, ApiError> {
    let limit = page_size(query.limit.as_deref())?;
    let after = read(query.after.as_deref(), "after", |text| text.parse::<PaymentId>().ok())?;
    let filter = filter(&billing, &query).await?;
    let found = billing.list_payments(&filter, after, limit + 1).await?;
    let (rows, next) = page(found, limit, |last| last.id.to_string());
    Ok(Json(PaymentList { payments: rows.iter().map(payment_row).collect(), meta: PageMeta { next } }))
}

/// The same list as a file, whole, streamed a page at a time.
#[utoipa::path(get, path = "/api/admin/payments.csv", tag = "admin", params(PaymentsQuery), responses(
    (status = 200, description = "text/csv"), (status = 401, body = ErrorBody)
))]
pub(in crate::http) async fn file(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    ApiQuery(query): ApiQuery<PaymentsQuery>,
) -> Result<Response, ApiError> {
    let filter = filter(&billing, &query).await?;
    let pages = futures::stream::try_unfold(Some(None::<PaymentId>), move |position| {
        let (billing, filter) = (billing.clone(), filter.clone());
        async move {
            let Some(after) = position else { return Ok::<_, billing::StoreError>(None) };
            let rows = billing.list_payments(&filter, after, FILE_PAGE).await?;
            let mut text = if after.is_none() { csv::line(&HEADINGS) } else { String::new() };
            rows.iter().for_each(|row| text.push_str(&csv::line(&cells(row))));
            let is_last = u32::try_from(rows.len()).is_ok_and(|count| count < FILE_PAGE);
            let next = rows.last().filter(|_| !is_last).map(|last| Some(last.id));
            Ok(Some((text, next)))
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"payments.csv\""),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

const HEADINGS: [&str; 9] =
    ["id", "created_at", "phone", "package", "amount_kes", "status", "state", "mpesa_receipt", "account_reference"];

fn cells(row: &PaymentListed) -> [String; 9] {
    [
        row.id.to_string(),
        row.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        row.msisdn.international(),
        row.package_name.clone(),
        row.amount_kes.to_string(),
        status_word(row.state.status()).to_owned(),
        row.state.to_string(),
        row.receipt.as_ref().map(|receipt| receipt.as_str().to_owned()).unwrap_or_default(),
        row.account_reference.clone(),
    ]
}

/// One payment as the list shows it; for the live stream.
pub(in crate::http) async fn find_row(state: &AppState, id: PaymentId) -> Result<Option<PaymentRow>, ApiError> {
    Ok(state.billing().find_listed_payment(id).await?.as_ref().map(payment_row))
}

async fn filter(billing: &Billing, query: &PaymentsQuery) -> Result<PaymentFilter, ApiError> {
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc));
    let router_id = match query.router.as_deref().filter(|slug| !slug.is_empty()) {
        Some(slug) => Some(billing.find_router(slug).await?.ok_or_else(|| unreadable("router"))?.id),
        None => None,
    };
    Ok(PaymentFilter {
        status: read(query.status.as_deref(), "status", payment_status)?,
        state: read(query.state.as_deref(), "state", |text| text.parse().ok())?,
        query: query.q.clone().filter(|text| !text.trim().is_empty()),
        from: read(query.from.as_deref(), "from", instant)?,
        to: read(query.to.as_deref(), "to", instant)?,
        package_id: read(query.package.as_deref(), "package", |text| text.parse().ok())?,
        router_id,
    })
}

fn payment_status(text: &str) -> Option<PaymentStatus> {
    [PaymentStatus::Pending, PaymentStatus::Success, PaymentStatus::Failed]
        .into_iter()
        .find(|status| status_word(*status).eq_ignore_ascii_case(text))
}

/// Reads an optional part of the address; an empty one counts as left out.
pub(super) fn read<T>(
    text: Option<&str>,
    field: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => parse(text).map(Some).ok_or_else(|| unreadable(field)),
    }
}

fn unreadable(field: &'static str) -> ApiError {
    ApiError::invalid(field, "invalid_filter", format!("{field} is not understood."))
}

pub(super) fn page_size(text: Option<&str>) -> Result<u32, ApiError> {
    let size = read(text, "limit", |text| text.parse().ok().filter(|size| (1..=PAGE_MAX).contains(size)))?;
    Ok(size.unwrap_or(PAGE))
}

/// Cuts a list that was read one row longer than a page, and says where the next page begins.
pub(super) fn page<T>(mut rows: Vec<T>, limit: u32, position: impl FnOnce(&T) -> String) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(position);
    (rows, next)
}

pub(super) fn payment_row(payment: &PaymentListed) -> PaymentRow {
    PaymentRow {
        id: payment.id.as_uuid(),
        created_at: payment.created_at,
        phone: payment.msisdn.display(),
        package: payment.package_name.clone(),
        amount_kes: payment.amount_kes,
        status: status_word(payment.state.status()).to_owned(),
        state: payment.state.as_str().to_owned(),
        message: words_for_owner(payment),
        mpesa_receipt: payment.receipt.as_ref().map(Receipt::as_str).map(str::to_owned),
        account_reference: payment.account_reference.clone(),
        session_id: payment.session_id,
        delivery: payment.delivery.as_str().to_owned(),
    }
}

/// What a state means for the owner.
fn words_for_owner(payment: &PaymentListed) -> String {
    match payment.state {
        PaymentState::Created => "The prompt is being sent.".to_owned(),
        PaymentState::Pending => "The customer has the prompt.".to_owned(),
        PaymentState::Unknown => "M-Pesa did not say whether the prompt was sent; it is being asked.".to_owned(),
        PaymentState::Rejected => "M-Pesa refused to send the prompt. Nothing was charged.".to_owned(),
        PaymentState::Failed => payment
            .result_code
            .as_deref()
            .map_or_else(|| "Not paid.".to_owned(), |code| result_text::for_owner(&ResultCode::new(code)).to_owned()),
        PaymentState::Expired => "M-Pesa never said how it ended. If money arrives later, it still counts.".to_owned(),
        // The badge says it all.
        PaymentState::Succeeded => String::new(),
        PaymentState::Review => {
            "What M-Pesa says does not fit this payment. Compare it with your statement.".to_owned()
        }
        PaymentState::Refunded => "Paid back.".to_owned(),
    }
}
