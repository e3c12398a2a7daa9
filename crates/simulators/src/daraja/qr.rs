//! Dynamic QR: a real QR code as a PNG. What M-Pesa writes inside is not public; here it is plain text.

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::HeaderMap, http::StatusCode, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use qrcodegen::{QrCode, QrCodeEcc};
use serde_json::json;

use super::{
    engine::Shared,
    oauth::{Family, check_token},
    wire::{Fields, Refusal, is_amount, is_digits, json_response},
};

/// `POST /mpesa/qrcode/v1/generate`.
pub(crate) async fn generate(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    generated(&shared, &headers, &body).unwrap_or_else(|refusal| shared.refuse(refusal))
}

fn generated(shared: &Shared, headers: &HeaderMap, body: &Bytes) -> Result<Response, Refusal> {
    check_token(shared, headers, Family::Stk)?;
    let fields = Fields::read(headers, body, "MerchantName")?;
    let short = |text: &str| (1..=100).contains(&text.len());
    let name = fields.require("MerchantName", short)?;
    let reference = fields.require("RefNo", short)?;
    let amount = fields.require("Amount", is_amount)?;
    let kind = fields.require("TrxCode", |text| matches!(text, "BG" | "PB" | "WA" | "SM" | "SB"))?;
    let party = fields.require("CPI", short)?;
    let size = fields.require("Size", |text| is_digits(text, 1..=4))?;
    let size: usize = size.parse().map_err(|_| Refusal::field("Size"))?;
    let text = format!("MPESA|{kind}|{party}|{amount}|{reference}|{name}");
    let png = QrCode::encode_text(&text, QrCodeEcc::Medium).ok().map(|code| png(&code, size.min(2_000)));
    let png = png.ok_or_else(|| Refusal::field("RefNo"))?;
    let request_id = shared.world().ids.merchant_request();
    let body = json!({
        "ResponseCode": "00",
        "RequestID": request_id,
        "ResponseDescription": "The service request is processed successfully.",
        "QRCode": STANDARD.encode(png)
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// A greyscale PNG about `wanted` pixels wide, four modules of white around, stored without compression.
fn png(code: &QrCode, wanted: usize) -> Vec<u8> {
    const QUIET: i32 = 4;
    let modules = code.size() + 2 * QUIET;
    let scale = (wanted / usize::try_from(modules).unwrap_or(1).max(1)).max(1);
    let mut rows = Vec::new();
    let mut width = 0_u32;
    for y in 0..modules {
        // Each row begins with its filter: none.
        let mut row = vec![0_u8];
        for x in 0..modules {
            let dark = code.get_module(x - QUIET, y - QUIET);
            row.extend(std::iter::repeat_n(if dark { 0_u8 } else { 255 }, scale));
        }
        width = u32::try_from(row.len() - 1).unwrap_or(u32::MAX);
        for _ in 0..scale {
            rows.extend_from_slice(&row);
        }
    }
    let mut out = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(width.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &stored(&rows));
    chunk(&mut out, *b"IEND", &[]);
    out
}

/// zlib around stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = data.chunks(65_535).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    out.extend(((b << 16) | a).to_be_bytes());
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    out.extend(u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(kind);
    out.extend_from_slice(data);
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(data) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    out.extend((!crc).to_be_bytes());
}
