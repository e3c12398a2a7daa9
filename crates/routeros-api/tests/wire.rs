//! The codec at the byte boundary: documented vectors, arbitrary cuts, hostile input.

use proptest::prelude::*;
use routeros_api::{
    sentence::{Command, Reply, ReplyWord},
    wire::{Decoder, Limits, WireError, Words, encode_length, encode_sentence},
};

fn decode_all(decoder: &mut Decoder, mut bytes: &[u8]) -> Result<Vec<Words>, WireError> {
    let mut sentences = Vec::new();
    while let Some(words) = decoder.decode(&mut bytes)? {
        sentences.push(words);
    }
    assert!(bytes.is_empty());
    Ok(sentences)
}

fn session() -> Decoder {
    Decoder::new(Limits::SESSION)
}

const LOGIN: &[u8] = &[
    0x06, 0x2f, 0x6c, 0x6f, 0x67, 0x69, 0x6e, 0x0b, 0x3d, 0x6e, 0x61, 0x6d, 0x65, 0x3d, 0x61, 0x64, 0x6d, 0x69, 0x6e,
    0x0a, 0x3d, 0x70, 0x61, 0x73, 0x73, 0x77, 0x6f, 0x72, 0x64, 0x3d, 0x00,
];
const DONE: &[u8] = &[
    0x05, 0x21, 0x64, 0x6f, 0x6e, 0x65, 0x06, 0x2e, 0x74, 0x61, 0x67, 0x3d, 0x37, 0x07, 0x3d, 0x72, 0x65, 0x74, 0x3d,
    0x31, 0x32, 0x00,
];

#[test]
fn lengths_have_the_documented_prefixes() {
    for (length, prefix) in [
        (0, &[0x00][..]),
        (0x7f, &[0x7f]),
        (0x80, &[0x80, 0x80]),
        (0x100, &[0x81, 0x00]),
        (0x3fff, &[0xbf, 0xff]),
        (0x4000, &[0xc0, 0x40, 0x00]),
        (0x1f_ffff, &[0xdf, 0xff, 0xff]),
        (0x20_0000, &[0xe0, 0x20, 0x00, 0x00]),
        (0xfff_ffff, &[0xef, 0xff, 0xff, 0xff]),
        (0x1000_0000, &[0xf0, 0x10, 0x00, 0x00, 0x00]),
        (0xffff_ffff, &[0xf0, 0xff, 0xff, 0xff, 0xff]),
    ] {
        let mut out = Vec::new();
        encode_length(length, &mut out);
        assert_eq!(out, prefix, "{length:#x}");
        // Decoded through the error that names the length, so that the large ones need no memory.
        let mut tight = Decoder::new(Limits { word_bytes: 0, ..Limits::SESSION });
        let expected = match length {
            0 => Ok(None),
            _ => Err(WireError::WordTooLong { bytes: u64::from(length), limit: 0 }),
        };
        assert_eq!(tight.decode(&mut &*prefix), expected, "{length:#x}");
    }
}

#[test]
fn documented_sentences() {
    let mut out = Vec::new();
    encode_sentence(["/login", "=name=admin", "=password="], &mut out).unwrap();
    assert_eq!(out, LOGIN);
    let mut decoder = session();
    let done = decode_all(&mut decoder, DONE).unwrap();
    assert!(!decoder.is_inside_sentence());
    let reply = Reply::parse(&done[0]);
    assert_eq!(reply.word, ReplyWord::Done);
    assert_eq!(reply.tag.as_deref(), Some("7"));
    assert_eq!(reply.attributes.get("ret"), Some("12"));
}

#[test]
fn a_prefix_that_contains_zero_is_not_an_end() {
    let mut bytes = vec![0x81, 0x00];
    bytes.extend(std::iter::repeat_n(b'x', 0x100));
    bytes.push(0);
    assert_eq!(decode_all(&mut session(), &bytes).unwrap(), vec![vec![vec![b'x'; 0x100]]]);
}

#[test]
fn empty_sentences_are_skipped() {
    assert_eq!(decode_all(&mut session(), b"\x00\x00\x05!done\x00\x00").unwrap(), vec![vec![b"!done".to_vec()]]);
}

#[test]
fn reserved_and_undefined_prefixes_end_the_stream_and_stay_ended() {
    for byte in 0xf1..=0xff_u8 {
        let mut decoder = session();
        let expected = if byte >= 0xf8 { WireError::ControlByte(byte) } else { WireError::UndefinedPrefix(byte) };
        assert_eq!(decoder.decode(&mut [b'\x05', b'!', b'd', b'o', b'n', b'e', byte].as_ref()), Err(expected));
        assert_eq!(decoder.decode(&mut &*DONE), Err(expected));
    }
}

#[test]
fn every_limit_is_held() {
    let limits = Limits { word_bytes: 4, sentence_bytes: 6, sentence_words: 3 };
    for (bytes, error) in [
        (&b"\x05"[..], WireError::WordTooLong { bytes: 5, limit: 4 }),
        (b"\x03abc\x04", WireError::SentenceTooLong { limit: 6 }),
        (b"\x01a\x01b\x01c\x01d", WireError::TooManyWords { limit: 3 }),
        (b"\xf0\xff\xff\xff\xff", WireError::WordTooLong { bytes: 0xffff_ffff, limit: 4 }),
    ] {
        assert_eq!(decode_all(&mut Decoder::new(limits), bytes), Err(error), "{bytes:?}");
    }
    // The count starts again with each sentence.
    assert_eq!(decode_all(&mut Decoder::new(limits), b"\x04abcd\x00\x04abcd\x00").unwrap().len(), 2);
    let mut decoder = Decoder::new(limits);
    decoder.set_limits(Limits::SESSION);
    assert!(decode_all(&mut decoder, b"\x05abcde\x00").is_ok());
}

#[test]
fn too_long_a_word_is_refused_before_it_is_sent() {
    let mut out = vec![1];
    let long = vec![b'x'; Limits::SESSION.word_bytes + 1];
    assert!(encode_sentence([&b"/a"[..], &long], &mut out).is_err());
    assert_eq!(out, [1]);
}

#[test]
fn commands_are_words_in_order_with_the_tag_second() {
    let mut out = Vec::new();
    Command::new("/ip/hotspot/user/print")
        .proplist(&[".id", "name"])
        .equals("name", "A=B")
        .query("-comment")
        .query("#|")
        .encode("9", &mut out)
        .unwrap();
    assert_eq!(
        out,
        b"\x16/ip/hotspot/user/print\x06.tag=9\x13=.proplist=.id,name\x09?name=A=B\x09?-comment\x03?#|\x00"
    );
}

#[test]
fn secrets_do_not_reach_debug() {
    let command = Command::new("/login").attr("name", "admin").attr("password", "s3cret").attr("response", "00ab");
    let shown = format!("{command:?}");
    assert!(shown.contains("admin") && !shown.contains("s3cret") && !shown.contains("00ab"), "{shown}");
    let reply = Reply::parse(&[b"!re".to_vec(), b"=name=x".to_vec(), b"=password=s3cret".to_vec()]);
    assert!(!format!("{reply:?}").contains("s3cret"));
}

#[test]
fn replies_keep_order_and_take_the_tag_anywhere() {
    let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
    let second = Reply::parse(&words(&[b"!re", b".tag=5", b"=.id=*1", b"=comment=a=b=c", b"=disabled"]));
    let last = Reply::parse(&words(&[b"!re", b"=.id=*1", b"=comment=a=b=c", b"=disabled", b".tag=5"]));
    assert_eq!(second, last);
    let pairs: Vec<_> = second.attributes.iter().collect();
    assert_eq!(pairs, [(".id", "*1"), ("comment", "a=b=c"), ("disabled", "")]);
    let fatal = Reply::parse(&words(&[b"!fatal", b"not logged in"]));
    assert_eq!((fatal.word, fatal.bare, fatal.tag), (ReplyWord::Fatal, vec!["not logged in".to_owned()], None));
    let strange = Reply::parse(&words(&[b"!re", b"=comment=caf\xe9", b"="]));
    assert_eq!(strange.attributes.get("comment"), Some("caf\u{fffd}"));
    assert_eq!(Reply::parse(&words(&[b"!new"])).word, ReplyWord::Other("!new".to_owned()));
    assert_eq!(Reply::parse(&[]).word, ReplyWord::Other(String::new()));
}

fn sentences() -> impl Strategy<Value = Vec<Words>> {
    let word = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 1..20),
        1 => prop::collection::vec(any::<u8>(), 120..300),
        1 => prop::collection::vec(any::<u8>(), 0x3ff0..0x4010),
    ];
    prop::collection::vec(prop::collection::vec(word, 1..6), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_is_encoded_decodes_the_same_however_it_is_cut(
        sentences in sentences(),
        cuts in prop::collection::vec(1_usize..40, 1..50),
    ) {
        let mut bytes = Vec::new();
        for words in &sentences {
            encode_sentence(words, &mut bytes).unwrap();
        }
        let mut decoder = session();
        let mut decoded = Vec::new();
        let mut rest = bytes.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() { break }
            let (chunk, after) = rest.split_at((*cut).min(rest.len()));
            rest = after;
            decoded.extend(decode_all(&mut decoder, chunk).unwrap());
        }
        prop_assert_eq!(decoded, sentences);
        prop_assert!(!decoder.is_inside_sentence());
    }

    #[test]
    fn any_bytes_give_sentences_or_an_error_within_the_limits(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        cut in 0_usize..600,
    ) {
        let limits = Limits { word_bytes: 64, sentence_bytes: 128, sentence_words: 8 };
        let whole = decode_all(&mut Decoder::new(limits), &bytes);
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        let mut decoder = Decoder::new(limits);
        let halves = decode_all(&mut decoder, first)
            .and_then(|mut sentences| { sentences.extend(decode_all(&mut decoder, second)?); Ok(sentences) });
        prop_assert_eq!(&whole, &halves);
        for words in whole.unwrap_or_default() {
            prop_assert!(words.len() <= 8 && words.iter().map(Vec::len).sum::<usize>() <= 128);
            let _ = Reply::parse(&words);
        }
    }
}
