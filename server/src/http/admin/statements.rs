//! M-Pesa's own books: importing the statement that its portal exports, comparing it, and settling from it.

use app::api::{
    Done, ErrorBody, PageMeta, ReasonRequest, StatementLine, StatementLines, StatementList, StatementReport, Total,
};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State, rejection::BytesRejection},
    http::StatusCode,
};
use billing::{
    Billing,
    admins::Role,
    books::{
        self, ImportError, LineCursor, ReportLine, SettleLineError,
        compare::{self, Class},
    },
};
use domain::Receipt;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    payments::{page, page_size, read},
    session::CurrentAdmin,
};
use crate::http::{
    error::ApiError,
    extract::{ApiJson, ApiQuery, Named, body_error, named},
    request::Origin,
};

/// What the file is called.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct ImportQuery {
    /// The file's name; only shown.
    name: Option<String>,
}

/// Imports a statement: the CSV file as the M-Pesa portal exports it is the body, at most 8 MiB.
#[utoipa::path(post, path = "/api/admin/statements", tag = "admin", params(ImportQuery), request_body(content = String, content_type = "text/csv"), responses(
    (status = 200, body = StatementReport), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 413, body = ErrorBody), (status = 422, description = "not a statement, or another shortcode's", body = ErrorBody)
))]
pub(in crate::http) async fn import(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    ApiQuery(query): ApiQuery<ImportQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<StatementReport>, ApiError> {
    if admin.role != Role::Owner {
        return Err(ApiError::forbidden("owners_only", "Only an owner may import a statement."));
    }
    let body = body.map_err(|rejection| body_error(&rejection))?;
    let name = file_name(query.name.as_deref().unwrap_or_default());
    let report = billing.import_statement(&name, body.into(), &admin.username, Some(ip)).await?;
    Ok(Json(statement_report(&report)))
}

/// What was imported, newest first, at most 100, each as it compared when it was last looked at.
#[utoipa::path(get, path = "/api/admin/statements", tag = "admin", responses(
    (status = 200, body = StatementList), (status = 401, body = ErrorBody)
))]
pub(in crate::http) async fn list(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
) -> Result<Json<StatementList>, ApiError> {
    let statements = billing.list_statements().await?.iter().map(statement_report).collect();
    Ok(Json(StatementList { statements }))
}

/// One statement, compared now.
#[utoipa::path(get, path = "/api/admin/statements/{id}", tag = "admin", params(("id" = String, Path)), responses(
    (status = 200, body = StatementReport), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)
))]
pub(in crate::http) async fn one(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    Named(id): Named<Uuid>,
) -> Result<Json<StatementReport>, ApiError> {
    let report = billing.find_statement(id).await?.ok_or_else(ApiError::not_found)?;
    Ok(Json(statement_report(&report)))
}

/// Which lines.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
pub(in crate::http) struct LinesQuery {
    /// The name of a total: `matched`, `missing_here`, `differing`, `duplicates`, `missing_there`, `reversals`,
    /// `charges` or `others`; `missing_here` when left out.
    kind: Option<String>,
    /// `meta.next` of the page before.
    after: Option<String>,
    /// Rows, 1 to 200; 50 when left out.
    limit: Option<String>,
}

/// The lines behind one total, oldest first.
#[utoipa::path(get, path = "/api/admin/statements/{id}/lines", tag = "admin", params(("id" = String, Path), LinesQuery), responses(
    (status = 200, body = StatementLines), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn lines(
    State(billing): State<Billing>,
    _admin: CurrentAdmin,
    Named(id): Named<Uuid>,
    ApiQuery(query): ApiQuery<LinesQuery>,
) -> Result<Json<StatementLines>, ApiError> {
    let class = read(query.kind.as_deref(), "kind", Class::read)?.unwrap_or(Class::MissingHere);
    let after = read(query.after.as_deref(), "after", LineCursor::read)?;
    let limit = page_size(query.limit.as_deref())?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    let found = billing.list_statement_lines(id, class, after.as_ref(), wanted).await?;
    let (rows, next) = page(found.ok_or_else(ApiError::not_found)?, limit, |last| last.cursor.to_string());
    Ok(Json(StatementLines { lines: rows.into_iter().map(statement_line).collect(), meta: PageMeta { next } }))
}

/// Settles one payment of a statement through the same rule as all other evidence.
#[utoipa::path(post, path = "/api/admin/statements/{id}/lines/{receipt}/settle", tag = "admin", params(("id" = String, Path), ("receipt" = String, Path)), request_body = ReasonRequest, responses(
    (status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)
))]
pub(in crate::http) async fn settle(
    State(billing): State<Billing>,
    CurrentAdmin(admin): CurrentAdmin,
    Origin { ip, .. }: Origin,
    Path((id, receipt)): Path<(String, String)>,
    ApiJson(request): ApiJson<ReasonRequest>,
) -> Result<Json<Done>, ApiError> {
    let (id, receipt): (Uuid, Receipt) = (named(&id)?, named(&receipt)?);
    let message = billing.settle_line(id, &receipt, &admin, &request.reason, Some(ip)).await?;
    Ok(Json(Done { message }))
}

/// A name that can be shown: without a path and without control characters.
fn file_name(text: &str) -> String {
    let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(120).collect();
    if name.trim().is_empty() { "statement.csv".to_owned() } else { name.trim().to_owned() }
}

/// The report as JSON; also what the command line prints.
pub(crate) fn statement_report(report: &books::StatementReport) -> StatementReport {
    let total = |class| json_total(report.class(class));
    StatementReport {
        id: report.id,
        name: report.name.clone(),
        imported_by: report.imported_by.clone(),
        imported_at: report.imported_at,
        from: report.from,
        to: report.to,
        is_repeat: report.is_repeat,
        unreadable: report.unreadable.clone(),
        paid_in: json_total(report.paid_in),
        matched: total(Class::Matched),
        missing_here: total(Class::MissingHere),
        differing: total(Class::Differing),
        duplicates: total(Class::Duplicate),
        missing_there: total(Class::MissingThere),
        reversals: total(Class::Reversal),
        charges: total(Class::Charge),
        others: total(Class::Other),
    }
}

const fn json_total(total: compare::Total) -> Total {
    Total { count: total.count, cents: total.cents }
}

fn statement_line(line: ReportLine) -> StatementLine {
    StatementLine {
        receipt: line.receipt,
        completed_at: line.completed_at,
        there_cents: line.there_cents,
        here_kes: line.here_kes,
        account_reference: line.account_reference,
        payer: line.payer,
        payment_id: line.payment_id.map(domain::PaymentId::as_uuid),
        message: line.message,
        can_settle: line.can_settle,
    }
}

/// As a sentence: with a capital in front and a full stop behind.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        let words = sentence(&error.to_string());
        let code = match error {
            ImportError::Store(error) => return error.into(),
            ImportError::File(_) => "not_a_statement",
            ImportError::OtherShortcode { .. } => "other_shortcode",
            ImportError::NothingReadable(_) => "nothing_readable",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, words)
    }
}

impl From<SettleLineError> for ApiError {
    fn from(error: SettleLineError) -> Self {
        let words = error.to_string();
        match error {
            SettleLineError::NotOwner => Self::forbidden("owners_only", words),
            SettleLineError::Reason => Self::invalid("reason", "invalid_reason", words),
            SettleLineError::UnknownLine => Self::new(StatusCode::NOT_FOUND, "unknown_line", words),
            SettleLineError::Amount => Self::new(StatusCode::CONFLICT, "amount", words),
            SettleLineError::Store(error) => error.into(),
        }
    }
}
