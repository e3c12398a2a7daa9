//! Who is logged in.

use leptos::{prelude::*, task::spawn_local};

use super::client::{self, Fault};
use crate::api::Me;

/// What is known about the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// Not asked yet.
    Unknown,
    /// Nobody, or the login has ended.
    Nobody,
    /// This admin.
    Somebody(Me),
    /// The server could not be asked.
    Unreachable(String),
}

/// The login of this browser, in the context of the whole app.
#[derive(Clone, Copy)]
pub(super) struct Session {
    who: RwSignal<Who>,
}

impl Session {
    /// Puts the session into the context and asks the server who is logged in.
    pub(super) fn provide() {
        let session = Self { who: RwSignal::new(Who::Unknown) };
        provide_context(session);
        session.ask();
    }

    /// The session of this app.
    pub(super) fn here() -> Self {
        expect_context()
    }

    /// What is known, tracked.
    pub(super) fn who(self) -> Who {
        self.who.get()
    }

    /// Whether it is the owner, who alone may do some things, tracked. The server decides that by itself.
    pub(super) fn is_owner(self) -> bool {
        self.who.with(|who| matches!(who, Who::Somebody(me) if me.role == "owner"))
    }

    /// Finds out whether the login has ended, without disturbing what is on the screen.
    pub(super) fn check(self) {
        spawn_local(async move {
            if let Err(fault) = client::get::<Me>("/api/admin/me").await {
                self.heed(&fault);
            }
        });
    }

    /// Asks the server who is logged in.
    pub(super) fn ask(self) {
        self.who.set(Who::Unknown);
        spawn_local(async move {
            self.who.set(match client::get("/api/admin/me").await {
                Ok(me) => Who::Somebody(me),
                Err(Fault::SignedOut) => Who::Nobody,
                Err(fault) => Who::Unreachable(fault.to_string()),
            });
        });
    }

    /// Somebody logged in.
    pub(super) fn signed_in(self, me: Me) {
        self.who.set(Who::Somebody(me));
    }

    /// The login is over.
    pub(super) fn signed_out(self) {
        self.who.set(Who::Nobody);
    }

    /// A request failed: when the login was over, the login page takes over.
    pub(super) fn heed(self, fault: &Fault) {
        if *fault == Fault::SignedOut {
            self.signed_out();
        }
    }
}
