//! The task that owns a connection: it writes commands, sorts replies by tag, holds deadlines.

use std::{collections::HashMap, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use super::{Answer, Request, Settings};
use crate::{
    error::{CloseReason, Phase, RouterOsError},
    sentence::{Command, Reply, ReplyWord},
    trap::{Trap, Traps},
    wire::{Decoder, Limits, Words},
};

/// The records of one answer may take this much.
const ANSWER_BYTES: usize = 32 << 20;
/// Traps kept of one command.
const TRAPS: usize = 16;

type Sender = oneshot::Sender<Result<Answer, RouterOsError>>;

/// A command under way.
struct Pending {
    /// `None` for our own keepalive.
    reply: Option<Sender>,
    answer: Answer,
    bytes: usize,
    traps: Vec<Trap>,
    deadline: Instant,
}

struct Actor<S> {
    settings: Settings,
    requests: mpsc::Receiver<Request>,
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    decoder: Decoder,
    out: Vec<u8>,
    is_flushed: bool,
    next_tag: u64,
    pending: HashMap<String, Pending>,
    /// When the connection is given up unless the router says something.
    silence_deadline: Option<Instant>,
    last_activity: Instant,
}

/// Runs the connection to its end, then tells every waiter why it ended.
pub(super) async fn run<S>(
    stream: S,
    settings: Settings,
    requests: mpsc::Receiver<Request>,
    closing: watch::Sender<Option<CloseReason>>,
) where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (reader, writer) = tokio::io::split(stream);
    let mut actor = Actor {
        settings,
        requests,
        reader,
        writer,
        decoder: Decoder::new(Limits::SESSION),
        out: Vec::new(),
        is_flushed: true,
        next_tag: 1,
        pending: HashMap::new(),
        silence_deadline: None,
        last_activity: Instant::now(),
    };
    let reason = actor.serve().await;
    tracing::debug!(%reason, "router connection ended");
    closing.send_replace(Some(reason.clone()));
    actor.requests.close();
    for pending in actor.pending.into_values() {
        answer(pending.reply, Err(RouterOsError::Closed(reason.clone())));
    }
    while let Some(request) = actor.requests.recv().await {
        answer(Some(request.reply), Err(RouterOsError::Closed(reason.clone())));
    }
}

/// A caller that no longer waits is no fault.
fn answer(reply: Option<Sender>, result: Result<Answer, RouterOsError>) {
    if let Some(reply) = reply
        && reply.send(result).is_err()
    {
        tracing::trace!("nobody waits for this answer any more");
    }
}

/// One step of sending.
enum Sent {
    Bytes(usize),
    Flushed,
}

/// One step that may be abandoned at any time without losing count of what was written.
async fn write_or_flush<W: AsyncWrite + Unpin>(writer: &mut W, out: &[u8]) -> std::io::Result<Sent> {
    if out.is_empty() { writer.flush().await.map(|()| Sent::Flushed) } else { writer.write(out).await.map(Sent::Bytes) }
}

impl<S: AsyncRead + AsyncWrite> Actor<S> {
    async fn serve(&mut self) -> CloseReason {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let in_flight = self.settings.in_flight.max(1);
            let may_send = self.pending.len() < in_flight && self.out.len() < 64 << 10;
            let wake_at = self.next_wake();
            tokio::select! {
                read = self.reader.read(&mut buffer) => match read {
                    Ok(0) if self.decoder.is_inside_sentence() => return CloseReason::CutInsideSentence,
                    Ok(0) => return CloseReason::EndOfStream,
                    Ok(count) => {
                        if let Err(reason) = self.take(buffer.get(..count).unwrap_or_default()) {
                            return reason;
                        }
                    }
                    Err(error) => return CloseReason::Network(error.kind()),
                },
                sent = write_or_flush(&mut self.writer, &self.out), if !self.out.is_empty() || !self.is_flushed => {
                    match sent {
                        Ok(Sent::Bytes(0)) => return CloseReason::EndOfStream,
                        Ok(Sent::Bytes(count)) => {
                            self.out.drain(..count);
                            self.is_flushed = false;
                        }
                        Ok(Sent::Flushed) => self.is_flushed = true,
                        Err(error) => return CloseReason::Network(error.kind()),
                    }
                },
                request = self.requests.recv(), if may_send => match request {
                    Some(request) => self.send(&request.command, Some(request.reply)),
                    None => return CloseReason::Ours,
                },
                () = sleep_until(wake_at) => {
                    if self.silence_deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                        return CloseReason::Silent;
                    }
                    self.expire();
                    self.keep_alive();
                }
            }
        }
    }

    /// The next deadline of a command, of the silence, or of idleness.
    fn next_wake(&self) -> Instant {
        let commands = self.pending.values().map(|pending| pending.deadline).min();
        let idle = match commands {
            None => Some(self.last_activity + self.settings.keepalive),
            Some(_) => None,
        };
        [commands, idle, self.silence_deadline]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(1))
    }

    fn send(&mut self, command: &Command, reply: Option<Sender>) {
        let tag = self.tag();
        if let Err(error) = command.encode(&tag, &mut self.out) {
            return answer(reply, Err(RouterOsError::Unsendable(error)));
        }
        tracing::trace!(?command, tag, "to the router");
        self.last_activity = Instant::now();
        let deadline = self.last_activity + self.settings.command_timeout;
        let pending = Pending { reply, answer: Answer::default(), bytes: 0, traps: Vec::new(), deadline };
        self.pending.insert(tag, pending);
    }

    fn tag(&mut self) -> String {
        let tag = self.next_tag;
        self.next_tag = self.next_tag.wrapping_add(1);
        tag.to_string()
    }

    /// Cancels on the router what nobody waits for any more. Late replies are dropped: the tag is unknown.
    fn cancel(&mut self, tag: &str) {
        let own = self.tag();
        if let Err(error) = Command::new("/cancel").attr("tag", tag).encode(&own, &mut self.out) {
            tracing::debug!(%error, "cannot cancel");
        }
        let deadline = Instant::now() + self.settings.silence_timeout;
        self.silence_deadline.get_or_insert(deadline);
    }

    fn expire(&mut self) {
        let now = Instant::now();
        let late: Vec<String> =
            self.pending.iter().filter(|(_, pending)| pending.deadline <= now).map(|(tag, _)| tag.clone()).collect();
        for tag in late {
            if let Some(pending) = self.pending.remove(&tag) {
                answer(pending.reply, Err(RouterOsError::Timeout { phase: Phase::Command }));
            }
            self.cancel(&tag);
        }
    }

    fn keep_alive(&mut self) {
        if self.pending.is_empty() && self.last_activity + self.settings.keepalive <= Instant::now() {
            self.send(&Command::new("/system/identity/print").proplist(&["name"]), None);
        }
    }

    fn take(&mut self, mut input: &[u8]) -> Result<(), CloseReason> {
        self.silence_deadline = None;
        while let Some(words) = self.decoder.decode(&mut input).map_err(CloseReason::Wire)? {
            self.reply(&words)?;
        }
        Ok(())
    }

    fn reply(&mut self, words: &Words) -> Result<(), CloseReason> {
        let reply = Reply::parse(words);
        if reply.word == ReplyWord::Fatal {
            let reason = reply.bare.into_iter().next();
            let message = reply.attributes.get("message").map(str::to_owned);
            return Err(CloseReason::Fatal(reason.or(message).unwrap_or_default()));
        }
        let Some(tag) = reply.tag.as_deref() else {
            tracing::debug!(word = ?reply.word, "ignored: a reply without a tag");
            return Ok(());
        };
        let Some(pending) = self.pending.get_mut(tag) else {
            tracing::debug!(word = ?reply.word, tag, "ignored: a reply to nothing that is under way");
            return Ok(());
        };
        match reply.word {
            ReplyWord::Re => {
                pending.bytes += words.iter().map(|word| word.len() + 64).sum::<usize>();
                pending.answer.rows.push(reply.attributes);
                if pending.bytes > ANSWER_BYTES {
                    self.finish(tag, Some(RouterOsError::AnswerTooLarge { limit_bytes: ANSWER_BYTES }));
                    self.cancel(tag);
                }
            }
            ReplyWord::Trap if pending.traps.len() < TRAPS => {
                pending.traps.push(Trap::from_attributes(&reply.attributes));
            }
            ReplyWord::Done => {
                pending.answer.ret = reply.attributes.get("ret").map(str::to_owned);
                self.finish(tag, None);
            }
            // `!empty` says what the missing rows say; `!done` follows.
            ReplyWord::Empty | ReplyWord::Trap | ReplyWord::Fatal => {}
            ReplyWord::Other(word) => tracing::debug!(word, "ignored: an unknown kind of reply"),
        }
        Ok(())
    }

    fn finish(&mut self, tag: &str, error: Option<RouterOsError>) {
        self.last_activity = Instant::now();
        if let Some(pending) = self.pending.remove(tag) {
            let error = error.or_else(|| Traps::new(pending.traps).map(RouterOsError::Trap));
            answer(pending.reply, error.map_or(Ok(pending.answer), Err));
        }
    }
}
