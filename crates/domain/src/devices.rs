//! Several devices under one session, and a session that goes on on another device: what may happen, and what it
//! costs of the day's moves.
//!
//! A session has as many places as its package sold devices. A place that nobody had yet is free to take; to put
//! another device in a place that was used is a **move**, and there are so many of them a day. Otherwise one pass
//! would serve a whole street, one person after the other.

use crate::{DeviceId, MacAddr, RouterId, session::Session};

/// Moves a session has in a day unless the owner says otherwise (our decision).
pub const MOVES_PER_DAY: u32 = 3;

/// A device on a router.
pub type Place = (RouterId, MacAddr);

/// A device that has a place in a session now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its key.
    pub id: DeviceId,
    /// Where it is.
    pub place: Place,
    /// Whether it is to be on. None of a session that stands still is.
    pub is_on: bool,
}

/// How a session and its devices stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where the session is in its life.
    pub session: Session,
    /// How many devices may share it.
    pub places: u8,
    /// The devices that have a place now.
    pub members: Vec<Member>,
    /// Devices that took a place nobody had had before, since the session was bought.
    pub fresh_places: u32,
    /// Moves since the day began.
    pub moves_today: u32,
    /// Most moves in a day.
    pub moves_per_day: u32,
}

/// The device that is to be let on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newcomer {
    /// Where it is.
    pub place: Place,
    /// What stands against it.
    pub claim: Claim,
}

/// What else a device is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nothing.
    None,
    /// It has a place in another session that is not over.
    Taken,
    /// The owner has blocked it.
    Blocked,
}

/// What the customer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The device joins the others.
    Add,
    /// The device takes the place of this one.
    Replace(DeviceId),
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The device has its place already.
    Nothing,
    /// It joins the others.
    Add {
        /// Whether it takes one of the day's moves.
        is_counted: bool,
    },
    /// It takes the place of this one, which goes off.
    Replace {
        /// The device that goes off.
        from: Member,
        /// Whether it takes one of the day's moves.
        is_counted: bool,
    },
}

/// Why nothing is done. The texts are for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The session is over.
    #[error("This time is over. Choose a package to go on.")]
    Over,
    /// The session stands still: a person has paused it.
    #[error("This time is paused. Ask the people who run this WiFi to let it go on.")]
    Paused,
    /// The device is in another session that is not over.
    #[error("That device has paid time of its own. It can be added when its time is over.")]
    Taken,
    /// The owner has blocked the device.
    #[error("That device may not use this WiFi. Ask the people who run it.")]
    Blocked,
    /// All places are taken.
    #[error("All devices of this package are in use. Remove one first, or choose one to stop.")]
    Full,
    /// No move is left today.
    #[error("This time was moved as often as it can be today. You can move it again tomorrow.")]
    NoMoveLeft,
    /// The device to replace or remove is not in the session.
    #[error("That device is not using this time any more.")]
    NotAMember,
    /// The only device cannot be removed: nobody would have the time that goes on running.
    #[error("This is the only device on this time. Open the pass on another device to move it there.")]
    Last,
}

impl Standing {
    /// Places nobody has now.
    #[must_use]
    pub fn free_places(&self) -> u32 {
        u32::from(self.places).saturating_sub(self.taken_places())
    }

    /// Moves left today.
    #[must_use]
    pub const fn moves_left(&self) -> u32 {
        self.moves_per_day.saturating_sub(self.moves_today)
    }

    fn taken_places(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// Whether the next device that joins takes a place nobody has had. The buyer's device had the first.
    fn has_fresh_place(&self) -> bool {
        let used = self.taken_places().max(self.fresh_places.saturating_add(1));
        used < u32::from(self.places)
    }

    /// Whether the session can be used at all.
    ///
    /// # Errors
    /// [`Refusal::Over`] or [`Refusal::Paused`].
    pub fn ensure_alive(&self) -> Result<(), Refusal> {
        if matches!(self.session, Session::Ended { .. }) {
            return Err(Refusal::Over);
        }
        let stands_still = !self.members.is_empty() && self.members.iter().all(|member| !member.is_on);
        if stands_still { Err(Refusal::Paused) } else { Ok(()) }
    }

    fn member(&self, id: DeviceId) -> Option<Member> {
        self.members.iter().copied().find(|member| member.id == id)
    }

    /// What becomes of a wish.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn decide(&self, newcomer: Newcomer, wish: Wish) -> Result<Step, Refusal> {
        self.ensure_alive()?;
        match newcomer.claim {
            Claim::Blocked => return Err(Refusal::Blocked),
            Claim::Taken => return Err(Refusal::Taken),
            Claim::None => {}
        }
        if self.members.iter().any(|member| member.place == newcomer.place) {
            return Ok(Step::Nothing);
        }
        match wish {
            Wish::Add if self.free_places() == 0 => Err(Refusal::Full),
            Wish::Add => {
                let is_counted = !self.has_fresh_place();
                self.ensure_move(is_counted)?;
                Ok(Step::Add { is_counted })
            }
            Wish::Replace(id) => {
                let from = self.member(id).ok_or(Refusal::NotAMember)?;
                // The same device at another router of the owner has not changed hands.
                let is_counted = from.place.1 != newcomer.place.1;
                self.ensure_move(is_counted)?;
                Ok(Step::Replace { from, is_counted })
            }
        }
    }

    /// Whether a device may be taken off. Its place is not fresh any more: the next one there is a move.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn decide_removal(&self, id: DeviceId) -> Result<Member, Refusal> {
        self.ensure_alive()?;
        let member = self.member(id).ok_or(Refusal::NotAMember)?;
        if self.members.len() == 1 { Err(Refusal::Last) } else { Ok(member) }
    }

    const fn ensure_move(&self, is_counted: bool) -> Result<(), Refusal> {
        if is_counted && self.moves_left() == 0 { Err(Refusal::NoMoveLeft) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
