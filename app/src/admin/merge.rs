//! How a payment that arrives live joins the list on the screen: pure, so that it can be tested.

use crate::api::PaymentRow;

/// The state of payments that need a person.
pub(crate) const REVIEW: &str = "review";

/// What the list on the screen shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filter {
    /// `Pending`, `Success` or `Failed`, or the state [`REVIEW`]; empty for all.
    pub(crate) status: String,
    /// Part of a phone number, receipt or account; empty for all.
    pub(crate) search: String,
}

impl Filter {
    /// Whether a payment belongs on the list. The server searches by the same three fields; a live row it would
    /// show and this would not appears when the list is read again.
    pub(crate) fn shows(&self, row: &PaymentRow) -> bool {
        let fits = match self.status.as_str() {
            "" => true,
            REVIEW => row.state == REVIEW,
            status => row.status == status,
        };
        fits && self.finds(row)
    }

    fn finds(&self, row: &PaymentRow) -> bool {
        let needle = squeezed(&self.search);
        let national = needle.strip_prefix("254").map(|rest| format!("0{rest}"));
        let phone = squeezed(&row.phone);
        needle.is_empty()
            || phone.contains(&needle)
            || national.is_some_and(|national| phone.contains(&national))
            || squeezed(&row.account_reference).contains(&needle)
            || row.mpesa_receipt.as_deref().is_some_and(|receipt| squeezed(receipt).contains(&needle))
    }
}

/// Letters and digits only, in capitals: what people search by.
fn squeezed(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}

/// Puts a live row into a list that is newest first: in place of its older self, else where its time belongs. A row that no
/// longer fits the filter leaves the list. Returns whether the list changed.
pub(crate) fn merge(rows: &mut Vec<PaymentRow>, row: PaymentRow, filter: &Filter) -> bool {
    let at = rows.iter().position(|known| known.id == row.id);
    match (at, filter.shows(&row)) {
        (Some(at), true) if rows[at] == row => false,
        (Some(at), true) => {
            rows[at] = row;
            true
        }
        (Some(at), false) => {
            rows.remove(at);
            true
        }
        (None, true) => {
            let newer = |known: &PaymentRow| (known.created_at, known.id) > (row.created_at, row.id);
            let at = rows.iter().position(|known| !newer(known)).unwrap_or(rows.len());
            rows.insert(at, row);
            true
        }
        (None, false) => false,
    }
}

/// A payment for tests; a higher number is a newer one.
#[cfg(test)]
pub(crate) fn sample(number: u32) -> PaymentRow {
    let created_at = chrono::DateTime::from_timestamp(1_790_000_000 + i64::from(number), 0).unwrap();
    PaymentRow {
        id: uuid::Uuid::from_u128(u128::from(number)),
        created_at,
        phone: "0712 345 678".to_owned(),
        package: "1 hour".to_owned(),
        amount_kes: 20,
        status: "Pending".to_owned(),
        state: "pending".to_owned(),
        message: String::new(),
        mpesa_receipt: None,
        account_reference: format!("WF{number}"),
        session_id: None,
        delivery: "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(rows: &[PaymentRow]) -> Vec<u128> {
        rows.iter().map(|row| row.id.as_u128()).collect()
    }

    #[test]
    fn a_new_payment_goes_on_top_and_a_late_one_where_it_belongs() {
        let mut rows = vec![sample(4), sample(2)];
        assert!(merge(&mut rows, sample(5), &Filter::default()));
        assert!(merge(&mut rows, sample(3), &Filter::default()));
        assert!(merge(&mut rows, sample(1), &Filter::default()));
        assert_eq!(ids(&rows), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn a_known_payment_changes_in_place_and_only_once() {
        let mut rows = vec![sample(2), sample(1)];
        let paid = PaymentRow { status: "Success".to_owned(), ..sample(1) };
        assert!(merge(&mut rows, paid.clone(), &Filter::default()));
        assert!(!merge(&mut rows, paid.clone(), &Filter::default()));
        assert_eq!(rows, [sample(2), paid]);
    }

    #[test]
    fn a_payment_leaves_a_filter_it_no_longer_fits() {
        let filter = Filter { status: "Pending".to_owned(), ..Filter::default() };
        let mut rows = vec![sample(1)];
        assert!(merge(&mut rows, PaymentRow { status: "Failed".to_owned(), ..sample(1) }, &filter));
        assert!(!merge(&mut rows, PaymentRow { status: "Failed".to_owned(), ..sample(2) }, &filter));
        assert_eq!(rows, []);
    }

    #[test]
    fn those_that_need_a_person_are_a_list_of_their_own() {
        let filter = Filter { status: REVIEW.to_owned(), ..Filter::default() };
        assert!(!filter.shows(&sample(1)));
        assert!(filter.shows(&PaymentRow { state: REVIEW.to_owned(), ..sample(1) }));
    }

    #[test]
    fn the_search_knows_phones_receipts_and_accounts() {
        let row = PaymentRow { mpesa_receipt: Some("UKM4T8IYOU".to_owned()), ..sample(77) };
        for (search, found) in [
            ("", true),
            ("0712", true),
            ("0712-345 678", true),
            ("+254 712 345", true),
            ("ukm4t8", true),
            ("wf77", true),
            ("0799", false),
            ("XYZ", false),
        ] {
            let filter = Filter { search: search.to_owned(), ..Filter::default() };
            assert_eq!(filter.shows(&row), found, "{search}");
        }
    }
}
