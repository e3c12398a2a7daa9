//! The table of cases.

/// What the customer does while the server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Presses pay, presses again when nothing answers or it failed, and enters the PIN.
    Returns,
    /// Presses pay once, and goes away when nothing answers. Whatever prompt appears is not answered.
    Leaves,
    /// As `Returns`, and M-Pesa's report is lost.
    Unreported,
    /// As `Unreported`, and the server ends in the last turn of its questions.
    LastTurn,
    /// Pays, and stays until the time has run out.
    RunsOut,
}

impl Course {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Returns => "customer_returns",
            Self::Leaves => "customer_leaves",
            Self::Unreported => "report_lost",
            Self::LastTurn => "last_turn",
            Self::RunsOut => "time_runs_out",
        }
    }
}

/// One proof.
#[derive(Debug)]
pub(super) struct Case {
    /// The point, and `:n` when it is not the first time it is reached.
    pub(super) at: &'static str,
    pub(super) course: Course,
}

const fn returns(at: &'static str) -> Case {
    Case { at, course: Course::Returns }
}

const fn leaves(at: &'static str) -> Case {
    Case { at, course: Course::Leaves }
}

const fn unreported(at: &'static str) -> Case {
    Case { at, course: Course::Unreported }
}

const fn last_turn(at: &'static str) -> Case {
    Case { at, course: Course::LastTurn }
}

const fn runs_out(at: &'static str) -> Case {
    Case { at, course: Course::RunsOut }
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    returns("begin.checked"),
    leaves("begin.checked"),
    returns("begin.inserted"),
    leaves("begin.inserted"),
    returns("begin.committed"),
    leaves("begin.committed"),
    returns("push.submitted"),
    leaves("push.submitted"),
    returns("push.answered"),
    leaves("push.answered"),
    returns("push.stored"),
    leaves("push.stored"),
    unreported("query.claimed"),
    unreported("query.answered"),
    last_turn("query.claimed"),
    last_turn("query.answered"),
    // The first evidence is the answer to the push, the second M-Pesa's report.
    returns("record.begin"),
    returns("record.begin:2"),
    returns("record.locked"),
    returns("record.locked:2"),
    returns("record.applied"),
    returns("record.applied:2"),
    returns("record.committed"),
    returns("record.committed:2"),
    returns("record.answered"),
    returns("record.answered:2"),
    // Profile, user, login.
    returns("grant.before_command"),
    returns("grant.before_command:2"),
    returns("grant.before_command:3"),
    returns("grant.after_command"),
    returns("grant.after_command:2"),
    returns("grant.after_command:3"),
    returns("grant.before_writeback"),
    returns("grant.writing"),
    returns("grant.written"),
    runs_out("expiry.due"),
    runs_out("expiry.ending"),
    runs_out("expiry.ended"),
    // One command: user, login and cookie go together.
    runs_out("expiry.before_command"),
    runs_out("expiry.after_command"),
    runs_out("expiry.before_writeback"),
    runs_out("expiry.written"),
];
