//! When to worry, case by case.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;

const USUAL: Thresholds = Thresholds { hours: 3, day: (8, 21), usual_sales: 7 };

fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap().and_hms_opt(hour, minute, 0).unwrap()
}

/// A sale at half past every hour of the day, on these days.
fn sales(days: std::ops::RangeInclusive<u32>) -> Vec<NaiveDateTime> {
    days.flat_map(|day| (8..21).map(move |hour| at(day, hour, 30))).collect()
}

#[test]
fn a_shop_that_usually_sells_and_stopped_is_silent_and_others_are_not() {
    let before = sales(15..=21);
    let noon = at(22, 12, 0);
    for (what, sales, expected) in [
        ("no sale today", before.clone(), Mood::Silent),
        ("a sale ten minutes ago", [before.clone(), vec![at(22, 11, 50)]].concat(), Mood::Selling),
        ("a sale four hours ago", [before.clone(), vec![at(22, 8, 0)]].concat(), Mood::Silent),
        ("a new shop", sales(20..=21), Mood::AsUsual),
        ("one good day only", vec![at(21, 10, 0); 100], Mood::AsUsual),
        ("sales, but never at these hours", (15..=21).map(|day| at(day, 18, 0)).collect(), Mood::AsUsual),
        ("never a sale", Vec::new(), Mood::AsUsual),
    ] {
        assert_eq!(judge(noon, &sales, &USUAL), expected, "{what}");
    }
}

#[test]
fn the_night_does_not_count() {
    let before = sales(14..=20);
    // Half past nine in the morning: an hour and a half of today, as much of last evening.
    let morning = at(22, 9, 30);
    assert_eq!(daytime(morning, 3, (8, 21)), [(at(22, 8, 0), at(22, 9, 30)), (at(21, 19, 30), at(21, 21, 0))]);
    let evening = [before.clone(), sales(21..=21)].concat();
    assert_eq!(judge(morning, &evening, &USUAL), Mood::Selling, "sold until the shop closed");
    let silent_since_noon: Vec<_> = evening.into_iter().filter(|sale| *sale < at(21, 12, 0)).collect();
    assert_eq!(judge(morning, &silent_since_noon, &USUAL), Mood::Silent);
    let at_night = [before.clone(), vec![at(22, 2, 0)]].concat();
    assert_eq!(judge(morning, &at_night, &USUAL), Mood::Selling, "a sale at night proves as much");
    for hour in [0, 3, 7, 21, 23] {
        assert_eq!(judge(at(22, hour, 59), &before, &USUAL), Mood::Resting, "{hour}");
    }
    assert_eq!(judge(at(22, 12, 0), &before, &Thresholds { hours: 0, ..USUAL }), Mood::Resting);
}

#[test]
fn hours_of_the_day_are_read() {
    assert_eq!(day_hours("8-21"), Some((8, 21)));
    assert_eq!(day_hours("0 - 24"), Some((0, 24)));
    for bad in ["", "8", "21-8", "8-8", "8-25", "-1-8", "x-y", "8-21-22"] {
        assert_eq!(day_hours(bad), None, "{bad}");
    }
}

#[test]
fn prompts_that_all_fail_because_of_the_set_up_are_told_from_bad_luck() {
    let failed = |code: &str| (PaymentState::Failed, Some(ResultCode::new(code)));
    let refused = |word: &str| (PaymentState::Rejected, Some(ResultCode::new(word)));
    let paid = (PaymentState::Succeeded, None);
    for (what, ended, expected) in [
        ("a wrong till", vec![failed("SFC_IC0003"); 5], Prompts::Failing),
        (
            "refused, then failed",
            [vec![refused("configuration"); 3], vec![failed("2029"); 2]].concat(),
            Prompts::Failing,
        ),
        ("the account is full", vec![failed("8"); 6], Prompts::Failing),
        ("four are too few", vec![refused("configuration"); 4], Prompts::Unclear),
        ("customers who cancel", vec![failed("1032"); 9], Prompts::Unclear),
        ("M-Pesa is away", vec![refused("unreachable"); 9], Prompts::Unclear),
        (
            "one in between",
            [vec![refused("configuration"); 3], vec![failed("1032")], vec![refused("configuration"); 3]].concat(),
            Prompts::Unclear,
        ),
        ("paid after it failed", [vec![paid.clone()], vec![refused("configuration"); 9]].concat(), Prompts::Working),
        ("failed after it was paid", [vec![refused("configuration"); 5], vec![paid]].concat(), Prompts::Failing),
        ("nobody tried", Vec::new(), Prompts::Unclear),
    ] {
        assert_eq!(judge_prompts(&ended), expected, "{what}");
    }
}

proptest! {
    #[test]
    fn daytime_has_the_length_asked_for(day in 1u32..28, hour in 0u32..24, minute in 0u32..60, hours in 1u32..25, from in 0u32..23, length in 1u32..24) {
        let until = (from + length).min(24);
        let now = at(day, hour, minute);
        let parts = daytime(now, hours, (from, until));
        let total = parts.iter().fold(TimeDelta::zero(), |sum, (start, end)| sum + (*end - *start));
        prop_assert_eq!(total, TimeDelta::hours(i64::from(hours)));
        prop_assert!(parts.iter().all(|(start, end)| start < end && *end <= now && start.hour() >= from));
        prop_assert!(parts.windows(2).all(|pair| pair[1].1 <= pair[0].0));
    }

    #[test]
    fn a_sale_within_the_last_hour_is_never_silence(minute in 0u32..60, extra in 0u32..60) {
        let mut all = sales(15..=21);
        all.push(at(22, 11, minute));
        prop_assert_eq!(judge(at(22, 12, minute.min(extra)), &all, &USUAL), Mood::Selling);
    }
}
