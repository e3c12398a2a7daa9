//! `/login`, before anything else is said. Replies are read with the tight limits for strangers.

use md5::{Digest, Md5};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Credentials;
use crate::{
    error::{CloseReason, RouterOsError},
    sentence::{Reply, ReplyWord},
    trap::{Trap, TrapKind, Traps},
    wire::{Decoder, Limits, encode_sentence},
};

/// Logs in as RouterOS 6.43 and later do: name and password at once. A router that answers with a
/// challenge is older; the old login follows only when the caller allows it.
pub(super) async fn login<S>(
    stream: &mut S,
    credentials: &Credentials,
    is_legacy_allowed: bool,
) -> Result<(), RouterOsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let name = format!("=name={}", credentials.username);
    let password = format!("=password={}", credentials.password.expose_secret());
    let Some(challenge) = exchange(stream, &["/login", &name, &password]).await? else { return Ok(()) };
    if !is_legacy_allowed {
        return Err(RouterOsError::LegacyLoginRequired);
    }
    let challenge = hex::decode(&challenge)
        .ok()
        .filter(|bytes| bytes.len() == 16)
        .ok_or(RouterOsError::Unexpected("a login challenge that is not 16 bytes"))?;
    let response = format!("=response={}", legacy_response(credentials.password.expose_secret(), &challenge));
    match exchange(stream, &["/login", &name, &response]).await? {
        None => Ok(()),
        Some(_) => Err(RouterOsError::Unexpected("a second login challenge")),
    }
}

/// `00` and the MD5 of a zero byte, the password and the challenge, as RouterOS before 6.43 wants it.
fn legacy_response(password: &str, challenge: &[u8]) -> String {
    let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(challenge).finalize();
    format!("00{}", hex::encode(digest))
}

/// Sends one sentence and reads to its `!done`; returns `=ret=`. Nothing else is under way, so every reply
/// belongs to it.
async fn exchange<S>(stream: &mut S, words: &[&str]) -> Result<Option<String>, RouterOsError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let network = |error: std::io::Error| RouterOsError::Closed(CloseReason::Network(error.kind()));
    let mut out = Vec::new();
    encode_sentence(words, &mut out).map_err(RouterOsError::Unsendable)?;
    stream.write_all(&out).await.map_err(network)?;
    stream.flush().await.map_err(network)?;

    let mut decoder = Decoder::new(Limits::BEFORE_LOGIN);
    let mut traps = Vec::new();
    let mut received = 0;
    let mut buffer = [0; 1024];
    loop {
        let count = stream.read(&mut buffer).await.map_err(network)?;
        received += count;
        if count == 0 {
            let is_cut = decoder.is_inside_sentence();
            let reason = if is_cut { CloseReason::CutInsideSentence } else { CloseReason::EndOfStream };
            return Err(RouterOsError::Closed(reason));
        }
        if received > Limits::BEFORE_LOGIN.sentence_bytes {
            return Err(RouterOsError::Unexpected("too much before the login was answered"));
        }
        let mut input = buffer.get(..count).unwrap_or_default();
        while let Some(words) =
            decoder.decode(&mut input).map_err(|error| RouterOsError::Closed(CloseReason::Wire(error)))?
        {
            let reply = Reply::parse(&words);
            match reply.word {
                ReplyWord::Done => return verdict(traps, reply.attributes.get("ret")),
                ReplyWord::Trap => traps.push(Trap::from_attributes(&reply.attributes)),
                ReplyWord::Fatal => {
                    let reason = reply.bare.into_iter().next().unwrap_or_default();
                    return Err(RouterOsError::Closed(CloseReason::Fatal(reason)));
                }
                ReplyWord::Re | ReplyWord::Empty | ReplyWord::Other(_) => {
                    tracing::debug!(word = ?reply.word, "ignored during login");
                }
            }
        }
    }
}

/// A login that was answered: in, challenged, wrong password, or a router that is not ready.
fn verdict(traps: Vec<Trap>, ret: Option<&str>) -> Result<Option<String>, RouterOsError> {
    let Some(traps) = Traps::new(traps) else { return Ok(ret.map(str::to_owned)) };
    match traps.telling().kind {
        TrapKind::BadCredentials | TrapKind::Hotspot(_) => Err(RouterOsError::AuthFailed),
        TrapKind::Permission => Err(RouterOsError::Trap(traps)),
        // Observed while a router boots, or while its RADIUS server is away: any other text.
        _ => Err(RouterOsError::NotReady(traps.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_response_has_its_known_values() {
        let challenge: Vec<u8> = (0..16).collect();
        assert_eq!(legacy_response("secret", &challenge), "00925d25da4b1ffe731237818c4e1fcd57");
        assert_eq!(legacy_response("", &challenge), "0056965570ff778b1a1ea22aad590505f8");
    }
}
