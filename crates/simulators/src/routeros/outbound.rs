//! Replies on their way out: shaped by faults, written whole or byte by byte.

use std::time::Duration;

use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
};

use super::{fault::Fault, reply::Reply};

/// Something to write.
#[derive(Debug)]
pub(super) enum Out {
    Bytes(Vec<u8>),
    /// One byte per write.
    Fragments(Vec<u8>),
    /// Say when everything before has been written.
    Flushed(oneshot::Sender<()>),
}

/// An answer after the faults had their way with it.
#[derive(Debug, Default)]
pub(super) struct Shaped {
    pub(super) bytes: Vec<u8>,
    /// The connection ends after these bytes, for this reason.
    pub(super) ends: Option<&'static str>,
    /// The bytes wait for the next answer.
    pub(super) hold: bool,
    pub(super) fragments: bool,
    pub(super) delay: Option<Duration>,
}

/// Applies `faults` to an answer.
pub(super) fn shape(mut replies: Vec<Reply>, faults: &[Fault], tag_last: bool) -> Shaped {
    let mut shaped = Shaped::default();
    for fault in faults {
        match fault {
            Fault::StrayRe => replies.insert(0, Reply::row(None, vec![("stray".to_owned(), b"true".to_vec())])),
            Fault::UnknownReply => {
                let tag = replies.first().and_then(|reply| reply.tag.clone());
                replies.insert(0, Reply { word: "!later", ..Reply::empty(tag.as_deref()) });
            }
            Fault::DuplicateTrap => {
                replies = replies
                    .into_iter()
                    .flat_map(|reply| if reply.word == "!trap" { vec![reply.clone(), reply] } else { vec![reply] })
                    .collect();
            }
            Fault::TrapAttribute => {
                for reply in replies.iter_mut().filter(|reply| reply.word == "!trap") {
                    reply.attributes.insert(0, ("hint".to_owned(), b"unheard of".to_vec()));
                }
            }
            Fault::Glue => shaped.hold = true,
            Fault::Fragments => shaped.fragments = true,
            Fault::Delay { millis } => shaped.delay = Some(Duration::from_millis(*millis)),
            _ => {}
        }
    }
    shaped.bytes = replies.iter().flat_map(|reply| reply.encode(tag_last)).collect();
    for fault in faults {
        match fault {
            Fault::DropAfter => (shaped.bytes, shaped.ends) = (Vec::new(), Some("drop after")),
            Fault::HalfSentence => {
                shaped.bytes.truncate((shaped.bytes.len() / 2).max(1));
                shaped.ends = Some("half a sentence");
            }
            Fault::Hang => shaped.bytes = Vec::new(),
            Fault::GarbageLength { byte } => shaped.bytes = vec![*byte],
            // The prefix of 0x10000000 bytes, and a few of them.
            Fault::OversizeWord => shaped.bytes = [&[0xf0, 0x10, 0, 0, 0][..], b"!re=more and more"].concat(),
            _ => {}
        }
    }
    shaped
}

/// Writes until the connection has nothing more to say, then closes.
pub(super) async fn write_all<W: AsyncWrite + Unpin>(mut writer: W, mut queue: mpsc::Receiver<Out>) {
    while let Some(out) = queue.recv().await {
        let result = match out {
            Out::Bytes(bytes) => write(&mut writer, &bytes).await,
            Out::Fragments(bytes) => {
                let mut result = Ok(());
                for byte in bytes {
                    result = write(&mut writer, &[byte]).await;
                    // Lets the reader see each byte on its own.
                    tokio::task::yield_now().await;
                    if result.is_err() {
                        break;
                    }
                }
                result
            }
            Out::Flushed(done) => {
                let _ = done.send(());
                Ok(())
            }
        };
        if let Err(error) = result {
            return tracing::debug!(%error, "writing failed");
        }
    }
    if let Err(error) = writer.shutdown().await {
        tracing::debug!(%error, "closing failed");
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8]) -> std::io::Result<()> {
    writer.write_all(bytes).await?;
    writer.flush().await
}
