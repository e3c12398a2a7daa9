//! What may become of one payment: how M-Pesa takes the push, answers questions and reports, and what the customer
//! does. Most of it the simulator of Daraja plays; what it does not is done on the wire by `gateway`.

/// How the push is answered on its way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Push {
    Through,
    /// M-Pesa accepts and shows the prompt; the connection breaks before the answer is here.
    AnswerLost,
    /// Refused for being too many, the first time.
    Throttled,
}

/// Answers to questions that say nothing, or nothing sensible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Odd {
    StillText,
    StillNumber,
    Processing,
    EmptyMessage500,
    EmptyMessage200,
    UnknownTransaction,
    Page,
    Truncated,
    NoBody,
    Throttled,
    NoResultCode,
    NullResultCode,
    UnlistedCode,
    Cut,
}

/// All of them, to meet each in a run.
pub(crate) const ODD: &[Odd] = &[
    Odd::StillText,
    Odd::Processing,
    Odd::EmptyMessage200,
    Odd::StillNumber,
    Odd::EmptyMessage500,
    Odd::Page,
    Odd::Truncated,
    Odd::NoBody,
    Odd::Throttled,
    Odd::NoResultCode,
    Odd::NullResultCode,
    Odd::UnlistedCode,
    Odd::Cut,
    Odd::UnknownTransaction,
];

/// What happens to the report beyond what the simulator does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    Comes,
    Lost,
    /// Comes this often at the same moment.
    Copies(u32),
    /// Comes this many simulated seconds late.
    Late(u64),
}

/// One kind of payment.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) weight: u64,
    /// Scenario of the simulator.
    pub(crate) scenario: &'static str,
    /// Whether the customer pays when prompted.
    pub(crate) pays: bool,
    pub(crate) push: Push,
    /// Given to the first questions about it, in turn.
    pub(crate) odd_answers: &'static [Odd],
    pub(crate) report: Report,
}

const PAID: Story = Story {
    name: "paid",
    weight: 14,
    scenario: "success",
    pays: true,
    push: Push::Through,
    odd_answers: &[],
    report: Report::Comes,
};

const fn paid(name: &'static str, weight: u64, scenario: &'static str) -> Story {
    Story { name, weight, scenario, ..PAID }
}

const fn unpaid(name: &'static str, weight: u64, scenario: &'static str) -> Story {
    Story { name, weight, scenario, pays: false, ..PAID }
}

/// Every kind, with how often it is drawn.
pub(crate) const STORIES: &[Story] = &[
    PAID,
    unpaid("cancelled", 4, "cancelled"),
    Story { report: Report::Lost, ..unpaid("cancelled, report lost", 2, "cancelled") },
    unpaid("wrong PIN", 3, "wrong_pin"),
    unpaid("unanswered", 3, "unanswered"),
    Story { report: Report::Lost, ..unpaid("unanswered, report lost", 2, "unanswered") },
    unpaid("insufficient", 3, "insufficient"),
    unpaid("busy", 1, "busy"),
    unpaid("unlisted code", 1, "unknown_code"),
    unpaid("no operator", 1, "no_operator"),
    unpaid("cancelled, metadata null", 1, "metadata_null"),
    unpaid("push refused with 500", 2, "submit_500"),
    unpaid("push answered with a page", 2, "submit_html"),
    Story { push: Push::Throttled, ..paid("push throttled", 2, "success") },
    Story { push: Push::AnswerLost, ..paid("push answer lost", 5, "success") },
    Story { push: Push::AnswerLost, ..unpaid("push answer lost, cancelled", 2, "cancelled") },
    Story {
        push: Push::AnswerLost,
        report: Report::Copies(4),
        ..paid("push answer lost, report fivefold", 2, "success")
    },
    Story { report: Report::Lost, ..paid("report lost", 6, "callback_lost") },
    Story { report: Report::Lost, odd_answers: ODD, ..paid("report lost, every odd answer first", 4, "callback_lost") },
    Story {
        odd_answers: &[Odd::StillText, Odd::StillText, Odd::StillText, Odd::StillText, Odd::StillText, Odd::StillText],
        report: Report::Late(90),
        ..paid("processing for long, then paid", 3, "success")
    },
    Story { odd_answers: ODD, report: Report::Late(60), ..paid("odd answers, report late", 2, "success") },
    paid("report before the push's answer", 3, "callback_first"),
    paid("report five minutes late", 2, "callback_delayed"),
    paid("report three times", 2, "callback_duplicate"),
    Story { report: Report::Copies(20), ..paid("report 21 times at once", 4, "success") },
    paid("failure then success", 4, "failure_then_success"),
    paid("asked: failed; reported: paid", 3, "query_failure_then_success"),
    paid("answers flap", 2, "query_flaps"),
    paid("questions throttled", 2, "query_throttled"),
    paid("token revoked in flight", 2, "token_revoked"),
    paid("another amount", 3, "wrong_amount"),
    paid("a receipt used before", 3, "reused_receipt"),
    paid("paid, no metadata", 1, "success_without_metadata"),
    paid("balance packed", 1, "balance_packed"),
    paid("balance absent", 1, "balance_absent"),
    paid("amount with one decimal", 1, "amount_one_decimal"),
    paid("amount whole", 1, "amount_integer"),
    paid("amount as text", 1, "amount_string"),
    paid("code as text", 1, "code_as_string"),
    paid("more items", 1, "extra_items"),
];
