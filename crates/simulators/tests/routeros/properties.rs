//! Whatever is pasted: the router neither breaks nor hangs.

use std::sync::OnceLock;

use proptest::prelude::*;
use simulators::routeros::{Options, RosVersion, Sim, Transcript};
use tokio::runtime::Runtime;

fn paste(text: &str) -> Transcript {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    runtime.block_on(async {
        let sim = Sim::start(Options { ros: RosVersion::V7_22, ..Options::default() }).await.unwrap();
        let seen = sim.paste(text).await;
        // It is still a router.
        assert!(!sim.rows("/system/identity").unwrap().is_empty());
        seen
    })
}

/// Pieces of the language, in any order.
fn piece() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        ":put ",
        ":local a ",
        ":global b ",
        ":set a ",
        ":if ",
        ":foreach x in=",
        ":for i from=1 to=5 ",
        ":while ",
        ":do ",
        "on-error=",
        "do=",
        "else=",
        ":error ",
        ":return ",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "\"",
        "$a",
        "$\"b c\"",
        "$[",
        "$(",
        "->",
        ".",
        ",",
        ";",
        "\n",
        "\\",
        "\\\n",
        "=",
        "!=",
        "~",
        "&&",
        "||",
        "!",
        "+",
        "-",
        "*",
        "/",
        "%",
        "<<",
        "in",
        "1",
        "0x1F",
        "1h",
        "10.0.0.1",
        "10.0.0.0/8",
        "*1A",
        "true",
        "/ip hotspot user ",
        "/ip/address/",
        "print",
        "find where ",
        "name=",
        "add ",
        "remove ",
        "get ",
        "comment~\"^x\"",
        "as-value",
        "..",
        "#",
        " ",
        "\u{e9}",
        "/system scheduler add on-event={",
        ":parse ",
        ":execute ",
        ":pick ",
        ":find ",
        ":tonum ",
        ":toarray ",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_pieces_of_the_language_are_survived(pieces in prop::collection::vec(piece(), 0..40)) {
        paste(&pieces.concat());
    }

    #[test]
    fn any_text_is_survived(text in "(?s).{0,200}") {
        paste(&text);
    }

    #[test]
    fn strings_come_back_as_they_were_written(text in "[ -~\\n\\t]{0,60}") {
        let quoted: String = text.chars().flat_map(|c| match c {
            '"' | '\\' | '$' | '?' => vec!['\\', c],
            '\n' => vec!['\\', 'n'],
            '\t' => vec!['\\', 't'],
            c => vec![c],
        }).collect();
        let seen = paste(&format!(":put \"{quoted}\""));
        prop_assert_eq!(seen.error(), None);
        prop_assert_eq!(seen.output(), format!("{text}\n"));
    }

    #[test]
    fn numbers_are_of_64_bits(a in any::<i64>(), b in any::<i64>()) {
        let seen = paste(&format!(":put (({a}) + ({b}))"));
        // The smallest number cannot be written: its digits are one too many.
        if a != i64::MIN && b != i64::MIN {
            prop_assert_eq!(seen.output(), format!("{}\n", a.wrapping_add(b)));
        }
    }

    #[test]
    fn an_end_of_a_pick_is_not_part_of_it(text in "[a-z]{0,12}", from in 0_usize..14, to in 0_usize..14) {
        let seen = paste(&format!(":put [:pick \"{text}\" {from} {to}]"));
        let end = to.min(text.len());
        prop_assert_eq!(seen.output(), format!("{}\n", text.get(from..end).unwrap_or_default()));
    }
}
