//! One API connection: sentences in, replies out, listeners and delayed answers in between.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use routeros_api::wire::{Decoder, Limits};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    sync::{broadcast, mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

use super::{
    account::Login,
    dispatch::{Answer, Wanted, project},
    fault::Fault,
    outbound::{self, Out},
    query,
    reboot::Reboot,
    reply::Reply,
    router::Change,
    schema::Menu,
    script::{Value, machine::Outcome},
    sentence::Command,
    server::{Shared, locked},
    table,
    trap::Trap,
};

const READ_BYTES: usize = 16 * 1024;
/// Answers that may wait for a client that does not read.
const OUTBOUND_MAX: usize = 1024;
/// How long the last words of a closing connection may take.
const FAREWELL_MAX: Duration = Duration::from_secs(2);

/// Whether the connection goes on after a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    Close,
}

/// An answer, or the script whose end it waits for.
enum Executed {
    Now(Vec<Reply>, bool),
    Later(oneshot::Receiver<Outcome>, Wanted),
}

fn interrupted(tag: Option<&[u8]>) -> Vec<Reply> {
    vec![Reply::trap(tag, &Trap::interrupted()), Reply::done(tag)]
}

/// What is answered when a script has ended.
fn script_replies(tag: Option<&[u8]>, outcome: &Outcome, wanted: Wanted) -> Vec<Reply> {
    if let (Some(error), false) = (outcome.error(), wanted == Wanted::Output) {
        return vec![Reply::trap(tag, &Trap::new(error)), Reply::done(tag)];
    }
    match wanted {
        Wanted::Success => vec![Reply::done(tag)],
        // What `as-string` gives ends without a line end; errors are part of it.
        Wanted::Output => {
            let mut text = outcome.output.clone();
            text.extend(outcome.error().unwrap_or_default().into_bytes());
            vec![Reply::done_with(tag, text.strip_suffix(b"\n").unwrap_or(&text))]
        }
        Wanted::Row => {
            let row = match &outcome.result {
                Ok(Value::Array(array)) => {
                    array.keyed.iter().map(|(name, value)| (name.clone(), value.bytes())).collect()
                }
                _ => Vec::new(),
            };
            vec![Reply::row(tag, row), Reply::done(tag)]
        }
    }
}

/// A command that goes on until cancelled.
struct Listening {
    tag: Option<Vec<u8>>,
    menu: &'static Menu,
    command: Command,
}

pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) number: u64,
    pub(super) peer: SocketAddr,
    pub(super) login: Option<Login>,
    pub(super) challenge: Option<[u8; 16]>,
    tag_last: bool,
    out: mpsc::Sender<Out>,
    listening: Vec<Listening>,
    changes: Option<broadcast::Receiver<Change>>,
    /// Commands whose answer is delayed, by tag.
    delayed: Vec<(Option<Vec<u8>>, CancellationToken)>,
    /// Answers kept back to be glued to the next one.
    held: Vec<u8>,
}

/// Talks with one client until either side ends it.
pub(crate) async fn converse<S>(shared: Arc<Shared>, stream: S, peer: SocketAddr)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let line = shared.line();
    let (mut reader, writer) = tokio::io::split(stream);
    let (out, queue) = mpsc::channel(OUTBOUND_MAX);
    let mut writing = tokio::spawn(outbound::write_all(writer, queue));
    let number = shared.last_connection.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    let (pre_login_max, tag_last) = shared
        .with_router(|router| (router.options.unconfirmed.pre_login_bytes_max, router.options.unconfirmed.tag_last));
    let mut connection = Connection {
        shared: Arc::clone(&shared),
        number,
        peer,
        login: None,
        challenge: None,
        tag_last,
        out,
        listening: Vec::new(),
        changes: None,
        delayed: Vec::new(),
        held: Vec::new(),
    };
    let cut = tokio::select! {
        () = line.cancelled() => true,
        () = connection.listen_to(&mut reader, pre_login_max) => false,
    };
    shared.with_router(|router| router.api_sessions.retain(|session| session.connection != number));
    for (_, delayed) in &connection.delayed {
        delayed.cancel();
    }
    drop(connection);
    if cut || tokio::time::timeout(FAREWELL_MAX, &mut writing).await.is_err() {
        writing.abort();
    }
}

impl Connection {
    async fn listen_to<R: AsyncRead + Unpin>(&mut self, reader: &mut R, pre_login_max: usize) {
        let before = Limits { word_bytes: pre_login_max, sentence_bytes: pre_login_max, ..Limits::BEFORE_LOGIN };
        let mut decoder = Decoder::new(before);
        let mut buffer = vec![0; READ_BYTES];
        let mut before_login = 0_usize;
        loop {
            let read = tokio::select! {
                change = next_change(&mut self.changes) => {
                    self.relay(&change).await;
                    continue;
                }
                read = reader.read(&mut buffer) => read,
            };
            let count = match read {
                Ok(count) if count > 0 => count,
                Ok(_) => return,
                Err(error) => return tracing::debug!(%error, "reading failed"),
            };
            if self.login.is_none() {
                before_login = before_login.saturating_add(count);
                if before_login > pre_login_max {
                    return tracing::debug!("too much said before login");
                }
            }
            let mut input = buffer.get(..count).unwrap_or_default();
            loop {
                match decoder.decode(&mut input) {
                    Ok(Some(words)) => {
                        if self.sentence(&words).await == Next::Close {
                            return;
                        }
                        if self.login.is_some() {
                            decoder.set_limits(Limits::SESSION);
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return tracing::debug!(%error, "not the API protocol"),
                }
            }
        }
    }

    async fn sentence(&mut self, words: &[Vec<u8>]) -> Next {
        let at_ms = self.shared.with_router(|router| router.now_ms);
        locked(&self.shared.log).record(at_ms, self.number, words);
        let command = Command::parse(words);
        let faults = locked(&self.shared.faults).strike(&command.path);
        if faults.contains(&Fault::DropBefore) {
            return Next::Close;
        }
        if faults.contains(&Fault::HangBefore) {
            return Next::Continue;
        }
        match command.path.as_str() {
            "/quit" => {
                self.send(vec![Reply::fatal("session terminated on request")], &faults, None).await;
                return Next::Close;
            }
            "/login" => {
                let replies = self.log_in(&command, &faults);
                return self.send(replies, &faults, command.tag).await;
            }
            _ if self.login.is_none() => {
                self.send(vec![Reply::fatal("not logged in")], &faults, None).await;
                return Next::Close;
            }
            "/cancel" => {
                let replies = self.cancel(&command);
                return self.send(replies, &faults, command.tag).await;
            }
            _ => {}
        }
        let (replies, reboots) = match self.execute(&command, &faults) {
            Executed::Now(replies, reboots) => (replies, reboots),
            Executed::Later(ended, wanted) => return self.answer_later(command.tag, ended, wanted, faults),
        };
        let next = self.send(replies, &faults, command.tag).await;
        if reboots {
            let boot_secs = self.shared.with_router(|router| router.options.boot_secs);
            self.farewell().await;
            self.shared.reboot(Reboot::Clean, boot_secs);
        }
        next
    }

    /// Waits until what was said has been written, as far as the client reads it.
    async fn farewell(&self) {
        let (done, written) = tokio::sync::oneshot::channel();
        if self.out.send(Out::Flushed(done)).await.is_ok() {
            let _ = tokio::time::timeout(FAREWELL_MAX, written).await;
        }
    }

    fn execute(&mut self, command: &Command, faults: &[Fault]) -> Executed {
        let tag = command.tag.as_deref();
        let Some(login) = self.login.clone() else { return Executed::Now(Vec::new(), false) };
        let refused = faults.iter().find_map(Fault::refusal);
        let empty = |sends_empty: bool| sends_empty.then(|| Reply::empty(tag));
        let (answer, changes, sends_empty) = self.shared.with_router(|router| {
            let answer = refused.map_or_else(|| router.run(&login, command), Err);
            // Subscribed under the same lock: nothing is missed and nothing old is told.
            let changes = matches!(answer, Ok(Answer::Listen(..))).then(|| router.subscribe());
            (answer, changes, router.options.ros.sends_empty())
        });
        let rows = |rows: Vec<_>| rows.into_iter().map(|row| Reply::row(tag, row)).collect::<Vec<_>>();
        let (replies, reboots) = match answer {
            Ok(Answer::Script(mut ended, wanted)) => match ended.try_recv() {
                Ok(outcome) => (script_replies(tag, &outcome, wanted), false),
                Err(oneshot::error::TryRecvError::Empty) => return Executed::Later(ended, wanted),
                Err(oneshot::error::TryRecvError::Closed) => (interrupted(tag), false),
            },
            Ok(Answer::Done) => (vec![Reply::done(tag)], false),
            Ok(Answer::Ret(ret)) => (vec![Reply::done_with(tag, ret)], false),
            Ok(Answer::Rows(none)) if none.is_empty() => {
                (empty(sends_empty).into_iter().chain([Reply::done(tag)]).collect(), false)
            }
            Ok(Answer::Rows(some)) => {
                let mut replies = rows(some);
                replies.push(Reply::done(tag));
                (replies, false)
            }
            Ok(Answer::Listen(menu, before)) => {
                self.changes = self.changes.take().or(changes);
                self.listening.push(Listening { tag: command.tag.clone(), menu, command: command.clone() });
                (rows(before), false)
            }
            Ok(Answer::Reboot) => (vec![Reply::done(tag)], true),
            Err(trap) => (vec![Reply::trap(tag, &trap), Reply::done(tag)], false),
        };
        Executed::Now(replies, reboots)
    }

    /// Answers when the script has ended. Other commands are not held up.
    fn answer_later(
        &self,
        tag: Option<Vec<u8>>,
        ended: oneshot::Receiver<Outcome>,
        wanted: Wanted,
        faults: Vec<Fault>,
    ) -> Next {
        let (queue, tag_last) = (self.out.clone(), self.tag_last);
        tokio::spawn(async move {
            let replies = match ended.await {
                Ok(outcome) => script_replies(tag.as_deref(), &outcome, wanted),
                Err(_) => interrupted(tag.as_deref()),
            };
            let shaped = outbound::shape(replies, &faults, tag_last);
            let _ = queue.send(Out::Bytes(shaped.bytes)).await;
        });
        Next::Continue
    }

    /// `/cancel`: the interrupted command's trap, the cancel's own `!done`, then the command's (observed on 7.23.1).
    fn cancel(&mut self, command: &Command) -> Vec<Reply> {
        let wanted = command.get("tag").map(<[u8]>::to_vec);
        let is_meant = |tag: &Option<Vec<u8>>| wanted.is_none() || *tag == wanted;
        let mut stopped = Vec::new();
        self.listening.retain(|listening| {
            let goes_on = !is_meant(&listening.tag);
            stopped.extend((!goes_on).then(|| listening.tag.clone()));
            goes_on
        });
        self.delayed.retain(|(tag, token)| {
            let goes_on = !is_meant(tag);
            if !goes_on && !token.is_cancelled() {
                token.cancel();
                stopped.push(tag.clone());
            }
            goes_on
        });
        if self.listening.is_empty() {
            self.changes = None;
        }
        let mut replies: Vec<Reply> =
            stopped.iter().map(|tag| Reply::trap(tag.as_deref(), &Trap::interrupted())).collect();
        replies.push(Reply::done(command.tag.as_deref()));
        replies.extend(stopped.iter().map(|tag| Reply::done(tag.as_deref())));
        replies
    }

    /// Tells listeners of a change.
    async fn relay(&mut self, change: &Change) {
        let secrets = self.login.as_ref().is_some_and(|login| login.may("sensitive"));
        let mut bytes = Vec::new();
        for listening in self.listening.iter().filter(|listening| listening.menu.path == change.path) {
            let mut row = change.record.clone();
            let dead = row.iter().any(|(name, _)| name == ".dead");
            if !dead && !query::matches(&listening.command.queries, &row) {
                continue;
            }
            if !secrets {
                table::strip_secrets(listening.menu, &mut row);
            }
            project(&mut row, &listening.command);
            bytes.extend(Reply::row(listening.tag.as_deref(), row).encode(self.tag_last));
        }
        if !bytes.is_empty() {
            let _ = self.out.send(Out::Bytes(bytes)).await;
        }
    }

    /// Sends an answer in the shape the faults give it.
    async fn send(&mut self, replies: Vec<Reply>, faults: &[Fault], tag: Option<Vec<u8>>) -> Next {
        let shaped = outbound::shape(replies, faults, self.tag_last);
        if let Some(reason) = shaped.ends {
            tracing::debug!(reason, "the connection breaks on purpose");
            let _ = self.out.send(Out::Bytes(shaped.bytes)).await;
            return Next::Close;
        }
        if shaped.hold {
            self.held.extend(shaped.bytes);
            return Next::Continue;
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend(shaped.bytes);
        let out = if shaped.fragments { Out::Fragments(bytes) } else { Out::Bytes(bytes) };
        match shaped.delay {
            None => {
                let _ = self.out.send(out).await;
            }
            Some(delay) => self.send_later(out, delay, tag),
        }
        Next::Continue
    }

    fn send_later(&mut self, out: Out, delay: Duration, tag: Option<Vec<u8>>) {
        self.delayed.retain(|(_, token)| !token.is_cancelled());
        let token = CancellationToken::new();
        self.delayed.push((tag, token.clone()));
        let queue = self.out.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = tokio::time::sleep(delay) => {
                    let _ = queue.send(out).await;
                    token.cancel();
                }
            }
        });
    }
}

async fn next_change(changes: &mut Option<broadcast::Receiver<Change>>) -> Change {
    loop {
        let Some(receiver) = changes else { return std::future::pending().await };
        match receiver.recv().await {
            Ok(change) => return change,
            // A listener that reads too slowly loses rows, as on small routers.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => *changes = None,
        }
    }
}
