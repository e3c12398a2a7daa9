//! Compression at its highest setting: done once per build, saved on every download.

use std::io::{self, Write};

use brotli::enc::BrotliEncoderParams;
use flate2::{Compression, write::GzEncoder};

/// Brotli, quality 11, window 2^22 (the largest that every browser accepts).
pub(crate) fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let params =
        BrotliEncoderParams { quality: 11, lgwin: 22, size_hint: bytes.len(), ..BrotliEncoderParams::default() };
    let mut input = bytes;
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut input, &mut out, &params)?;
    Ok(out)
}

/// Gzip, level 9, without a timestamp so that equal input gives equal output.
pub(crate) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn both_forms_give_back_what_went_in() {
        let text = "paid time never runs while we fail to deliver ".repeat(200);
        let mut back = Vec::new();
        brotli_decoded(&brotli(text.as_bytes()).unwrap(), &mut back);
        assert_eq!(back, text.as_bytes());
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(gzip(text.as_bytes()).unwrap().as_slice()).read_to_end(&mut back).unwrap();
        assert_eq!(back, text.as_bytes());
    }

    #[test]
    fn equal_input_gives_equal_output() {
        assert_eq!(gzip(b"same").unwrap(), gzip(b"same").unwrap());
        assert_eq!(brotli(b"same").unwrap(), brotli(b"same").unwrap());
    }

    fn brotli_decoded(mut compressed: &[u8], out: &mut Vec<u8>) {
        brotli::BrotliDecompress(&mut compressed, out).unwrap();
    }
}
