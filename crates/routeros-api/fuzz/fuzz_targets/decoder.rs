//! Any bytes, cut anywhere: no panic, the same sentences however cut, and no more memory than the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use routeros_api::{
    hotspot::{Active, Host, User, UserProfile},
    sentence::Reply,
    trap::Trap,
    wire::{Decoder, Limits, WireError, Words, encode_sentence},
};

fn decode(chunks: &[&[u8]]) -> (Vec<Words>, Option<WireError>) {
    let mut decoder = Decoder::new(Limits::BEFORE_LOGIN);
    let mut sentences = Vec::new();
    for chunk in chunks {
        let mut input = *chunk;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(words)) => sentences.push(words),
                Ok(None) => break,
                Err(error) => return (sentences, Some(error)),
            }
        }
    }
    (sentences, None)
}

fuzz_target!(|data: (u16, &[u8])| {
    let (cut, bytes) = data;
    let (head, tail) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let whole = decode(&[bytes]);
    assert_eq!(whole, decode(&[head, tail]));
    for words in &whole.0 {
        assert!(words.iter().map(Vec::len).sum::<usize>() <= Limits::BEFORE_LOGIN.sentence_bytes);
        let mut encoded = Vec::new();
        encode_sentence(words, &mut encoded).expect("what was decoded can be encoded");
        assert_eq!(decode(&[&encoded]).0.first(), Some(words));
        let row = Reply::parse(words).attributes;
        let _ = (User::from_row(&row), Active::from_row(&row), Host::from_row(&row), UserProfile::from_row(&row));
        let _ = Trap::from_attributes(&row);
    }
});
