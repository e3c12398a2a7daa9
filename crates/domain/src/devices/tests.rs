use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn mac(number: u8) -> MacAddr {
    MacAddr::from_bytes([0xA4, 0xCF, 0x12, 0, 0, number]).unwrap()
}

fn router(number: u8) -> RouterId {
    Uuid::from_u128(u128::from(number)).into()
}

fn member(number: u8) -> Member {
    Member { id: Uuid::from_u128(u128::from(number)).into(), place: (router(1), mac(number)), is_on: true }
}

fn newcomer(number: u8) -> Newcomer {
    Newcomer { place: (router(1), mac(number)), claim: Claim::None }
}

fn standing(places: u8, members: u8) -> Standing {
    Standing {
        session: Session::Waiting { duration_secs: 3600 },
        places,
        members: (1..=members).map(member).collect(),
        fresh_places: u32::from(members.saturating_sub(1)),
        moves_today: 0,
        moves_per_day: MOVES_PER_DAY,
    }
}

#[test]
fn a_free_place_is_taken_without_a_move_and_there_are_no_more_places_than_sold() {
    assert_eq!(standing(2, 1).decide(newcomer(9), Wish::Add), Ok(Step::Add { is_counted: false }));
    assert_eq!(standing(2, 2).decide(newcomer(9), Wish::Add), Err(Refusal::Full));
    assert_eq!(standing(1, 1).decide(newcomer(9), Wish::Add), Err(Refusal::Full));
    // More devices came along from a bigger package: none joins them.
    assert_eq!(standing(1, 3).decide(newcomer(9), Wish::Add), Err(Refusal::Full));
}

#[test]
fn a_place_that_was_used_before_costs_a_move() {
    // The second device was removed: two places were used, one is free again.
    let used = Standing { fresh_places: 1, ..standing(2, 1) };
    assert_eq!(used.decide(newcomer(9), Wish::Add), Ok(Step::Add { is_counted: true }));
    let spent = Standing { moves_today: 3, ..used };
    assert_eq!(spent.decide(newcomer(9), Wish::Add), Err(Refusal::NoMoveLeft));
    // A fresh place needs no move.
    let fresh = Standing { moves_today: 3, ..standing(2, 1) };
    assert_eq!(fresh.decide(newcomer(9), Wish::Add), Ok(Step::Add { is_counted: false }));
}

#[test]
fn a_move_takes_the_place_of_the_old_device_and_is_counted() {
    let replace = Wish::Replace(member(1).id);
    let step = Step::Replace { from: member(1), is_counted: true };
    for moves_today in 0..3 {
        assert_eq!(Standing { moves_today, ..standing(1, 1) }.decide(newcomer(9), replace), Ok(step));
    }
    for moves_today in [3, 4, u32::MAX] {
        let spent = Standing { moves_today, ..standing(1, 1) };
        assert_eq!(spent.decide(newcomer(9), replace), Err(Refusal::NoMoveLeft));
        assert_eq!(spent.moves_left(), 0);
    }
    assert_eq!(standing(1, 1).decide(newcomer(9), Wish::Replace(member(2).id)), Err(Refusal::NotAMember));
}

#[test]
fn the_same_device_at_another_router_has_not_changed_hands() {
    let spent = Standing { moves_today: 3, ..standing(1, 1) };
    let elsewhere = Newcomer { place: (router(2), mac(1)), claim: Claim::None };
    assert_eq!(
        spent.decide(elsewhere, Wish::Replace(member(1).id)),
        Ok(Step::Replace { from: member(1), is_counted: false })
    );
}

#[test]
fn a_device_that_has_its_place_already_needs_nothing() {
    let spent = Standing { moves_today: 3, ..standing(1, 1) };
    assert_eq!(spent.decide(newcomer(1), Wish::Add), Ok(Step::Nothing));
    assert_eq!(spent.decide(newcomer(1), Wish::Replace(member(1).id)), Ok(Step::Nothing));
}

#[test]
fn what_stands_against_a_device_or_a_session_is_said_first() {
    let at = DateTime::from_timestamp(1_795_300_000, 0).unwrap();
    let over = Standing { session: Session::Ended { at }, ..standing(2, 1) };
    let mut paused = standing(2, 1);
    paused.members[0].is_on = false;
    for wish in [Wish::Add, Wish::Replace(member(1).id)] {
        let with = |claim| standing(2, 1).decide(Newcomer { claim, ..newcomer(9) }, wish);
        assert_eq!(with(Claim::Taken), Err(Refusal::Taken));
        assert_eq!(with(Claim::Blocked), Err(Refusal::Blocked));
        assert_eq!(over.decide(newcomer(9), wish), Err(Refusal::Over));
        assert_eq!(paused.decide(newcomer(9), wish), Err(Refusal::Paused));
    }
    assert_eq!(over.decide_removal(member(1).id), Err(Refusal::Over));
    assert_eq!(paused.decide_removal(member(1).id), Err(Refusal::Paused));
}

#[test]
fn the_only_device_stays() {
    assert_eq!(standing(3, 1).decide_removal(member(1).id), Err(Refusal::Last));
    assert_eq!(standing(3, 2).decide_removal(member(2).id), Ok(member(2)));
    assert_eq!(standing(3, 2).decide_removal(member(3).id), Err(Refusal::NotAMember));
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Add(u8),
    Replace(u8, u8),
    Remove(u8),
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1u8..30).prop_map(Act::Add),
        (1u8..30, 1u8..30).prop_map(|(old, new)| Act::Replace(old, new)),
        (1u8..30).prop_map(Act::Remove),
    ]
}

proptest! {
    /// Whatever a customer does in a day: never more devices at once than sold, never more different devices than
    /// places and moves allow, and never none.
    #[test]
    fn a_day_is_bounded(places in 1u8..6, moves in 0u32..5, acts in prop::collection::vec(acts(), 0..60)) {
        let mut day = Standing { moves_per_day: moves, fresh_places: 0, ..standing(places, 1) };
        let mut arrivals = 0;
        for act in acts {
            match act {
                Act::Add(number) => match day.decide(newcomer(number), Wish::Add) {
                    Ok(Step::Add { is_counted }) => {
                        day.members.push(member(number));
                        if is_counted { day.moves_today += 1 } else { day.fresh_places += 1 }
                        arrivals += 1;
                    }
                    Ok(step) => prop_assert_eq!(step, Step::Nothing),
                    Err(_) => {}
                },
                Act::Replace(old, new) => match day.decide(newcomer(new), Wish::Replace(member(old).id)) {
                    Ok(Step::Replace { from, is_counted }) => {
                        prop_assert!(is_counted);
                        day.members.retain(|one| *one != from);
                        day.members.push(member(new));
                        day.moves_today += 1;
                        arrivals += 1;
                    }
                    Ok(step) => prop_assert_eq!(step, Step::Nothing),
                    Err(_) => {}
                },
                Act::Remove(number) => {
                    if let Ok(gone) = day.decide_removal(member(number).id) {
                        day.members.retain(|one| *one != gone);
                    }
                }
            }
            prop_assert!((1..=usize::from(places)).contains(&day.members.len()));
            prop_assert!(day.moves_today <= moves);
            prop_assert!(arrivals <= u32::from(places) - 1 + moves);
        }
    }
}
