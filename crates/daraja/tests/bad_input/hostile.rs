//! The bad values and bodies that every reader gets.

use proptest::prelude::*;

/// One value's text as JSON (or as nearly JSON), none of which is a receipt, a code or an amount.
pub(crate) fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "null",
        "true",
        "false",
        "{}",
        "[]",
        "[[]]",
        "{\"\":null}",
        "\"\"",
        "\" \"",
        "-1",
        "-0",
        "0.0",
        "-0.0",
        "0e0",
        "0.5",
        "20.5",
        "1e308",
        "1e400",
        "-1e308",
        "1E-5",
        "NaN",
        "Infinity",
        "-Infinity",
        "nan",
        "undefined",
        "0x14",
        "020",
        "+20",
        "\"NaN\"",
        "\"Infinity\"",
        "\"1e308\"",
        "\"-20\"",
        "\"20,00\"",
        "\"2e1\"",
        "\"20.5\"",
        "\"0x14\"",
        "\"٢٠\"",
        "\"２０\"",
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"\\ud800\\ud800\"",
        "\"\\u0000\"",
        "\"\\u00\"",
        "\"\\x\"",
        "\"unclosed",
        "'20'",
        "\"<script>\"",
        "\"' OR 1=1 --\"",
        "\"UKM4T8IYO'\"",
        "\"UKM4T8 YOU\"",
        "\"ukm\"",
        "\"\u{feff}0\"",
        "\"0\u{200b}\"",
        "20 20",
        "20.5,\"x\":20",
        "]",
        "}",
        "",
        "//",
        "/*x*/20",
        "\"a\nb\"",
        "18446744073709551616",
        "-9223372036854775809",
    ]
    .into_iter()
    .map(ToOwned::to_owned)
    .collect();
    values.push("9".repeat(400));
    values.push(format!("0.{}", "0".repeat(400)));
    values.push(format!("20.{}1", "0".repeat(400)));
    values.push(format!("\"{}\"", "9".repeat(20_000)));
    values.push(format!("\"{}\"", "A".repeat(60_000)));
    values.push("[".repeat(12) + &"]".repeat(12));
    values.push("[".repeat(100_000) + &"]".repeat(100_000));
    values.push("{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000));
    values
}

/// Whole bodies that are no message of any kind.
pub(crate) fn bodies() -> Vec<Vec<u8>> {
    let megabytes = 10 * 1024 * 1024;
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "\n",
        "\0",
        "null",
        "true",
        "0",
        "1e308",
        "NaN",
        "\"\"",
        "\"0\"",
        "[]",
        "{}",
        "[{}]",
        "{",
        "[",
        "\"",
        "}",
        "{}{}",
        "<html><body>502 Bad Gateway</body></html>",
        "<?xml version=\"1.0\"?><Body/>",
        "ResultCode=0&Amount=20",
        "{\"Body\":null}",
        "{\"Result\":null}",
        "{\"Body\":[]}",
        "{\"Body\":{\"stkCallback\":null}}",
        "{\"TransID\":null}",
        "\u{feff}{}",
        "{\"a\":1,\"a\":1}",
        "{\"\\ud800\":1}",
        "%PDF-1.7",
        "{'Body':{}}",
        "\r\n\r\n",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    bodies.extend(
        [&b"\xff\xfe{\0}\0"[..], b"\xc0\x80", b"\xed\xa0\x80", b"{\"\xff\":0}", b"\x1f\x8b\x08\0", b"\x80"]
            .map(<[u8]>::to_vec),
    );
    bodies.extend([b"[", b"{", b"\"", b" ", b"\0", b"9", b","].map(|byte| byte.repeat(100_000)));
    bodies.extend([b"[", b" ", b"x"].map(|byte| byte.repeat(megabytes)));
    bodies.push("{\"Body\":".repeat(100_000).into_bytes());
    bodies.push([&b"{\"a\":\""[..], &b"x".repeat(megabytes), b"\"}"].concat());
    bodies
}

/// A template with one marked place filled in.
pub(crate) fn filled(template: &str, place: &str, value: &str) -> String {
    assert!(template.contains(place), "{place} is not in the template");
    template.replace(place, value)
}

/// A template changed in up to eight places: bytes replaced, inserted, removed, and pieces of itself doubled.
pub(crate) fn mangled(template: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let edit = (0..4_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
    prop::collection::vec(edit, 1..8).prop_map(move |edits| {
        let mut bytes = template.as_bytes().to_vec();
        for (kind, at, other, byte) in edits {
            if bytes.is_empty() {
                break;
            }
            let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => {
                    let piece = bytes[at.min(other)..at.max(other)].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
        bytes
    })
}
