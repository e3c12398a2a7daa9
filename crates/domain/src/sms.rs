//! The M-Pesa code in what a customer pastes: the whole SMS, in English or Swahili, or only the code.

use crate::mpesa::Receipt;

/// Longest text that is looked at; an M-Pesa SMS has some 200 characters, and people paste two.
const MAX_CHARS: usize = 2000;
/// Words that follow the code in M-Pesa's messages, in English and in Swahili.
const CONFIRMED: [&str; 3] = ["CONFIRMED", "IMETHIBITISHWA", "UMETHIBITISHWA"];
/// Length of every code seen in the field; the type allows for longer and shorter ones.
const USUAL_LEN: usize = 10;

/// Finds the M-Pesa code in a text. In a message it stands before the word "Confirmed"; a text that is nothing but
/// a code is that code, even with spaces or dashes in it. `None` when there is none.
#[must_use]
pub fn find_receipt(text: &str) -> Option<Receipt> {
    let text: String = text.chars().take(MAX_CHARS).collect::<String>().to_ascii_uppercase();
    if let Some(code) = alone(&text) {
        return Some(code);
    }
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let before_confirmed = words.windows(2).find_map(|pair| match pair {
        [code, word] if CONFIRMED.contains(word) => read(code),
        _ => None,
    });
    before_confirmed.or_else(|| words.iter().filter(|word| word.len() == USUAL_LEN).find_map(|word| read_mixed(word)))
}

/// The text without spaces and dashes, when it is nothing but a code.
fn alone(text: &str) -> Option<Receipt> {
    let is_outside = |c: char| !c.is_alphanumeric();
    let text = text.trim_matches(is_outside);
    let plain: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    // A sentence without its spaces is no code.
    let code = if plain == text { read(&plain) } else { read_mixed(&plain) };
    code.filter(|code| !CONFIRMED.contains(&code.as_str()))
}

/// A code begins with the letter of its year.
fn read(word: &str) -> Option<Receipt> {
    if word.starts_with(|c: char| c.is_ascii_uppercase()) { word.parse().ok() } else { None }
}

/// Without "Confirmed" beside it, only a word that mixes letters and digits is taken for a code.
fn read_mixed(word: &str) -> Option<Receipt> {
    if word.contains(|c: char| c.is_ascii_digit()) { read(word) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str) -> Option<String> {
        find_receipt(text).map(|receipt| receipt.as_str().to_owned())
    }

    #[test]
    fn messages_and_codes_as_people_paste_them() {
        for text in [
            "UKM4T8IYOU",
            " ukm4t8iyou. ",
            "UKM4 T8IY OU",
            "UKM4-T8IYOU",
            "UKM4T8IYOU Confirmed. Ksh20.00 sent to BANDO WIFI for account WF7K3Q9X on 22/11/26 at 8:35 AM New M-PESA balance is Ksh1,200.00. Transaction cost, Ksh0.00.",
            "UKM4T8IYOU Confirmed.Ksh20.00 paid to BANDO WIFI. on 22/11/26 at 8:35 AM.New M-PESA balance is Ksh80.00.",
            "Congratulations! UKM4T8IYOU confirmed.You bought Ksh20.00 of airtime on 22/11/26",
            "UKM4T8IYOU Imethibitishwa. Ksh20.00 imetumwa kwa BANDO WIFI kwa akaunti WF7K3Q9X tarehe 22/11/26",
            "my code is UKM4T8IYOU please",
            "Nimelipa, code: (ukm4t8iyou)",
            "\u{feff}UKM4T8IYOU\u{200b}",
        ] {
            assert_eq!(found(text).as_deref(), Some("UKM4T8IYOU"), "{text}");
        }
        assert_eq!(found("UKMABCDEFG Confirmed. Ksh20.00 sent to X").as_deref(), Some("UKMABCDEFG"), "only letters");
    }

    #[test]
    fn a_text_without_a_code_has_none() {
        for text in [
            "",
            "   ",
            "I have paid",
            "0712345678",
            "254712345678",
            "Ksh20.00",
            "confirmed",
            "Confirmed. Ksh20.00 sent to BANDO WIFI",
            "hello everybody, understand restaurant",
            "ＵＫＭ４Ｔ８ＩＹＯＵ",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,300}", odd in any::<Vec<u8>>()) {
            let _ = find_receipt(&text);
            let _ = find_receipt(&String::from_utf8_lossy(&odd));
        }

        #[test]
        fn a_code_is_found_wherever_the_message_is_pasted(
            code in "[A-Z][A-Z0-9]{9}", before in "[a-z ,.!]{0,40}", amount in 1u32..250_000
        ) {
            let sms = format!("{before} {code} Confirmed. Ksh{amount}.00 sent to BANDO WIFI for account WF7K3Q9X");
            prop_assert_eq!(found(&sms), Some(code.clone()));
            prop_assert_eq!(found(&code.to_lowercase()), Some(code));
        }

        #[test]
        fn whatever_is_found_is_in_the_text(text in "[A-Za-z0-9 .]{0,120}") {
            if let Some(receipt) = found(&text) {
                let plain: String = text.to_ascii_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
                prop_assert!(plain.contains(&receipt));
            }
        }
    }
}
