//! Browser files, hashed and compressed by the build. A release has them inside the program; a development
//! build reads them from disk, so that a new bundle shows without building the server again.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use rust_embed::RustEmbed;

use super::{
    AppState,
    encoding::{self, Encoding},
    error::ApiError,
};

#[derive(RustEmbed)]
#[folder = "$BANDO_WEB_BUILD_DIR"]
#[allow_missing = true]
struct Bundles;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../public"]
#[allow_missing = true]
struct Public;

/// Where the browser files are.
#[derive(Debug, Clone)]
pub(crate) struct AssetStore {
    /// A folder instead of the files inside the program.
    folder: Option<PathBuf>,
}

impl AssetStore {
    /// Files of `folder` when given; else those inside the program, or in a development build those of the
    /// folder the bundles are built into.
    #[must_use]
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        let built_into = cfg!(debug_assertions).then(|| PathBuf::from(env!("BANDO_WEB_BUILD_DIR")));
        Self { folder: folder.or(built_into) }
    }

    /// The file of a bundle, by its name on disk.
    pub(super) fn bundle(&self, name: &str) -> Option<Bytes> {
        if !is_plain(name) {
            return None;
        }
        match &self.folder {
            Some(folder) => std::fs::read(folder.join(name)).ok().map(Bytes::from),
            None => Bundles::get(name).map(|file| bytes_of(file.data)),
        }
    }

    /// The bundle's text, for what is put into a page.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.bundle(name).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok())
    }

    /// `manifest.json`: from logical names to hashed ones. Empty when the bundles were not built.
    pub(super) fn manifest(&self) -> BTreeMap<String, String> {
        let Some(bytes) = self.bundle("manifest.json") else { return BTreeMap::new() };
        serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::error!(%error, "manifest.json of the browser files cannot be read; build them again");
            BTreeMap::new()
        })
    }
}

fn bytes_of(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// A name inside the folder: no `..`, no hidden files, no other separators.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        })
}

/// `GET /assets/{name}`: a hashed file, never changed, so it may be kept for ever.
pub(super) async fn bundle(
    State(state): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let store = state.assets();
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    for encoding in encoding::accepted(&headers) {
        let found = match encoding.suffix() {
            Some(suffix) => store.bundle(&format!("{name}{suffix}")),
            None => store.bundle(&name),
        };
        if let Some(body) = found {
            return Ok(file_response(&name, body, encoding, for_ever));
        }
    }
    Err(ApiError::not_found())
}

/// `robots.txt`, icons and other files that have a fixed address.
pub(super) async fn public(name: &'static str) -> Result<Response, ApiError> {
    let file = Public::get(name).ok_or_else(ApiError::not_found)?;
    let a_day = HeaderValue::from_static("public, max-age=86400");
    Ok(file_response(name, bytes_of(file.data), Encoding::Identity, a_day))
}

fn file_response(name: &str, body: Bytes, encoding: Encoding, cache: HeaderValue) -> Response {
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let kind = match kind.type_() {
        mime_guess::mime::TEXT => format!("{}; charset=utf-8", kind.essence_str()),
        _ => kind.essence_str().to_owned(),
    };
    let mut response = (StatusCode::OK, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if let Some(token) = encoding.token() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(token));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn names_stay_inside_the_folder() {
        for good in ["portal-0a1b.wasm", "snippets/x-1/inline0.js"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", "..", "../etc/passwd", "a/../b", "/etc/passwd", "a//b", ".env", "a/.git", "a\\b", "a\0b", "ä"]
        {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
