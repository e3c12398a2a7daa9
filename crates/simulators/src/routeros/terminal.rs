//! The terminal, files, scripts and the network by hand: what a technician and the world outside do to the router.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use super::{
    account::Login,
    control::Control,
    script::{self, Transcript, job::Start, machine::Outcome, terminal::PASTE_BYTES_MAX},
};

/// Real time a paste may take before the technician gives up.
const PASTE_PATIENCE: Duration = Duration::from_secs(120);

impl Control {
    /// Pastes text into the terminal as the first account. See [`Self::paste_as`].
    pub async fn paste(&self, text: &str) -> Transcript {
        let first = self.shared().with_router(|router| router.options.accounts.first().map(|a| a.name.clone()));
        self.paste_as(&first.unwrap_or_default(), text).await
    }

    /// Pastes text into the terminal of an account: each command line is parsed and run on its own, one after the
    /// other, also after errors. Lines within open braces belong together. A `:local` of one line is gone on the next;
    /// a bare path sets the menu for the lines after it. Waits for the network; the clock does not move meanwhile.
    pub async fn paste_as(&self, account: &str, text: &str) -> Transcript {
        if text.len() > PASTE_BYTES_MAX {
            return Transcript::refused("", "too much text");
        }
        let login = match self.shared().with_router(|router| router.login_terminal(account)) {
            Ok(login) => login,
            Err(trap) => return Transcript::refused("", trap.message),
        };
        let mut session = Session { login, context: String::new(), transcript: Transcript::default() };
        let boots = self.shared().with_router(|router| router.boots);
        let mut pending = String::new();
        for line in text.replace("\r\n", "\n").split('\n') {
            // A reboot ends the session: nobody reads the rest.
            if self.shared().with_router(|router| router.boots) != boots {
                return session.transcript;
            }
            pending.push_str(line);
            pending.push('\n');
            if line.ends_with('\\') {
                continue;
            }
            if self.enter(&mut session, &pending).await {
                pending.clear();
            }
        }
        if !pending.trim().is_empty() {
            let error = script::parse(&pending, self.grammar(), &session.context).err();
            if let Some(error) = error {
                session.transcript.parse_error(pending.trim_end().to_owned(), &error);
            }
        }
        session.transcript
    }

    fn grammar(&self) -> script::Grammar {
        self.shared().with_router(|router| router.grammar())
    }

    /// Runs a command line; says whether it was one, or more lines have to come.
    async fn enter(&self, session: &mut Session, text: &str) -> bool {
        let (block, context) = match script::parse(text, self.grammar(), &session.context) {
            Ok(parsed) => parsed,
            Err(error) if error.incomplete => return false,
            Err(error) => {
                session.transcript.parse_error(text.trim_end().to_owned(), &error);
                return true;
            }
        };
        session.context = context;
        if block.statements.is_empty() {
            return true;
        }
        let start = Start { name: String::new(), block: Arc::new(block), login: session.login.clone(), terminal: true };
        let (_, ended) = self.shared().with_router(|router| router.start_script(start));
        let input = text.trim_end().to_owned();
        match tokio::time::timeout(PASTE_PATIENCE, ended).await {
            Ok(Ok(outcome)) => session.transcript.ran(input, &outcome),
            Ok(Err(_)) => session.transcript.ran(input, &Outcome::interrupted()),
            Err(_) => session.transcript.ran(input, &Outcome::interrupted()),
        }
        true
    }

    /// The contents of a file on the router.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.shared().with_router(|router| {
            router.named("/file", name).map(|row| row.values.get("contents").cloned().unwrap_or_default())
        })
    }

    /// From now on `/tool/fetch` and `:resolve` find `name` (a host name or an address) at `place`; port 0 keeps the
    /// port of the URL.
    pub fn put_on_internet(&self, name: &str, place: SocketAddr) {
        self.shared().with_router(|router| router.internet.places.insert(name.to_ascii_lowercase(), place));
    }

    /// Cuts or mends the router's line to the outside. Requests under way end as they would have.
    pub fn set_internet(&self, up: bool) {
        self.shared().with_router(|router| router.internet.up = up);
    }

    /// Waits until no script waits for the network. Scripts that wait for the clock do not count.
    pub async fn scripts_idle(&self) {
        let mut waiting = self.shared().waiting.subscribe();
        self.shared().with_router(|_| ());
        // It ends only with the simulator, and then nothing waits any more.
        let _ = waiting.wait_for(|waiting| *waiting == 0).await;
    }

    /// Moves the clock as [`Self::advance`] does, but stands still while a script of the router waits for the
    /// network. On the real clock the same as `advance`, then [`Self::scripts_idle`].
    pub async fn advance_through(&self, by: Duration) {
        let ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.scripts_idle().await;
        if self.shared().with_router(|router| router.clock.is_real()) {
            self.advance(by);
            return self.scripts_idle().await;
        }
        let target = self.shared().with_router(|router| router.now_ms.saturating_add(ms));
        loop {
            let now = self.shared().with_router(|router| {
                // As far as it goes without asking anybody.
                while router.now_ms < target && !router.waits_for_network() {
                    let next = router.next_event_ms().map_or(target, |at| at.clamp(router.now_ms, target));
                    router.clock.advance(next.saturating_sub(router.now_ms));
                    router.settle();
                }
                router.now_ms
            });
            self.scripts_idle().await;
            if now >= target {
                return;
            }
        }
    }

    /// Names of the scripts that are running, the oldest first.
    #[must_use]
    pub fn running_scripts(&self) -> Vec<String> {
        self.shared().with_router(|router| router.running.iter().map(|job| job.name.clone()).collect())
    }

    /// Installs another release, as an upgrade does, and comes up again. `hotspot` says whether the hotspot package
    /// is still there afterwards.
    pub fn upgrade(&self, to: super::RosVersion, hotspot: bool) {
        let boot_secs = self.shared().with_router(|router| {
            router.change_release(to, hotspot);
            router.options.boot_secs
        });
        self.shared().reboot(super::Reboot::Clean, boot_secs);
    }
}

struct Session {
    login: Login,
    context: String,
    transcript: Transcript,
}
