//! The comparison against cases and against its own laws.

use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_300_000 + minute * 60, 0).unwrap()
}

fn receipt(number: usize) -> Receipt {
    format!("UKM{number:07}").parse().unwrap()
}

fn there(id: u64, number: usize, minute: i64, kind: Kind, paid_in_cents: u64, withdrawn_cents: u64) -> There {
    There {
        id,
        receipt: receipt(number),
        completed_at: at(minute),
        kind,
        is_completed: true,
        paid_in_cents,
        withdrawn_cents,
        linked_receipt: None,
        account_reference: None,
        payer_hash: None,
    }
}

fn here(number: usize, minute: i64, amount_kes: u32) -> Here {
    Here {
        receipt: Some(receipt(number)),
        amount_kes,
        earliest: at(minute),
        latest: at(minute),
        state: "credited".to_owned(),
        payment_id: None,
        account_reference: None,
        payer_hash: None,
    }
}

fn silent(minute: i64, amount_kes: u32, reference: &str, payer: u8) -> Here {
    Here {
        receipt: None,
        state: "silent".to_owned(),
        account_reference: Some(reference.to_owned()),
        payer_hash: Some([payer; 32]),
        ..here(0, minute, amount_kes)
    }
}

fn classes(entries: &[Entry<'_>]) -> Vec<Class> {
    entries.iter().map(|entry| entry.class).collect()
}

#[test]
fn each_movement_finds_its_class() {
    let books = [
        there(1, 1, 0, Kind::Payment, 2_000, 0),
        // M-Pesa's charge bears the receipt of the payment.
        there(2, 1, 0, Kind::Charge, 0, 55),
        there(3, 2, 1, Kind::Payment, 2_000, 0),
        there(4, 3, 2, Kind::Payment, 5_000, 0),
        there(5, 1, 3, Kind::Payment, 2_000, 0),
        there(6, 4, 4, Kind::Withdrawal, 0, 100_000),
        There { linked_receipt: Some(receipt(1)), ..there(7, 9, 5, Kind::Reversal, 0, 2_000) },
        There { is_completed: false, ..there(8, 6, 6, Kind::Payment, 2_000, 0) },
        there(9, 7, 60, Kind::Other, 10, 0),
    ];
    let ours = [here(1, 0, 20), here(3, 2, 20), here(6, 6, 20), here(8, 30, 50), here(10, 61, 50)];
    let entries = compare(&books, &ours);
    use Class::{Charge, Differing, Duplicate, Matched, MissingHere, MissingThere, Other, Reversal};
    assert_eq!(
        classes(&entries),
        [Matched, Charge, MissingHere, Differing, Duplicate, Other, Reversal, Other, Other, MissingThere, MissingThere]
    );
    assert_eq!(entries[6].here, Some(&ours[0]), "a reversal names what it gives back");
    assert_eq!(entries[9].here, Some(&ours[2]), "a movement that was not completed is no payment");
    assert_eq!(entries[10].here, Some(&ours[3]), "what lies outside the statement's time is not missing in it");
    let totals = Totals::of(&entries);
    assert_eq!(totals.paid_in, Total { count: 4, cents: 11_000 });
    assert_eq!(totals.class(Charge), Total { count: 1, cents: 55 });
    assert_eq!(totals.class(Reversal), Total { count: 1, cents: 2_000 });
    assert_eq!(totals.class(Other), Total { count: 3, cents: -99_990 });
    assert_eq!(totals.class(MissingThere), Total { count: 2, cents: 7_000 });
}

#[test]
fn cents_are_not_rounded() {
    let books = [there(1, 1, 0, Kind::Payment, 2_001, 0), there(2, 2, 1, Kind::Payment, 1_999, 0)];
    let ours = [here(1, 0, 20), here(2, 1, 20)];
    assert_eq!(classes(&compare(&books, &ours)), [Class::Differing, Class::Differing]);
}

#[test]
fn a_payment_that_succeeded_without_a_receipt_finds_its_money_once() {
    let line = |id, number, minute, reference: Option<&str>, payer: u8| There {
        account_reference: reference.map(str::to_owned),
        payer_hash: Some([payer; 32]),
        ..there(id, number, minute, Kind::Payment, 2_000, 0)
    };
    let books = [
        line(1, 1, 0, Some("WFAAAAAA"), 9),
        line(2, 2, 1, Some("WFAAAAAA"), 9),
        line(3, 3, 5, None, 2),
        line(4, 4, 50, None, 3),
        line(5, 5, 60, None, 4),
    ];
    let ours = [
        silent(0, 20, "WFAAAAAA", 1),
        silent(5, 20, "WFBBBBBB", 2),
        // Two of one customer: nobody can tell which.
        silent(50, 20, "WFCCCCCC", 3),
        silent(51, 20, "WFDDDDDD", 3),
        // Another price.
        silent(58, 50, "WFEEEEEE", 4),
    ];
    let entries = compare(&books, &ours);
    let found: Vec<Option<&Here>> = entries.iter().take(5).map(|entry| entry.here).collect();
    assert_eq!(found, [Some(&ours[0]), None, Some(&ours[1]), None, None]);
    assert_eq!(classes(&entries)[5..], [Class::MissingThere; 3]);
}

#[test]
fn nothing_is_missing_in_an_empty_statement() {
    assert_eq!(compare(&[], &[here(1, 0, 20)]), []);
}

fn any_there() -> impl Strategy<Value = There> {
    let amounts = (prop_oneof![Just(0u64), Just(2_000), 0..1_000_000u64], prop_oneof![Just(0u64), 0..1_000_000u64]);
    (0..12usize, 0..100i64, 0..5usize, any::<bool>(), amounts, proptest::option::of(0..12usize), 0..3u8).prop_map(
        |(number, minute, kind, is_completed, (paid_in, withdrawn), linked, payer)| There {
            is_completed,
            linked_receipt: linked.map(receipt),
            account_reference: (payer == 0).then(|| "WFAAAAAA".to_owned()),
            payer_hash: Some([payer; 32]),
            ..there(0, number, minute, Kind::ALL[kind], paid_in, withdrawn)
        },
    )
}

fn any_here() -> impl Strategy<Value = Vec<Here>> {
    let known = proptest::collection::btree_map(0..14usize, (0..100i64, 1..60u32), 0..10);
    let unknown = proptest::collection::vec((0..100i64, Just(20u32), 0..3u8), 0..4);
    (known, unknown).prop_map(|(known, unknown)| {
        let known = known.into_iter().map(|(number, (minute, kes))| here(number, minute, kes));
        known.chain(unknown.into_iter().map(|(minute, kes, payer)| silent(minute, kes, "WFAAAAAA", payer))).collect()
    })
}

proptest! {
    #[test]
    fn every_movement_is_in_one_class_and_the_totals_add_up(
        mut books in proptest::collection::vec(any_there(), 0..40), ours in any_here()
    ) {
        for (id, line) in (0..).zip(&mut books) {
            line.id = id;
        }
        let entries = compare(&books, &ours);
        let mut ids: Vec<u64> = entries.iter().filter_map(|entry| entry.there.map(|there| there.id)).collect();
        ids.sort_unstable();
        prop_assert_eq!(ids, (0..u64::try_from(books.len()).unwrap()).collect::<Vec<_>>());

        let totals = Totals::of(&entries);
        let paid_in: u64 = books.iter().filter(|there| there.is_payment()).map(|there| there.paid_in_cents).sum();
        prop_assert_eq!(totals.paid_in.cents, i64::try_from(paid_in).unwrap());
        let parts: Vec<Total> =
            Class::ALL.into_iter().filter(|class| class.is_paid_in()).map(|class| totals.class(class)).collect();
        prop_assert_eq!(parts.iter().map(|part| part.cents).sum::<i64>(), totals.paid_in.cents);
        prop_assert_eq!(parts.iter().map(|part| part.count).sum::<u64>(), totals.paid_in.count);
        let count: u64 = Class::ALL.into_iter().map(|class| totals.class(class).count).sum();
        prop_assert_eq!(count, u64::try_from(entries.len()).unwrap());

        // Ours: never matched twice, never both matched and missing.
        for one in &ours {
            let claims = entries.iter().filter(|entry| {
                entry.here.is_some_and(|here| std::ptr::eq(here, one))
                    && !matches!(entry.class, Class::Duplicate | Class::Reversal)
            });
            prop_assert!(claims.count() <= 1);
        }
        // The order of the file does not matter.
        books.reverse();
        prop_assert_eq!(Totals::of(&compare(&books, &ours)), totals);
    }
}
