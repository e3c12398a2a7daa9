//! A file on its way to the server, with how far it has come, which `fetch` cannot tell.

use js_sys::Promise;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, ProgressEvent, XmlHttpRequest};

use crate::admin::client::{Fault, read_answer};

/// The longest wait, from the first byte to the answer.
const TIMEOUT_MS: u32 = 180_000;

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::admin) enum Progress {
    /// So many of so many bytes are sent.
    Sending { sent: f64, all: f64 },
    /// All is sent; the server works on it.
    Working,
}

/// Sends a file as the body of a request and reads what comes back.
pub(in crate::admin) async fn upload<T: DeserializeOwned>(
    path: &str,
    file: &File,
    media_type: &str,
    progress: impl Fn(Progress) + 'static,
) -> Result<T, Fault> {
    let request = Upload::start(path, file, media_type, progress).ok_or(Fault::Unreachable)?;
    // Comes whatever happens: an answer, an error, a timeout.
    let ended = Promise::new(&mut |resolve, _| request.http.set_onloadend(Some(&resolve)));
    JsFuture::from(ended).await.map_err(|_| Fault::Unreachable)?;
    let body = request.http.response_text().ok().flatten().unwrap_or_default();
    match request.http.status() {
        Ok(status) if status != 0 => read_answer(status, &body),
        _ => Err(Fault::Unreachable),
    }
}

struct Upload {
    http: XmlHttpRequest,
    _listener: Closure<dyn FnMut(ProgressEvent)>,
}

impl Upload {
    fn start(path: &str, file: &File, media_type: &str, progress: impl Fn(Progress) + 'static) -> Option<Self> {
        let http = XmlHttpRequest::new().ok()?;
        http.open("POST", path).ok()?;
        http.set_timeout(TIMEOUT_MS);
        // Other sites cannot set this header, so a request that has it comes from this app.
        http.set_request_header("X-Requested-With", "bando").ok()?;
        http.set_request_header("Content-Type", media_type).ok()?;
        let listener = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            let (sent, all) = (event.loaded(), event.total());
            progress(if sent < all { Progress::Sending { sent, all } } else { Progress::Working });
        });
        http.upload().ok()?.set_onprogress(Some(listener.as_ref().unchecked_ref()));
        http.send_with_opt_blob(Some(file)).ok()?;
        Some(Self { http, _listener: listener })
    }
}

impl Drop for Upload {
    /// What is under way goes on, but nobody listens any more.
    fn drop(&mut self) {
        self.http.set_onloadend(None);
        if let Ok(upload) = self.http.upload() {
            upload.set_onprogress(None);
        }
    }
}
